"""Which cell of a submission is which cell of the course's own notebook.

A cell of the submission claims to be one of the course's: by nbgrader's name or its id, which several may claim; then,
where none did, by its text, by its place, and, if it is an answer, by what it assigns. One claim each is chosen at the
end; what claims nothing is the student's own cell.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_task
from traitlets.config import Config

from autograder.notebook.cells import grade_id
from autograder.notebook.source import answered, bindings, lines_of
from autograder.notebook.variants import released_copy
from autograder.text import normalize_whitespace

ALIKE = 0.6  # share of the words that two cells have in common, from which on one is the other, edited
MAX_WORDS = 2_000  # characters by which two texts are compared


@dataclass(eq=False)
class StudentCell:
    """One cell of the submission, and where it is in it."""

    place: int
    cell: NotebookNode

    @cached_property
    def text(self) -> str:
        """Its source, whatever its whitespace."""
        return normalize_whitespace(self.cell.source)

    @cached_property
    def lines(self) -> set[str]:
        """Its lines, in no order."""
        return lines_of(self.cell.source)

    @cached_property
    def bound(self) -> Mapping[str, bool]:
        """What it binds, as `bindings` has it."""
        return bindings(self.cell.source) or {}


@dataclass(eq=False)
class CourseCell:
    """One cell of the course's own notebook, the student's cells that claim to be it, and the one that is chosen."""

    place: int
    cell: NotebookNode
    released: str  # its source in the notebook that students get
    own_lines: set[str]  # its lines that are in no other cell, such as a written question's own
    claims: list[StudentCell] = field(default_factory=list)
    chosen: StudentCell | None = None

    @cached_property
    def name(self) -> str:
        """What repairs call it."""
        return str(grade_id(self.cell) or self.cell.id)

    @cached_property
    def text(self) -> str:
        """Its released source, whatever its whitespace."""
        return normalize_whitespace(self.released)

    @cached_property
    def is_code(self) -> bool:
        return bool(self.cell.cell_type == "code")

    @cached_property
    def is_students(self) -> bool:
        """May students write into it?"""
        return not (is_locked(self.cell) or is_task(self.cell))

    @cached_property
    def asked(self) -> set[str]:
        """The names that its stub binds."""
        return set(bindings(self.released) or {}) if self.is_code else set()

    @cached_property
    def words(self) -> set[str]:
        """The words of its released source."""
        return set(re.findall(r"\w+", self.released))

    def is_copied_by(self, mine: StudentCell) -> bool:
        """Does the student's cell have the same text?"""
        return mine.text == self.text

    def copies(self) -> list[StudentCell]:
        """The claims that have the same text."""
        return [mine for mine in self.claims if self.is_copied_by(mine)]

    def may_be_answered_by(self, mine: StudentCell) -> bool:
        """Does the cell assign what the stub assigns, or, of a written answer, hold the question's own line?"""
        if self.asked:
            return bool(self.asked & set(mine.bound))
        return bool(self.own_lines & mine.lines)

    def is_answered_by(self, mine: StudentCell | None) -> bool:
        """Has the student put anything into the stub?"""
        return mine is not None and answered(mine.cell.source, self.released, self.is_code)

    def likeness(self, mine: StudentCell) -> float:
        """How far a cell in the same place is this one, from 0 to 1."""
        if self.is_students:
            return float(self.may_be_answered_by(mine))
        if mine.cell.cell_type != self.cell.cell_type:
            return 0.0
        theirs, own = set(mine.text[:MAX_WORDS].split()), set(self.text.split())
        return len(theirs & own) / max(len(theirs | own), 1)

    def choose(self) -> None:
        """Choose one of several claims: the last one answered; of a locked cell, the one that is as it was."""
        answers = [mine for mine in self.claims if self.is_answered_by(mine)][-1:]
        best = answers if self.is_students else self.copies()
        own = [mine for mine in self.claims if mine.cell.get("id") == self.cell.id]
        self.chosen = next(iter([*best, *own, *self.claims]), None)


def match(
    submitted: NotebookNode, course: NotebookNode, config: Config | None = None
) -> tuple[list[CourseCell], list[StudentCell]]:
    """Match a submission with the course's own notebook; return the cells of both, in order, with what was chosen."""
    cells = _course_cells(course, config)
    mine = [StudentCell(place, cell) for place, cell in enumerate(submitted.cells)]
    _claim_by_name(cells, mine)
    _claim_by_text(cells, mine)
    _claim_by_place(cells, mine)
    _claim_by_answer(cells, mine)
    for cell in cells:
        cell.choose()
    return cells, mine


def _course_cells(course: NotebookNode, config: Config | None) -> list[CourseCell]:
    released = [cell.source for cell in released_copy(course, config).cells]
    lines = [lines_of(text) for text in released]
    own_lines = [own - set().union(*lines[:i], *lines[i + 1 :]) for i, own in enumerate(lines)]
    parts = zip(course.cells, released, own_lines, strict=True)
    return [CourseCell(place, *part) for place, part in enumerate(parts)]


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
    """A cell that lost its name is known by its text; not one that a student typed once more."""
    lost = [cell for cell in cells if not cell.claims or not (cell.is_students or cell.copies())]
    for each in _free(cells, mine):
        same = [cell for cell in lost if cell.text and cell.is_copied_by(each)]
        if same:
            same[0].claims.append(each)
            lost.remove(same[0])


def _claim_by_place(cells: list[CourseCell], mine: list[StudentCell]) -> None:
    """Between its neighbours, an answer is known by what it assigns, a locked cell by most of its words."""
    gone = [cell for cell in cells if not cell.claims]
    for cell in sorted(gone, key=lambda cell: not cell.is_students):
        before = [other.claims[0].place for other in cells[: cell.place] if other.claims][-1:] or [-1]
        behind = [other.claims[0].place for other in cells[cell.place + 1 :] if other.claims][:1] or [len(mine)]
        between = [each for each in _free(cells, mine) if before[0] < each.place < behind[0]]
        best = max(between, key=cell.likeness, default=None)
        if best is not None and cell.likeness(best) >= ALIKE:
            cell.claims.append(best)


def _claim_by_answer(cells: list[CourseCell], mine: list[StudentCell]) -> None:
    """What assigns an answer whose cell is gone, is that answer, wherever it is."""
    for cell in cells:
        if cell.is_students and not cell.claims:
            free = _free(cells, mine)
            fits = [each for each in free if cell.may_be_answered_by(each) and cell.is_answered_by(each)]
            cell.claims += fits[-1:]
