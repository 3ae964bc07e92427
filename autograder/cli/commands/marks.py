"""Mark written answers, and pass marks on: `mark`, `feedback`, `report`, `export` and `formgrader`."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.distribution import own_command
from autograder.errors import UsageError

if TYPE_CHECKING:
    from autograder.course.course import Course

EXPORTERS = {
    "csv": "autograder.export.exporters.CsvExporter",
    "canvas": "autograder.export.canvas.CanvasExporter",
    "moodle": "autograder.export.moodle.MoodleExporter",
}


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


def run_report(options: argparse.Namespace, course: "Course") -> int:
    """Write the class reports."""
    from autograder.reports.class_report import write_report

    for assignment in [course.assignment(options.assignment)] if options.assignment else course.graded():
        print(*(f"report: {path}" for path in write_report(course, assignment)), sep="\n")
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


def run_formgrader(options: argparse.Namespace, course: "Course") -> int:
    """Open formgrader."""
    from autograder.learner import jupyterlab

    jupyterlab.serve(course.root, "/formgrader")
    return 0
