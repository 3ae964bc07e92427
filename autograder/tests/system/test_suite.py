"""The tests themselves: none imports another, and what several of them use has its own place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.tests.support import ROOT

TESTS = ROOT / "autograder" / "tests"
MODULES = sorted(str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py"))


def _imported(path: Path) -> Iterator[str]:
    """The dotted names that a module imports, those that follow `from` joined to what is taken from there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_a_test_or_a_conftest(module: str) -> None:
    parts = [part for name in _imported(TESTS / module) if "tests" in name.split(".") for part in name.split(".")]
    assert [part for part in parts if part == "conftest" or part.startswith("test_")] == []
