"""What the gradebook holds of an assignment: cells, marks, comments, and a table with a row for each student.

Only this module reads many submissions by SQL. Each query is one of two: over the assignment's cells, as its source
notebooks have them, or over what students have for each of these cells, a mark or a comment.

A table's `status` is one word, the first of these that applies: what is wrong with the submission as grading found it
(such as `damaged`, `missing`, `timeout`), `not submitted`, `needs manual grading`, `graded`.
An open mark is None (blank in a file), never 0. `score` is the sum of the marks there are, less late penalties.
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


@dataclass(frozen=True)
class Comments:
    """What the grader and the instructor wrote about one answer; empty where they wrote nothing."""

    by_grader: str
    by_reader: str

    @property
    def no_response(self) -> bool:
        """Was the answer left as released?"""
        return self.by_grader == NO_RESPONSE


@dataclass(frozen=True)
class Mark:
    """A student's mark for one cell; `points` is None where it is open."""

    points: float | None
    by_hand: bool  # an instructor gave it


def table(course: Course, assignment: str) -> Table:
    """Read an assignment's results from the gradebook: a row for every student whom the gradebook knows."""
    ledger = Ledger(course, assignment)
    with course.gradebook() as book:
        cells, given = _points(book, assignment), marks(book, assignment)
        penalties = _penalties(book, assignment)
        answers = {*source_cells(book, assignment, SolutionCell), *source_cells(book, assignment, TaskCell)}
        students = sorted(book.db.scalars(select(Student.id)))  # here: databases differ in what comes first
    if not cells:
        raise CourseError(
            f"{assignment}: the gradebook does not know it; run `autograder release`, then `autograder grade`."
        )
    names = question_names(cells, answers)
    points = {names[key]: most for key, most in cells.items()}
    rows = []
    for student in students:
        own = {names[key]: mark.points if (mark := given.get((student, key))) else None for key in cells}
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


def source_cells(book: Gradebook, assignment: str, kind: type[BaseCell]) -> dict[Key, BaseCell]:
    """Return the rows of one kind of cell by notebook and grade_id, as the assignment's source notebooks had them."""
    found = book.db.execute(_of_cells(assignment, kind, Notebook.name, kind))
    return {(notebook, cell.name): cell for notebook, cell in found}


def marks(book: Gradebook, assignment: str) -> dict[tuple[str, Key], Mark]:
    """Return all marks of an assignment by student and cell."""
    found: dict[tuple[str, Key], Mark] = {}
    columns = (Grade.score, Grade.manual_score, Grade.needs_manual_grade)
    for kind in (GradeCell, TaskCell):
        query = _of_students(assignment, Grade, kind, *columns)
        for student, notebook, cell, score, manual, undone in book.db.execute(query):
            found[student, (notebook, cell)] = Mark(None if undone else score, manual is not None)
    return found


def comments(book: Gradebook, assignment: str) -> dict[tuple[str, Key], Comments]:
    """Return all comments of an assignment that are not empty, by student and answer."""
    query = _of_students(assignment, Comment, SolutionCell, Comment.auto_comment, Comment.manual_comment)
    return {
        (student, (notebook, cell)): Comments(auto or "", manual or "")
        for student, notebook, cell, auto, manual in book.db.execute(query)
        if auto or manual
    }


def above_maximum(book: Gradebook, assignment: str) -> dict[tuple[str, float], list[str]]:
    """Return by question and its points the students who have more points by hand, in the order of their names."""
    found: dict[tuple[str, float], list[str]] = {}
    query = (
        _of_students(assignment, Grade, GradeCell, GradeCell.max_score)
        .where(Grade.manual_score > GradeCell.max_score)
        .order_by(GradeCell.name, SubmittedAssignment.student_id)
    )
    for student, _, name, most in book.db.execute(query):
        found.setdefault((name, most), []).append(student)
    return found


def _of_cells(assignment: str, kind: type[BaseCell], *columns: Any) -> Select[Any]:
    """Select columns of an assignment's cells of one kind."""
    return (
        select(*columns)
        .join_from(kind, Notebook, kind.notebook_id == Notebook.id)
        .join(Assignment, Notebook.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )


def _of_students(assignment: str, of: Any, kind: type[BaseCell], *columns: Any) -> Select[Any]:
    """Select student, notebook, grade_id and columns of what students have (`of`: grades or comments) for each cell."""
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
    """The points of each graded cell, in the order of the questions."""
    kinds = (GradeCell, TaskCell)
    found = {key: cell.max_score for kind in kinds for key, cell in source_cells(book, assignment, kind).items()}
    return dict(sorted(found.items(), key=lambda item: [_natural(part) for part in item[0]]))


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts `q10` after `q9`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _penalties(book: Gradebook, assignment: str) -> dict[str, float]:
    """Points lost to lateness, of everyone who handed in; nbgrader's own sum queries for each student."""
    handed_in = (
        select(SubmittedAssignment.id, SubmittedAssignment.student_id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )
    sheet = SubmittedNotebook
    lost = select(sheet.assignment_id, func.sum(sheet.late_submission_penalty)).group_by(sheet.assignment_id)
    points = dict(book.db.execute(lost).all())
    return {student: points.get(key) or 0.0 for key, student in book.db.execute(handed_in)}
