"""What a test cell needs, read off the master's syntax trees: which names come from whom.

Each name that a test reads is one of four:
  * its own: a builtin, or bound by the test itself (an import, an assignment, a loop);
  * *declared evidence*: the test assigns it on a line that ends in `# evidence`; the line's right-hand side is
    evaluated in the student's kernel, and its value crosses as data;
  * *prelude*: bound last, before the test, in one of the master's locked cells, by an import, a function, a class, or
    an assignment that calls nothing and reads prelude only (sizes and constants). The judge runs these statements,
    and of them only those that the test needs; the student's kernel has no say in them;
  * else an *answer*: taken from the student's kernel, as data.
"""

import ast
import builtins
import symtable
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.errors import CourseError

MARK = "# evidence"
BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Plan:
    """How one test cell is judged: what it is worth, what it runs on, and what is taken from the student's kernel."""

    cell: str  # grade_id
    points: float
    answers: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]  # name, expression
    prelude: str  # source
    test: str  # source, without the lines that declare evidence


@dataclass(frozen=True)
class _Binding:
    """One top-level statement of the master that binds names."""

    statement: ast.stmt
    locked: bool


def plans(master: NotebookNode, name: str) -> tuple[Plan, ...]:
    """The plans of all test cells of a master notebook, in order; CourseError where one is not plain Python."""
    bindings: dict[str, _Binding] = {}
    found = []
    for cell in master.cells:
        if cell.cell_type != "code":
            continue
        if is_grade(cell) and not is_solution(cell):
            found.append(_plan(cell, dict(bindings), name))
            continue
        for statement in _statements(cell.source):
            locked = is_locked(cell) and not is_solution(cell)
            bindings |= dict.fromkeys(_bound([statement]), _Binding(statement, locked))
    return tuple(found)


def _plan(cell: NotebookNode, bindings: dict[str, _Binding], name: str) -> Plan:
    grade_id = cell.metadata.nbgrader["grade_id"]
    try:
        tree = ast.parse(cell.source)
        evidence = tuple(_evidence(tree, cell.source))
    except SyntaxError as error:
        raise CourseError(f"{name}: cell {grade_id}, line {error.lineno}: {error.msg}; mend the test.") from error
    marked = _marked_lines(cell.source)
    rest = [node for node in tree.body if node.end_lineno not in marked]
    needed = _free(rest) - dict(evidence).keys()
    prelude = _prelude(needed, bindings)
    supplied = set(_bound(prelude))
    return Plan(
        cell=grade_id,
        points=float(cell.metadata.nbgrader["points"]),
        answers=tuple(sorted(needed - supplied)),
        evidence=evidence,
        prelude=_source(prelude),
        test=_source(rest),
    )


def _statements(source: str) -> list[ast.stmt]:
    """Top-level statements of a cell; none where it is not plain Python (magics bind nothing that a test may need)."""
    try:
        return ast.parse(source).body
    except SyntaxError:
        return []


def _source(statements: list[ast.stmt]) -> str:
    return "\n".join(map(ast.unparse, statements))


def _evidence(tree: ast.Module, source: str) -> Iterator[tuple[str, str]]:
    marked = _marked_lines(source)
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if node.end_lineno in marked:
                yield name, ast.unparse(value)
            case _ if node.end_lineno in marked:
                raise SyntaxError(f"a line marked {MARK} must assign one name", ("", node.lineno, 0, ""))


def _marked_lines(source: str) -> set[int]:
    """Numbers of the lines that end in a comment `# evidence`."""
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    return {token.start[0] for token in tokens if token.type == tokenize.COMMENT and token.string.strip() == MARK}


def _bound(statements: list[ast.stmt]) -> list[str]:
    """Names that these statements bind at the top level."""
    table = symtable.symtable(_source(statements), "<cell>", "exec")
    return [s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()]


def _free(statements: list[ast.stmt]) -> set[str]:
    """Names that these statements read and neither bind themselves nor find among the builtins."""
    table = symtable.symtable(_source(statements), "<cell>", "exec")
    read = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    for child in table.get_children():
        read |= set(_globals(child))
    return read - set(_bound(statements)) - BUILTINS


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)


def _prelude(names: set[str], bindings: dict[str, _Binding]) -> list[ast.stmt]:
    """The master's statements that give these names, with what they need themselves, each once and in order."""
    chosen: list[ast.stmt] = []

    def give(name: str, asked: frozenset[str]) -> bool:
        """Choose the statement that binds `name`, and all that it needs; False where the student has a say in it."""
        binding = bindings.get(name)
        if binding is None or not binding.locked or name in asked or not _is_constant(binding.statement):
            return False
        needs = sorted(_free([binding.statement]) - {name})
        before = list(chosen)
        if not all(give(need, asked | {name}) for need in needs) and not _is_definition(binding.statement):
            chosen[:] = before
            return False
        if binding.statement not in chosen:
            chosen.append(binding.statement)
        return True

    for name in sorted(names):
        give(name, frozenset())
    return chosen


def _is_definition(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _is_constant(statement: ast.stmt) -> bool:
    """An import, a definition, or an assignment that calls nothing."""
    if isinstance(statement, ast.Import | ast.ImportFrom) or _is_definition(statement):
        return True
    calls = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    assigns = isinstance(statement, ast.Assign | ast.AnnAssign)
    return assigns and not any(isinstance(node, calls) for node in ast.walk(statement))
