"""Query an assignment in the gradebook: cells, marks, comments, and a table with a row for each student.

Only this module reads many submissions by SQL. There are two kinds of queries: over the cells of an assignment, as the
source notebooks define them, and over the marks or comments that students have for these cells.

Questions are in the order of the source notebooks.
A row's `status` is the first of these that applies: a problem that grading found (such as `damaged`, `missing`,
`timeout`), `not submitted`, `needs manual grading`, `graded`.
A mark that is not given yet is None (blank in a file), never 0. `score` is the sum of all marks so far, minus late
penalties.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nbformat import NotebookNode
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
from autograder.course.roster import Person, course_roster
from autograder.distribution import own_command
from autograder.errors import CourseError
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.students import completed
from autograder.model import NO_RESPONSE, Status
from autograder.notebook.cells import grade_id
from autograder.notebook.landmarks import answers_of, parsed

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
    person: Person = field(default_factory=lambda: Person(""))  # names and e-mail address
    raw_score: float | None = None  # the sum of all marks so far, before late penalties
    penalty: float | None = None  # for handing in late
    handed_in: datetime | None = None  # in UTC; None if not known


@dataclass(frozen=True)
class _HandIn:
    """When a student handed in, and the late penalties of all notebooks."""

    at: datetime | None
    penalty: float


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
        cells, given = _points(book, assignment, _places(course, assignment)), marks(book, assignment)
        hand_ins = _hand_ins(book, assignment)
        answers = {*source_cells(book, assignment, SolutionCell), *source_cells(book, assignment, TaskCell)}
        people = {person.id: person for person in _people(book)}
    if not cells:
        command = own_command()
        raise CourseError(f"{assignment}: not in the gradebook; run `{command} release`, then `{command} grade`.")
    names = question_names(cells, answers_of_tests(course, assignment))
    points = {names[key]: most for key, most in cells.items()}
    rows = []
    roster = course_roster(course)
    for student in sorted(people):  # in Python: databases sort differently
        own = {names[key]: mark.points if (mark := given.get((student, key))) else None for key in cells}
        rows.append(_row(completed(people[student], roster), own, points, hand_ins.get(student), ledger))
    written = frozenset(names[key] for key in cells if key in answers)
    return Table(assignment, points, tuple(rows), {name: key for key, name in names.items()}, written)


def answers_of_tests(course: Course, assignment: str) -> dict[Key, list[str]]:
    """Return the answer cells that each test cell of the source notebooks decides, by notebook and grade_id."""
    answers: dict[Key, list[str]] = {}
    for name, notebook in _sources(course, assignment):
        answers |= {(name, test): cells for test, cells in answers_of(notebook).items()}
    return answers


def _places(course: Course, assignment: str) -> dict[Key, int]:
    """Return the place of each cell in its source notebook, by notebook and grade_id."""
    return {
        (name, grade_id(cell)): place
        for name, notebook in _sources(course, assignment)
        for place, cell in enumerate(notebook.cells)
    }


def _sources(course: Course, assignment: str) -> Iterator[tuple[str, NotebookNode]]:
    """Yield the name and content of each source notebook that can be read; the others have names and marks too."""
    for path in sorted(course.folder("source", assignment).glob("*.ipynb")):
        try:
            yield path.stem, parsed(path.read_bytes())
        except Exception:  # nbformat raises many types; the marks can be shown without the notebook
            continue


def question_names(cells: Iterable[Key], answers: Mapping[Key, Sequence[str]]) -> dict[Key, str]:
    """Return a column name for each graded cell, by (notebook, grade_id).

    A test of one answer cell is named after the answer; every other cell has its own name. If two names clash, each is
    prefixed with its notebook.

    Args:
        cells: The graded cells.
        answers: The answer cells of each test, as `answers_of_tests` returns them.
    """
    short = {}
    for notebook, name in cells:
        own = answers.get((notebook, name), ())
        short[notebook, name] = own[0] if len(own) == 1 else name
    times = Counter(short.values())
    return {key: name if times[name] == 1 else f"{key[0]}/{name}" for key, name in short.items()}


def _row(
    person: Person,
    marks: Mapping[str, float | None],
    points: Mapping[str, float],
    hand_in: _HandIn | None,
    ledger: Ledger,
) -> Row:
    student, submitted = person.id, hand_in is not None
    known = [mark for mark in marks.values() if mark is not None]
    wrong = ledger.status(student)
    opened = Status.NEEDS_MANUAL_GRADING if len(known) < len(marks) else Status.GRADED
    return Row(
        student=student,
        marks=marks,
        score=sum(known) - hand_in.penalty if hand_in else None,
        max_score=sum(points.values()),
        status=wrong or (opened if submitted else Status.NOT_SUBMITTED),
        reproducible=str(ledger.of(student).get("reproducible", "")),
        repairs=ledger.repairs(student),
        person=person,
        raw_score=sum(known) if submitted else None,
        penalty=hand_in.penalty if hand_in else None,
        handed_in=hand_in.at if hand_in else None,
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
    columns = (Comment.auto_comment, Comment.manual_comment)
    return {
        (student, (notebook, cell)): Comments(auto or "", manual or "")
        for kind in (SolutionCell, TaskCell)
        for student, notebook, cell, auto, manual in book.db.execute(_of_students(assignment, Comment, kind, *columns))
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


def _points(book: Gradebook, assignment: str, places: Mapping[Key, int]) -> dict[Key, float]:
    """Return the points of each graded cell: in the order of the notebooks, and of the cells in each of them."""
    kinds = (GradeCell, TaskCell)
    points = {key: cell.max_score for kind in kinds for key, cell in source_cells(book, assignment, kind).items()}
    ordered = sorted(points, key=lambda key: (_natural(key[0]), places.get(key, len(places)), _natural(key[1])))
    return {key: points[key] for key in ordered}


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts `q10` after `q9`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _people(book: Gradebook) -> list[Person]:
    """Return the students in the gradebook."""
    columns = (Student.id, Student.first_name, Student.last_name, Student.email, Student.lms_user_id)
    rows = book.db.execute(select(*columns))
    return [Person(key, first or "", last or "", email or "", user or "") for key, first, last, email, user in rows]


def _hand_ins(book: Gradebook, assignment: str) -> dict[str, _HandIn]:
    """Return the time and late penalty of everyone who handed in. nbgrader's own sum needs a query for each student."""
    handed_in = (
        select(SubmittedAssignment.id, SubmittedAssignment.student_id, SubmittedAssignment.timestamp)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(Assignment.name == assignment)
    )
    notebook = SubmittedNotebook
    sums = select(notebook.assignment_id, func.sum(notebook.late_submission_penalty)).group_by(notebook.assignment_id)
    penalties = dict(book.db.execute(sums).all())
    rows = book.db.execute(handed_in)
    return {student: _HandIn(moment, penalties.get(key) or 0.0) for key, student, moment in rows}
