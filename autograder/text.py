"""Prepare text for messages: make it printable, shorten it, normalize it; and parse Python, in any thread."""

import ast
import threading
from collections.abc import Iterable

MAX_SENTENCES = 20
_one_at_a_time = threading.RLock()


def summarize(sentences: Iterable[str]) -> list[str]:
    """Return the sentences without repetitions, in order; after `MAX_SENTENCES`, only how many more there are."""
    once = list(dict.fromkeys(sentences))
    more = len(once) - MAX_SENTENCES
    return once if more <= 0 else [*once[:MAX_SENTENCES], f"and {more} more"]


def visible(text: str, keep: str = "", instead: str = "\ufffd") -> str:
    """Replace each character that cannot be printed, such as one that moves a terminal's cursor.

    Args:
        text: Any text.
        keep: Characters that stay although they cannot be printed, such as line ends.
        instead: What replaces each of the others.
    """
    return "".join(c if c.isprintable() or c in keep else instead for c in text)


def printable(text: str) -> str:
    """Return a name that a student chose, made printable and short enough for a message."""
    return shorten(visible(text[:200], instead="?"), 80)


def shorten(text: str, most: int) -> str:
    """Cut the text to at most `most` characters, the last of which is then an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def normalize_whitespace(text: str) -> str:
    """Replace each run of whitespace by one space, to compare texts without their layout."""
    return " ".join(text.split())


def parse_python(source: str) -> ast.Module:
    """Parse Python source, in any thread; raise SyntaxError or ValueError as `ast.parse` does.

    Only one thread parses at a time. In Python up to 3.11.7, and in 3.12.0, all threads share one counter of the tree's
    depth, so two threads that parse at once can both fail with a SystemError (CPython issue 106905).
    """
    with _one_at_a_time:
        return ast.parse(source)
