"""Decode answers that a student's kernel sent to the trusted grader.

Theory of operation. `encoder` runs as source text in the student's kernel and turns answers into JSON text. This
module runs in the grader's process, reads that text and rebuilds plain values. Supported: None, bool, int, float,
complex, str, tuple, list, dict, set, frozenset, the unanswered `...`, and NumPy arrays of bools and numbers. Not
supported: code, pickles, classes, bytes, arrays of objects or strings. Nothing is called, imported or looked up by a
name from the text, except in the tables below. The kernel may send false data, but only data: a forged answer passes
only if it has the right value, and a student who can write that value knows the answer. Sizes are checked before
anything is built. Any text results in a plain value or an `EvidenceError`.
"""

import binascii
import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autograder.errors import EvidenceError
from autograder.evidence.encoder import DTYPES, MAX_BITS, MAX_DEPTH, MAX_ITEMS, MAX_KEYS, MAX_TEXT, MAX_TOTAL
from autograder.evidence.refusals import Refusal, harmless, sentence
from autograder.model import Reason

MAX_NAMES = 200
_MIB = 2**20
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_INT = re.compile(rf"0|-?[1-9a-f][0-9a-f]{{0,{MAX_BITS // 4 - 1}}}")
_SHAPE = re.compile(r"(?:0|[1-9][0-9]{0,7})(?:,(?:0|[1-9][0-9]{0,7})){0,63}")

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


class _DamageError(Exception):
    """The text does not follow the format; the message says where, in a few words."""


def kernel_source() -> str:
    """Return the encoder's source, to be run in a kernel: `encode_all` and its imports from the standard library."""
    return Path(__file__).with_name("encoder.py").read_text("utf-8")


def decode(text: str | bytes, name: str = "answer") -> Any:
    """Decode one plain value; raise `EvidenceError` with a sentence that starts with `name`."""
    try:
        return _value(text)
    except _DamageError as damage:
        raise EvidenceError(sentence(name, Reason.DAMAGED, (str(damage),))) from None


def decode_all(text: str | bytes) -> dict[str, Found]:
    """Decode the text of `encode_all`, by name; one damaged value leaves the others usable.

    Raise `EvidenceError` if the text as a whole is damaged.
    """
    try:
        tree = _json(text, MAX_TOTAL, 4 * MAX_NAMES)
        if not isinstance(tree, dict) or len(tree) > MAX_NAMES:
            raise _DamageError("not a table of names")
        if not all(len(name) <= 100 and name.isidentifier() for name in tree):
            raise _DamageError("a key that is not a name")
    except _DamageError as damage:
        raise EvidenceError(sentence("answers", Reason.DAMAGED, (str(damage),))) from None
    return {name: _found(name, entry) for name, entry in tree.items()}


def missing(name: str) -> Found:
    """Return the entry of a name for which the kernel sent nothing."""
    return Found(name, NOTHING, Reason.DAMAGED, ("nothing was sent",))


def _found(name: str, entry: Any) -> Found:
    key, content = next(iter(entry.items())) if isinstance(entry, dict) and len(entry) == 1 else ("", None)
    try:
        if key in _REASONS:
            reason, details = _REASONS[key]
            return Found(name, NOTHING, reason, _details(content, details, reason))
        if key != "value" or not isinstance(content, str):
            raise _DamageError("an entry of unknown form")
        return Found(name, _value(content))
    except _DamageError as damage:
        return Found(name, NOTHING, Reason.DAMAGED, (str(damage),))


def _details(content: Any, count: int, reason: Reason) -> tuple[str, ...]:
    if not isinstance(content, list) or len(content) != count or not all(isinstance(part, str) for part in content):
        raise _DamageError("an entry of unknown form")
    if reason is Reason.NOT_PLAIN_DATA and content[0] not in tuple(Refusal):
        raise _DamageError("a refusal of unknown kind")
    return tuple(map(harmless, content))


def _value(text: str | bytes) -> Any:
    return _Reader().value(_json(text, MAX_TEXT, 4 * MAX_ITEMS), 0)


def _json(text: str | bytes, size: int, tokens: int) -> Any:
    """Parse `text`, refusing bare numbers; check its size and number of nodes before the parser builds any."""
    if not isinstance(text, str | bytes):
        raise _DamageError("not a string")
    if len(text) > size:
        raise _DamageError(f"more than {size // _MIB} MiB")
    try:
        text = text.decode() if isinstance(text, bytes) else text
        if sum(map(_STRING.sub("", text).count, "[{,")) > tokens:
            raise _DamageError("too many items")
        return json.loads(
            text, parse_int=_number, parse_float=_number, parse_constant=_number, object_pairs_hook=_table
        )
    except RecursionError:
        raise _DamageError("nested too deeply") from None
    except ValueError:
        raise _DamageError("not JSON") from None


def _number(_: str) -> NoReturn:
    raise _DamageError("a bare number")


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise _DamageError("a duplicate name")
    return table


class _Reader:
    """Decode one value, and count the members of its sets and dicts."""

    def __init__(self) -> None:
        self.keys = 0

    def value(self, node: Any, depth: int) -> Any:
        if node is None or isinstance(node, bool):
            return node
        if isinstance(node, str):
            return _text(node)
        if not isinstance(node, list) or len(node) != 2 or not isinstance(node[0], str):
            raise _DamageError("a value of unknown form")
        tag, body = node
        if isinstance(body, str) and tag in _LEAVES:
            return _LEAVES[tag](body)
        if not isinstance(body, list) or tag not in _CONTAINERS:
            raise _DamageError("an unknown tag")
        return self.members(tag, body, depth + 1)

    def members(self, tag: str, body: list[Any], depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise _DamageError("nested too deeply")
        self.keys += {"set": len(body), "frozenset": len(body), "dict": len(body) // 2}.get(tag, 0)
        if self.keys > MAX_KEYS:
            raise _DamageError("too many keys")
        return _CONTAINERS[tag]([self.value(member, depth) for member in body])


def _text(text: str) -> str:
    try:
        text.encode()  # a lone surrogate would break reports and the gradebook later on
    except UnicodeEncodeError:
        raise _DamageError("half a character") from None
    return text


def _ellipsis(text: str) -> Any:
    if text:
        raise _DamageError("an ellipsis with content")
    return ...


def _int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise _DamageError("not an int")
    return int(text, 16)


def _floats(text: str, count: int) -> tuple[float, ...]:
    if not re.fullmatch(rf"[0-9a-f]{{{16 * count}}}", text):
        raise _DamageError("not a float")
    return struct.unpack(f">{count}d", bytes.fromhex(text))


def _array(text: str) -> np.ndarray[Any, Any]:
    dtype, shape, data = [*text.split(" ", 2), "", ""][:3]
    if dtype not in DTYPES:
        raise _DamageError("an array of unknown dtype")
    if not _SHAPE.fullmatch(shape):
        raise _DamageError("an array of unknown shape")
    little = np.dtype(dtype).newbyteorder("<")
    sizes = [int(size) for size in shape.split(",")]
    if math.prod(max(size, 1) for size in sizes) * little.itemsize > MAX_TEXT:
        raise _DamageError("an array too large")
    return _filled(sizes, little, _bytes(data, math.prod(sizes) * little.itemsize))


def _bytes(data: str, size: int) -> bytes:
    try:
        raw = binascii.a2b_base64(data, strict_mode=True)
    except ValueError:  # covers binascii.Error and non-ASCII characters
        raise _DamageError("an array that is not base64") from None
    if len(raw) != size:
        raise _DamageError("an array whose shape and bytes differ")
    return raw


def _filled(sizes: list[int], little: np.dtype[Any], raw: bytes) -> np.ndarray[Any, Any]:
    if little.kind == "b" and raw.strip(b"\0\1"):
        raise _DamageError("bools other than 0 and 1")
    view: np.ndarray[Any, Any] = np.ndarray(sizes, little, raw)
    return view.astype(little.newbyteorder("="))  # a copy: writable, in this machine's byte order


def _keys(members: list[Any]) -> frozenset[Any]:
    try:
        keys = frozenset(members)
    except TypeError:
        raise _DamageError("a key that cannot be hashed") from None
    if len(keys) < len(members):
        raise _DamageError("a duplicate key")
    return keys


def _dict(members: list[Any]) -> dict[Any, Any]:
    keys, values = members[::2], members[1::2]
    if len(keys) != len(values):
        raise _DamageError("a key without value")
    _keys(keys)
    return dict(zip(keys, values, strict=True))


_LEAVES: dict[str, Callable[[str], Any]] = {
    "ellipsis": _ellipsis,
    "int": _int,
    "float": lambda text: _floats(text, 1)[0],
    "complex": lambda text: complex(*_floats(text, 2)),
    "array": _array,
}
_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": lambda members: set(_keys(members)),
    "frozenset": _keys,
    "dict": _dict,
}
