"""Find the names that Python code reads and assigns, as the compiler sees them."""

import ast
import builtins
import symtable
from collections.abc import Iterable, Iterator, Sequence

from autograder.notebook.source import parse, parse_cell

BUILTINS = frozenset(dir(builtins))

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Import = ast.Import | ast.ImportFrom


def statements_of(source: str) -> list[ast.stmt]:
    """Return a cell's top-level statements, with magics replaced by calls; an empty list if it is not Python."""
    cell = parse_cell(source)
    return cell[1].body if cell else []


def source_of(statements: Iterable[ast.AST]) -> str:
    """Return the source of these statements."""
    return "\n".join(map(ast.unparse, statements))


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
    copy: ast.Module = _Plain().visit(parse(source_of(statements)))
    return copy.body


def _table(statements: Sequence[ast.stmt]) -> symtable.SymbolTable:
    source = "\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in statements)
    return symtable.symtable(source, "<cell>", "exec")


def bound_names(statements: Sequence[ast.stmt]) -> set[str]:
    """Return the names that these statements assign at the top level."""
    return _binds(_table(_plain(statements)))


def free_names(statements: Sequence[ast.stmt]) -> set[str]:
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


def late_names(statements: Sequence[ast.stmt]) -> set[str]:
    """Return the names that the functions in these statements read when they are called."""
    tables = [_table([part]) for part in _parts(_plain(statements))]
    return {name for table in tables for name, at_once in _read(table) if not at_once}


def changed_names(statement: ast.stmt) -> set[str]:
    """Return the names whose values a statement plainly changes in place: `x[0] = 1`, `x.y = 1`, `x.append(1)`."""
    names = set()
    for node in ast.walk(statement):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                names |= _base(node)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=target))):
                names |= _base(target)
    return names


def _base(target: ast.expr) -> set[str]:
    while isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    return {target.id} if isinstance(target, ast.Name) else set()


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
        inner = [] if isinstance(statement, Definition) else _blocks(statement)
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
