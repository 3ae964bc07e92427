"""Why there is no value for a name: data on its way across the trust line, and one sentence at the end of it.

    encoder ─▶ Reason, details ─▶ decoder ─▶ Found ─▶ judge ─▶ Verdict(subject, detail)

Nothing reads a sentence: whatever depends on why there is no value asks the reason and its details. What the details
are, by reason:

    MISSING         nothing
    RAISED          the exception's type, its message's first line, the name that it lacks (of a NameError, else "")
    NOT_PLAIN_DATA  a Refusal, and what it is of: a type, a dtype, a container's tag, else ""
    DAMAGED         where the text leaves the format
"""

from enum import StrEnum

from autograder.evidence.encoder import MAX_BITS, MAX_DEPTH, MAX_ITEMS, MAX_KEYS, MAX_TEXT
from autograder.model import Reason
from autograder.text import normalize_whitespace

MAX_SENTENCE = 300
MAX_DETAIL = 200
_VALUES = "answer with its values, for example output.shape"
_LESS = "answer with less, for example output.shape"


class Refusal(StrEnum):
    """Why the encoder does not send a value; it runs without this module and writes the values out."""

    OBJECT = "object"
    DTYPE = "dtype"
    CYCLE = "cycle"
    SURROGATE = "surrogate"
    DEPTH = "depth"
    ITEMS = "items"
    KEYS = "keys"
    BITS = "bits"
    SIZE = "size"
    TOTAL = "total"


# What is refused, what is wrong with it, what to do instead.
_SENTENCES: dict[Refusal, tuple[str, str, str]] = {
    Refusal.OBJECT: ("{article} {of} object", "is not plain data", _VALUES),
    Refusal.DTYPE: ("an array of dtype {of}", "is not plain data", "answer with a list, for example from .tolist()"),
    Refusal.CYCLE: ("a {of} that contains itself", "is not plain data", _VALUES),
    Refusal.SURROGATE: (
        "a str with half a character (a lone surrogate)",
        "is not plain data",
        "answer with whole characters",
    ),
    Refusal.DEPTH: (f"a {{of}} nested more than {MAX_DEPTH} deep", "is too deep", _LESS),
    Refusal.ITEMS: (f"more than {MAX_ITEMS} items", "are too many", _LESS),
    Refusal.KEYS: (f"more than {MAX_KEYS} members of sets and dicts", "are too many", _LESS),
    Refusal.BITS: (f"an int of more than {MAX_BITS} bits", "is too large", _LESS),
    Refusal.SIZE: (f"more than {MAX_TEXT // 2**20} MiB of JSON", "is too much", _LESS),
    Refusal.TOTAL: ("the answers together", "are too large", _LESS),
}
TOO_MUCH = frozenset(
    {Refusal.DEPTH, Refusal.ITEMS, Refusal.KEYS, Refusal.BITS, Refusal.SIZE, Refusal.TOTAL}
)  # plain data, but more than may cross


def sentence(subject: str, reason: Reason, detail: tuple[str, ...]) -> str:
    """Say in one sentence, which opens with the name, why there is no value for it."""
    return f"{subject}: {_why(reason, detail)}"[:MAX_SENTENCE]


def _why(reason: Reason, detail: tuple[str, ...]) -> str:
    if reason is Reason.MISSING:
        return "no such name; run the cell that assigns it."
    if reason is Reason.RAISED:
        return exception(detail) if detail[1] else f"{exception(detail)}."
    if reason is Reason.NOT_PLAIN_DATA:
        return f"{refused(detail)}."
    return f"the evidence is damaged ({detail[0]}); restart the kernel and run every cell."


def exception(detail: tuple[str, ...]) -> str:
    """Say what was raised, as Python does."""
    kind, line = detail[0] or "an exception without a name", detail[1]
    return f"{kind}: {line}" if line else kind


def refused(detail: tuple[str, ...]) -> str:
    """Say what was refused, why, and what to do, without a full stop."""
    _, why, instead = _SENTENCES[Refusal(detail[0])]
    return f"{what(detail)} {why}; {instead}"


def what(detail: tuple[str, ...]) -> str:
    """Name what was refused."""
    phrase = _SENTENCES[Refusal(detail[0])][0]
    return phrase.format(article=article(detail[1]), of=detail[1])


def article(word: str) -> str:
    """Return the article that goes before a word."""
    return "an" if word[:1] in tuple("AEIOUaeiou") else "a"


def harmless(detail: str) -> str:
    """A detail as one short line: the kernel sent it, so the student may have written it."""
    return normalize_whitespace("".join(c if c.isprintable() else " " for c in detail[:MAX_SENTENCE]))[:MAX_DETAIL]
