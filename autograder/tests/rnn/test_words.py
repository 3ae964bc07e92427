"""Plain English: words that readers stumble over do not occur in what a learner sees."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from autograder.tests.support import ROOT

AVOIDED = re.compile(
    r"""\b(
        stands?|stood|lies?|lying|mend(s|ed|ing)?|whoever|anew|bears?|borne|wants?|came|said|told|gives
        |hand(s|ed|ing)?\ back|hand(s|ed|ing)?\ over|of\ (its|their|your|his|her)\ own|held\ to|rungs?|just\ so
        |(takes?|took|taken)\ apart|on\ its\ side|counter-proof|cures?|needless
        |evidence|judges?|judged|sandbox(es|ed)?|masters?|teachers?|by\ a\ reader|your\ reader
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
RELEASED = ROOT / "notebooks"


def texts(path: Path) -> Iterator[str]:
    """All that a learner reads: the texts in a helper's code, or a notebook's cells and what they print."""
    if path.suffix == ".py":
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        unseen = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
        texts = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in unseen)
        yield from (node.value for node in texts if isinstance(node.value, str))
        return
    for cell in nbformat.read(path, 4).cells:
        yield cell.source
        yield from (str(output.get("text", "")) for output in cell.get("outputs", ()))


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(RELEASED.glob("*/*")) if path.suffix in (".py", ".ipynb")],
    ids=lambda path: str(path.relative_to(RELEASED)),
)
def test_no_word_that_readers_stumble_over(path: Path) -> None:
    lines = [line for text in texts(path) for line in text.splitlines()]
    assert [line for line in lines if AVOIDED.search(line)] == []


@pytest.mark.parametrize(
    "text",
    ["Here stands h.", "It hands back c.", "Mend it.", "weights of its own", "What came out", "Whoever reads", "bears"],
)
def test_such_a_word_is_found(text: str) -> None:
    assert AVOIDED.search(text)


@pytest.mark.parametrize(
    "text",
    ["the standard way", "understand", "amend", "belief", "your own arrays", "it became", "on its own", "hand in"],
)
def test_words_that_look_alike_are_not_meant(text: str) -> None:
    assert not AVOIDED.search(text)
