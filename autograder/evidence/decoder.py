"""Decode answers that a student's kernel sent to the trusted grader.

Theory of operation. `encoder` runs in the student's kernel and turns answers into JSON text. This module runs in the
grader's process, reads that text, and has a `Reader` rebuild the values. These cross as real objects of their types:

    built in           None, bool, int, float, complex, str, bytes, bytearray, `...`, NotImplemented, list, tuple, dict,
                       set, frozenset, range, slice, a dict's keys, values and items
    standard library   namedtuples, Counter, OrderedDict, defaultdict of a known factory, deque, paths, date, datetime,
                       time, timedelta, time zones, Decimal, Fraction, UUID, members of Enum classes without methods
    NumPy              arrays of bools, numbers, texts, dates, records and objects from this list; matrix, masked
                       arrays, scalars, dtypes
    pandas             Series, Index, DataFrame, Timestamp, Timedelta, NA, NaT, and columns' arrays
    classes            those of `builtins` and other well-known ones, by name

Not supported: code, pickles, instances of other classes. These stay in the kernel, where `server` serves them to a test
that needs them. Its messages have this format too, and `judging.live` reads them. Nothing is called, imported or looked
up by a name from the text, except in fixed tables. The kernel may send false data, but only data: a forged answer
passes only if it has the right value, and a student who can write that value knows the answer. Sizes are checked before
anything is built. Any text results in a value of these types or an `EvidenceError`.
"""

import gc
import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn

from autograder.errors import EvidenceError
from autograder.evidence.encoder import MAX_ITEMS, MAX_TEXT, MAX_TOTAL
from autograder.evidence.reader import Reader
from autograder.evidence.reader_leaves import DamageError
from autograder.evidence.reader_pandas import NoPandasError
from autograder.evidence.refusals import Refusal, harmless, sentence
from autograder.model import Reason

MAX_NAMES = 200
NO_PANDAS = (Refusal.PANDAS.value, "")
_MIB = 2**20
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)

_REASONS: dict[str, tuple[Reason, int]] = {  # by an entry's key; the number is how many details it has
    "missing": (Reason.MISSING, 0),
    "refused": (Reason.NOT_PLAIN_DATA, 2),
    "raised": (Reason.RAISED, 3),
}


class Nothing(Enum):
    """Mark that there is no value; None and `...` are values."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING


@dataclass(frozen=True, eq=False)  # arrays have no truth value to compare by
class Found:
    """The data sent for one name, the `subject`: a plain `value`, or NOTHING with the `reason` and its details."""

    subject: str
    value: Any
    reason: Reason = Reason.NONE
    detail: tuple[str, ...] = ()  # as `refusals` documents

    @property
    def sentence(self) -> str:
        """Return why there is no value, as a sentence; empty if there is a value."""
        return sentence(self.subject, self.reason, self.detail) if self.reason else ""


def decode(text: str | bytes, name: str = "answer") -> Any:
    """Decode one plain value; raise `EvidenceError` with a sentence that starts with `name`."""
    try:
        return _value(text)
    except NoPandasError:
        raise EvidenceError(sentence(name, Reason.NOT_PLAIN_DATA, NO_PANDAS)) from None
    except DamageError as damage:
        raise EvidenceError(sentence(name, Reason.DAMAGED, (str(damage),))) from None


def decode_all(text: str | bytes) -> dict[str, Found]:
    """Decode the text of `encode_all`, by name; one damaged value leaves the others usable.

    Raise `EvidenceError` if the text as a whole is damaged.
    """
    try:
        tree = _json(text, MAX_TOTAL, 4 * MAX_NAMES)
        if not isinstance(tree, dict) or len(tree) > MAX_NAMES:
            raise DamageError("not a table of names")
        if not all(len(name) <= 100 and name.isidentifier() for name in tree):
            raise DamageError("a key that is not a name")
    except DamageError as damage:
        raise EvidenceError(sentence("answers", Reason.DAMAGED, (str(damage),))) from None
    return {name: found(name, entry) for name, entry in tree.items()}


def missing(name: str) -> Found:
    """Return the entry of a name for which the kernel sent nothing."""
    return Found(name, NOTHING, Reason.DAMAGED, ("nothing was sent",))


def found(name: str, entry: Any) -> Found:
    key, content = next(iter(entry.items())) if isinstance(entry, dict) and len(entry) == 1 else ("", None)
    try:
        if key in _REASONS:
            reason, details = _REASONS[key]
            return Found(name, NOTHING, reason, _details(content, details, reason))
        if key != "value" or not isinstance(content, str):
            raise DamageError("an entry of unknown form")
        return Found(name, _value(content))
    except NoPandasError:
        return Found(name, NOTHING, Reason.NOT_PLAIN_DATA, NO_PANDAS)
    except DamageError as damage:
        return Found(name, NOTHING, Reason.DAMAGED, (str(damage),))


def _details(content: Any, count: int, reason: Reason) -> tuple[str, ...]:
    if not isinstance(content, list) or len(content) != count or not all(isinstance(part, str) for part in content):
        raise DamageError("an entry of unknown form")
    if reason is Reason.NOT_PLAIN_DATA and content[0] not in tuple(Refusal):
        raise DamageError("a refusal of unknown kind")
    return tuple(map(harmless, content))


def _value(text: str | bytes) -> Any:
    collecting = gc.isenabled()
    gc.disable()  # nothing that is made here is garbage, and to search a million new lists for it takes seconds
    try:
        return Reader().value(_json(text, MAX_TEXT, 4 * MAX_ITEMS), 0)
    except RecursionError:
        raise DamageError("nested too deeply") from None
    finally:
        if collecting:
            gc.enable()


def _json(text: str | bytes, size: int, tokens: int) -> Any:
    """Parse `text`, refusing bare numbers; check its size and number of nodes before the parser builds any."""
    if not isinstance(text, str | bytes):
        raise DamageError("not a string")
    if len(text) > size:
        raise DamageError(f"more than {size // _MIB} MiB")
    try:
        text = text.decode() if isinstance(text, bytes) else text
        if sum(map(_STRING.sub("", text).count, "[{,")) > tokens:
            raise DamageError("too many items")
        return json.loads(
            text, parse_int=_number, parse_float=_number, parse_constant=_number, object_pairs_hook=_table
        )
    except RecursionError:
        raise DamageError("nested too deeply") from None
    except ValueError:
        raise DamageError("not JSON") from None


def _number(_: str) -> NoReturn:
    raise DamageError("a bare number")


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise DamageError("a duplicate name")
    return table
