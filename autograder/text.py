"""Text for people: made printable, shortened, normalized."""

from collections.abc import Iterable

MAX_SENTENCES = 20


def summarize(sentences: Iterable[str]) -> list[str]:
    """The sentences in order, each once; of a long list the tail is only counted."""
    once = list(dict.fromkeys(sentences))
    more = len(once) - MAX_SENTENCES
    return once if more <= 0 else [*once[:MAX_SENTENCES], f"and {more} more"]


def printable(text: str) -> str:
    """A name of the student's making, fit to stand in a sentence: printable and short."""
    return shorten("".join(c if c.isprintable() else "?" for c in text[:200]), 80)


def shorten(text: str, most: int) -> str:
    """The text, or as much of its beginning as fits into `most` characters with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def normalize_whitespace(text: str) -> str:
    """The text with every run of whitespace as one space: what is alike in this differs in looks only."""
    return " ".join(text.split())
