"""The words that users read: what the command, the pages and the README say has no private vocabulary."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.tests.support import ROOT

PACKAGE = ROOT / "autograder"
UNREAD = ("tests", "bench")  # rooms whose strings no user meets
PRIVATE = re.compile(
    r"""\b(
    mend(s|ed|ing)? | whoever | whatever | anew | just\ so
    | hand(s|ed)?\ (back|over) | of\ (its|their)\ own | bears?\b | stands?\b | stood | lies?\b | lay
    | teaching\ copy | desk | crew | pupil | beside
    | (a|the|their|your)\ reader('s)? | still\ open | left\ open | waits\ for
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)


def _strings(path: Path) -> Iterator[str]:
    """The texts of a module: its string literals that are no docstrings and hold a sentence's words."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def _texts() -> dict[str, list[str]]:
    found = {
        str(path.relative_to(ROOT)): list(_strings(path))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in UNREAD
    }
    pages = [*PACKAGE.rglob("templates/*.html"), ROOT / "README.md", ROOT / "Makefile"]
    pages += PACKAGE.rglob("docs/pages/**/*.md")
    return found | {str(path.relative_to(ROOT)): [path.read_text(encoding="utf-8")] for path in pages}


@pytest.mark.parametrize(("name", "texts"), _texts().items(), ids=list(_texts()))
def test_users_read_plain_words(name: str, texts: list[str]) -> None:
    """STYLE: one word, one meaning, and the tools' own words."""
    assert [text[max(0, m.start() - 30) : m.end() + 20] for text in texts for m in PRIVATE.finditer(text)] == []


def test_the_pattern_finds_what_it_is_for() -> None:
    said = ["mend the test", "whoever wrote it", "a folder of its own", "it stands there", "the reader marks it"]
    assert all(PRIVATE.search(text) for text in said)
    assert not any(PRIVATE.search(text) for text in ["a standard", "understand", "believe", "commend", "outlay"])
