"""A submitted notebook and the master → a notebook fit to run, and the list of repairs.

The result is built from the master and not mended from the submission: every cell of the master, in its order, with its
text; the student's text stands only where the student was asked for it (answers, and cells that nbgrader knows nothing
of). So nothing that a student did to a locked cell gets any further. Cells of the student's own stay behind the cell
that they stood behind. The work is to find each answer: by nbgrader's name, by the cell's id, by its text, by its place
and what it assigns; and, as long as a question is unanswered, where learners type answers by mistake.
"""

import ast
import copy
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
)
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from traitlets.config import Config

from autograder.reading import (
    EDITORS,
    Damaged,
    Files,
    fresh_id,
    gathered,
    grade_id,
    parse,
    place,
    read_folder,
    shown,
    squeezed,
)

__all__ = ["Damaged", "Files", "Restored", "parse", "place", "read_folder"]
__all__ += ["answered", "bindings", "released_copy", "restore", "teaching_copy"]

TEACHING = (IncludeHeaderFooter, LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums)
KINDS = {"code": "code", "markdown": "text", "raw": "raw"}
ALIKE = 0.6  # share of the words that two cells have in common, from which on one is the other, edited
MAX_CODE = 10_000  # characters; longer cells are nobody's answer and are not taken apart
MAX_WORDS = 2_000  # characters by which two texts are compared

_IPYTHON = re.compile(r"^([ \t]*)(?:[%!?].*|.*\?)$", re.MULTILINE)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Restored:
    """A notebook fit to run (hidden tests still in it), and what was mended, in sentences."""

    notebook: NotebookNode
    repairs: tuple[str, ...]


def restore(submitted: NotebookNode, master: NotebookNode, config: Config | None = None) -> Restored:
    """Rebuild a submitted notebook (as `parse` gives it) from the master, which is its `teaching_copy`."""
    return _Restoration(submitted, master, config).restored()


# --- the master's two copies --------------------------------------------------------------------------------------


def teaching_copy(source: NotebookNode, config: Config) -> NotebookNode:
    """nbgrader's chain up to SaveCells: stubs for solutions; hidden tests and marking schemes still inside."""
    config, source = copy.deepcopy(config), copy.deepcopy(source)
    source.nbformat_minor = max(source.nbformat_minor, 5)
    for number, cell in enumerate(source.cells):
        cell.setdefault("id", f"master-{number}")  # a master of an older format has none
    config.Exporter.default_preprocessors = []
    exporter = NotebookExporter(config=config)
    for preprocessor in TEACHING:
        exporter.register_preprocessor(preprocessor, enabled=True)
    text, _ = exporter.from_notebook_node(source)
    return nbformat.reads(text, as_version=4)


def released_copy(teaching: NotebookNode, config: Config | None = None) -> NotebookNode:
    """What a student gets of it: hidden tests and marking schemes removed.

    Only the course's own cells are gone through: whatever markers a student writes, his text stays as it is.
    """
    config = copy.deepcopy(config or Config())
    config.ClearMarkScheme.enforce_metadata = False  # here, marking schemes stand in locked cells
    chain = [step(config=config) for step in (ClearHiddenTests, ClearMarkScheme, ComputeChecksums)]
    released = copy.deepcopy(teaching)
    for index, cell in enumerate(released.cells):
        if is_locked(cell) or is_task(cell) or (is_grade(cell) and cell.cell_type == "code"):
            for step in chain:
                step.preprocess_cell(cell, {}, index)
    return released


# --- answers as code ----------------------------------------------------------------------------------------------


def _parsed(source: str) -> tuple[str, ast.Module] | None:
    """Code and its tree, IPython's own lines passed over if need be; None where it is not Python."""
    for code in (source, _IPYTHON.sub(r"\1pass", source)) if len(source) <= MAX_CODE else ():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a student's text is not our concern
                return code, ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _dump(node: ast.AST | None) -> str:
    try:
        return ast.dump(node) if node else ""
    except RecursionError:
        return "nested too deep"


def _open(value: ast.AST | None) -> bool:
    """Is it `...`, or a dict, tuple or list of nothing else?"""
    leaves = [value]
    while leaves:
        leaf = leaves.pop()
        parts = getattr(leaf, "values" if isinstance(leaf, ast.Dict) else "elts", None)
        if parts:
            leaves += parts
        elif not (isinstance(leaf, ast.Constant) and leaf.value is ...):
            return False
    return True


def _names(target: ast.AST) -> set[str]:
    """The names that a target binds or, as `a[0] = …` and `a.b = …` do, changes."""
    found, parts = set(), [target]
    while parts:
        match parts.pop():
            case ast.Name(id=name):
                found.add(name)
            case ast.Tuple(elts=inner) | ast.List(elts=inner):
                parts += inner
            case ast.Starred(value=inner) | ast.Subscript(value=inner) | ast.Attribute(value=inner):
                parts.append(inner)
    return found


def _bound(node: ast.stmt) -> Iterator[tuple[set[str], bool]]:
    """What one statement binds by itself, each with: to more than `...`?"""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((_names(target), not _open(value)) for target in targets)
        case ast.AnnAssign(target=target, value=value):
            yield _names(target), value is not None and not _open(value)
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            yield _names(target), True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target))):  # such as a.append(…)
            yield _names(target), True
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from ((_names(item.optional_vars), True) for item in items if item.optional_vars)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield {name}, True
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield {(alias.asname or alias.name).split(".")[0] for alias in names}, True


def bindings(source: str) -> dict[str, bool] | None:
    """The names that code binds, each with: to more than `...`? None where the source is not Python."""
    parsed = _parsed(source)
    found: dict[str, bool] = {}
    todo: list[ast.AST] = [parsed[1]] if parsed else []
    while todo:
        node = todo.pop()
        for names, full in _bound(node) if isinstance(node, ast.stmt) else ():
            found |= {name: full or found.get(name, False) for name in names}
        blocks = () if isinstance(node, _SCOPES) else ("body", "orelse", "handlers", "finalbody", "cases")
        todo += [part for block in blocks for part in getattr(node, block, ())]
    return found if parsed else None


def answered(source: str, stub: str, code: bool = True) -> bool:
    """Has the student put anything into the stub? An attempt that is no valid Python is an answer, too."""
    if squeezed(source) in ("", squeezed(stub)):
        return False
    if not code:
        return bool(_added(source, stub))
    mine, asked = bindings(source), bindings(stub) or {}
    names = [name for name, full in asked.items() if not full]
    if mine is None or not names:  # a stub without `...`, such as a function's head, says nothing of names
        return mine is None or _code(source) != _code(stub)
    return any(mine.get(name) for name in names)


def _code(source: str) -> str:
    parsed = _parsed(source)
    return _dump(parsed[1]) if parsed else source


def _lines(text: str) -> set[str]:
    return {squeezed(line) for line in text.splitlines()} - {""}


def _added(source: str, known: str) -> str:
    """The lines that stand in the source and not in the known text, wherever that breaks its lines."""
    whole, lines = squeezed(known), _lines(known) | {""}
    new = [line for line in source.splitlines() if squeezed(line) not in lines]
    return "\n".join(line for line in new if len(line) < 20 or squeezed(line) not in whole).strip()


def _typed(source: str, known: str) -> str:
    """The statements that stand in an edited cell and not in the course's own."""
    parsed, own = _parsed(source), _parsed(known)
    if parsed is None or own is None:
        return _added(source, known)
    dumps = {_dump(statement) for statement in own[1].body}
    new = [statement for statement in parsed[1].body if _dump(statement) not in dumps]
    return "\n".join(ast.get_source_segment(parsed[0], statement) or "" for statement in new)


# --- the submission -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Extra:
    """A cell of the student's own, and the master's cell that it stands behind (-1: the top)."""

    cell: NotebookNode
    behind: int
    bound: Mapping[str, bool]  # as `bindings` tells of it
    moved_from: "_Extra | None" = None

    def binds(self, names: set[str]) -> bool:
        """Does it, as code, bind one of the names to more than `...`?"""
        return self.cell.cell_type == "code" and _binds(self.bound, names)


def _binds(bound: Mapping[str, bool], names: set[str]) -> bool:
    return any(bound.get(name) for name in names)


class _Restoration:
    """One submission on its way: `mine` are its cells, `claims` those that claim to be a cell of the master."""

    def __init__(self, submitted: NotebookNode, master: NotebookNode, config: Config | None) -> None:
        self.submitted, self.master = submitted, master
        self.mine: list[NotebookNode] = submitted.cells
        self.cells: list[NotebookNode] = master.cells
        self.released: list[str] = [cell.source for cell in released_copy(master, config).cells]
        self.names: list[str] = [grade_id(cell) or cell.id for cell in self.cells]
        self.owned = [not (is_locked(cell) or is_task(cell)) for cell in self.cells]
        self.asked = [set(bindings(text) or {}) if self._is_code(i) else set() for i, text in enumerate(self.released)]
        self.flat, self.own = (list(map(squeezed, texts)) for texts in ([c.source for c in self.mine], self.released))
        self.lines, self.own_lines = [_lines(cell.source) for cell in self.mine], self._own_lines()
        self.bound = [bindings(cell.source) or {} for cell in self.mine]
        self.claims: list[list[int]] = [[] for _ in self.cells]
        self.chosen: list[int | None] = [None for _ in self.cells]
        self.extras: list[_Extra] = []
        self.moved: list[_Extra] = []
        self.said: dict[int, list[str]] = {i: [] for i in range(-1, len(self.cells) + 1)}

    def restored(self) -> Restored:
        self._claim_by_name()
        self._claim_by_text()
        self._claim_by_place()
        self._claim_by_answer()
        self.chosen = [self._pick(i) for i in range(len(self.cells))]
        self._compare()
        self._keep_extras()
        for i, names in enumerate(self.asked):
            if names and is_solution(self.cells[i]) and not self._is_answered(i, self.chosen[i]):
                self._rescue(i, names)
        self._look_for_texts()
        repairs = gathered(sentence for i in sorted(self.said) for sentence in self.said[i])
        return Restored(self._notebook(), tuple(repairs))

    def _is_code(self, i: int) -> bool:
        return bool(self.cells[i].cell_type == "code")

    def _own_lines(self) -> list[set[str]]:
        """The lines of each cell that stand in no other, such as a written question's own."""
        lines = [_lines(text) for text in self.released]
        return [own - set().union(*lines[:i], *lines[i + 1 :]) for i, own in enumerate(lines)]

    def _say(self, i: int, sentence: str) -> None:
        self.said[i].append(f"{self.names[i]}: {sentence}.")

    # which cell is which

    def _free(self) -> list[int]:
        claimed = {j for claims in self.claims for j in claims}
        return [j for j in range(len(self.mine)) if j not in claimed]

    def _claim_by_name(self) -> None:
        ids = {cell.id: i for i, cell in enumerate(self.cells)}
        names = {grade_id(cell): i for i, cell in enumerate(self.cells) if grade_id(cell)}
        for j, cell in enumerate(self.mine):
            i = names.get(grade_id(cell), ids.get(cell.get("id")))
            if i is not None:
                self.claims[i].append(j)

    def _claim_by_text(self) -> None:
        """A cell that lost its name is known by its text; not one that a student typed once more."""
        lost = [i for i in range(len(self.cells)) if not self.claims[i] or not (self.owned[i] or self._exact(i))]
        for j in self._free():
            same = [i for i in lost if self.own[i] and self._same(i, j)]
            if same:
                self.claims[same[0]].append(j)
                lost.remove(same[0])

    def _same(self, i: int, j: int) -> bool:
        return self.flat[j] == self.own[i]

    def _exact(self, i: int) -> list[int]:
        return [j for j in self.claims[i] if self._same(i, j)]

    def _claim_by_place(self) -> None:
        """Between its neighbours, an answer is known by what it assigns, a locked cell by most of its words."""
        gone = [i for i, claims in enumerate(self.claims) if not claims]
        for i in sorted(gone, key=lambda i: not self.owned[i]):
            before = [claims[0] for claims in self.claims[:i] if claims][-1:] or [-1]
            behind = [claims[0] for claims in self.claims[i + 1 :] if claims][:1] or [len(self.mine)]
            fits = {j: self._fit(i, j) for j in self._free() if before[0] < j < behind[0]}
            best = max(fits, key=lambda j: fits[j], default=-1)
            if fits.get(best, 0) >= ALIKE:
                self.claims[i].append(best)

    def _fit(self, i: int, j: int) -> float:
        if self.owned[i] or self.mine[j].cell_type != self.cells[i].cell_type:
            return float(self.owned[i] and self._is_answer_to(i, j))
        mine, own = set(self.flat[j][:MAX_WORDS].split()), set(self.own[i].split())
        return len(mine & own) / max(len(mine | own), 1)

    def _is_answer_to(self, i: int, j: int) -> bool:
        """Does the cell assign what the stub assigns, or, of a written answer, hold the question's own line?"""
        if self.asked[i]:
            return bool(self.asked[i] & set(self.bound[j]))
        return bool(self.own_lines[i] & self.lines[j])

    def _claim_by_answer(self) -> None:
        """What assigns an answer whose cell is gone, is that answer, wherever it stands."""
        for i in (i for i, claims in enumerate(self.claims) if not claims and self.owned[i]):
            fits = [j for j in self._free() if self._is_answer_to(i, j) and self._is_answered(i, j)]
            self.claims[i] += fits[-1:]

    def _is_answered(self, i: int, j: int | None) -> bool:
        return j is not None and answered(self.mine[j].source, self.released[i], self._is_code(i))

    def _pick(self, i: int) -> int | None:
        """Which of several counts: the last one that was answered; of locked cells, the one that is as it was."""
        claims = self.claims[i]
        best = [j for j in claims if self._is_answered(i, j)][-1:] if self.owned[i] else self._exact(i)
        own = [j for j in claims if self.mine[j].get("id") == self.cells[i].id]
        return next(iter([*best, *own, *claims]), None)

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
            self.said[-1].append(f"it asked for the kernel {shown(asked)}; it runs in the course's own, {own}.")
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
        if not self.owned[i] and squeezed(mine.source) != self.own[i]:
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
                    named = f"a cell of the student's own came with the name {shown(grade_id(cell))}"
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
            typed = self._typed_into(k)
            bound = bindings(typed) or {}
            if _binds(bound, names):
                self.moved.append(_Extra(NotebookNode(cell_type="code", source=typed), test - 1, bound))
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
        return _typed(self.mine[j or 0].source, self.released[k]) if edited else ""

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
                text = _added(self.mine[j].source, self.released[i])
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
        assigned = any(_binds(self.bound[k], self.asked[i]) for k in others)
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
