"""What each subcommand of `autograder` does: one function each, which prints and returns the exit status.

0: all is well; 1: something is wrong with what was looked at. What stops a command is raised as an AutograderError.
Each function imports what it needs when it is called, since `autograder --help` loads this module as well.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.errors import UsageError

if TYPE_CHECKING:
    from autograder.course.course import Course
    from autograder.grading.workers import WorkerPool

NOTHING_GRADED = ("damaged", "missing", "grader-error")
EXPORTERS = {
    "csv": "autograder.export.exporters.CsvExporter",
    "canvas": "autograder.export.canvas.CanvasExporter",
    "moodle": "autograder.export.moodle.MoodleExporter",
}
log = logging.getLogger(__name__)


def _chosen(options: argparse.Namespace, course: "Course") -> list[str]:
    """The assignment asked for, or all of them."""
    known = course.assignments()
    if options.assignment and options.assignment not in known:
        course.assignment(options.assignment)
    return [options.assignment] if options.assignment else known


def run_release(options: argparse.Namespace, course: "Course") -> int:
    """Make releases, or with --check only say whether they are stale (1)."""
    from autograder.gradebook.assignment_sync import marks_above_maximum
    from autograder.release.release import is_stale, release

    stale = 0
    for assignment in _chosen(options, course):
        folder = course.folder("release", assignment).resolve()
        if not options.check:
            _prove(course, assignment)
            print(f"released: {release(course, assignment)}")
            _warn(marks_above_maximum(course, assignment) if assignment not in course.ungraded else [])
        elif is_stale(course, assignment):
            stale = 1
            print(
                f"out of date: {folder}; run `autograder release` and commit the folder.",
                file=sys.stderr,
            )
        else:
            print(f"up to date: {folder}")
    return stale


def _warn(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        log.warning(sentence)


def _prove(course: "Course", assignment: str) -> None:
    """Nothing is released whose tests have not shown that the solution, and it alone, earns the points."""
    from autograder.grading.proving import prove

    if assignment not in course.ungraded:
        print(f"proving every test of {assignment} on its solution", flush=True)
        prove(course, assignment)


def run_handout(options: argparse.Namespace, course: "Course") -> int:
    """Pack the released notebooks."""
    from autograder.release.handout import handout

    print(f"for students: {handout(course)}")
    return 0


def run_submit(options: argparse.Namespace, course: "Course") -> int:
    """Pack a learner's notebooks."""
    from autograder.learner.jupyterlab import COPY
    from autograder.learner.submit import submit

    assignment = course.assignment(options.assignment)
    folder = Path(options.folder or course.root / COPY / assignment)
    path = Path(options.to or course.root / COPY / f"{assignment}.zip")
    if not options.no_run:
        print("running your notebooks from the top, to see whether they show the same", flush=True)
    packed = submit(course, assignment, folder, path, rerun=not options.no_run)
    print(*packed.said, sep="\n", end="\n" if packed.said else "")
    print(f"packed {len(packed.notebooks)} notebooks; hand in this file: {packed.path.resolve()}")
    return 0


def run_collect(options: argparse.Namespace, course: "Course") -> int:
    """Sort what a learning platform gave; 1 where nobody was found."""
    from autograder.submissions.collect import collect

    assignment = course.assignment(options.assignment)
    found = collect(course, assignment, [Path(source) for source in options.sources], options.replace)
    for one in found:
        print(f"{one.student}: {len(one.notebooks)} notebooks" if one.student else "unmatched files:")
        print(*(f"  {sentence}" for sentence in one.said), sep="\n", end="\n" if one.said else "")
    print(f"collected {sum(bool(one.notebooks) for one in found)} students in {course.folder('submitted').resolve()}")
    return int(not any(one.student for one in found))


def run_grade(options: argparse.Namespace, course: "Course") -> int:
    """Grade; 1 where nothing could be graded, or nobody could be asked."""
    from autograder.cli import terminal
    from autograder.gradebook.assignment_sync import marks_above_maximum
    from autograder.gradebook.queries import table
    from autograder.grading.class_run import ClassRun

    assignment = course.assignment(options.assignment)
    if options.yes and not options.changed:
        raise UsageError("--yes goes with --changed: add it, or leave --yes out.")
    with _pool(options, course) as pool, terminal.class_progress("grading", _count(options, course, assignment)) as bar:
        how = {"jobs": options.jobs, "force": options.force, "unsafe": _unsafe(options)}
        run = ClassRun(course, assignment, options.student, executor=pool, progress=bar, busy=bar.busy, **how)
        if options.changed:
            with run.review() as review:
                bar.close()
                terminal.show_review(review)
                if not _agreed(options.yes):
                    return int(not _can_ask(options.yes))
                run.commit()
        else:
            run.grade()
    terminal.show_table(table(course, assignment))
    _warn(marks_above_maximum(course, assignment))
    return int(all(status in NOTHING_GRADED for status in run.statuses.values()))


def _can_ask(yes: bool) -> bool:
    """Is there an answer to whether to write: `--yes`, or somebody at a terminal?"""
    return yes or sys.stdin.isatty()


def _agreed(yes: bool) -> bool:
    """Ask whether to write what was shown, unless `--yes` says so; say that nothing is written where it is not."""
    if yes or (_can_ask(yes) and _says_yes("Write these marks? [y/N] ")):
        return True
    how = "" if _can_ask(yes) else "; nobody is here to ask: add --yes to write"
    print(f"nothing is written; the gradebook is as it was{how}.")
    return False


def _says_yes(question: str) -> bool:
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def _unsafe(options: argparse.Namespace) -> bool:
    """Was it asked for in so many words that student code run without a sandbox? Then warn."""
    from autograder.execution.sandbox import WARNING

    if options.unsafe_no_sandbox:
        log.warning(WARNING)
    return bool(options.unsafe_no_sandbox)


@contextmanager
def _pool(options: argparse.Namespace, course: "Course") -> Iterator["WorkerPool | None"]:
    """The workers of the scheduler asked for; None means threads of this process."""
    if not options.scheduler:
        yield None
        return
    from autograder.grading.dask_workers import connected

    with connected(options.scheduler, course.limits.preload) as cluster:
        print(cluster, flush=True)
        yield cluster


def _count(options: argparse.Namespace, course: "Course", assignment: str) -> int:
    return len(set(options.student or course.students(assignment)))


def run_mark(options: argparse.Namespace, course: "Course") -> int:
    """Show or mark written answers."""
    from autograder.cli import terminal
    from autograder.marking import mark, questions

    assignment = course.assignment(options.assignment)
    if options.mark:
        for done in mark(course, assignment, list(map(_points, options.mark)), options.comment, options.replace):
            print(f"{done.group.name}: marked {len(done.students)}", end="")
            print(f"; {len(done.kept)} keep the mark given before (--replace changes them)" if done.kept else "")
        return 0
    if options.comment is not None or options.replace:
        raise UsageError("--comment and --replace go with --mark GROUP POINTS: name a group, or leave them out.")
    asked = questions(course, assignment)
    chosen = [question for question in asked if options.question in (None, question.name)]
    if not chosen:
        names = ", ".join(question.name for question in asked) or "none"
        said = f"no written answers to {options.question!r}" if options.question else "no written answers"
        raise UsageError(f"{assignment}: {said}; questions with written answers: {names}.")
    terminal.show_answers(chosen, options.list)
    print("mark a group with: autograder mark --mark GROUP POINTS --comment TEXT")
    return 0


def _points(given: Sequence[str]) -> tuple[str, float]:
    """GROUP and POINTS as they were typed."""
    try:
        return given[0], float(given[1])
    except ValueError:
        raise UsageError(f"{given[0]}: {given[1]!r} is not a number; give the points such as 0.5.") from None


def run_feedback(options: argparse.Namespace, course: "Course") -> int:
    """Write feedback."""
    from autograder.reports.nbgrader_feedback import feedback

    assignment = course.assignment(options.assignment)
    students = feedback(course, assignment)
    print(f"feedback for {len(students)} students: {course.folder('feedback', assignment, '<student>')}.html")
    return 0


def run_export(options: argparse.Namespace, course: "Course") -> int:
    """Write marks."""
    from traitlets.utils.importstring import import_item

    if options.format == "csv" and (options.roster or options.open):
        raise UsageError("--roster and --open are for Canvas and Moodle: choose one with --format, or leave them out.")
    asked = {"open_marks": options.open, "decimal": options.decimal}
    given = {name: value for name, value in asked.items() if value}
    if options.roster:
        given["roster"] = str(Path(options.roster).resolve())  # as the user sees it, not from the course's folder
    exporter = import_item(EXPORTERS[options.format])(parent=course, **given)
    exporter.assignment = [course.assignment(options.assignment)] if options.assignment else course.graded()
    with course.gradebook() as book:
        exporter.export(book)
    print(*(f"marks: {path}" for path in exporter.written), *exporter.messages, sep="\n")
    return 0


def run_report(options: argparse.Namespace, course: "Course") -> int:
    """Write reports."""
    from autograder.reports.class_report import write_report

    for assignment in [course.assignment(options.assignment)] if options.assignment else course.graded():
        print(*(f"report: {path}" for path in write_report(course, assignment)), sep="\n")
    return 0


def run_reproduce(options: argparse.Namespace, course: "Course") -> int:
    """Run submissions again; 1 where one shows something else."""
    from autograder.cli import terminal
    from autograder.replay.compare import reproduce

    assignment = course.assignment(options.assignment)
    with terminal.progress("running again", len(course.students(assignment))) as step:
        found = reproduce(course, assignment, progress=step, unsafe=_unsafe(options))
    return int(any(said != "yes" for said in found.values()))


def run_validate(options: argparse.Namespace, course: "Course") -> int:
    """Check stored outputs; 1 where one differs."""
    from autograder.replay.compare import validate

    failed = 0
    for path, outcome in validate(course, options.assignment):
        print(f"{'✓' if outcome.ok else '✗'} {path.relative_to(course.root)}")
        for failure in outcome.failures:
            print(f"  {failure}")
        failed += not outcome.ok
    return int(failed > 0)


def run_outputs(options: argparse.Namespace, course: "Course") -> int:
    """Store outputs anew."""
    from autograder.replay.refresh import refresh

    for assignment in _chosen(options, course):
        refresh(course, assignment)
        print(f"outputs stored: {course.folder('source', assignment).resolve()}")
    return 0


def run_doctor(options: argparse.Namespace, course: "Course") -> int:
    """Say what is missing; 1 where something is."""
    from autograder.cli.doctor import examine

    findings = examine(course)
    print(*findings, sep="\n")
    return int(not all(finding.ok for finding in findings))


def run_lab(options: argparse.Namespace, course: "Course") -> int:
    """Serve a learner's own copy."""
    from autograder.learner import jupyterlab

    mine = jupyterlab.own_copy(course)
    print(f"Your notebooks: {mine} (your work stays there; git ignores it)", flush=True)
    jupyterlab.serve(mine, jupyterlab.first_page(course, mine), jupyterlab.LEARNERS)
    return 0


def run_formgrader(options: argparse.Namespace, course: "Course") -> int:
    """Serve formgrader."""
    from autograder.learner import jupyterlab

    jupyterlab.serve(course.root, "/formgrader")
    return 0
