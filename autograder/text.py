"""Prepare text for messages: make it printable, shorten it, normalize it."""

from collections.abc import Iterable

MAX_SENTENCES = 20


def summarize(sentences: Iterable[str]) -> list[str]:
    """Return the sentences without repetitions, in order; after `MAX_SENTENCES`, only how many more there are."""
    once = list(dict.fromkeys(sentences))
    more = len(once) - MAX_SENTENCES
    return once if more <= 0 else [*once[:MAX_SENTENCES], f"and {more} more"]


def printable(text: str) -> str:
    """Return a name that a student chose, made printable and short enough for a message."""
    return shorten("".join(c if c.isprintable() else "?" for c in text[:200]), 80)


def shorten(text: str, most: int) -> str:
    """Cut the text to at most `most` characters, the last of which is then an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def normalize_whitespace(text: str) -> str:
    """Replace each run of whitespace by one space, to compare texts without their layout."""
    return " ".join(text.split())
