"""Collect and grade a class's submissions: `collect`, `grade` and `reproduce`."""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.cli.logs import warn
from autograder.errors import UsageError

if TYPE_CHECKING:
    from autograder.course.course import Course
    from autograder.course.roster import Roster
    from autograder.grading.workers import WorkerPool

log = logging.getLogger(__name__)


def run_collect(options: argparse.Namespace, course: "Course") -> int:
    """Sort the files of a learning platform by student; return 1 if anybody's work could not be collected."""
    from autograder.cli import terminal
    from autograder.submissions.collect import collect
    from autograder.text import printable

    assignment = course.assignment(options.assignment)
    roster = _roster(options, course)
    results = collect(course, assignment, [Path(source) for source in options.sources], options.replace, roster)
    terminal.show_collected(results)
    students = [one for one in results if one.student]
    print(
        f"collected {sum(bool(one.notebooks) for one in students)} students in {course.folder('submitted').resolve()}"
    )
    unknown = [printable(one.student) for one in students if roster.people and one.student not in roster.by_id]
    warn([f"not in the roster: {', '.join(unknown)}."] if unknown else [])
    warn([f"{printable(one.student)}: {one.other_id}" for one in students if one.other_id])
    lost = [printable(one.student) or "files that match no student" for one in results if one.is_lost]
    if lost:
        print(f"not everything was collected (see above): {', '.join(lost)}", flush=True)
    return int(bool(lost) or not students)


def _roster(options: argparse.Namespace, course: "Course") -> "Roster":
    """Return the course's roster, with the students of --roster, which are kept in it."""
    from autograder.course.roster import combined, course_roster, read_roster, save_roster

    ours = course_roster(course)
    if not options.roster:
        return ours
    roster, contradictions = combined(ours, read_roster(Path(options.roster)))
    save_roster(roster)
    print(f"roster: {len(roster.people)} students in {roster.path} ({len(roster.people) - len(ours.people)} new)")
    warn(contradictions)
    return roster


def run_grade(options: argparse.Namespace, course: "Course") -> int:
    """Grade; return 1 if nothing could be graded, if a test judged nobody, or if --changed needs a yes and has none."""
    from autograder.cli import terminal
    from autograder.gradebook.assignment_sync import marks_above_maximum
    from autograder.gradebook.queries import table
    from autograder.grading.class_run import ClassRun
    from autograder.model import NOTHING_READ

    assignment = course.assignment(options.assignment)
    if options.yes and not options.changed:
        raise UsageError("--yes works only with --changed: add --changed, or leave --yes out.")
    with _pool(options, course) as pool, terminal.class_progress("grading", _count(options, course, assignment)) as bar:
        how = {"jobs": options.jobs, "force": options.force, "unsafe": _unsafe(options)}
        how |= {"progress": bar, "busy": bar.busy, "proving": terminal.proving}
        run = ClassRun(course, assignment, options.student, executor=pool, **how)
        if options.changed:
            with run.review() as review:
                bar.close()
                terminal.show_review(review)
                if not (review.moves or review.first or options.yes):
                    print("No mark would change, so nothing was written.")
                    return 0
                if not _agreed(options.yes):
                    return int(not _can_ask(options.yes))
                run.commit()
        else:
            run.grade()
    terminal.show_table(table(course, assignment))
    terminal.show_open(run.unproved, run.opened)
    warn(run.untimed)
    warn(marks_above_maximum(course, assignment))
    return int(bool(run.unproved) or all(status in NOTHING_READ for status in run.statuses.values()))


def _can_ask(yes: bool) -> bool:
    """Return whether the question can be answered: by `--yes`, or by a user at a terminal."""
    return yes or sys.stdin.isatty()


def _agreed(yes: bool) -> bool:
    """Ask whether to write the marks shown, unless `--yes` was given. If not, report that nothing was written."""
    if yes or (_can_ask(yes) and _says_yes("Write these marks? [y/N] ")):
        return True
    advice = "" if _can_ask(yes) else " There is no terminal to ask at; add --yes to write them."
    print(f"No marks were written; the gradebook has not changed.{advice}")
    return False


def _says_yes(question: str) -> bool:
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def _unsafe(options: argparse.Namespace) -> bool:
    """Return whether --unsafe-no-sandbox was given, and warn if it was."""
    from autograder.execution.sandbox import WARNING

    if options.unsafe_no_sandbox:
        log.warning(WARNING)
    return bool(options.unsafe_no_sandbox)


@contextmanager
def _pool(options: argparse.Namespace, course: "Course") -> Iterator["WorkerPool | None"]:
    """Connect to the workers of the given scheduler; None means threads of this process."""
    if not options.scheduler:
        yield None
        return
    from autograder.grading.dask_workers import connected

    with connected(options.scheduler, course.limits.preload) as cluster:
        print(cluster, flush=True)
        yield cluster


def _count(options: argparse.Namespace, course: "Course", assignment: str) -> int:
    return len(set(options.student or course.students(assignment)))


def run_reproduce(options: argparse.Namespace, course: "Course") -> int:
    """Run the submissions again; return 1 if an output differs."""
    from autograder.cli import terminal
    from autograder.replay.compare import Reproduced, reproduce

    assignment = course.assignment(options.assignment)
    with terminal.progress("running again", len(course.students(assignment))) as step:
        results = reproduce(course, assignment, progress=step, unsafe=_unsafe(options))
    return int(any(result.outcome is not Reproduced.YES for result in results.values()))
