"""A submitted notebook and the master → a notebook fit to run, and the list of repairs.

The result is built from the master and not mended from the submission: every cell of the master, in its order, with its
text; the student's text stands only where the student was asked for it (answers, and cells that nbgrader knows nothing
of). So nothing that a student did to a locked cell gets any further. Cells of the student's own stay behind the cell
that they stood behind. The work is to find each answer: by nbgrader's name, by the cell's id, by its text, by its place
and what it assigns; and, as long as a question is unanswered, where learners type answers by mistake.
"""

import copy
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution
from traitlets.config import Config

from autograder.notebook.cells import fresh_id, grade_id
from autograder.notebook.source import added, bindings, binds, typed
from autograder.submissions.matching import Matching
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


class _Restoration(Matching):
    """The notebook made of a matched submission, and what is said of it, by the cell that it is about."""

    def __init__(self, submitted: NotebookNode, master: NotebookNode, config: Config | None) -> None:
        super().__init__(submitted, master, config)
        self.extras: list[_Extra] = []
        self.moved: list[_Extra] = []
        self.said: dict[int, list[str]] = {i: [] for i in range(-1, len(self.cells) + 1)}

    def restored(self) -> Restored:
        self.match()
        self._compare()
        self._keep_extras()
        for i, names in enumerate(self.asked):
            if names and is_solution(self.cells[i]) and not self._is_answered(i, self.chosen[i]):
                self._rescue(i, names)
        self._look_for_texts()
        repairs = summarize(sentence for i in sorted(self.said) for sentence in self.said[i])
        return Restored(self._notebook(), tuple(repairs))

    def _say(self, i: int, sentence: str) -> None:
        self.said[i].append(f"{self.names[i]}: {sentence}.")

    # what was done to it

    def _what(self, i: int) -> str:
        cell = self.cells[i]
        return "answer cell" if is_solution(cell) else "test cell" if is_grade(cell) else "cell"

    def _compare(self) -> None:
        if not any(self.claims):
            self.said[-1].append("none of the course's cells stands in it; the course's own were used.")
            return
        self._compare_whole()
        moved = self._out_of_order()
        for i, j in enumerate(self.chosen):
            if j is None:
                back = "the course's own was put back" if self._source(i) else "another cell gives its answer"
                self._say(i, f"the {self._what(i)} was deleted; {back}")
                continue
            self._compare_cell(i, self.mine[j])
            if i in moved:
                self._say(i, f"the {self._what(i)} was moved; it is back in its place")

    def _compare_whole(self) -> None:
        asked, own = (nb.metadata.get("kernelspec", {}).get("name") for nb in (self.submitted, self.master))
        if asked and own and asked != own:
            self.said[-1].append(f"it asked for the kernel {printable(asked)}; it runs in the course's own, {own}.")
        lost = [i for i, j in enumerate(self.chosen) if j is not None and not self._keeps_name(i, j)]
        marks = {key for node in (self.submitted, *self.mine) for key in node.metadata}
        editors = [name for key, name in EDITORS.items() if key in marks]
        by = f" (saved by {' and '.join(editors)})" if editors else ""
        which = ", ".join(self.names[i] for i in lost) if len(lost) <= 3 else f"{len(lost)} cells"
        if lost:
            self.said[-1].append(f"{which}: nbgrader's metadata was lost{by}; known by id, text or place.")

    def _keeps_name(self, i: int, j: int) -> bool:
        return grade_id(self.mine[j]) == grade_id(self.cells[i]) or not grade_id(self.cells[i])

    def _compare_cell(self, i: int, mine: NotebookNode) -> None:
        cell, what, times = self.cells[i], self._what(i), len(self.claims[i])
        if times > 1:
            counts = "the last one answered counts" if self.owned[i] else "the course's own stands once"
            self._say(i, f"the {what} is there {times} times; {counts}")
        if mine.cell_type != cell.cell_type:
            now, again = KINDS[mine.cell_type], KINDS[cell.cell_type]
            self._say(i, f"the {what} became a {now} cell; it is a {again} cell again")
        if not self.owned[i] and normalize_whitespace(mine.source) != self.own[i]:
            self._say(i, f"the {what} was edited; the course's own was used")
        given, own = mine.metadata.get("nbgrader", {}), cell.metadata.get("nbgrader", {})
        rights = ("grade", "solution", "locked", "task", "points")
        if grade_id(mine) and any(given.get(key, own.get(key)) != own.get(key) for key in rights):
            self._say(i, "its nbgrader metadata was changed; the course's own was used")

    def _out_of_order(self) -> set[int]:
        """The fewest cells that must have been moved: all but a longest run that still stands in order."""
        order = [i for _, i in sorted((j, i) for i, j in enumerate(self.chosen) if j is not None)]
        single = [i for i in order if len(self.claims[i]) == 1]
        runs: list[list[int]] = []  # runs[n] is the run of n + 1 cells that ends lowest
        for i in single:
            at = bisect_left([run[-1] for run in runs], i)
            runs[at : at + 1] = [[*(runs[at - 1] if at else []), i]]
        return set(single) - set(runs[-1] if runs else [])

    # the student's own cells

    def _keep_extras(self) -> None:
        slots = {j: i for i, j in enumerate(self.chosen)}
        copies = {j: i for i, claims in enumerate(self.claims) for j in claims if j not in slots}
        behind = -1
        for j, cell in enumerate(self.mine):
            if j in slots:
                behind = slots[j]
            elif j in copies:
                self._keep_copy(copies[j], j, behind)
            else:
                self.extras.append(_Extra(cell, behind, self.bound[j]))
                if grade_id(cell):
                    named = f"a cell of the student's own came with the name {printable(grade_id(cell))}"
                    self.said[len(self.cells)].append(f"{named}; it was kept without.")

    def _keep_copy(self, i: int, j: int, behind: int) -> None:
        """A copy with something of its own in it is kept; one that answers runs before the cell that counts."""
        if self._same(i, j) or self.flat[j] in ("", self.flat[self.chosen[i] or 0]):
            return
        if not self.owned[i]:
            self._say(i, "a copy that differs was kept as a cell of the student's own")
        elif self.asked[i] & set(self.bound[j]):
            behind = min(behind, i - 1)
        self.extras.append(_Extra(self.mine[j], behind, self.bound[j]))

    def _rescue(self, i: int, names: set[str]) -> None:
        """Find the answer to an unanswered question in an edited test cell, or in a cell on the wrong side of it."""
        words = ((k, set(re.findall(r"\w+", self.released[k]))) for k in range(i + 1, len(self.cells)))
        test = next((k for k, found in words if self._is_code(k) and not self.owned[k] and found & names), i + 1)
        for k in range(i + 1, len(self.cells)):
            answer = self._typed_into(k)
            bound = bindings(answer) or {}
            if binds(bound, names):
                self.moved.append(_Extra(NotebookNode(cell_type="code", source=answer), test - 1, bound))
                self._say(i, f"the answer was typed into {self.names[k]}; it was moved into a cell of its own")
                return
        first = i if names & set(bindings(self._source(i)) or {}) else -1  # a stub undoes what stands above it
        found = [extra for extra in self.extras if extra.binds(names)]
        standing = [extra for extra in [*self._kept(), *self.moved] if extra.binds(names)]
        if found and not any(first <= extra.behind < test for extra in standing):
            self.moved.append(replace(found[-1], behind=test - 1, moved_from=found[-1]))
            above = [*self.names, "the end"][test]
            self._say(i, f"the answer stood {self._where(found[-1])}; it was moved above {above}")

    def _typed_into(self, k: int) -> str:
        j = self.chosen[k]
        edited = not self.owned[k] and self._is_code(k) and j is not None and not self._same(k, j)
        return typed(self.mine[j or 0].source, self.released[k]) if edited else ""

    def _kept(self) -> list[_Extra]:
        """The extra cells that stay; one that answers two questions is moved to both."""
        return [extra for extra in self.extras if not any(extra is moved.moved_from for moved in self.moved)]

    def _where(self, extra: _Extra) -> str:
        return f"after {self.names[extra.behind]}" if extra.behind >= 0 else "at the top"

    def _look_for_texts(self) -> None:
        """Name to a reader every text that might be a missing written answer: which one it is, is not guessed."""
        texts = [i for i, cell in enumerate(self.cells) if is_solution(cell) and not self._is_code(i)]
        blank = ", ".join(self.names[i] for i in texts if not self._is_answered(i, self.chosen[i]))
        for i, j in enumerate(self.chosen if blank else []):
            if j is not None and not self.owned[i] and not self._is_code(i):
                text = added(self.mine[j].source, self.released[i])
                self.extras += [_Extra(NotebookNode(cell_type="markdown", source=text), i, {})] if text else []
        for extra in self.extras if blank else []:
            if extra.cell.cell_type == "markdown" and extra.cell.source.strip():
                unknown = f"a text {self._where(extra)} belongs to no question for certain"
                self.said[len(self.cells)].append(f"{unknown}; a reader should look (unanswered: {blank}).")

    # the notebook

    def _source(self, i: int) -> str:
        j = self.chosen[i]
        if not self.owned[i]:
            return str(self.cells[i].source)
        if j is not None:
            return str(self.mine[j].source)
        others = [k for k, owned in zip(self.chosen, self.owned, strict=True) if owned and k is not None]
        assigned = any(binds(self.bound[k], self.asked[i]) for k in others)
        return "" if assigned else self.released[i]  # a stub put back would undo what another cell assigns

    def _notebook(self) -> NotebookNode:
        extras = [*self._kept(), *self.moved]
        used = {cell.id for cell in self.cells}
        cells = [_plain(extra, used) for extra in extras if extra.behind < 0]
        for i in range(len(self.cells)):
            cells.append(self._cell(i))
            cells += [_plain(extra, used) for extra in extras if extra.behind == i]
        return NotebookNode({**self.master, "metadata": copy.deepcopy(self.master.metadata), "cells": cells})

    def _cell(self, i: int) -> NotebookNode:
        cell, j = copy.deepcopy(self.cells[i]), self.chosen[i]
        cell.source = self._source(i)
        if self._is_code(i):
            cell.outputs, cell.execution_count = [], None
        elif self.owned[i] and j is not None:
            cell.pop("attachments", None)
            cell |= {"attachments": pictures} if (pictures := copy.deepcopy(self.mine[j].get("attachments"))) else {}
        return cell


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
