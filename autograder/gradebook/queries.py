"""Query an assignment in the gradebook: cells, marks, comments, and a table with a row for each student.

Only this module reads many submissions by SQL. There are two kinds of queries: over the cells of an assignment, as the
source notebooks define them, and over the marks or comments that students have for these cells.

A row's `status` is the first of these that applies: a problem that grading found (such as `damaged`, `missing`,
`timeout`), `not submitted`, `needs manual grading`, `graded`.
A mark that is not given yet is None (blank in a file), never 0. `score` is the sum of all marks so far, minus late
penalties.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
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
from sqlalchemy import Select, func, select

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.ledger import Ledger
from autograder.model import NO_RESPONSE, Status

Key = tuple[str, str]  # notebook, grade_id


@dataclass(frozen=True)
class Row:
    """One student's result: marks by question, in the order of the questions. None means not marked yet."""

    student: str
    marks: Mapping[str, float | None]
    score: float | None
    max_score: float
    status: Status
    reproducible: str
    repairs: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """All rows of an assignment, and the points of each question."""

    assignment: str
    points: Mapping[str, float]
    rows: tuple[Row, ...]
    cells: Mapping[str, Key] = field(default_factory=dict)  # (notebook, grade_id) of each question
    written: frozenset[str] = frozenset()  # questions marked by hand; their graded cell is the answer


@dataclass(frozen=True)
class Comments:
    """The comments of the grader and the instructor on one answer; "" if there is none."""

    by_grader: str
    by_instructor: str

    @property
    def no_response(self) -> bool:
        """Return whether the student left the answer as released."""
        return self.by_grader == NO_RESPONSE


@dataclass(frozen=True)
class Mark:
    """A student's mark for one cell. `points` is None if it is not marked yet."""

    points: float | None
    by_hand: bool  # an instructor gave it


def table(course: Course, assignment: str) -> Table:
    """Read an assignment's results: a row for every student in the gradebook.

    Raises:
        CourseError: The assignment is not in the gradebook.
    """
    ledger = Ledger(course, assignment)
    with course.gradebook() as book:
        cells, given = _points(book, assignment), marks(book, assignment)
        penalties = _penalties(book, assignment)
        answers = {*source_cells(book, assignment, SolutionCell), *source_cells(book, assignment, TaskCell)}
        students = sorted(book.db.scalars(select(Student.id)))  # in Python: databases sort differently
    if not cells:
        raise CourseError(f"{assignment}: not in the gradebook; run `autograder release`, then `autograder grade`.")
    names = question_names(cells, answers)
    points = {names[key]: most for key, most in cells.items()}
    rows = []
    for student in students:
        own = {names[key]: mark.points if (mark := given.get((student, key))) else None for key in cells}
        rows.append(_row(student, own, points, penalties.get(student), ledger))
    written = frozenset(names[key] for key in cells if key in answers)
    return Table(assignment, points, tuple(rows), {name: key for key, name in names.items()}, written)


def question_names(cells: Iterable[Key], answers: Container[Key]) -> dict[Key, str]:
    """Return a column name for each graded cell, by (notebook, grade_id).

    The test `q1-test` of an answer cell `q1` is named after its answer. If two names clash, each is prefixed with its
    notebook.
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


def source_cells(book: Gradebook, assignment: str, kind: type[BaseCell]) -> dict[Key, BaseCell]:
    """Return the rows of an assignment's cells of one kind, by notebook and grade_id."""
    rows = book.db.execute(_of_cells(assignment, kind, Notebook.name, kind))
    return {(notebook, cell.name): cell for notebook, cell in rows}


def marks(book: Gradebook, assignment: str) -> dict[tuple[str, Key], Mark]:
    """Return all marks of an assignment, by student and cell."""
    results: dict[tuple[str, Key], Mark] = {}
    columns = (Grade.score, Grade.manual_score, Grade.needs_manual_grade)
    for kind in (GradeCell, TaskCell):
        query = _of_students(assignment, Grade, kind, *columns)
        for student, notebook, cell, score, manual, undone in book.db.execute(query):
            results[student, (notebook, cell)] = Mark(None if undone else score, manual is not None)
    return results


def comments(book: Gradebook, assignment: str) -> dict[tuple[str, Key], Comments]:
    """Return all non-empty comments of an assignment, by student and answer."""
    query = _of_students(assignment, Comment, SolutionCell, Comment.auto_comment, Comment.manual_comment)
    return {
        (student, (notebook, cell)): Comments(auto or "", manual or "")
        for student, notebook, cell, auto, manual in book.db.execute(query)
        if auto or manual
    }


def above_maximum(book: Gradebook, assignment: str) -> dict[tuple[str, float], list[str]]:
    """Return the students whose manual mark exceeds a question's points, by (question, points), sorted by name."""
    students: dict[tuple[str, float], list[str]] = {}
    query = (
        _of_students(assignment, Grade, GradeCell, GradeCell.max_score)
        .where(Grade.manual_score > GradeCell.max_score)
        .order_by(GradeCell.name, SubmittedAssignment.student_id)
    )
    for student, _, name, most in book.db.execute(query):
        students.setdefault((name, most), []).append(student)
    return students


def _of_cells(assignment: str, kind: type[BaseCell], *columns: Any) -> Select[Any]:
    """Select columns of an assignment's cells of one kind."""
    return (
        select(*columns)
        .join_from(kind, Notebook, kind.notebook_id == Notebook.id)
        .join(Assignment, Notebook.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )


def _of_students(assignment: str, of: Any, kind: type[BaseCell], *columns: Any) -> Select[Any]:
    """Select student, notebook, grade_id and columns of each cell's `of`, which is `Grade` or `Comment`."""
    return (
        select(SubmittedAssignment.student_id, Notebook.name, kind.name, *columns)
        .join_from(of, SubmittedNotebook, of.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(kind, of.cell_id == kind.id)
        .join(Notebook, kind.notebook_id == Notebook.id)
        .where(Assignment.name == assignment)
    )


def _points(book: Gradebook, assignment: str) -> dict[Key, float]:
    """Return the points of each graded cell, in the order of the questions."""
    kinds = (GradeCell, TaskCell)
    points = {key: cell.max_score for kind in kinds for key, cell in source_cells(book, assignment, kind).items()}
    return dict(sorted(points.items(), key=lambda item: [_natural(part) for part in item[0]]))


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts `q10` after `q9`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _penalties(book: Gradebook, assignment: str) -> dict[str, float]:
    """Return the late penalty of everyone who handed in. nbgrader's own sum would need a query for each student."""
    handed_in = (
        select(SubmittedAssignment.id, SubmittedAssignment.student_id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )
    notebook = SubmittedNotebook
    sums = select(notebook.assignment_id, func.sum(notebook.late_submission_penalty)).group_by(notebook.assignment_id)
    penalties = dict(book.db.execute(sums).all())
    return {student: penalties.get(key) or 0.0 for key, student in book.db.execute(handed_in)}
