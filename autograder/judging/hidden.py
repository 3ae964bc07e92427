"""Find what the hidden lines of tests bind, because students must not see the values of these names."""

import ast
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from itertools import zip_longest

from autograder.judging.names import changed_names
from autograder.model import TestPlan
from autograder.notebook.source import parse
from autograder.text import normalize_whitespace


def with_hidden(
    plans: Sequence[TestPlan], lines: Mapping[str, tuple[int, ...]], sources: Mapping[str, str]
) -> tuple[TestPlan, ...]:
    """Return the plans of a notebook's tests with their hidden lines, and the names that these bind.

    A name stays hidden in later tests, which may use it, and on visible lines that bind it, too.

    Args:
        plans: The plans, in the notebook's order.
        lines: The hidden lines of each test that has any, by grade_id.
        sources: The sources of the test cells, by grade_id.
    """
    found: list[TestPlan] = []
    names: set[str] = set()
    for plan in plans:
        hidden = lines.get(plan.cell, ())
        if hidden and not _on_its_lines(plan.test, sources[plan.cell]):
            hidden = tuple(range(1, len(plan.test.splitlines()) + 1))
        if hidden:
            names |= _bound(parse(plan.test), frozenset(hidden)) | {name for name, _ in plan.evidence}
        found.append(replace(plan, hidden_lines=hidden, hidden_names=tuple(sorted(names))))
    return tuple(found)


def _on_its_lines(test: str, source: str) -> bool:
    """Return whether each line of a test is where it is in its cell; a magic that was taken out may move others."""
    pairs = zip_longest(test.splitlines(), source.splitlines(), fillvalue="")
    return all(normalize_whitespace(line).rstrip(";") in normalize_whitespace(whole) for line, whole in pairs)


def _bound(tree: ast.Module, lines: Set[int]) -> set[str]:
    """Return the names that these lines bind in any scope, or whose values they change; imported names are public."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) not in lines:
            continue
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
        if isinstance(node, ast.stmt):
            names |= changed_names(node)
    return names
