"""Group written answers with the same text, so that the instructor can mark a whole group at once.

A group's name is its question and a digest of its text, so it does not change when more students hand in. Texts are
the same if they differ only in case, spaces or the encoding of accents; code must be identical. Empty answers are a
group too. Answers that cannot be read, such as those of a damaged notebook, are in no group.
Attached pictures must be the same byte for byte; formgrader shows them. Task cells have no groups: students answer a
task in cells that they add, and the instructor marks it in formgrader.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import TaskCell
from nbgrader.preprocessors import ClearMarkScheme
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from autograder.course.course import Course
from autograder.distribution import own_command
from autograder.errors import UsageError
from autograder.files import digest
from autograder.gradebook.graded_notebooks import Reader
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.lock import grading_lock
from autograder.gradebook.queries import Key, Mark, comments, marks, source_cells, table
from autograder.gradebook.recorder import Recorder
from autograder.gradebook.source_assignment import SourceAssignment, earlier_wordings
from autograder.model import NOTHING_READ
from autograder.notebook.cells import grade_id
from autograder.notebook.explanations import own_text
from autograder.notebook.sanitize import picture_digests, typed_text
from autograder.notebook.written import name_pictures
from autograder.text import normalize_whitespace

EMPTY = "empty"


@dataclass(frozen=True)
class Answer:
    """One student's written answer; `mark` is None while it is not marked yet."""

    student: str
    text: str
    mark: float | None
    by_hand: bool  # the instructor gave the mark
    comment: str
    pictures: tuple[str, ...] = ()  # a digest of each attached picture


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
class Task:
    """A task cell, and the students who handed in but have no mark for it yet."""

    name: str
    points: float
    unmarked: tuple[str, ...]


@dataclass(frozen=True)
class Marked:
    """A group after marking: the students it marked, and those who keep the instructor's earlier mark."""

    group: Group
    students: tuple[str, ...]
    kept: tuple[str, ...]


def questions(course: Course, assignment: str) -> tuple[Question, ...]:
    """Return an assignment's written questions and their answers, in the order of the notebooks.

    Raises CourseError if the assignment is not in the gradebook.
    """
    results = table(course, assignment)
    asked = _asked(course, assignment)
    answers: dict[Key, list[Answer]] = {key: [] for key in asked}
    unread: dict[Key, list[str]] = {key: [] for key in asked}
    ledger, reader = Ledger(course, assignment), Reader(course, assignment)
    given = _given(course, assignment)
    for student in sorted({student for student, _ in given}):
        statuses, cells = ledger.statuses(student), reader.written_cells(student)
        for key, (stub, _) in asked.items():
            if (student, key) not in given:
                continue
            text = _typed(cells.get(key), stub)
            if text is None or (not text and statuses.get(key[0]) in NOTHING_READ):
                unread[key].append(student)
            else:
                mark, comment = given[student, key]
                pictures = picture_digests(cells[key])
                answers[key].append(Answer(student, text, mark.points, mark.by_hand, comment, pictures))
    return tuple(
        Question(
            name, key, results.points[name], asked[key][1], _grouped(name, key, asked, answers), tuple(unread[key])
        )
        for name, key in results.cells.items()
        if key in asked
    )


def tasks(course: Course, assignment: str) -> tuple[Task, ...]:
    """Return an assignment's task cells, in the order of the notebooks.

    Raises CourseError if the assignment is not in the gradebook.
    """
    results = table(course, assignment)
    with course.gradebook() as book:
        cells = source_cells(book, assignment, TaskCell)
    handed_in = [row for row in results.rows if row.score is not None]
    return tuple(
        Task(name, results.points[name], tuple(row.student for row in handed_in if row.marks[name] is None))
        for name, key in results.cells.items()
        if key in cells
    )


def mark(
    course: Course,
    assignment: str,
    marks: Sequence[tuple[str, float]],
    comment: str | None = None,
    replace: bool = False,
) -> list[Marked]:
    """Give each named group its mark and, optionally, a comment.

    Earlier marks and comments of the instructor are kept, unless `replace` is true. Raises UsageError if a group is
    unknown, is a task cell, or a mark is out of range; then nothing is written.
    """
    with grading_lock(course.root):
        asked = questions(course, assignment)
        known = {group.name: (question, group) for question in asked for group in question.groups}
        without_groups = {task.name for task in tasks(course, assignment)}
        for name, points in marks:
            if name in without_groups:
                raise UsageError(f"{name}: a task cell has no groups of answers; mark it in formgrader.")
            _check(known, name, points)
        with Recorder(course, assignment) as recorder:
            return [_mark(recorder, *known[name], points, comment, replace) for name, points in marks]


def _check(known: Mapping[str, tuple[Question, Group]], name: str, points: float) -> None:
    if name not in known:
        raise UsageError(f"{name}: no such group of answers; run `{own_command()} mark --list` to see all groups.")
    most = known[name][0].points
    if not (math.isfinite(points) and 0 <= points <= most):
        raise UsageError(f"{name}: {points:g} is not a valid mark; pass a number from 0 to {most:g}.")


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
    """Return each cell that the instructor marks: its stub in all released wordings, and its marking scheme."""
    clear, cells_to_mark = ClearMarkScheme(parent=course), {}
    older = earlier_wordings(course, assignment)
    for name, notebook in SourceAssignment.load(course, assignment).notebooks.items():
        cells = notebook.cells
        for place, cell in enumerate(cells):
            if is_grade(cell) and is_solution(cell) and not is_task(cell):
                key = name, grade_id(cell)
                texts = [cell.source, *(older.get(key, ()) if cell.cell_type == "markdown" else ())]
                cells_to_mark[key] = (
                    NotebookNode({**cell, "source": "\n".join(texts)}),
                    _scheme(cells[place + 1 :], clear),
                )
    return cells_to_mark


def _scheme(after: Iterable[NotebookNode], clear: ClearMarkScheme) -> str:
    """Return the marking scheme in the locked cell after an answer, or "" if there is none."""
    cell = next(iter(after), None)
    if cell is None or not is_locked(cell) or clear.begin_mark_scheme_delimeter not in cell.source:
        return ""
    inside = cell.source.split(clear.begin_mark_scheme_delimeter, 1)[1].split(clear.end_mark_scheme_delimeter)[0]
    return str(inside.rpartition("\n")[0]).strip()


def _given(course: Course, assignment: str) -> dict[tuple[str, Key], tuple[Mark, str]]:
    """Return the mark and the instructor's comment for each student and cell."""
    with course.gradebook() as book:
        written = comments(book, assignment)
        return {
            where: (one, written[where].by_instructor if where in written else "")
            for where, one in marks(book, assignment).items()
        }


def _typed(cell: Mapping[str, Any] | None, stub: NotebookNode) -> str | None:
    """Return the text that a student added to a stub; None if the autograded notebook does not have the cell."""
    if cell is None:
        return None
    source = typed_text(cell)
    if stub.cell_type == "code":
        return "" if normalize_whitespace(source) == normalize_whitespace(stub.source) else source
    return own_text(source, stub.source)


def _grouped(
    name: str, key: Key, asked: Mapping[Key, tuple[NotebookNode, str]], answers: Mapping[Key, Sequence[Answer]]
) -> tuple[Group, ...]:
    alike: dict[str, list[Answer]] = {}
    for answer in answers[key]:
        alike.setdefault(_normal(answer, asked[key][0]), []).append(answer)
    digests = {text: digest(text) for text in alike}
    short = next(n for n in range(6, 65) if len({one[:n] for one in digests.values()}) == len(digests))
    groups = [
        Group(f"{name}:{digests[text][:short] if text else EMPTY}", name_pictures(same[0].text), tuple(same))
        for text, same in alike.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.open, -len(group.answers), group.name)))


def _normal(answer: Answer, stub: NotebookNode) -> str:
    """Normalize an answer, so that answers with the same text and pictures are equal."""
    if stub.cell_type == "code":
        return answer.text.strip()
    text = normalize_whitespace(unicodedata.normalize("NFKC", answer.text).casefold())
    return "\n".join((text, *answer.pictures))
