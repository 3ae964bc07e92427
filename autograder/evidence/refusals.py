"""Explain why a name has no value: as data across the trust line, and as one sentence at the end.

    encoder ─▶ Reason, details ─▶ decoder ─▶ Found ─▶ judge ─▶ Verdict(subject, detail)

No code parses the sentence; code uses the reason and its details. The details, by reason:

    MISSING         none
    RAISED          the exception's type, the first line of its message, and a NameError's missing name, else ""
    NOT_PLAIN_DATA  a Refusal, and what it refers to: a type, a dtype, a container's tag, else ""
    DAMAGED         where the text does not follow the format
"""

from enum import StrEnum

from autograder.evidence.encoder import MAX_BITS, MAX_DEPTH, MAX_ITEMS, MAX_TEXT
from autograder.model import Reason
from autograder.text import normalize_whitespace, visible

MAX_SENTENCE = 300
MAX_DETAIL = 200
_VALUES = "answer with its values, for example output.shape"
_LESS = "answer with less, for example output.shape"


class Refusal(StrEnum):
    """Why the encoder does not send a value; the encoder cannot import this enum, so it repeats the values."""

    OBJECT = "object"
    DTYPE = "dtype"
    CYCLE = "cycle"
    SURROGATE = "surrogate"
    DEPTH = "depth"
    ITEMS = "items"
    BITS = "bits"
    SIZE = "size"
    TOTAL = "total"
    PANDAS = "pandas"  # the decoder's


# What was refused, what is wrong with it, and what to do instead.
_SENTENCES: dict[Refusal, tuple[str, str, str]] = {
    Refusal.OBJECT: ("{article} {of} object", "is not plain data", _VALUES),
    Refusal.DTYPE: ("an array of dtype {of}", "is not plain data", "answer with a list, for example from .tolist()"),
    Refusal.CYCLE: ("a {of} that contains itself", "is not plain data", _VALUES),
    Refusal.SURROGATE: (
        "a str with half a character (a lone surrogate)",
        "is not plain data",
        "answer with whole characters",
    ),
    Refusal.DEPTH: (f"a {{of}} nested more than {MAX_DEPTH} levels deep", "is too deep", _LESS),
    Refusal.ITEMS: (f"more than {MAX_ITEMS} items", "are too many", _LESS),
    Refusal.BITS: (f"an int of more than {MAX_BITS} bits", "is too large", _LESS),
    Refusal.SIZE: (f"more than {MAX_TEXT // 2**20} MiB of JSON", "is too much", _LESS),
    Refusal.TOTAL: ("the answers together", "are too large", _LESS),
    Refusal.PANDAS: (
        "a pandas object",
        "cannot be read where answers are graded",
        "ask your instructor to install pandas there",
    ),
}
TOO_MUCH = frozenset(
    {Refusal.DEPTH, Refusal.ITEMS, Refusal.BITS, Refusal.SIZE, Refusal.TOTAL}
)  # plain data, but too large to send


def sentence(subject: str, reason: Reason, detail: tuple[str, ...]) -> str:
    """Return one sentence, which starts with the name, about why it has no value."""
    return f"{subject}: {_why(reason, detail)}"[:MAX_SENTENCE]


def _why(reason: Reason, detail: tuple[str, ...]) -> str:
    if reason is Reason.MISSING:
        return "no such name; run the cell that assigns it."
    if reason is Reason.RAISED:
        return exception(detail) if detail[1] else f"{exception(detail)}."
    if reason is Reason.NOT_PLAIN_DATA:
        return f"{refused(detail)}."
    return f"the answer could not be read ({detail[0]}); restart the kernel and run every cell."


def exception(detail: tuple[str, ...]) -> str:
    """Return what was raised, as Python prints it."""
    kind, line = detail[0] or "an exception without a name", detail[1]
    return f"{kind}: {line}" if line else kind


def refused(detail: tuple[str, ...]) -> str:
    """Return what was refused, why, and what to do, without a full stop."""
    _, why, instead = _SENTENCES[Refusal(detail[0])]
    return f"{what(detail)} {why}; {instead}"


def what(detail: tuple[str, ...]) -> str:
    """Return a phrase for what was refused."""
    phrase = _SENTENCES[Refusal(detail[0])][0]
    return phrase.format(article=article(detail[1]), of=detail[1])


def article(word: str) -> str:
    """Return the article that goes before a word."""
    return "an" if word[:1] in tuple("AEIOUaeiou") else "a"


def harmless(detail: str) -> str:
    """Shorten a detail to one printable line; the kernel sent it, so the student may have written it."""
    return normalize_whitespace(visible(detail[:MAX_SENTENCE], instead=" "))[:MAX_DETAIL]
