"""Match the cells of a submission with the cells of the source notebook.

Each source cell collects candidates (`claims`): first every submitted cell with its nbgrader name or its id. A source
cell without candidates then gets one by its text, by its position or, for an answer cell, by the names that it assigns.
At the end one candidate is chosen for each source cell. A submitted cell that is no candidate is an extra cell.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_task
from traitlets.config import Config

from autograder.notebook.cells import grade_id
from autograder.notebook.source import answered, bindings, lines_of
from autograder.notebook.variants import released_copy
from autograder.text import normalize_whitespace

ALIKE = 0.6  # with at least this share of words in common, one cell is an edited copy of the other
MAX_WORDS = 2_000  # characters of a text that are compared


@dataclass(eq=False)
class StudentCell:
    """One cell of the submission, and its position."""

    place: int
    cell: NotebookNode

    @cached_property
    def text(self) -> str:
        """Return the source with whitespace normalized."""
        return normalize_whitespace(self.cell.source)

    @cached_property
    def lines(self) -> set[str]:
        """Return the set of its lines."""
        return lines_of(self.cell.source)

    @cached_property
    def bound(self) -> Mapping[str, bool]:
        """Return the names that it binds, as `bindings` returns them."""
        return bindings(self.cell.source) or {}


@dataclass(eq=False)
class CourseCell:
    """One cell of the source notebook, the submitted cells that may be it, and the one that was chosen.

    Attributes:
        place: Its position.
        cell: The cell.
        released: Its text in the released notebook.
        own_lines: Its lines that no other cell has, such as the text of a written question.
        claims: The submitted cells that may be it.
        chosen: The one that was chosen.
        name: Its name in repair messages.
        text: The released text with whitespace normalized.
        is_code: Whether it is a code cell.
        is_students: Whether students may edit it.
        asked: The names that its stub binds.
        words: The words of its released text.
    """

    place: int
    cell: NotebookNode
    released: str
    own_lines: set[str]
    claims: list[StudentCell] = field(default_factory=list, init=False)
    chosen: StudentCell | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.name = str(grade_id(self.cell) or self.cell.id)
        self.text = normalize_whitespace(self.released)
        self.is_code = bool(self.cell.cell_type == "code")
        self.is_students = not (is_locked(self.cell) or is_task(self.cell))
        self.asked = set(bindings(self.released) or {}) if self.is_code else set()
        self.words = set(re.findall(r"\w+", self.released))

    def unclaimed(self) -> "CourseCell":
        """Return a copy for another submission: without candidates, and with the same facts about the cell."""
        other = copy.copy(self)
        other.claims, other.chosen = [], None
        return other

    def is_copied_by(self, mine: StudentCell) -> bool:
        """Return whether the submitted cell has the same text."""
        return mine.text == self.text

    def copies(self) -> list[StudentCell]:
        """Return the candidates that have the same text."""
        return [mine for mine in self.claims if self.is_copied_by(mine)]

    def may_be_answered_by(self, mine: StudentCell) -> bool:
        """Return whether a cell assigns a name of the stub or, for a written answer, has a line of the question."""
        if self.asked:
            return bool(self.asked & set(mine.bound))
        return bool(self.own_lines & mine.lines)

    def is_answered_by(self, mine: StudentCell | None) -> bool:
        """Return whether the student changed the stub."""
        return mine is not None and answered(mine.cell.source, self.released, self.is_code)

    def likeness(self, mine: StudentCell) -> float:
        """Return how similar a cell at the same position is to this one, from 0 to 1."""
        if self.is_students:
            return float(self.may_be_answered_by(mine))
        if mine.cell.cell_type != self.cell.cell_type:
            return 0.0
        theirs, own = set(mine.text[:MAX_WORDS].split()), set(self.text.split())
        return len(theirs & own) / max(len(theirs | own), 1)

    def choose(self) -> None:
        """Choose one candidate: the last answered one or, for a locked cell, an unchanged one."""
        answers = [mine for mine in self.claims if self.is_answered_by(mine)][-1:]
        best = answers if self.is_students else self.copies()
        own = [mine for mine in self.claims if mine.cell.get("id") == self.cell.id]
        self.chosen = next(iter([*best, *own, *self.claims]), None)


def match(submitted: NotebookNode, course: Sequence[CourseCell]) -> tuple[list[CourseCell], list[StudentCell]]:
    """Match a submission with the source notebook, and return the cells of both in order.

    Args:
        submitted: The submission, as `parse` returns it.
        course: The cells of the source notebook, as `course_cells` returns them. They are not modified.

    Returns:
        The source cells, each with the submitted cell that was chosen for it; and all submitted cells.
    """
    cells = [cell.unclaimed() for cell in course]
    mine = [StudentCell(place, cell) for place, cell in enumerate(submitted.cells)]
    _claim_by_name(cells, mine)
    _claim_by_text(cells, mine)
    _claim_by_place(cells, mine)
    _claim_by_answer(cells, mine)
    for cell in cells:
        cell.choose()
    return cells, mine


def course_cells(course: NotebookNode, config: Config | None = None) -> tuple[CourseCell, ...]:
    """Return the cells of a source notebook, for all its submissions.

    Args:
        course: The source notebook, as `teaching_copy` returns it.
        config: nbgrader's settings.
    """
    released = [cell.source for cell in released_copy(course, config).cells]
    lines = [lines_of(text) for text in released]
    own_lines = [own - set().union(*lines[:i], *lines[i + 1 :]) for i, own in enumerate(lines)]
    parts = zip(course.cells, released, own_lines, strict=True)
    return tuple(CourseCell(place, *part) for place, part in enumerate(parts))


def _free(cells: list[CourseCell], mine: list[StudentCell]) -> list[StudentCell]:
    claiming = {claim for cell in cells for claim in cell.claims}
    return [each for each in mine if each not in claiming]


def _claim_by_name(cells: list[CourseCell], mine: list[StudentCell]) -> None:
    ids = {cell.cell.id: cell for cell in cells}
    names = {grade_id(cell.cell): cell for cell in cells if grade_id(cell.cell)}
    for each in mine:
        cell = names.get(grade_id(each.cell), ids.get(each.cell.get("id")))
        if cell is not None:
            cell.claims.append(each)


def _claim_by_text(cells: list[CourseCell], mine: list[StudentCell]) -> None:
    """Match unclaimed cells by their text; a locked cell also if all of its candidates were edited."""
    lost = [cell for cell in cells if not cell.claims or not (cell.is_students or cell.copies())]
    for each in _free(cells, mine):
        same = [cell for cell in lost if cell.text and cell.is_copied_by(each)]
        if same:
            same[0].claims.append(each)
            lost.remove(same[0])


def _claim_by_place(cells: list[CourseCell], mine: list[StudentCell]) -> None:
    """Match cells between the same neighbours: answer cells by the names they assign, locked cells by their words."""
    missing = [cell for cell in cells if not cell.claims]
    for cell in sorted(missing, key=lambda cell: not cell.is_students):
        before = [other.claims[0].place for other in cells[: cell.place] if other.claims][-1:] or [-1]
        after = [other.claims[0].place for other in cells[cell.place + 1 :] if other.claims][:1] or [len(mine)]
        between = [each for each in _free(cells, mine) if before[0] < each.place < after[0]]
        best = max(between, key=cell.likeness, default=None)
        if best is not None and cell.likeness(best) >= ALIKE:
            cell.claims.append(best)


def _claim_by_answer(cells: list[CourseCell], mine: list[StudentCell]) -> None:
    """Match an answer cell that is still missing with any cell that answers it, at any position."""
    for cell in cells:
        if cell.is_students and not cell.claims:
            free = _free(cells, mine)
            fits = [each for each in free if cell.may_be_answered_by(each) and cell.is_answered_by(each)]
            cell.claims += fits[-1:]
