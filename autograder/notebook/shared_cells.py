"""Find the cells at the top of a notebook that can run alike for a whole class, whatever students write.

Theory of operation. A *shared* cell has the same text in the submission, and runs once for the class. The others before
it run later, in each submission's own kernel, in their order:

  * a *hole* is an answer, or a cell that asks for something: it runs later if it only computes (see `plain_answers`);
  * a *test* is never run; its answers are read in its place, and its visible definitions are shared;
  * a *dependent* cell is the course's own, and mentions a name that a hole or another dependent cell assigns.

No shared cell mentions a name that one of these assigns. The code must be plain: it does not look at the namespace, the
numbers of cells or the frames, and has no magics (`REVEALING`); the same holds for the course's modules. What cannot be
seen in the code is checked where cells run: what a later cell reads must have the same value then (`watched`), and it
must leave behind all that has run as it was (see `kernels.shared_shell`).

The first cell that breaks a rule ends the shared part; so does, in each submission, a changed or extra cell, an answer
that does more than compute, or a name that a shared cell mentions. What an answer reads must have the same value later:
that is known only where cells run, so here these names are only listed. Nothing is run here.
"""

import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_solution

from autograder.model import TestPlan
from autograder.notebook.cells import grade_id
from autograder.notebook.names_in_code import OF_MODULES, REVEALING, assigns, defines, names_in, rebinds, reveals
from autograder.notebook.plain_answers import plain_answer

_BUILTINS = frozenset(dir(builtins))


class Kind(StrEnum):
    """A kind of code cell."""

    SHARED = "shared"
    HOLE = "hole"
    TEST = "test"
    DEPENDENT = "dependent"


@dataclass(frozen=True)
class SharedCell:
    """A code cell of the shared part.

    Attributes:
        id: The cell's id.
        kind: Its kind.
        source: Its source.
        number: Its number when the notebook runs.
        mentions: The names that its shared code mentions.
        watched: The names that it reads when it runs later.
        plan: The plan of a test.
        unedited: Whether students do not edit it.
    """

    id: str
    kind: Kind
    source: str
    number: int
    mentions: frozenset[str] = frozenset()
    watched: frozenset[str] = frozenset()
    plan: TestPlan | None = None
    unedited: bool = True

    @property
    def is_course_code(self) -> bool:
        """Return whether it is a shared cell that no student edits."""
        return self.kind is Kind.SHARED and self.unedited


@dataclass(frozen=True)
class Reach:
    """How far a submission goes with the cells that a class shares.

    Attributes:
        length: The number of these cells.
        reads: The names that an answer reads when it runs later, by the place of its cell; no entry if it reads none.
    """

    length: int
    reads: Mapping[int, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class SharedPart:
    """The cells at the top of a notebook that a class shares.

    Attributes:
        cells: The cells.
        why: Why the next cell is not shared, as the end of a sentence; "" if there is no next cell.
        rebound: The names that the course's code binds anywhere, which may hide built-in functions.
    """

    cells: tuple[SharedCell, ...]
    why: str = ""
    rebound: frozenset[str] = frozenset()

    def reach(self, notebook: NotebookNode) -> Reach:
        """Return how many of these cells can run ahead for a restored submission: 0 if it can look behind that."""
        own = code_cells(notebook)
        known = {cell.id: cell for cell in self.cells}
        changed = [cell for cell in own if cell.id not in known or cell.source != known[cell.id].source]
        if any(reveals(cell.source) for cell in changed if not is_locked(cell)):
            return Reach(0)
        end, reads = len(self.cells), dict[int, frozenset[str]]()
        for place, (cell, shared) in enumerate(zip(own, self.cells, strict=False)):
            if cell.id != shared.id:
                return Reach(min(end, place), reads)
            if shared.kind is not Kind.HOLE:
                if cell.source != shared.source:
                    return Reach(min(end, place), reads)
                continue
            answer = plain_answer(cell.source)
            if answer is None or not all(map(_is_plain, answer.names)) or self._hides(answer.calls):
                return Reach(min(end, place), reads)
            used = [i for i, other in enumerate(self.cells) if i != place and other.mentions & answer.names]
            if used:
                end = min(end, max(place, *used[:1]))
            if answer.reads:
                reads[place] = answer.reads
        return Reach(min(end, len(own)), reads)

    def _hides(self, functions: frozenset[str]) -> bool:
        return bool(functions) and bool(self.rebound & {*functions, "builtins"})


def shared_part(
    source: NotebookNode,
    plans: Sequence[TestPlan],
    helpers: Mapping[str, bytes],
    stateful: Collection[str] = (),
) -> SharedPart:
    """Return the part of a source notebook that a class shares.

    Args:
        source: The source notebook, as submissions are restored from it.
        plans: The plans of its tests.
        helpers: The files of the course beside it, by name.
        stateful: The modules whose state tests see.
    """
    if name := _revealing_module(helpers):
        return SharedPart((), f"{name[0]} uses `{name[1]}`")
    kept = [module.rpartition(".")[2] for module in stateful]
    by_cell = {plan.cell: replace(plan, files=plan.files or _names_one(plan, kept)) for plan in plans}
    rebound = frozenset().union(*map(rebinds, _course_code(source, plans, helpers)))
    cells: list[SharedCell] = []
    reached: dict[str, frozenset[str]] = {}  # what functions and classes read when they are used, by name
    assigned, mentioned = set[str](), set[str]()  # by cells that run later; by shared ones
    for number, cell in enumerate(code_cells(source), 1):
        shared, sets = _shared_cell(cell, number, by_cell.get(grade_id(cell)), assigned)
        why = shared if isinstance(shared, str) else ""
        if both := mentioned & sets:
            why = f"it assigns `{min(both)}`, which an earlier cell mentions"
        if why or isinstance(shared, str):
            return SharedPart(tuple(cells), f"cell {grade_id(cell) or number}: {why}", rebound)
        watched = _closed(shared.watched, reached)
        cells.append(replace(shared, watched=watched))
        if shared.kind is Kind.SHARED and defines(shared.source):
            reached |= dict.fromkeys(assigns(shared.source), shared.mentions)
        mentioned |= shared.mentions
        assigned |= sets
    return SharedPart(tuple(cells), rebound=rebound)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that run: those with some text."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def _shared_cell(
    cell: NotebookNode, number: int, plan: TestPlan | None, assigned: set[str]
) -> tuple[SharedCell | str, set[str]]:
    """Return a cell of the shared part, or why it is none, and the names that it assigns when it runs later.

    Args:
        cell: The cell.
        number: Its number.
        plan: The plan of a test.
        assigned: The names that earlier cells assign when they run later.
    """
    source = str(cell.source)
    if plan is not None:
        return _test(cell, number, plan, assigned), set()
    answer = plain_answer(source)
    asks = answer is not None and answer.is_literal and "..." in source and not is_locked(cell)
    if is_solution(cell) or asks:
        return SharedCell(cell.id, Kind.HOLE, source, number, unedited=False), set(answer.names if answer else ())
    if name := reveals(source):
        return f"it uses `{name}`", set()
    mentions = frozenset(names_in(source))
    if not mentions & assigned:
        return SharedCell(cell.id, Kind.SHARED, source, number, mentions, unedited=is_locked(cell)), set()
    return SharedCell(cell.id, Kind.DEPENDENT, source, number, watched=mentions), assigns(source)


def _names_one(plan: TestPlan, modules: Iterable[str]) -> bool:
    """Return whether a test names one of these modules."""
    return any(module in text for module in modules for text in (plan.prelude, plan.test))


def _closed(names: frozenset[str], reached: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return these names, and those that functions and classes among them read."""
    closed, todo = set[str](), set(names)
    while todo:
        closed |= todo
        todo = {other for name in todo for other in reached.get(name, ())} - closed
    return frozenset(closed)


def _test(cell: NotebookNode, number: int, plan: TestPlan, assigned: set[str]) -> SharedCell | str:
    if plan.keep or plan.files or plan.rebinds:
        return "the test needs the kernel as it is then"
    texts = [source for _, source in plan.evidence]
    if name := next(filter(None, map(reveals, (*texts, *plan.visible))), ""):
        return f"it uses `{name}`"
    mentions = {name for text in plan.visible for name in names_in(text)}
    if both := mentions & assigned:
        return f"it needs `{min(both)}`, which a student's cell assigns"
    watched = {name for text in texts for name in names_in(text)} | {*plan.answers}
    return SharedCell(cell.id, Kind.TEST, str(cell.source), number, frozenset(mentions), frozenset(watched), plan)


def _revealing_module(helpers: Mapping[str, bytes]) -> tuple[str, str] | None:
    """Return the course's first module that can look at a notebook's namespace, and the name by which it does."""
    for file, content in sorted(helpers.items()):
        if file.endswith(".py") and (name := reveals(content.decode(errors="replace"), OF_MODULES, len(content))):
            return file, name
    return None


def _is_plain(name: str) -> bool:
    """Return whether a student's name hides nothing: no builtin, and none that IPython or Python set."""
    return not name.startswith("_") and name not in _BUILTINS and name not in REVEALING


def _course_code(source: NotebookNode, plans: Sequence[TestPlan], helpers: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the code that may run in the notebook and is not an answer: cells, visible tests, modules."""
    yield from (cell.source for cell in code_cells(source) if not is_solution(cell))
    yield from (text for plan in plans for text in plan.visible)
    yield from (content.decode(errors="replace") for file, content in helpers.items() if file.endswith(".py"))
