"""Find the cells at the top of a notebook that can run alike for a whole class, whatever students write.

Theory of operation. A *shared* cell has the same text in the submission, and runs once for the class. The others before
it run later, in each submission's own kernel, in their order:

  * a *hole* is an answer, or a cell that asks for something: it runs later if it only assigns literals to names;
  * a *test* is never run; its answers are read in its place, and its visible definitions are shared;
  * a *dependent* cell is the course's own, and mentions a name that a hole or another dependent cell assigns.

No shared cell mentions a name that one of these assigns. The code must be plain: it does not look at the namespace, the
numbers of cells or the frames, and has no magics (`REVEALING`); the same holds for the course's modules. What cannot be
seen in the code is checked where cells run: what a later cell reads must have the same value then (`watched`), and it
must leave behind all that has run as it was (see `kernels.shared_shell`).

The first cell that breaks a rule ends the shared part; so does, in each submission, a changed or extra cell, an answer
that is no literal, or a name that a shared cell mentions. Nothing is run here.
"""

import ast
import builtins
import re
import symtable
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_solution

from autograder.model import TestPlan
from autograder.notebook.cells import grade_id
from autograder.notebook.source import MAX_CODE, parse

REVEALING = frozenset(  # names and attributes by which code sees more than the values that it names
    "globals locals vars dir eval exec compile get_ipython In Out exit quit input breakpoint __import__ __main__ "
    "__name__ __builtins__ __globals__ __dict__ __subclasses__ __loader__ __spec__ user_ns user_module user_global_ns "
    "modules _getframe _current_frames currentframe f_globals f_locals f_back gi_frame cr_frame tb_frame settrace "
    "setprofile inspect gc traceback linecache ctypes".split()
)
OF_MODULES = REVEALING - frozenset(  # a module has its own namespace, and callbacks that it registers go on
    "globals locals vars dir eval exec compile get_ipython input modules __import__ __name__ __dict__ "
    "traceback inspect".split()
)
_OF_IPYTHON = re.compile(r"_+(i|ii|iii|ih|oh|dh|i?\d+)?")  # `_`, `__`, `_i`, `_3`: IPython sets them
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
class SharedPart:
    """The cells at the top of a notebook that a class shares.

    Attributes:
        cells: The cells.
        why: Why the next cell is not shared, as the end of a sentence; "" if there is no next cell.
    """

    cells: tuple[SharedCell, ...]
    why: str = ""

    def length(self, notebook: NotebookNode) -> int:
        """Return how many of these cells can run ahead for a restored submission: 0 if it can look behind that."""
        own = code_cells(notebook)
        known = {cell.id: cell for cell in self.cells}
        changed = [cell for cell in own if cell.id not in known or cell.source != known[cell.id].source]
        if any(_reveals(cell.source) for cell in changed if not is_locked(cell)):
            return 0
        end = len(self.cells)
        for place, (cell, shared) in enumerate(zip(own, self.cells, strict=False)):
            if cell.id != shared.id:
                return min(end, place)
            if shared.kind is not Kind.HOLE:
                if cell.source != shared.source:
                    return min(end, place)
                continue
            names = literals(cell.source)
            if names is None or not all(map(_is_plain, names)):
                return min(end, place)
            used = [i for i, other in enumerate(self.cells) if i != place and other.mentions & names]
            if used:
                end = min(end, max(place, *used[:1]))
        return min(end, len(own))


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
    cells: list[SharedCell] = []
    reached: dict[str, frozenset[str]] = {}  # what functions and classes read when they are used, by name
    assigned, mentioned = set[str](), set[str]()  # by cells that run later; by shared ones
    for number, cell in enumerate(code_cells(source), 1):
        shared, sets = _shared_cell(cell, number, by_cell.get(grade_id(cell)), assigned)
        why = shared if isinstance(shared, str) else ""
        if both := mentioned & sets:
            why = f"it assigns `{min(both)}`, which an earlier cell mentions"
        if why or isinstance(shared, str):
            return SharedPart(tuple(cells), f"cell {grade_id(cell) or number}: {why}")
        watched = _closed(shared.watched, reached)
        cells.append(replace(shared, watched=watched))
        if shared.kind is Kind.SHARED and _defines(shared.source):
            reached |= dict.fromkeys(_assigns(shared.source), shared.mentions)
        mentioned |= shared.mentions
        assigned |= sets
    return SharedPart(tuple(cells))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that run: those with some text."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def literals(source: str) -> set[str] | None:
    """Return the names that code assigns, if it only assigns literals to names; None if it does anything else."""
    tree = _tree(source)
    if tree is None:
        return None
    names: set[str] = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if not targets or not all(isinstance(target, ast.Name) for target in targets):
            return None
        try:
            ast.literal_eval(node.value)  # type: ignore[attr-defined]
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


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
    sets = literals(source)
    if is_solution(cell) or (not is_locked(cell) and sets is not None and "..." in source):
        return SharedCell(cell.id, Kind.HOLE, source, number, unedited=False), sets or set()
    if name := _reveals(source):
        return f"it uses `{name}`", set()
    mentions = frozenset(_mentions(source))
    if not mentions & assigned:
        return SharedCell(cell.id, Kind.SHARED, source, number, mentions, unedited=is_locked(cell)), set()
    return SharedCell(cell.id, Kind.DEPENDENT, source, number, watched=mentions), _assigns(source)


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


def _defines(source: str) -> bool:
    """Return whether code defines a function or a class."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    tree = _tree(source)
    return tree is not None and any(isinstance(node, kinds) for node in ast.walk(tree))


def _test(cell: NotebookNode, number: int, plan: TestPlan, assigned: set[str]) -> SharedCell | str:
    if plan.keep or plan.files or plan.rebinds:
        return "the test needs the kernel as it is then"
    texts = [source for _, source in plan.evidence]
    if name := next(filter(None, map(_reveals, (*texts, *plan.visible))), ""):
        return f"it uses `{name}`"
    mentions = {name for text in plan.visible for name in _mentions(text)}
    if both := mentions & assigned:
        return f"it needs `{min(both)}`, which a student's cell assigns"
    watched = {name for text in texts for name in _mentions(text)} | {*plan.answers}
    return SharedCell(cell.id, Kind.TEST, str(cell.source), number, frozenset(mentions), frozenset(watched), plan)


def _revealing_module(helpers: Mapping[str, bytes]) -> tuple[str, str] | None:
    """Return the course's first module that can look at a notebook's namespace, and the name by which it does."""
    for file, content in sorted(helpers.items()):
        if file.endswith(".py") and (name := _reveals(content.decode(errors="replace"), OF_MODULES, len(content))):
            return file, name
    return None


def _is_plain(name: str) -> bool:
    """Return whether a student's name hides nothing: no builtin, and none that IPython or Python set."""
    return not name.startswith("_") and name not in _BUILTINS and name not in REVEALING


def _reveals(source: str, names: frozenset[str] = REVEALING, longest: int = MAX_CODE) -> str:
    """Return a name in the code by which it can see more than the values that it names; "" if there is none."""
    tree = _tree(source, longest)
    if tree is None:
        return "IPython's own syntax"
    for node in ast.walk(tree):
        for name in _named(node):
            if name in names:
                return name
        if names is REVEALING and (form := _revealing_form(node)):
            return form
    return ""


def _revealing_form(node: ast.AST) -> str:
    """Return what a notebook's cells must not use, other than certain names; "" if the node is none of that."""
    match node:
        case ast.Name(id=name, ctx=ast.Load() | ast.Del()) if _OF_IPYTHON.fullmatch(name):
            return name
        case ast.Await() | ast.AsyncFor() | ast.AsyncWith():
            return "await"
        case ast.alias(name="*"):
            return "import *"
    return ""


def _assigns(source: str) -> set[str]:
    """Return the names that code assigns at the top level."""
    return {name.get_name() for name in _table(source).get_symbols() if name.is_assigned() or name.is_imported()}


def _mentions(source: str) -> set[str]:
    """Return the notebook's names that code assigns or reads, also in functions."""
    tables, names = [_table(source)], set[str]()
    while tables:
        table = tables.pop()
        names |= {name.get_name() for name in table.get_symbols() if name.is_global() or table.get_type() == "module"}
        tables += table.get_children()
    return names


def _table(source: str) -> symtable.SymbolTable:
    tree = _tree(source)
    return symtable.symtable(source if tree else "", "<cell>", "exec")


def _named(node: ast.AST) -> Iterator[str]:
    """Yield the names in one node of a syntax tree, also those in its short texts."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names
        case ast.alias(name=name, asname=other):
            yield from name.split(".")
            yield from (other,) if other else ()
        case ast.Attribute(value=ast.Name(id="inspect"), attr="stack" | "trace"):
            yield "_getframe"  # its frames reach the notebook's
        case ast.Attribute(attr=name) if name != "__name__":  # of a class; the notebook's own is a plain name
            yield name
        case ast.ImportFrom(module=str(name)):
            yield from name.split(".")
        case ast.Constant(value=str(text)) if text.isidentifier():
            yield text


def _tree(source: str, longest: int = MAX_CODE) -> ast.Module | None:
    """Parse plain Python; return None for anything else."""
    if len(source) > longest:
        return None
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
