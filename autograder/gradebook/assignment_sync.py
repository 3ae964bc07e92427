"""Detect differences between an assignment in the gradebook and its source notebooks, and update the gradebook.

Tests, points and wording may change after students handed in. Graded cells and answer cells may not be added or
removed. Older wordings of stubs are kept in `reports/`: an unchanged stub from an older release still counts as
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
from autograder.notebook.personalize import class_named, personalization
from autograder.text import summarize

KINDS = ((GradeCell, is_grade), (SolutionCell, is_solution), (TaskCell, is_task))


def in_gradebook(source: SourceAssignment) -> bool:
    """Return whether the gradebook has every cell of the assignment with its current source and points."""
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
    """Raise CourseError if a graded cell or answer cell was added or removed after students' work was recorded."""
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
    changes = [f"{name} was added" for name in sorted(new - gone)]
    changes += [f"{name} was removed" for name in sorted(gone - new)]
    changes += [f"{name} changed its type" for name in sorted(new & gone)]
    if changes:
        raise CourseError(
            f"{source.name}: students' marks are already recorded, but {', '.join(changes)}; undo this change "
            "(you may change tests, points and wording), or create a new assignment."
        )


def marks_above_maximum(course: Course, assignment: str) -> list[str]:
    """Return a message for each question with instructors' marks above its current points, sorted by question name."""
    with course.gradebook() as book:
        marked = above_maximum(book, assignment)
    return [
        f"{name} is now worth {most:g}, but an instructor gave more to {', '.join(summarize(students))}; "
        "mark their answers again."
        for (name, most), students in marked.items()
    ]


def update_gradebook(source: SourceAssignment) -> None:
    """Save an assignment's cells and due date in the gradebook. Call this only when the release is known to succeed.

    Raises:
        CourseError: A graded cell was added or removed after students' marks were recorded; nothing is saved.
    """
    course, assignment = source.course, source.name
    with course.gradebook():
        pass  # if the database cannot be used, this reports it with our message instead of nbgrader's log
    check_cells(source)
    save_stub_history(source)
    with tempfile.TemporaryDirectory(dir=course.root, prefix=".release-") as folder:
        generate(course, assignment, folder, database=True)
    due = course.due_dates.get(assignment)
    try:
        duedate = parse_utc(due) if due else None
    except ValueError as error:
        raise CourseError(
            f"nbgrader_config.py: the due date {due!r} of {assignment} is not a date ({error}); fix it."
        ) from error
    with course.gradebook() as book:
        book.update_or_create_assignment(assignment, duedate=duedate)


def generate(course: Course, assignment: str, folder: str, database: bool) -> None:
    """Make an assignment's released notebooks in `folder` with nbgrader's generate_assignment.

    Args:
        course: The course.
        assignment: The name of the assignment.
        folder: Where the notebooks are written.
        database: Also save the cells in the gradebook.

    Raises:
        CourseError: The course's personalization cannot be loaded, or nbgrader stopped with an error.
    """
    personalization(class_named(course.settings))  # here, so that the error names the setting and not a notebook
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
    """Save the stub wordings that are in the gradebook but no longer in the source notebooks."""
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
