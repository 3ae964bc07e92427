"""Read answers that can run later than in their place: they only assign values that they compute from other values.

Such an answer has no effect but the names that it assigns, and its values depend on nothing but the names that it
reads. The code is an assignment of an expression to names, or several. An expression is a literal, a name, a container
of expressions, arithmetic, an item, the shape of an array, or a call of one of a few functions that only compute.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.notebook.source import MAX_CODE, parse

FUNCTIONS = frozenset("abs bool dict float int len list max min range reversed round set sorted str sum tuple".split())
ATTRIBUTES = frozenset("ndim shape size".split())
_OPERATORS = ast.Add | ast.Sub | ast.Mult | ast.Div | ast.FloorDiv | ast.Mod | ast.UAdd | ast.USub


@dataclass(frozen=True)
class PlainAnswer:
    """An answer that only computes.

    Attributes:
        names: The names that it assigns.
        reads: The names that it reads, other than those that it has assigned itself.
        calls: The built-in functions that it calls.
    """

    names: frozenset[str]
    reads: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()

    @property
    def is_literal(self) -> bool:
        """Return whether it assigns literals only."""
        return not self.reads and not self.calls


def plain_answer(source: str) -> PlainAnswer | None:
    """Return what an answer assigns and reads; None if it does anything else."""
    try:
        return _answer(parse(source).body) if len(source) <= MAX_CODE else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _answer(statements: Iterable[ast.stmt]) -> PlainAnswer | None:
    names, reads, calls = set[str](), set[str](), set[str]()
    for statement in statements:
        read = set[str]()
        if not isinstance(statement, ast.Assign) or not _computes(statement.value, read, calls):
            return None
        reads |= read - names
        for target in statement.targets:
            if not isinstance(target, ast.Name):
                return None
            names.add(target.id)
    return PlainAnswer(frozenset(names), frozenset(reads), frozenset(calls))


def _computes(node: ast.expr | None, reads: set[str], calls: set[str]) -> bool:
    """Return whether an expression only computes; add what it reads and calls."""

    def all_compute(*parts: ast.expr | None) -> bool:
        return all(_computes(part, reads, calls) for part in parts if part is not None)

    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            reads.add(name)
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return all_compute(*parts)
        case ast.Dict(keys=keys, values=values):
            return None not in keys and all_compute(*keys, *values)
        case ast.UnaryOp(op=operator, operand=operand):
            return isinstance(operator, _OPERATORS) and all_compute(operand)
        case ast.BinOp(left=left, op=operator, right=right):
            return isinstance(operator, _OPERATORS) and all_compute(left, right)
        case ast.Attribute(value=value, attr=name):
            return name in ATTRIBUTES and all_compute(value)
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            return all_compute(value, lower, upper, step)
        case ast.Subscript(value=value, slice=item):
            return all_compute(value, item)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            calls.add(name)
            return all_compute(*args)
    return False
