"""Make a course and check it: `init`, `release`, `handout`, `validate`, `outputs`, `check` and `doctor`."""

import argparse
import logging
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.cli.logs import warn
from autograder.distribution import own_command

if TYPE_CHECKING:
    from autograder.course.course import Course
    from autograder.gradebook.source_assignment import SourceAssignment

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
            warn(marks_above_maximum(course, assignment) if assignment not in course.ungraded else [])
        elif is_stale(course, assignment):
            stale = 1
            print(
                f"out of date: {folder}; run `{own_command()} release` and commit the folder.",
                file=sys.stderr,
            )
        else:
            print(f"up to date: {folder}")
    return stale


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
    proofs = prove(source, warn=warn)
    if opened := len(proofs.tests) - len(proofs.proofs):
        log.warning(f"{assignment}: {opened} of {len(proofs.tests)} tests stay open; mark their answers in formgrader.")
    return source


def run_handout(options: argparse.Namespace, course: "Course") -> int:
    """Pack the released notebooks."""
    from autograder.release.handout import handout

    print(f"for students: {handout(course)}")
    return 0


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


def run_doctor(options: argparse.Namespace, course: "Course") -> int:
    """Check the installation; return 1 if something is missing or wrong."""
    from autograder.cli.doctor import examine

    findings = examine(course)
    print(*findings, sep="\n")
    return int(not all(finding.ok for finding in findings))
