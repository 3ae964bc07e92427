"""Group written answers with the same text, so that the instructor can mark a whole group at once.

A group's name is its question and a digest of its text, so it does not change when more students hand in. Texts are
the same if they differ only in case, spaces or the encoding of accents; code must be identical. Empty answers are a
group too. Answers that cannot be read, such as those of a damaged notebook, are in no group.
"""

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearMarkScheme
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from autograder.course.course import Course
from autograder.errors import UsageError
from autograder.gradebook.graded_notebooks import Reader
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.lock import grading_lock
from autograder.gradebook.queries import Key, Mark, comments, marks, table
from autograder.gradebook.recorder import Recorder
from autograder.gradebook.source_assignment import SourceAssignment, earlier_wordings
from autograder.notebook.cells import grade_id
from autograder.notebook.sanitize import as_typed, inert_markdown
from autograder.notebook.source import added
from autograder.text import normalize_whitespace

UNREAD = ("grader-error", "damaged", "missing")  # statuses of notebooks whose answers could not be read
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
        noted, texts = ledger.of(student).get("notebooks", {}), reader.written(student)
        for key, (stub, _) in asked.items():
            if (student, key) not in given:
                continue
            text = _typed(texts.get(key), stub)
            if text is None or (not text and noted.get(key[0], {}).get("status") in UNREAD):
                unread[key].append(student)
            else:
                mark, comment = given[student, key]
                answers[key].append(Answer(student, text, mark.points, mark.by_hand, comment))
    return tuple(
        Question(
            name, key, results.points[name], asked[key][1], _grouped(name, key, asked, answers), tuple(unread[key])
        )
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
    """Give each named group its mark and, optionally, a comment.

    Earlier marks and comments of the instructor are kept, unless `replace` is true. Raises UsageError if a group is
    unknown or a mark is out of range; then nothing is written.
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
        raise UsageError(f"{name}: no such group of answers; run `autograder mark --list` to see all groups.")
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


def _typed(source: str | None, stub: NotebookNode) -> str | None:
    """Return the text that a student added to a stub; None if the autograded notebook does not have the cell."""
    if source is None:
        return None
    if stub.cell_type == "code":
        return "" if normalize_whitespace(source) == normalize_whitespace(stub.source) else source
    return added(as_typed(source), as_typed(inert_markdown(stub.source)))


def _grouped(
    name: str, key: Key, asked: Mapping[Key, tuple[NotebookNode, str]], answers: Mapping[Key, Sequence[Answer]]
) -> tuple[Group, ...]:
    alike: dict[str, list[Answer]] = {}
    for answer in answers[key]:
        alike.setdefault(_normal(answer.text, asked[key][0]), []).append(answer)
    digests = {text: hashlib.sha256(text.encode()).hexdigest() for text in alike}
    short = next(n for n in range(6, 65) if len({one[:n] for one in digests.values()}) == len(digests))
    groups = [
        Group(f"{name}:{digests[text][:short] if text else EMPTY}", same[0].text, tuple(same))
        for text, same in alike.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.open, -len(group.answers), group.name)))


def _normal(text: str, stub: NotebookNode) -> str:
    """Normalize an answer, so that answers with the same text are equal."""
    if stub.cell_type == "code":
        return text.strip()
    return normalize_whitespace(unicodedata.normalize("NFKC", text).casefold())
