"""The gradebook → rows: a mark a question, the score, one word of status. Knows nothing of how marks came about.

`status` is one word, the first of these that holds: what is wrong with the submission as grading found it (such as
`damaged`, `missing`, `timeout`), `not submitted`, `needs manual grading`, `graded`.
An open mark is None (blank in a file), never 0. `score` is the sum of the marks there are, less late penalties.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from sqlalchemy import func, select

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.ledger import Ledger
from autograder.model import Status

Key = tuple[str, str]  # (notebook, grade_id), or (student, id of a cell)


@dataclass(frozen=True)
class Row:
    """One student's result: marks by question (None: open), in the order of the questions."""

    student: str
    marks: Mapping[str, float | None]
    score: float | None
    max_score: float
    status: Status
    reproducible: str
    repairs: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """All rows of an assignment, and the most that each question can give."""

    assignment: str
    points: Mapping[str, float]
    rows: tuple[Row, ...]
    cells: Mapping[str, Key] = field(default_factory=dict)  # (notebook, grade_id) of each question
    written: frozenset[str] = frozenset()  # questions that are marked by hand: their cell is the answer


def table(course: Course, assignment: str) -> Table:
    """Read an assignment's results from the gradebook: a row for every student whom the gradebook knows."""
    ledger = Ledger(course, assignment)
    with course.gradebook() as book:
        cells, marks, penalties = _cells(book, assignment), _marks(book, assignment), _penalties(book, assignment)
        answers = _answers(book, assignment)
        students = sorted(book.db.scalars(select(Student.id)))  # here: databases differ in what comes first
    if not cells:
        raise CourseError(
            f"{assignment}: the gradebook does not know it; run `autograder release`, then `autograder grade`."
        )
    names = question_names(cells, answers)
    points = {names[key]: most for key, (_, most) in cells.items()}
    rows = []
    for student in students:
        own = {names[key]: marks.get((student, cell)) for key, (cell, _) in cells.items()}
        rows.append(_row(student, own, points, penalties.get(student), ledger))
    written = frozenset(names[key] for key in cells if key in answers)
    return Table(assignment, points, tuple(rows), {name: key for key, name in names.items()}, written)


def question_names(cells: Iterable[Key], answers: Container[Key]) -> dict[Key, str]:
    """Return a column name for each (notebook, grade_id) of a graded cell.

    A test `q1-test` of an answer cell `q1` is called after its answer. Where two names clash, each has its notebook.
    """
    short = {}
    for notebook, name in cells:
        answer = name.removesuffix("-test")
        short[notebook, name] = answer if (notebook, answer) in answers else name
    times = Counter(short.values())
    return {key: name if times[name] == 1 else f"{key[0]}/{name}" for key, name in short.items()}


def _row(
    student: str,
    marks: Mapping[str, float | None],
    points: Mapping[str, float],
    penalty: float | None,
    ledger: Ledger,
) -> Row:
    submitted = penalty is not None
    known = [mark for mark in marks.values() if mark is not None]
    wrong = ledger.status(student)
    opened = Status.NEEDS_MANUAL_GRADING if len(known) < len(marks) else Status.GRADED
    return Row(
        student=student,
        marks=marks,
        score=sum(known) - (penalty or 0) if submitted else None,
        max_score=sum(points.values()),
        status=wrong or (opened if submitted else Status.NOT_SUBMITTED),
        reproducible=str(ledger.of(student).get("reproducible", "")),
        repairs=ledger.repairs(student),
    )


def _cells(book: Gradebook, assignment: str) -> dict[Key, tuple[str, float]]:
    """(notebook, grade_id) → (id, points) of each graded cell, in the order of the questions."""
    found: dict[Key, tuple[str, float]] = {}
    for kind in (GradeCell, TaskCell):
        query = (
            select(Notebook.name, kind.name, kind.id, kind.max_score)
            .join(Notebook, kind.notebook_id == Notebook.id)
            .join(Assignment, Notebook.assignment_id == Assignment.id)
            .where(Assignment.name == assignment)
        )
        found |= {(notebook, name): (key, most) for notebook, name, key, most in book.db.execute(query)}
    return dict(sorted(found.items(), key=lambda item: [_natural(part) for part in item[0]]))


def _answers(book: Gradebook, assignment: str) -> set[Key]:
    """(notebook, grade_id) of each cell that a student fills in."""
    found: set[Key] = set()
    for kind in (SolutionCell, TaskCell):
        query = (
            select(Notebook.name, kind.name)
            .join(Notebook, kind.notebook_id == Notebook.id)
            .join(Assignment, Notebook.assignment_id == Assignment.id)
            .where(Assignment.name == assignment)
        )
        found |= {(notebook, name) for notebook, name in book.db.execute(query)}
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts `q10` after `q9`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _marks(book: Gradebook, assignment: str) -> dict[Key, float | None]:
    query = (
        select(SubmittedAssignment.student_id, Grade.cell_id, Grade.score, Grade.needs_manual_grade)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )
    return {(student, cell): None if undone else score for student, cell, score, undone in book.db.execute(query)}


def _penalties(book: Gradebook, assignment: str) -> dict[str, float]:
    """Points lost to lateness, of everyone who handed in; nbgrader's own sum searches anew for each student."""
    handed_in = (
        select(SubmittedAssignment.id, SubmittedAssignment.student_id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )
    sheet = SubmittedNotebook
    lost = select(sheet.assignment_id, func.sum(sheet.late_submission_penalty)).group_by(sheet.assignment_id)
    points = dict(book.db.execute(lost).all())
    return {student: points.get(key) or 0.0 for key, student in book.db.execute(handed_in)}
