"""Find out from the source notebook's syntax trees where each name in a test cell comes from.

Each name that a test reads is one of four:
  * local: the test itself assigns it before it is read (an import, an assignment, a loop), or it is a builtin;
  * *declared evidence*: the test assigns it on a line that ends in `# evidence`. The line's right-hand side is
    evaluated in the student's kernel, and its value is sent as data;
  * *prelude*: its last assignment before the test is one of these statements of the source notebook: in a locked cell
    a function, a class, or an assignment that calls nothing and reads only prelude names (sizes and constants); in any
    cell except an answer cell an import; in an earlier test an import, a function or a class. The judge runs only the
    statements that the test needs, in the notebook's order. The student's kernel cannot change them;
  * otherwise an *answer*: sent from the student's kernel as data. The same goes for names that a prelude function
    reads from the student's code.
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
    """A top-level statement of the source notebook that assigns names, and the assignments before it."""

    statement: ast.stmt
    trusted: bool
    place: int
    before: "Mapping[str, _Binding]"

    @property
    def is_definition(self) -> bool:
        return isinstance(self.statement, _Definition)


_Bindings = Mapping[str, _Binding]


def plans(source: NotebookNode, name: str) -> tuple[TestPlan, ...]:
    """Return the plans of all test cells of a source notebook, in order; CourseError: a test is not plain Python."""
    bindings: _Bindings = {}
    places = count()
    results = []
    asked: set[str] = set()
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        is_test = is_grade(cell) and not is_solution(cell)
        if is_test:
            plan = _plan(cell, bindings, name)
            results.append(replace(plan, own=tuple(name for name in plan.answers if name in asked)))
            asked = set()
        elif is_solution(cell):
            asked |= _bound(_statements(cell.source))
        for statement in _statements(cell.source):
            if is_test and not isinstance(statement, _Import | _Definition):
                continue  # tests do not run in the student's kernel, so nothing else sees their values
            trusted = not is_solution(cell) and (is_locked(cell) or isinstance(statement, _Import))
            binding = _Binding(statement, trusted, next(places), bindings)
            bindings = {**bindings, **dict.fromkeys(_bound([statement]), binding)}
    return tuple(results)


def _plan(cell: NotebookNode, bindings: _Bindings, name: str) -> TestPlan:
    try:
        tree = parse(cell.source)
        evidence = _evidence(tree, cell.source)
    except SyntaxError as error:
        raise CourseError(f"{name}: cell {grade_id(cell)}, line {error.lineno}: {error.msg}; fix the test.") from error
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
    """Return the names without builtins, unless the notebook assigns the builtin's name itself."""
    return {name for name in names if name not in BUILTINS or name in bindings}


def _statements(source: str) -> list[ast.stmt]:
    """Return a cell's top-level statements, with magics replaced by calls; an empty list if it is not Python."""
    cell = parse_cell(source)
    return cell[1].body if cell else []


def _source(statements: Iterable[ast.AST]) -> str:
    return "\n".join(map(ast.unparse, statements))


# --- declared evidence --------------------------------------------------------------------------------------------


def _evidence(tree: ast.Module, source: str) -> dict[str, ast.Assign]:
    """Return the assignments marked `# evidence`, by name; SyntaxError: a mark is on any other line."""
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    marked = {token.start[0] for token in comments if _MARKED.fullmatch(token.string)}
    assignments: dict[str, ast.Assign] = {}
    seen: set[int] = set()
    for node in tree.body:
        lines = marked.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if lines and name in assignments:
                raise _fault(f"{name} is marked {MARK} twice; use two different names", lines)
            case ast.Assign(targets=[ast.Name(id=name)]) if lines:
                assignments[name] = node
                seen |= lines
    if marked - seen:
        raise _fault(f"a line marked {MARK} must assign one name, outside any block", marked - seen)
    return assignments


def _fault(message: str, lines: set[int]) -> SyntaxError:
    return SyntaxError(message, ("", min(lines), 0, ""))


# --- reads and assignments ----------------------------------------------------------------------------------------


class _Plain(ast.NodeTransformer):
    """Rewrite code so that symtable sees all reads: `x += 1` reads x, and a comprehension has its own variables."""

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
    """Return the names that these statements assign at the top level."""
    return _binds(_table(_plain(statements)))


def _free(statements: Sequence[ast.stmt]) -> set[str]:
    """Return the names read before these statements assign them; for reads in functions, those never assigned."""
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
    """Yield the statements' parts in execution order: values before targets, headers before blocks."""
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
    """Remove the blocks from a compound statement and return their statements, in order."""
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
    """Yield the top-level names that are read, each with whether it is read at once or only in a later call."""
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name(), at_once
    for child in table.get_children():
        runs = child.get_type() == "class" or child.get_name() == "genexpr"
        yield from _read(child, at_once and runs)


# --- prelude ------------------------------------------------------------------------------------------------------


def _prelude(names: set[str], bindings: _Bindings) -> list[_Binding]:
    """Return the trusted statements that assign these names, and all that those need, each once and in order."""
    chosen: dict[_Binding, None] = {}

    def choose(name: str, known: _Bindings, asked: frozenset[_Binding]) -> bool:
        """Choose the statement that assigns `name`, and all that it needs; False if it depends on student code."""
        binding = known.get(name)
        if binding is None or not binding.trusted or binding in asked or not _is_constant(binding.statement):
            return False
        before = dict(chosen)
        needs, known = _needs(binding, bindings)
        complete = [choose(need, known, asked | {binding}) for need in sorted(_asked(needs, known))]
        if not all(complete) and not isinstance(binding.statement, _Import | _Definition):
            chosen.clear()
            chosen.update(before)
            return False
        chosen[binding] = None
        return True

    for name in sorted(names):
        choose(name, bindings, frozenset())
    return sorted(chosen, key=lambda binding: binding.place)


def _needs(binding: _Binding, bindings: _Bindings) -> tuple[set[str], _Bindings]:
    """Return the names that a prelude statement needs, and the assignments to look them up in.

    A function looks its names up in all assignments, as if it were called last.
    """
    if isinstance(binding.statement, ast.Import):  # after `import a.b`, `import a.c` adds to the same `a`
        return _bound([binding.statement]), binding.before
    return _free([binding.statement]), bindings if binding.is_definition else binding.before


def _is_constant(statement: ast.stmt) -> bool:
    """Return whether a statement is an import, a definition, or an assignment without calls."""
    calls = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    assigns = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    return isinstance(statement, _Import | _Definition) or (
        assigns and not any(isinstance(node, calls) for node in ast.walk(statement))
    )
