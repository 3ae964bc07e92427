"""Detect differences between an assignment in the gradebook and its source notebooks, and update the gradebook.

Tests, points and wording may change after students handed in; cells that are graded or answered may not come or go.
Wordings of stubs that a release had are kept in `reports/`: an unchanged stub from an older release still counts as
unanswered.
"""

import tempfile

from nbgrader.api import GradeCell, MissingEntry, SolutionCell, SourceCell, TaskCell
from nbgrader.converters import GenerateAssignment
from nbgrader.utils import is_grade, is_solution, is_task, parse_utc
from traitlets.config import Config

from autograder.course.converter import convert
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.queries import above_maximum, source_cells
from autograder.gradebook.source_assignment import SourceAssignment, earlier_wordings, keep_wordings
from autograder.text import summarize

KINDS = ((GradeCell, is_grade), (SolutionCell, is_solution), (TaskCell, is_task))


def in_gradebook(source: SourceAssignment) -> bool:
    """Has the gradebook all cells of the assignment as they are now: source, and so points?"""
    with source.course.gradebook() as book:
        texts = {key: cell.source for key, cell in source_cells(book, source.name, SourceCell).items()}
        points = {
            key: cell.max_score
            for kind in (GradeCell, TaskCell)
            for key, cell in source_cells(book, source.name, kind).items()
        }
    graded = {key: cell for key, cell in source.cells.items() if is_grade(cell) or is_task(cell)}
    return texts == {key: cell.source for key, cell in source.cells.items()} and points == {
        key: float(cell.metadata.nbgrader.points) for key, cell in graded.items()
    }


def check_cells(source: SourceAssignment) -> None:
    """Raise CourseError where a graded or answered cell came or went after students' work was recorded."""
    with source.course.gradebook() as book:
        try:
            if not book.find_assignment(source.name).submissions:
                return
        except MissingEntry:
            return
        new: set[str] = set()
        gone: set[str] = set()
        for kind, is_kind in KINDS:
            recorded = set(source_cells(book, source.name, kind))
            present = {key for key, cell in source.cells.items() if is_kind(cell)}
            new |= {"/".join(key) for key in present - recorded}
            gone |= {"/".join(key) for key in recorded - present}
    changes = [f"{name} is new" for name in sorted(new - gone)] + [f"{name} is gone" for name in sorted(gone - new)]
    changes += [f"{name} is of another kind" for name in sorted(new & gone)]
    if changes:
        raise CourseError(
            f"{source.name}: students' marks are recorded, and {', '.join(changes)}; "
            "put it back as it was (tests, points and wording may change), or make a new assignment of it."
        )


def marks_above_maximum(course: Course, assignment: str) -> list[str]:
    """A sentence for each question with instructors' marks above what it is worth now, in the order of its name."""
    with course.gradebook() as book:
        found = above_maximum(book, assignment)
    return [
        f"{name} is worth {most:g} now, and an instructor gave more to {', '.join(summarize(students))}: "
        "mark them again."
        for (name, most), students in found.items()
    ]


def update_gradebook(source: SourceAssignment) -> None:
    """Save the cells of a release that is known to succeed, and its due date.

    Raises CourseError, and saves nothing, where a graded cell came or went after students' marks were recorded.
    """
    course, assignment = source.course, source.name
    with course.gradebook():
        pass  # where its database cannot be used, our own sentence says so, not the end of nbgrader's log
    check_cells(source)
    save_stub_history(source)
    with tempfile.TemporaryDirectory(dir=course.root, prefix=".release-") as folder:
        generate(course, assignment, folder, database=True)
    due = course.due_dates.get(assignment)
    try:
        duedate = parse_utc(due) if due else None
    except ValueError as error:
        raise CourseError(f"nbgrader_config.py: due date {due!r} of {assignment} is no date ({error}).") from error
    with course.gradebook() as book:
        book.update_or_create_assignment(assignment, duedate=duedate)


def generate(course: Course, assignment: str, folder: str, database: bool) -> None:
    """Make an assignment's released notebooks in `folder` by nbgrader's own generate_assignment."""
    settings = course.settings
    settings.merge(Config({"SaveCells": {"enabled": database}}))
    convert(
        Course(config=settings),
        GenerateAssignment,
        assignment,
        student=".",
        release_directory=folder,
        no_database=not database,
        force=True,
    )


def save_stub_history(source: SourceAssignment) -> None:
    """Keep the wordings of stubs that the gradebook has and the source notebooks no longer do."""
    with source.course.gradebook() as book:
        texts = {key: cell.source for key, cell in source_cells(book, source.name, SourceCell).items()}
        stubs = set(source_cells(book, source.name, SolutionCell))
    wordings = earlier_wordings(source.course, source.name)
    before = dict(wordings)
    for key in stubs & source.cells.keys() & texts.keys():
        known = wordings.get(key, ())
        if texts[key] != source.cells[key].source and texts[key] not in known:
            wordings[key] = (*known, texts[key])
    if wordings != before:
        keep_wordings(source.course, source.name, wordings)
