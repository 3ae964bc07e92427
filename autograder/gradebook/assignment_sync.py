"""What the gradebook was told of an assignment, against what its source notebooks say now.

Tests, points and wording may change after students handed in; cells that are graded or answered may not come or go.
A wording that was handed out once is remembered in `reports/`, so that who left an old stub as it was has left it open.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SolutionCell,
    SourceCell,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from nbgrader.converters import GenerateAssignment
from nbgrader.utils import is_grade, is_solution, is_task, parse_utc
from sqlalchemy import select
from traitlets.config import Config

from autograder.course.converter import convert
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.notebook.cells import grade_id
from autograder.notebook.variants import teaching_copy
from autograder.text import summarize

Key = tuple[str, str]  # notebook, grade_id
Wordings = dict[Key, tuple[str, ...]]
KINDS = ((GradeCell, is_grade), (SolutionCell, is_solution), (TaskCell, is_task))


def in_gradebook(course: Course, assignment: str) -> bool:
    """Has the gradebook all cells of the assignment as they are now: source, and so points?"""
    now = _now(course, assignment)
    with course.gradebook() as book:
        told = {key: cell.source for key, cell in _cells(book, assignment, SourceCell).items()}
        points = {key: cell.max_score for kind in (GradeCell, TaskCell) for key, cell in _of(book, assignment, kind)}
    marked = {key: float(cell.metadata.nbgrader.points) for key, cell in now.items() if is_grade(cell) or is_task(cell)}
    return told == {key: cell.source for key, cell in now.items()} and points == marked


def check_cells(course: Course, assignment: str) -> None:
    """Raise CourseError where a graded or answered cell came or went after students' work was recorded."""
    now = _now(course, assignment)
    with course.gradebook() as book:
        try:
            if not book.find_assignment(assignment).submissions:
                return
        except MissingEntry:
            return
        came: set[str] = set()
        gone: set[str] = set()
        for kind, is_kind in KINDS:
            told, asked = set(_cells(book, assignment, kind)), {key for key, cell in now.items() if is_kind(cell)}
            came |= {"/".join(key) for key in asked - told}
            gone |= {"/".join(key) for key in told - asked}
    said = [f"{name} is new" for name in sorted(came - gone)] + [f"{name} is gone" for name in sorted(gone - came)]
    said += [f"{name} is of another kind" for name in sorted(came & gone)]
    if said:
        raise CourseError(
            f"{assignment}: students' marks are recorded, and {', '.join(said)}; "
            "put it back as it was (tests, points and wording may change), or make a new assignment of it."
        )


def marks_above_maximum(course: Course, assignment: str) -> list[str]:
    """A sentence for each question with readers' marks above what it is worth now, in the order of its name."""
    query = (
        select(GradeCell.name, GradeCell.max_score, SubmittedAssignment.student_id)
        .join(Grade, Grade.cell_id == GradeCell.id)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(Assignment.name == assignment, Grade.manual_score > GradeCell.max_score)
        .order_by(GradeCell.name, SubmittedAssignment.student_id)
    )
    found: dict[tuple[str, float], list[str]] = {}
    with course.gradebook() as book:
        for name, most, student in book.db.execute(query):
            found.setdefault((name, most), []).append(student)
    return [
        f"{name} is worth {most:g} now, and a reader gave more to {', '.join(summarize(students))}: mark them again."
        for (name, most), students in found.items()
    ]


def update_gradebook(course: Course, assignment: str) -> None:
    """Save the cells of a release that is known to succeed, and its due date.

    Raises CourseError, and saves nothing, where a graded cell came or went after students' marks were recorded.
    """
    with course.gradebook():
        pass  # where its database cannot be used, our own sentence says so, not the end of nbgrader's log
    check_cells(course, assignment)
    save_stub_history(course, assignment)
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


def save_stub_history(course: Course, assignment: str) -> None:
    """Keep the wordings of stubs that the gradebook has and the source notebooks no longer do."""
    now = _now(course, assignment)
    with course.gradebook() as book:
        told = {key: cell.source for key, cell in _cells(book, assignment, SourceCell).items()}
        stubs = set(_cells(book, assignment, SolutionCell))
    known = _remembered(course, assignment)
    for key in stubs & now.keys() & told.keys():
        if told[key] != now[key].source and told[key] not in known.get(key, ()):
            known[key] = (*known.get(key, ()), told[key])
    if known != _remembered(course, assignment):
        path = course.root / "reports" / f"{assignment}.wordings"
        path.parent.mkdir(exist_ok=True)
        rows = [[*key, list(texts)] for key, texts in sorted(known.items())]
        write_atomically(path, json.dumps(rows, indent=1, ensure_ascii=False))


def older_wordings(course: Course, assignment: str) -> tuple[tuple[Key, tuple[str, ...]], ...]:
    """Wordings that were handed out before those of now, by stub, sorted."""
    return tuple(sorted(_remembered(course, assignment).items()))


def _remembered(course: Course, assignment: str) -> Wordings:
    path = course.root / "reports" / f"{assignment}.wordings"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {(notebook, cell): tuple(texts) for notebook, cell, texts in rows}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise CourseError(f"{path}: cannot be read ({error}); delete it and grade again.") from error


def read_source(path: Path) -> nbformat.NotebookNode:
    """A source notebook; raises CourseError where it cannot be read."""
    try:
        source: nbformat.NotebookNode = nbformat.read(path, 4)
    except Exception as error:
        raise CourseError(f"{path}: cannot be read ({type(error).__name__}: {error}); mend it.") from error
    return source


def _now(course: Course, assignment: str) -> Mapping[Key, nbformat.NotebookNode]:
    found = {}
    for path in course.masters(assignment):
        for cell in teaching_copy(read_source(path), course.settings).cells:
            if "nbgrader" in cell.metadata:
                found[path.stem, grade_id(cell)] = cell
    return found


def _cells(book: Gradebook, assignment: str, kind: type[BaseCell]) -> dict[Key, BaseCell]:
    return dict(_of(book, assignment, kind))


def _of(book: Gradebook, assignment: str, kind: type[BaseCell]) -> list[tuple[Key, BaseCell]]:
    query = (
        select(Notebook.name, kind)
        .join(Notebook, kind.notebook_id == Notebook.id)
        .join(Assignment, Notebook.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )
    return [((notebook, cell.name), cell) for notebook, cell in book.db.execute(query)]
