"""Compile tests and their preludes, once for all students: the worker does so before it forks.

Only what the course has written is compiled here. The hooks of `checks` and `instrument` are in the code.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from autograder.judging.checks import watched
from autograder.judging.instrument import instrumented
from autograder.judging.seal import PRELUDE, TEST

MOST = 512  # tests that are kept


@dataclass(frozen=True)
class Compiled:
    """A test. `last` is its last statement if that is an expression, because its value may be partial credit."""

    body: CodeType
    last: CodeType | None


@lru_cache(maxsize=MOST)
def compiled_prelude(source: str) -> CodeType:
    """Compile the statements of the source notebook that a test needs."""
    return compile(source, PRELUDE, "exec")


def compiled_test(source: str, hidden: Mapping[str, Any], live: bool = False) -> Compiled:
    """Compile a test.

    Args:
        source: The test.
        hidden: The `names` that lines bind which students do not see.
        live: Whether it meets objects of a kernel: then it has the hooks of `instrument`, and may await.

    Raises:
        SyntaxError: It is no Python.
    """
    return (_live if live else _plain)(source, frozenset(hidden.get("names", ())))


@lru_cache(maxsize=MOST)
def _plain(source: str, hidden: frozenset[str]) -> Compiled:
    tree, last = _split(watched(ast.parse(source), source, hidden))
    return Compiled(compile(tree, TEST, "exec"), compile(last, TEST, "eval") if last else None)


@lru_cache(maxsize=MOST)
def _live(source: str, hidden: frozenset[str]) -> Compiled:
    tree, last = _split(ast.parse(source, TEST))
    tree = watched(instrumented(tree), source, hidden)
    return Compiled(_awaiting(tree, "exec"), _awaiting(_instrumented(last), "eval") if last else None)


def _split(tree: ast.Module) -> tuple[ast.Module, ast.Expression | None]:
    if not (tree.body and isinstance(tree.body[-1], ast.Expr)):
        return tree, None
    last = tree.body[-1]
    return ast.Module(tree.body[:-1], []), ast.Expression(last.value)


def _awaiting(tree: ast.Module | ast.Expression, mode: str) -> CodeType:
    code: CodeType = compile(tree, TEST, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


def _instrumented(expression: ast.Expression) -> ast.Expression:
    module = instrumented(ast.Module([ast.copy_location(ast.Expr(expression.body), expression.body)], []))
    body: Any = module.body[0]
    return ast.Expression(body.value)
