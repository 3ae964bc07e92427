"""Group written answers with the same text, so that one mark serves the whole group.

A group is named by its question and a digest of its text, so its name does not change when others hand in. Texts are
the same if they differ only in case, spaces or the encoding of accents; code must be identical. Empty answers are a
group too. Answers that cannot be read, such as those of a damaged notebook, are in no group.
"""

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Assignment, Grade, GradeCell, Notebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.preprocessors import ClearMarkScheme
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from sqlalchemy import select

from autograder.course.course import Course
from autograder.errors import UsageError
from autograder.gradebook.comments import comments
from autograder.gradebook.graded_notebooks import Reader
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.lock import grading_lock
from autograder.gradebook.queries import Key, table
from autograder.gradebook.recorder import Recorder
from autograder.grading.class_run import masters_of
from autograder.notebook.cells import grade_id
from autograder.notebook.sanitize import as_typed, inert_markdown
from autograder.notebook.source import added
from autograder.text import normalize_whitespace

UNREAD = ("grader-error", "damaged", "missing")  # notebooks whose stub does not show what was written
EMPTY = "empty"


@dataclass(frozen=True)
class Answer:
    """One student's written answer; `mark` is None while it is not marked yet."""

    student: str
    text: str
    mark: float | None
    by_hand: bool  # the instructor gave the mark
    comment: str


@dataclass(frozen=True)
class Group:
    """Answers to one question with the same text; `text` is as the first student typed it."""

    name: str
    text: str
    answers: tuple[Answer, ...]

    @property
    def open(self) -> int:
        """How many of them are not marked yet."""
        return sum(answer.mark is None for answer in self.answers)


@dataclass(frozen=True)
class Question:
    """A question that the instructor marks: its groups, and students without a readable answer."""

    name: str
    key: Key  # notebook, grade_id
    points: float
    scheme: str
    groups: tuple[Group, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True)
class Marked:
    """A group after marking: whose answers were marked, and who keeps an earlier mark of the instructor."""

    group: Group
    students: tuple[str, ...]
    kept: tuple[str, ...]


def questions(course: Course, assignment: str) -> tuple[Question, ...]:
    """Return all written questions of an assignment with their answers, in the order of the questions.

    Raises CourseError where the gradebook does not have the assignment.
    """
    results = table(course, assignment)
    asked = _asked(course, assignment)
    found: dict[Key, list[Answer]] = {key: [] for key in asked}
    unread: dict[Key, list[str]] = {key: [] for key in asked}
    ledger, reader = Ledger(course, assignment), Reader(course, assignment)
    given = _given(course, assignment)
    for student in dict.fromkeys(student for student, _ in given):
        noted, texts = ledger.of(student).get("notebooks", {}), reader.written(student)
        for key, (stub, _) in asked.items():
            if (student, key) not in given:
                continue
            text = _typed(texts.get(key), stub)
            if text is None or (not text and noted.get(key[0], {}).get("status") in UNREAD):
                unread[key].append(student)
            else:
                found[key].append(Answer(student, text, *given[student, key]))
    return tuple(
        Question(name, key, results.points[name], asked[key][1], _grouped(name, key, asked, found), tuple(unread[key]))
        for name, key in results.cells.items()
        if key in asked
    )


def mark(
    course: Course,
    assignment: str,
    marks: Sequence[tuple[str, float]],
    comment: str | None = None,
    replace: bool = False,
) -> list[Marked]:
    """Give each named group its mark, and a comment. Earlier marks and comments of the instructor stay.

    With `replace` they are overwritten. Raises CourseError, before anything is written, where a group is unknown or a
    mark is out of bounds.
    """
    with grading_lock(course.root):
        asked = questions(course, assignment)
        known = {group.name: (question, group) for question in asked for group in question.groups}
        for name, points in marks:
            _check(known, name, points)
        with Recorder(course, assignment) as recorder:
            return [_mark(recorder, *known[name], points, comment, replace) for name, points in marks]


def _check(known: Mapping[str, tuple[Question, Group]], name: str, points: float) -> None:
    if name not in known:
        raise UsageError(f"{name}: no such group of answers; `autograder mark --list` lists them.")
    most = known[name][0].points
    if not (math.isfinite(points) and 0 <= points <= most):
        raise UsageError(f"{name}: {points:g} is not a valid mark; give one from 0 to {most:g}.")


def _mark(
    recorder: Recorder, question: Question, group: Group, points: float, comment: str | None, replace: bool
) -> Marked:
    chosen = [answer for answer in group.answers if replace or answer.mark is None or not answer.by_hand]
    notebook, cell = question.key
    for answer in chosen:
        _, sheets = recorder.rows.submission(answer.student)
        grade, note = sheets[notebook].grades[cell], sheets[notebook].comments[cell]
        grade.manual_score, grade.needs_manual_grade = points, False
        if comment is not None and (replace or not answer.comment):
            note.manual_comment = comment
        recorder.update_late_penalty(answer.student)
    students = tuple(answer.student for answer in chosen)
    return Marked(group, students, tuple(one.student for one in group.answers if one.student not in students))


def _asked(course: Course, assignment: str) -> dict[Key, tuple[NotebookNode, str]]:
    """Return the stub, in all its wordings, and the marking scheme of each cell that the instructor marks."""
    clear, found = ClearMarkScheme(parent=course), {}
    masters = masters_of(course, assignment)
    older = dict(masters.wordings)
    for name, content in masters.notebooks:
        cells = nbformat.reads(content.decode(), 4).cells
        for place, cell in enumerate(cells):
            if is_grade(cell) and is_solution(cell) and not is_task(cell):
                if cell.cell_type == "markdown":
                    cell.source = "\n".join([cell.source, *older.get((name, grade_id(cell)), ())])
                found[name, grade_id(cell)] = cell, _scheme(cells[place + 1 :], clear)
    return found


def _scheme(after: Iterable[NotebookNode], clear: ClearMarkScheme) -> str:
    """Return the marking scheme in the locked cell after an answer, or "" where there is none."""
    cell = next(iter(after), None)
    if cell is None or not is_locked(cell) or clear.begin_mark_scheme_delimeter not in cell.source:
        return ""
    inside = cell.source.split(clear.begin_mark_scheme_delimeter, 1)[1].split(clear.end_mark_scheme_delimeter)[0]
    return str(inside.rpartition("\n")[0]).strip()


def _given(course: Course, assignment: str) -> dict[tuple[str, Key], tuple[float | None, bool, str]]:
    """Return by student and cell the mark (None: not marked yet), whether the instructor gave it, and the comment."""
    query = (
        select(
            SubmittedAssignment.student_id,
            Notebook.name,
            GradeCell.name,
            Grade.score,
            Grade.manual_score,
            Grade.needs_manual_grade,
        )
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(GradeCell, Grade.cell_id == GradeCell.id)
        .join(Notebook, GradeCell.notebook_id == Notebook.id)
        .where(Assignment.name == assignment)
        .order_by(SubmittedAssignment.student_id)
    )
    with course.gradebook() as book:
        said, found = comments(book, assignment), {}
        for student, notebook, cell, score, manual, undone in book.db.execute(query):
            where = student, (notebook, cell)
            comment = said[where].by_reader if where in said else ""
            found[where] = None if undone else score, manual is not None, comment
    return found


def _typed(source: str | None, stub: NotebookNode) -> str | None:
    """Return what a student added to a stub, from the autograded copy; None where the copy has no such cell."""
    if source is None:
        return None
    if stub.cell_type == "code":
        return "" if normalize_whitespace(source) == normalize_whitespace(stub.source) else source
    return added(as_typed(source), as_typed(inert_markdown(stub.source)))


def _grouped(
    name: str, key: Key, asked: Mapping[Key, tuple[NotebookNode, str]], found: Mapping[Key, Sequence[Answer]]
) -> tuple[Group, ...]:
    alike: dict[str, list[Answer]] = {}
    for answer in found[key]:
        alike.setdefault(_normal(answer.text, asked[key][0]), []).append(answer)
    digests = {text: hashlib.sha256(text.encode()).hexdigest() for text in alike}
    short = next(n for n in range(6, 65) if len({one[:n] for one in digests.values()}) == len(digests))
    groups = [
        Group(f"{name}:{digests[text][:short] if text else EMPTY}", answers[0].text, tuple(answers))
        for text, answers in alike.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.open, -len(group.answers), group.name)))


def _normal(text: str, stub: NotebookNode) -> str:
    """Reduce an answer to what it has in common with answers of the same text."""
    if stub.cell_type == "code":
        return text.strip()
    return normalize_whitespace(unicodedata.normalize("NFKC", text).casefold())
