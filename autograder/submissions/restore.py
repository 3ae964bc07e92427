"""A submitted notebook and the master → a notebook fit to run, and the list of repairs.

The result is built from the master and not mended from the submission: every cell of the master, in its order, with its
text; the student's text stands only where the student was asked for it (answers, and cells that nbgrader knows nothing
of). So nothing that a student did to a locked cell gets any further. Cells of the student's own stay behind the cell
that they stood behind. The work is to find each answer: by nbgrader's name, by the cell's id, by its text, by its place
and what it assigns; and, as long as a question is unanswered, where learners type answers by mistake.
"""

import copy
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution
from traitlets.config import Config

from autograder.notebook.cells import fresh_id, grade_id
from autograder.notebook.source import added, bindings, binds, typed
from autograder.submissions.matching import CourseCell, StudentCell, match
from autograder.submissions.parser import EDITORS
from autograder.text import normalize_whitespace, printable, summarize

KINDS = {"code": "code", "markdown": "text", "raw": "raw"}


@dataclass(frozen=True)
class Restored:
    """A notebook fit to run (hidden tests still in it), and what was mended, in sentences."""

    notebook: NotebookNode
    repairs: tuple[str, ...]


def restore(submitted: NotebookNode, master: NotebookNode, config: Config | None = None) -> Restored:
    """Rebuild a submitted notebook (as `parse` gives it) from the master, which is its `teaching_copy`."""
    return _Restoration(submitted, master, config).restored()


@dataclass(frozen=True)
class _Extra:
    """A cell of the student's own, and the master's cell that it stands behind (-1: the top)."""

    cell: NotebookNode
    behind: int
    bound: Mapping[str, bool]  # as `bindings` tells of it
    moved_from: "_Extra | None" = None

    def binds(self, names: set[str]) -> bool:
        """Does it, as code, bind one of the names to more than `...`?"""
        return self.cell.cell_type == "code" and binds(self.bound, names)


class _Restoration:
    """The notebook made of a matched submission, and the repairs, by the place of the cell that they are about."""

    def __init__(self, submitted: NotebookNode, master: NotebookNode, config: Config | None) -> None:
        self.submitted, self.master = submitted, master
        self.cells, self.mine = match(submitted, master, config)
        self.extras: list[_Extra] = []
        self.moved: list[_Extra] = []
        self.repairs: dict[int, list[str]] = {place: [] for place in range(-1, len(self.cells) + 1)}

    def restored(self) -> Restored:
        self._compare()
        self._keep_extras()
        for cell in self.cells:
            if cell.asked and is_solution(cell.cell) and not cell.is_answered_by(cell.chosen):
                self._rescue(cell)
        self._look_for_texts()
        repairs = summarize(sentence for place in sorted(self.repairs) for sentence in self.repairs[place])
        return Restored(self._notebook(), tuple(repairs))

    def _say(self, cell: CourseCell, sentence: str) -> None:
        self.repairs[cell.place].append(f"{cell.name}: {sentence}.")

    def _say_first(self, sentence: str) -> None:
        self.repairs[-1].append(sentence)

    def _say_last(self, sentence: str) -> None:
        self.repairs[len(self.cells)].append(sentence)

    # what was done to it

    def _compare(self) -> None:
        if not any(cell.claims for cell in self.cells):
            self._say_first("none of the course's cells stands in it; the course's own were used.")
            return
        self._compare_whole()
        moved = self._out_of_order()
        for cell in self.cells:
            if cell.chosen is None:
                back = "the course's own was put back" if self._source(cell) else "another cell gives its answer"
                self._say(cell, f"the {_kind(cell)} was deleted; {back}")
                continue
            self._compare_cell(cell, cell.chosen.cell)
            if cell in moved:
                self._say(cell, f"the {_kind(cell)} was moved; it is back in its place")

    def _compare_whole(self) -> None:
        asked, own = (nb.metadata.get("kernelspec", {}).get("name") for nb in (self.submitted, self.master))
        if asked and own and asked != own:
            self._say_first(f"it asked for the kernel {printable(asked)}; it runs in the course's own, {own}.")
        lost = [cell.name for cell in self.cells if cell.chosen and not _keeps_name(cell, cell.chosen)]
        marks = {key for node in (self.submitted, *self.submitted.cells) for key in node.metadata}
        editors = [name for key, name in EDITORS.items() if key in marks]
        by = f" (saved by {' and '.join(editors)})" if editors else ""
        which = ", ".join(lost) if len(lost) <= 3 else f"{len(lost)} cells"
        if lost:
            self._say_first(f"{which}: nbgrader's metadata was lost{by}; known by id, text or place.")

    def _compare_cell(self, cell: CourseCell, mine: NotebookNode) -> None:
        what, times = _kind(cell), len(cell.claims)
        if times > 1:
            counts = "the last one answered counts" if cell.is_students else "the course's own stands once"
            self._say(cell, f"the {what} is there {times} times; {counts}")
        if mine.cell_type != cell.cell.cell_type:
            now, again = KINDS[mine.cell_type], KINDS[cell.cell.cell_type]
            self._say(cell, f"the {what} became a {now} cell; it is a {again} cell again")
        if not cell.is_students and normalize_whitespace(mine.source) != cell.text:
            self._say(cell, f"the {what} was edited; the course's own was used")
        given, own = mine.metadata.get("nbgrader", {}), cell.cell.metadata.get("nbgrader", {})
        rights = ("grade", "solution", "locked", "task", "points")
        if grade_id(mine) and any(given.get(key, own.get(key)) != own.get(key) for key in rights):
            self._say(cell, "its nbgrader metadata was changed; the course's own was used")

    def _out_of_order(self) -> set[CourseCell]:
        """The fewest cells that must have been moved: all but a longest run that is still in order."""
        kept = sorted((cell.chosen.place, cell.place) for cell in self.cells if cell.chosen and len(cell.claims) == 1)
        runs: list[list[int]] = []  # runs[n] is the run of n + 1 cells that ends lowest
        for _, place in kept:
            at = bisect_left([run[-1] for run in runs], place)
            runs[at : at + 1] = [[*(runs[at - 1] if at else []), place]]
        in_order = set(runs[-1] if runs else [])
        return {self.cells[place] for _, place in kept if place not in in_order}

    # the student's own cells

    def _keep_extras(self) -> None:
        claimed = {claim: cell for cell in self.cells for claim in cell.claims}
        behind = -1
        for mine in self.mine:
            cell = claimed.get(mine)
            if cell is None:
                self._keep_own(mine, behind)
            elif cell.chosen is mine:
                behind = cell.place
            else:
                self._keep_copy(cell, mine, behind)

    def _keep_own(self, mine: StudentCell, behind: int) -> None:
        self.extras.append(_Extra(mine.cell, behind, mine.bound))
        if grade_id(mine.cell):
            named = f"a cell of the student's own came with the name {printable(grade_id(mine.cell))}"
            self._say_last(f"{named}; it was kept without.")

    def _keep_copy(self, cell: CourseCell, mine: StudentCell, behind: int) -> None:
        """A copy with anything else in it is kept; one that answers runs before the cell that counts."""
        if cell.is_copied_by(mine) or not mine.text or (cell.chosen and mine.text == cell.chosen.text):
            return
        if not cell.is_students:
            self._say(cell, "a copy that differs was kept as a cell of the student's own")
        elif cell.asked & set(mine.bound):
            behind = min(behind, cell.place - 1)
        self.extras.append(_Extra(mine.cell, behind, mine.bound))

    def _rescue(self, cell: CourseCell) -> None:
        """Find the answer to an unanswered question in an edited test cell, or in a cell on the wrong side of it."""
        later = self.cells[cell.place + 1 :]
        tests = (other.place for other in later if other.is_code and not other.is_students and other.words & cell.asked)
        test = next(tests, cell.place + 1)
        for other in later:
            answer = _typed_into(other)
            bound = bindings(answer) or {}
            if binds(bound, cell.asked):
                self.moved.append(_Extra(NotebookNode(cell_type="code", source=answer), test - 1, bound))
                self._say(cell, f"the answer was typed into {other.name}; it was moved into a cell of its own")
                return
        self._move_up(cell, test)

    def _move_up(self, cell: CourseCell, test: int) -> None:
        """Move an answer from a cell of the student's own to above the test, if none there gives one already."""
        undone = cell.asked & set(bindings(self._source(cell)) or {})  # by the stub, of what is above it
        first = cell.place if undone else -1
        found = [extra for extra in self.extras if extra.binds(cell.asked)]
        staying = [extra for extra in [*self._kept(), *self.moved] if extra.binds(cell.asked)]
        if found and not any(first <= extra.behind < test for extra in staying):
            self.moved.append(replace(found[-1], behind=test - 1, moved_from=found[-1]))
            above = [*(cell.name for cell in self.cells), "the end"][test]
            self._say(cell, f"the answer stood {self._where(found[-1])}; it was moved above {above}")

    def _kept(self) -> list[_Extra]:
        """The extra cells that stay; one that answers two questions is moved to both."""
        return [extra for extra in self.extras if not any(extra is moved.moved_from for moved in self.moved)]

    def _where(self, extra: _Extra) -> str:
        return f"after {self.cells[extra.behind].name}" if extra.behind >= 0 else "at the top"

    def _look_for_texts(self) -> None:
        """Name to the instructor every text that might be a missing written answer: which one it is, is not guessed."""
        texts = [cell for cell in self.cells if is_solution(cell.cell) and not cell.is_code]
        blank = ", ".join(cell.name for cell in texts if not cell.is_answered_by(cell.chosen))
        if not blank:
            return
        for cell in self.cells:
            if cell.chosen and not cell.is_students and not cell.is_code:
                text = added(cell.chosen.cell.source, cell.released)
                extra = _Extra(NotebookNode(cell_type="markdown", source=text), cell.place, {})
                self.extras += [extra] if text else []
        for extra in self.extras:
            if extra.cell.cell_type == "markdown" and extra.cell.source.strip():
                unknown = f"a text {self._where(extra)} belongs to no question for certain"
                self._say_last(f"{unknown}; a reader should look (unanswered: {blank}).")

    # the notebook

    def _source(self, cell: CourseCell) -> str:
        if not cell.is_students:
            return str(cell.cell.source)
        if cell.chosen is not None:
            return str(cell.chosen.cell.source)
        others = [other.chosen for other in self.cells if other.is_students and other.chosen]
        is_assigned = any(binds(other.bound, cell.asked) for other in others)
        return "" if is_assigned else cell.released  # a stub put back would undo what another cell assigns

    def _notebook(self) -> NotebookNode:
        extras = [*self._kept(), *self.moved]
        used = {cell.cell.id for cell in self.cells}
        cells = [_plain(extra, used) for extra in extras if extra.behind < 0]
        for cell in self.cells:
            cells.append(self._cell(cell))
            cells += [_plain(extra, used) for extra in extras if extra.behind == cell.place]
        return NotebookNode({**self.master, "metadata": copy.deepcopy(self.master.metadata), "cells": cells})

    def _cell(self, cell: CourseCell) -> NotebookNode:
        made = copy.deepcopy(cell.cell)
        made.source = self._source(cell)
        if cell.is_code:
            made.outputs, made.execution_count = [], None
        elif cell.is_students and cell.chosen:
            made.pop("attachments", None)
            pictures = copy.deepcopy(cell.chosen.cell.get("attachments"))
            made |= {"attachments": pictures} if pictures else {}
        return made


def _kind(cell: CourseCell) -> str:
    return "answer cell" if is_solution(cell.cell) else "test cell" if is_grade(cell.cell) else "cell"


def _keeps_name(cell: CourseCell, mine: StudentCell) -> bool:
    return grade_id(mine.cell) == grade_id(cell.cell) or not grade_id(cell.cell)


def _typed_into(cell: CourseCell) -> str:
    """What a student has typed into a locked cell of code."""
    mine = cell.chosen
    is_edited = not cell.is_students and cell.is_code and mine is not None and not cell.is_copied_by(mine)
    return typed(mine.cell.source, cell.released) if is_edited and mine else ""


def _plain(extra: _Extra, used: set[str]) -> NotebookNode:
    """The cell without metadata, by its own id if that is still free."""
    known = extra.cell.get("id")
    name = fresh_id("extra", used) if known is None or known in used else known
    used.add(name)
    kind, source = extra.cell.cell_type, extra.cell.source
    cell = NotebookNode(cell_type=kind, id=name, metadata=NotebookNode(), source=source)
    if kind == "code":
        cell.outputs, cell.execution_count = [], None
    elif extra.cell.get("attachments"):
        cell.attachments = copy.deepcopy(extra.cell.attachments)
    return cell
