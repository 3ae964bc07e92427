"""Rebuild a submitted notebook from its source notebook, so that it can be run, and list the repairs.

The result contains every cell of the source notebook, in the original order and with the original text. Only answer
cells, and cells that are not nbgrader's, take the student's text. So edits to locked cells have no effect. Extra cells
stay after the cell that they followed.

The main work is to find each answer: by nbgrader's name, the cell's id, its text, or its position and the names that it
assigns. For questions that are still unanswered, it also looks where students type answers by mistake.
"""

import copy
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.notebook.cells import fresh_id, grade_id
from autograder.notebook.source import added, bindings, binds, typed
from autograder.submissions.matching import CourseCell, StudentCell, course_cells, match
from autograder.submissions.parser import EDITORS
from autograder.text import normalize_whitespace, printable, summarize

PYTHONS = {"python3", "python"}  # names of the Python kernel: Jupyter's, and JupyterLite's


@dataclass(frozen=True)
class Restored:
    """A notebook that can be run, with its hidden tests, and a message for each repair."""

    notebook: NotebookNode
    repairs: tuple[str, ...]


def restore(submitted: NotebookNode, source: NotebookNode, cells: Sequence[CourseCell] = ()) -> Restored:
    """Rebuild a submitted notebook from its source notebook.

    Args:
        submitted: The submission, as `parse` returns it.
        source: The source notebook, as `teaching_copy` returns it.
        cells: Its cells, as `course_cells` returns them, if they are at hand: they are the same for a whole class.
    """
    return _Restoration(submitted, source, cells or course_cells(source)).restored()


@dataclass(frozen=True)
class _Extra:
    """An extra cell of the student's, and the position of the source cell that it follows (-1: it is at the top)."""

    cell: NotebookNode
    after: int
    bound: Mapping[str, bool]  # as `bindings` returns it
    moved_from: "_Extra | None" = None

    def binds(self, names: set[str]) -> bool:
        """Return whether it is code and binds one of the names to a value other than `...`."""
        return self.cell.cell_type == "code" and binds(self.bound, names)


class _Restoration:
    """Builds the notebook from a matched submission, and collects the repairs by the position of their cell."""

    def __init__(self, submitted: NotebookNode, source: NotebookNode, cells: Sequence[CourseCell]) -> None:
        self.submitted, self.source = submitted, source
        self.cells, self.mine = match(submitted, cells)
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

    # edits by the student

    def _compare(self) -> None:
        if not any(cell.claims for cell in self.cells):
            self._say_first("no cell of the released notebook was found; all of them were restored.")
            return
        self._compare_whole()
        moved = self._out_of_order()
        for cell in self.cells:
            if cell.chosen is None:
                result = "it was restored" if self._source(cell) else "another cell assigns the answer"
                self._say(cell, f"the {_kind(cell)} was deleted; {result}")
                continue
            self._compare_cell(cell, cell.chosen.cell)
            if cell in moved:
                self._say(cell, f"the {_kind(cell)} was moved; it was moved back")

    def _compare_whole(self) -> None:
        theirs, ours = (nb.metadata.get("kernelspec", {}).get("name") for nb in (self.submitted, self.source))
        if theirs and ours and theirs != ours and not {theirs, ours} <= PYTHONS:
            self._say_first(f'the notebook names the kernel "{printable(theirs)}"; the course\'s "{ours}" was used.')
        lost = [cell.name for cell in self.cells if cell.chosen and not _keeps_name(cell, cell.chosen)]
        marks = {key for node in (self.submitted, *self.submitted.cells) for key in node.metadata}
        editors = [name for key, name in EDITORS.items() if key in marks]
        by = f" (saved by {' and '.join(editors)})" if editors else ""
        which = ", ".join(lost) if len(lost) <= 3 else f"{len(lost)} cells"
        if lost:
            self._say_first(f"{which}: nbgrader's metadata was lost{by}; identified by id, text or position.")

    def _compare_cell(self, cell: CourseCell, mine: NotebookNode) -> None:
        what, times = _kind(cell), len(cell.claims)
        if times > 1:
            counts = "the last answered copy counts" if cell.is_students else "the original was used"
            self._say(cell, f"there are {times} copies of the {what}; {counts}")
        if mine.cell_type != cell.cell.cell_type:
            changed = f"the {what} was changed to a {mine.cell_type} cell"
            self._say(cell, f"{changed}; it was changed back to {cell.cell.cell_type}")
        if not cell.is_students and normalize_whitespace(mine.source) != cell.text:
            self._say(cell, f"the {what} was edited; the original was used")
        given, own = mine.metadata.get("nbgrader", {}), cell.cell.metadata.get("nbgrader", {})
        rights = ("grade", "solution", "locked", "task", "points")
        if grade_id(mine) and any(given.get(key, own.get(key)) != own.get(key) for key in rights):
            self._say(cell, "its nbgrader metadata was changed; the original was used")

    def _out_of_order(self) -> set[CourseCell]:
        """Return the smallest set of cells that must have been moved: all except a longest run in order."""
        kept = sorted((cell.chosen.place, cell.place) for cell in self.cells if cell.chosen and len(cell.claims) == 1)
        runs: list[list[int]] = []  # runs[n]: the run of n + 1 cells with the lowest last position
        for _, place in kept:
            at = bisect_left([run[-1] for run in runs], place)
            runs[at : at + 1] = [[*(runs[at - 1] if at else []), place]]
        in_order = set(runs[-1] if runs else [])
        return {self.cells[place] for _, place in kept if place not in in_order}

    # extra cells

    def _keep_extras(self) -> None:
        claimed = {claim: cell for cell in self.cells for claim in cell.claims}
        after = -1
        for mine in self.mine:
            cell = claimed.get(mine)
            if cell is None:
                self._keep_own(mine, after)
            elif cell.chosen is mine:
                after = cell.place
            else:
                self._keep_copy(cell, mine, after)

    def _keep_own(self, mine: StudentCell, after: int) -> None:
        self.extras.append(_Extra(mine.cell, after, mine.bound))
        if grade_id(mine.cell):
            named = f'an extra cell has the nbgrader name "{printable(grade_id(mine.cell))}"'
            self._say_last(f"{named}; the cell was kept without that name.")

    def _keep_copy(self, cell: CourseCell, mine: StudentCell, after: int) -> None:
        """Keep a copy whose text differs; place a copy that answers the question before the cell that counts."""
        if cell.is_copied_by(mine) or not mine.text or (cell.chosen and mine.text == cell.chosen.text):
            return
        if not cell.is_students:
            self._say(cell, "a changed copy was kept as an extra cell")
        elif cell.asked & set(mine.bound):
            after = min(after, cell.place - 1)
        self.extras.append(_Extra(mine.cell, after, mine.bound))

    def _rescue(self, cell: CourseCell) -> None:
        """Find the answer to an unanswered question in an edited locked cell, or in an extra cell after the test."""
        later = self.cells[cell.place + 1 :]
        tests = (other.place for other in later if other.is_code and not other.is_students and other.words & cell.asked)
        test = next(tests, cell.place + 1)
        for other in later:
            answer = _typed_into(other)
            bound = bindings(answer) or {}
            if binds(bound, cell.asked):
                self.moved.append(_Extra(NotebookNode(cell_type="code", source=answer), test - 1, bound))
                self._say(cell, f"the answer was typed into {other.name}; it was moved to a new cell")
                return
        self._move_up(cell, test)

    def _move_up(self, cell: CourseCell, test: int) -> None:
        """Move an answer from an extra cell to above the test, unless another cell there already answers."""
        overwritten = cell.asked & set(bindings(self._source(cell)) or {})  # the stub binds these names again
        first = cell.place if overwritten else -1
        answers = [extra for extra in self.extras if extra.binds(cell.asked)]
        staying = [extra for extra in [*self._kept(), *self.moved] if extra.binds(cell.asked)]
        if answers and not any(first <= extra.after < test for extra in staying):
            self.moved.append(replace(answers[-1], after=test - 1, moved_from=answers[-1]))
            target = f"above {self.cells[test].name}" if test < len(self.cells) else "to the end"
            self._say(cell, f"the answer was {self._where(answers[-1])}; it was moved {target}")

    def _kept(self) -> list[_Extra]:
        """Return the extra cells that were not moved. A cell that answers two questions is moved to both."""
        return [extra for extra in self.extras if not any(extra is moved.moved_from for moved in self.moved)]

    def _where(self, extra: _Extra) -> str:
        return f"after {self.cells[extra.after].name}" if extra.after >= 0 else "at the top"

    def _look_for_texts(self) -> None:
        """Report texts that may be missing written answers. The instructor decides which question they answer."""
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
                unknown = f"the text {self._where(extra)} matches no question"
                self._say_last(f"{unknown}; the instructor should check it (unanswered: {blank}).")

    # the notebook

    def _source(self, cell: CourseCell) -> str:
        if not cell.is_students:
            return str(cell.cell.source)
        if cell.chosen is not None:
            return str(cell.chosen.cell.source)
        others = [other.chosen for other in self.cells if other.is_students and other.chosen]
        is_assigned = any(binds(other.bound, cell.asked) for other in others)
        return "" if is_assigned else cell.released  # restoring the stub would overwrite the other cell's answer

    def _notebook(self) -> NotebookNode:
        extras = [*self._kept(), *self.moved]
        used = {cell.cell.id for cell in self.cells}
        cells = [_plain(extra, used) for extra in extras if extra.after < 0]
        for cell in self.cells:
            cells.append(self._cell(cell))
            cells += [_plain(extra, used) for extra in extras if extra.after == cell.place]
        return NotebookNode({**self.source, "metadata": copy.deepcopy(self.source.metadata), "cells": cells})

    def _cell(self, cell: CourseCell) -> NotebookNode:
        made: NotebookNode = nbformat.from_dict(cell.cell)  # a copy, in half the time of deepcopy
        made.source = self._source(cell)
        if cell.is_code:
            made.outputs, made.execution_count = [], None
        elif cell.is_students and cell.chosen and cell.chosen.cell.source != cell.released:
            made.pop("attachments", None)
            pictures = copy.deepcopy(cell.chosen.cell.get("attachments"))
            made |= {"attachments": pictures} if pictures else {}
        return made


def _kind(cell: CourseCell) -> str:
    return "answer cell" if is_solution(cell.cell) else "test cell" if is_grade(cell.cell) else "cell"


def _keeps_name(cell: CourseCell, mine: StudentCell) -> bool:
    return grade_id(mine.cell) == grade_id(cell.cell) or not grade_id(cell.cell)


def _typed_into(cell: CourseCell) -> str:
    """Return the code that a student typed into a locked code cell."""
    mine = cell.chosen
    is_edited = not cell.is_students and cell.is_code and mine is not None and not cell.is_copied_by(mine)
    return typed(mine.cell.source, cell.released) if is_edited and mine else ""


def _plain(extra: _Extra, used: set[str]) -> NotebookNode:
    """Return the cell without metadata. It keeps its id unless the id is used already."""
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
