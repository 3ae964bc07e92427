"""What a test cell needs, read off the master's syntax trees: which names come from whom.

Each name that a test reads is one of four:
  * its own: bound by the test itself (an import, an assignment, a loop) before it is read, or a builtin;
  * *declared evidence*: the test assigns it on a line that ends in `# evidence`; the line's right-hand side is
    evaluated in the student's kernel, and its value crosses as data;
  * *prelude*: bound last, before the test, by the master: in a locked cell by a function, a class, or an assignment
    that calls nothing and reads prelude only (sizes and constants); in any cell but an answer's by an import; in an
    earlier test by an import, a function or a class. The judge runs these statements, as they stand in the notebook's
    order, and of them only those that the test needs; the student's kernel has no say in them;
  * else an *answer*: taken from the student's kernel, as data. So is what a function of the prelude reads of the
    student's.
"""

import ast
import builtins
import re
import symtable
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import count

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.errors import CourseError
from autograder.model import TestPlan
from autograder.notebook.cells import grade_id
from autograder.notebook.source import parse, parse_cell

MARK = "# evidence"
BUILTINS = frozenset(dir(builtins))

_MARKED = re.compile(r"#\s*evidence\s*")

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True, eq=False)
class _Binding:
    """One top-level statement of the master that binds names, and what was bound before it."""

    statement: ast.stmt
    trusted: bool
    place: int
    before: "Mapping[str, _Binding]"

    @property
    def is_definition(self) -> bool:
        return isinstance(self.statement, _Definition)


_Bindings = Mapping[str, _Binding]


def plans(master: NotebookNode, name: str) -> tuple[TestPlan, ...]:
    """The plans of all test cells of a master notebook, in order; CourseError where one is not plain Python."""
    bindings: _Bindings = {}
    places = count()
    found = []
    asked: set[str] = set()
    for cell in master.cells:
        if cell.cell_type != "code":
            continue
        is_test = is_grade(cell) and not is_solution(cell)
        if is_test:
            plan = _plan(cell, bindings, name)
            found.append(replace(plan, own=tuple(name for name in plan.answers if name in asked)))
            asked = set()
        elif is_solution(cell):
            asked |= _bound(_statements(cell.source))
        for statement in _statements(cell.source):
            if is_test and not isinstance(statement, _Import | _Definition):
                continue  # a test is not run where the answers are: what it computes stays its own
            trusted = not is_solution(cell) and (is_locked(cell) or isinstance(statement, _Import))
            binding = _Binding(statement, trusted, next(places), bindings)
            bindings = {**bindings, **dict.fromkeys(_bound([statement]), binding)}
    return tuple(found)


def _plan(cell: NotebookNode, bindings: _Bindings, name: str) -> TestPlan:
    try:
        tree = parse(cell.source)
        evidence = _evidence(tree, cell.source)
    except SyntaxError as error:
        raise CourseError(f"{name}: cell {grade_id(cell)}, line {error.lineno}: {error.msg}; mend the test.") from error
    rest = [node for node in tree.body if node not in evidence.values()]
    needed = _asked(_free(rest) - evidence.keys(), bindings)
    prelude = _prelude(needed, bindings)
    called = {name for binding in prelude if binding.is_definition for name in _free([binding.statement])}
    needed |= _asked(called - evidence.keys() - _bound(rest), bindings)
    return TestPlan(
        cell=grade_id(cell),
        points=float(cell.metadata.nbgrader["points"]),
        answers=tuple(sorted(name for name in needed if bindings.get(name) not in prelude)),
        evidence=tuple((name, ast.unparse(node.value)) for name, node in evidence.items()),
        prelude=_source(binding.statement for binding in prelude),
        test=_source(rest),
    )


def _asked(names: set[str], bindings: _Bindings) -> set[str]:
    """Of these names all but the builtins that are nothing else in the notebook."""
    return {name for name in names if name not in BUILTINS or name in bindings}


def _statements(source: str) -> list[ast.stmt]:
    """Top-level statements of a cell, with a call in place of a magic; none where it is not Python at all."""
    cell = parse_cell(source)
    return cell[1].body if cell else []


def _source(statements: Iterable[ast.AST]) -> str:
    return "\n".join(map(ast.unparse, statements))


# --- declared evidence --------------------------------------------------------------------------------------------


def _evidence(tree: ast.Module, source: str) -> dict[str, ast.Assign]:
    """The assignments that are marked, by name; SyntaxError where a mark stands anywhere else."""
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    marked = {token.start[0] for token in comments if _MARKED.fullmatch(token.string)}
    found: dict[str, ast.Assign] = {}
    seen: set[int] = set()
    for node in tree.body:
        lines = marked.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if lines and name in found:
                raise _fault(f"{name} is marked {MARK} twice; give each its own name", lines)
            case ast.Assign(targets=[ast.Name(id=name)]) if lines:
                found[name] = node
                seen |= lines
    if marked - seen:
        raise _fault(f"a line marked {MARK} must assign one name, outside any block", marked - seen)
    return found


def _fault(said: str, lines: set[int]) -> SyntaxError:
    return SyntaxError(said, ("", min(lines), 0, ""))


# --- who reads, who binds -----------------------------------------------------------------------------------------


class _Plain(ast.NodeTransformer):
    """Says the same in terms that symtable tells apart: `x += 1` reads x, a comprehension's variables are its own."""

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        return self.generic_visit(ast.Assign([node.target], ast.BinOp(node.target, node.op, node.value)))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return self.generic_visit(node if node.value else ast.Expr(node.annotation))

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    visit_SetComp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self.generic_visit(ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators))


def _plain(statements: Iterable[ast.stmt]) -> list[ast.stmt]:
    copy: ast.Module = _Plain().visit(parse(_source(statements)))
    return copy.body


def _table(statements: Sequence[ast.stmt]) -> symtable.SymbolTable:
    source = "\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in statements)
    return symtable.symtable(source, "<cell>", "exec")


def _bound(statements: Sequence[ast.stmt]) -> set[str]:
    """Names that these statements bind at the top level."""
    return _binds(_table(_plain(statements)))


def _free(statements: Sequence[ast.stmt]) -> set[str]:
    """Names that these statements read before they bind them; in functions, that they do not bind at all."""
    free, bound, made, late = set[str](), set[str](), set[str](), set[str]()
    for part in _parts(_plain(statements)):
        table = _table([part])
        bound |= _binds(table)
        made |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_declared_global()}
        for name, at_once in _read(table):
            if not at_once:
                late.add(name)
            elif name not in bound | made:
                free.add(name)
    return free | (late - bound)


def _binds(table: symtable.SymbolTable) -> set[str]:
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _parts(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in pieces, in the order in which they run: values before targets, heads before blocks."""
    for statement in statements:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            yield ast.Expr(statement.value or ast.Constant(None))
            statement.value = ast.Constant(None)
        elif isinstance(statement, ast.For | ast.AsyncFor):
            yield ast.Expr(statement.iter)
            statement.iter = ast.Constant(None)
        inner = [] if isinstance(statement, _Definition) else _blocks(statement)
        yield statement
        yield from _parts(inner)


def _blocks(node: ast.AST) -> list[ast.stmt]:
    """Take the blocks out of a compound statement, in order."""
    inner: list[ast.stmt] = []
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        block = getattr(node, field, [])
        if block and isinstance(block[0], ast.stmt):
            inner += block
            setattr(node, field, [ast.Pass()])
        else:
            inner += [statement for part in block for statement in _blocks(part)]
    return inner


def _read(table: symtable.SymbolTable, at_once: bool = True) -> Iterator[tuple[str, bool]]:
    """Top-level names that are read; with each, whether at once or only where a function is called."""
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name(), at_once
    for child in table.get_children():
        runs = child.get_type() == "class" or child.get_name() == "genexpr"
        yield from _read(child, at_once and runs)


# --- prelude ------------------------------------------------------------------------------------------------------


def _prelude(names: set[str], bindings: _Bindings) -> list[_Binding]:
    """The master's statements that give these names, with what they need themselves, each once and in order."""
    chosen: dict[_Binding, None] = {}

    def give(name: str, known: _Bindings, asked: frozenset[_Binding]) -> bool:
        """Choose the statement that binds `name`, and all that it needs; False where the student has a say in it."""
        binding = known.get(name)
        if binding is None or not binding.trusted or binding in asked or not _is_constant(binding.statement):
            return False
        before = dict(chosen)
        needs, known = _needs(binding, bindings)
        given = [give(need, known, asked | {binding}) for need in sorted(_asked(needs, known))]
        if not all(given) and not isinstance(binding.statement, _Import | _Definition):
            chosen.clear()
            chosen.update(before)
            return False
        chosen[binding] = None
        return True

    for name in sorted(names):
        give(name, bindings, frozenset())
    return sorted(chosen, key=lambda binding: binding.place)


def _needs(binding: _Binding, bindings: _Bindings) -> tuple[set[str], _Bindings]:
    """What a statement of the prelude needs itself, and where that is looked up: for a function, as if called last."""
    if isinstance(binding.statement, ast.Import):  # after `import a.b`, `import a.c` adds to the same `a`
        return _bound([binding.statement]), binding.before
    return _free([binding.statement]), bindings if binding.is_definition else binding.before


def _is_constant(statement: ast.stmt) -> bool:
    """An import, a definition, or an assignment that calls nothing."""
    calls = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    assigns = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    return isinstance(statement, _Import | _Definition) or (
        assigns and not any(isinstance(node, calls) for node in ast.walk(statement))
    )
