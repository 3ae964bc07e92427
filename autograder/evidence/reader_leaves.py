"""Decode the texts of single values: numbers, bytes, and arrays of numbers, texts and dates."""

import binascii
import math
import re
import struct
from typing import Any

import numpy as np

from autograder.errors import AutograderError
from autograder.evidence.encoder import DTYPES, MAX_BITS, MAX_TEXT

_INT = re.compile(rf"0|-?[1-9a-f][0-9a-f]{{0,{MAX_BITS // 4 - 1}}}")
_SHAPE = re.compile(r"(?:0|[1-9][0-9]{0,7})(?:,(?:0|[1-9][0-9]{0,7})){0,63}")
_UNITS = "Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as"
_DTYPE = re.compile(rf"[US][1-9][0-9]{{0,7}}|[Mm]8(?:\[(?:[1-9][0-9]{{0,5}})?(?:{_UNITS})\])?")
_PACKED = {"int64": "q", "float64": "d"}


class DamageError(AutograderError):
    """The text does not follow the format; the message says where, in a few words."""


def text(given: str) -> str:
    """Return a string; refuse a lone surrogate, which would break reports and the gradebook later on."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise DamageError("half a character") from None
    return given


def ellipsis(given: str) -> Any:
    """Return `...`."""
    if given:
        raise DamageError("an ellipsis with content")
    return ...


def integer(given: str) -> int:
    """Return an int from hexadecimal digits."""
    if not _INT.fullmatch(given):
        raise DamageError("not an int")
    return int(given, 16)


def floats(given: str, count: int) -> tuple[float, ...]:
    """Return floats from their bytes in hexadecimal digits."""
    if not re.fullmatch(rf"[0-9a-f]{{{16 * count}}}", given):
        raise DamageError("not a float")
    return struct.unpack(f">{count}d", bytes.fromhex(given))


def packed(table: dict[str, Any]) -> list[Any]:
    """Return many ints or floats that were sent as bytes."""
    name, given = next(iter(table.items())) if len(table) == 1 else ("", "")
    if name not in _PACKED or not isinstance(given, str):
        raise DamageError("a value of unknown form")
    raw = binary(given, "a list")
    if len(raw) % 8:
        raise DamageError("a list whose bytes are not whole numbers")
    return list(struct.unpack(f"<{len(raw) // 8}{_PACKED[name]}", raw))


def binary(given: str, what: str) -> bytes:
    """Return bytes from base64."""
    try:
        return binascii.a2b_base64(given, strict_mode=True)
    except ValueError:  # covers binascii.Error and non-ASCII characters
        raise DamageError(f"{what} that is not base64") from None


def sizes(given: Any) -> list[int]:
    """Return a shape; a hyphen is the shape of an array without axes."""
    if not isinstance(given, str) or not (given == "-" or _SHAPE.fullmatch(given)):
        raise DamageError("an array of unknown shape")
    return [] if given == "-" else [int(size) for size in given.split(",")]


def array(given: str) -> np.ndarray[Any, Any]:
    """Return an array: writable, in this machine's byte order."""
    name, shape, data = [*given.split(" ", 2), "", ""][:3]
    if name not in DTYPES and not _DTYPE.fullmatch(name):
        raise DamageError("an array of unknown dtype")
    little = np.dtype(name).newbyteorder("<")
    lengths = sizes(shape)
    if math.prod(max(size, 1) for size in lengths) * little.itemsize > MAX_TEXT:
        raise DamageError("an array too large")
    raw = binary(data, "an array")
    if len(raw) != math.prod(lengths) * little.itemsize:
        raise DamageError("an array whose shape and bytes differ")
    return _filled(lengths, little, raw)


def _filled(lengths: list[int], little: np.dtype[Any], raw: bytes) -> np.ndarray[Any, Any]:
    if little.kind == "b" and raw.strip(b"\0\1"):
        raise DamageError("bools other than 0 and 1")
    if little.kind == "U":
        try:
            raw.decode("utf-32-le")
        except UnicodeDecodeError:
            raise DamageError("half a character") from None
    view: np.ndarray[Any, Any] = np.ndarray(lengths, little, raw)
    return view.astype(little.newbyteorder("="))
