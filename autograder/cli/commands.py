"""Run the subcommands of `autograder`: one function each, which prints its results and returns the exit status.

The exit status is 0 if all is well and 1 if the command found a problem. An error that stops a command is raised as an
AutograderError. Each function imports what it needs when it is called, because `autograder --help` loads this module.
"""

import argparse
import logging
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.distribution import own_command
from autograder.errors import UsageError

if TYPE_CHECKING:
    from autograder.course.course import Course
    from autograder.course.roster import Roster
    from autograder.gradebook.source_assignment import SourceAssignment
    from autograder.grading.workers import WorkerPool

EXPORTERS = {
    "csv": "autograder.export.exporters.CsvExporter",
    "canvas": "autograder.export.canvas.CanvasExporter",
    "moodle": "autograder.export.moodle.MoodleExporter",
}
log = logging.getLogger(__name__)


def _chosen(options: argparse.Namespace, course: "Course") -> list[str]:
    """Return the requested assignment, or all assignments."""
    known = course.assignments()
    if options.assignment and options.assignment not in known:
        course.assignment(options.assignment)
    return [options.assignment] if options.assignment else known


def run_init(options: argparse.Namespace, course: "Course | None") -> int:
    """Make a course folder."""
    from autograder.release.new_course import make_course

    folder = Path(options.folder or options.course)
    for sentence in make_course(folder):
        print(sentence)
    there = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))}, then "
    steps = (f"{own_command(folder)} {step}" for step in ("check", "release", "grade", "report"))
    print(f"next: {there}{', '.join(steps)}")
    return 0


def run_release(options: argparse.Namespace, course: "Course") -> int:
    """Make releases. With --check, only check them; return 1 if one is out of date."""
    from autograder.gradebook.assignment_sync import marks_above_maximum
    from autograder.release.release import is_stale, release

    stale = 0
    for assignment in _chosen(options, course):
        folder = course.folder("release", assignment).resolve()
        if not options.check:
            source = _proved(course, assignment)
            print(f"released: {release(course, assignment, source)}")
            _warn(marks_above_maximum(course, assignment) if assignment not in course.ungraded else [])
        elif is_stale(course, assignment):
            stale = 1
            print(
                f"out of date: {folder}; run `{own_command()} release` and commit the folder.",
                file=sys.stderr,
            )
        else:
            print(f"up to date: {folder}")
    return stale


def _warn(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        log.warning(sentence)


def _proved(course: "Course", assignment: str) -> "SourceAssignment | None":
    """Prove each test before release: the solution must earn all points, the unanswered notebook none.

    It warns of tests that prove little, and of those that stay open because this grader cannot judge them.

    Returns the source that was proved, or None if the assignment is not graded.
    """
    from autograder.gradebook.source_assignment import SourceAssignment
    from autograder.grading.proving import prove

    if assignment in course.ungraded:
        return None
    print(f"{assignment}: checking every test against its solution", flush=True)
    source = SourceAssignment.examined(course, assignment)
    proofs = prove(source, warn=_warn)
    if opened := len(proofs.tests) - len(proofs.proofs):
        log.warning(f"{assignment}: {opened} of {len(proofs.tests)} tests stay open; mark their answers in formgrader.")
    return source


def run_check(options: argparse.Namespace, course: "Course") -> int:
    """Report how the tests of an existing course are judged; return 1 if one does not work as it is."""
    from autograder.cli import check, terminal

    reports = []
    for assignment in _chosen(options, course):
        if assignment in course.ungraded:
            print(f"{assignment}: not graded, so its tests are not checked")
            continue
        reports.append(check.examine(course, assignment, terminal.proving))
        print(*reports[-1].lines(), sep="\n")
    if len(reports) > 1:
        print(check.total(reports))
    return int(not all(report.is_well for report in reports))


def run_handout(options: argparse.Namespace, course: "Course") -> int:
    """Pack the released notebooks."""
    from autograder.release.handout import handout

    print(f"for students: {handout(course)}")
    return 0


def run_submit(options: argparse.Namespace, course: "Course") -> int:
    """Pack a student's notebooks."""
    from autograder.cli import terminal
    from autograder.course.course import COPY
    from autograder.learner.submit import submit

    assignment = course.assignment(options.assignment)
    folder = Path(options.folder or course.root / COPY / assignment)
    path = Path(options.to or course.root / COPY / f"{assignment}.zip")
    if options.no_run:
        packed = submit(course, assignment, folder, path, rerun=False)
    else:
        count = len([*course.folder("release", assignment).glob("*.ipynb")])
        with terminal.progress("checked", count) as step:
            packed = submit(course, assignment, folder, path, starting=_report_run, progress=step)
    print(*packed.messages, sep="\n", end="\n" if packed.messages else "")
    print(f"packed {len(packed.notebooks)} notebooks; hand in this file: {packed.path.resolve()}")
    return 0


def _report_run() -> None:
    print("running your notebooks from the top, to check that their outputs stay the same", flush=True)


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
    _warn([f"not in the roster: {', '.join(unknown)}."] if unknown else [])
    _warn([f"{printable(one.student)}: {one.other_id}" for one in students if one.other_id])
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
    _warn(contradictions)
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
    _warn(run.untimed)
    _warn(marks_above_maximum(course, assignment))
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


def run_mark(options: argparse.Namespace, course: "Course") -> int:
    """Show or mark written answers."""
    from autograder.cli import terminal
    from autograder.marking import mark, questions, tasks

    assignment = course.assignment(options.assignment)
    if options.mark:
        for done in mark(course, assignment, list(map(_points, options.mark)), options.comment, options.replace):
            print(f"{done.group.name}: {len(done.students)} marked", end="")
            print(f"; {len(done.kept)} not changed: marked before (--replace overwrites)" if done.kept else "")
        return 0
    if options.comment is not None or options.replace:
        raise UsageError("--comment and --replace work only with --mark GROUP POINTS: add --mark, or leave them out.")
    asked, by_formgrader = questions(course, assignment), tasks(course, assignment)
    chosen = [question for question in asked if options.question in (None, question.name)]
    chosen_tasks = [task for task in by_formgrader if options.question in (None, task.name)]
    if not (chosen or chosen_tasks):
        names = ", ".join(question.name for question in asked) or "none"
        missing = f"no written answers to {options.question!r}" if options.question else "no written answers"
        raise UsageError(f"{assignment}: {missing}; questions with written answers: {names}.")
    terminal.show_answers(chosen, options.list)
    if chosen:
        where = "" if options.course == "." else f" --course {shlex.quote(options.course)}"
        print(f"mark a group with: {own_command()}{where} mark --mark GROUP POINTS --comment TEXT")
    if chosen_tasks:
        terminal.show_tasks(chosen_tasks)
    return 0


def _points(given: Sequence[str]) -> tuple[str, float]:
    """Read GROUP and POINTS as they were typed."""
    try:
        return given[0], float(given[1])
    except ValueError:
        raise UsageError(
            f"{given[0]}: {given[1]!r} is not a number; pass the points as a number, such as 0.5."
        ) from None


def run_feedback(options: argparse.Namespace, course: "Course") -> int:
    """Write the feedback pages."""
    from autograder.reports.nbgrader_feedback import feedback

    assignment = course.assignment(options.assignment)
    students = feedback(course, assignment)
    print(f"feedback for {len(students)} students: {course.folder('feedback', assignment, '<student>')}.html")
    return 0


def run_export(options: argparse.Namespace, course: "Course") -> int:
    """Export the marks to files."""
    from traitlets.utils.importstring import import_item

    if options.format == "csv" and (options.roster or options.open):
        raise UsageError(
            "--roster and --open work only for Canvas and Moodle: add --format canvas or moodle, or leave them out."
        )
    asked = {"open_marks": options.open, "decimal": options.decimal}
    given = {name: value for name, value in asked.items() if value}
    if options.roster:
        given["roster"] = str(
            Path(options.roster).resolve()
        )  # relative to the working directory, not to the course folder
    exporter = import_item(EXPORTERS[options.format])(parent=course, **given)
    exporter.assignment = [course.assignment(options.assignment)] if options.assignment else course.graded()
    with course.gradebook() as book:
        exporter.export(book)
    print(*(f"marks: {path}" for path in exporter.written), *exporter.messages, sep="\n")
    return 0


def run_report(options: argparse.Namespace, course: "Course") -> int:
    """Write the class reports."""
    from autograder.reports.class_report import write_report

    for assignment in [course.assignment(options.assignment)] if options.assignment else course.graded():
        print(*(f"report: {path}" for path in write_report(course, assignment)), sep="\n")
    return 0


def run_reproduce(options: argparse.Namespace, course: "Course") -> int:
    """Run the submissions again; return 1 if an output differs."""
    from autograder.cli import terminal
    from autograder.replay.compare import Reproduced, reproduce

    assignment = course.assignment(options.assignment)
    with terminal.progress("running again", len(course.students(assignment))) as step:
        results = reproduce(course, assignment, progress=step, unsafe=_unsafe(options))
    return int(any(result.outcome is not Reproduced.YES for result in results.values()))


def run_validate(options: argparse.Namespace, course: "Course") -> int:
    """Check the stored outputs; return 1 if one differs."""
    from autograder.replay.compare import validate

    failed = 0
    for path, outcome in validate(course, options.assignment):
        more = f": {outcome.compared} cells compared with their stored output" if outcome.compared else ""
        if outcome.unanswered:
            errors = "1 error" if len(outcome.unanswered) == 1 else f"{len(outcome.unanswered)} errors"
            more = f": {errors}, as expected in an unanswered notebook"
        print(f"{'✓' if outcome.ok else '✗'} {path.relative_to(course.root)}{more}", flush=True)
        for failure in outcome.failures:
            print(f"  {failure}")
        failed += not outcome.ok
    return int(failed > 0)


def run_outputs(options: argparse.Namespace, course: "Course") -> int:
    """Run the source notebooks and store their outputs."""
    from autograder.replay.refresh import refresh

    for assignment in _chosen(options, course):
        refresh(course, assignment)
        print(f"outputs stored: {course.folder('source', assignment).resolve()}")
    return 0


def run_doctor(options: argparse.Namespace, course: "Course") -> int:
    """Check the installation; return 1 if something is missing or wrong."""
    from autograder.cli.doctor import examine

    findings = examine(course)
    print(*findings, sep="\n")
    return int(not all(finding.ok for finding in findings))


def run_lab(options: argparse.Namespace, course: "Course") -> int:
    """Open a student's own copy of the notebooks in JupyterLab."""
    from autograder.learner import jupyterlab

    mine = jupyterlab.own_copy(course)
    print(f"Your notebooks: {mine} (your work stays there; git ignores it)", flush=True)
    jupyterlab.serve(mine, jupyterlab.first_page(course, mine), jupyterlab.LEARNERS)
    return 0


def run_formgrader(options: argparse.Namespace, course: "Course") -> int:
    """Open formgrader."""
    from autograder.learner import jupyterlab

    jupyterlab.serve(course.root, "/formgrader")
    return 0
