"""Decode the rarer types of the standard library, and NumPy's: the opposite of `encoder_types`.

Each function takes the reader, the parts and the depth. Classes are looked up in fixed tables. An Enum or a namedtuple
is made from its name and members by the standard library, once for each definition.
"""

import builtins
import collections
import datetime
import decimal
import fractions
import json
import keyword
import math
import pathlib
import re
import types
import uuid
import zoneinfo
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.ma

from autograder.evidence import reader_leaves
from autograder.evidence.encoder import MAX_BITS
from autograder.evidence.encoder_types import ENUMS, FACTORIES
from autograder.evidence.reader_leaves import DamageError

Leaf = Callable[[str], Any]
Container = Callable[[Any, Any, int], Any]

MAX_NAME = 100
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}")
_DECIMAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?(?:E[+-][0-9]{1,20})?|Infinity|s?NaN[0-9]*)")
_HOMES = (collections, datetime, decimal, pathlib, uuid, np)
_TYPES: dict[str, type] = {
    f"{home.__name__}.{name}": kind
    for home in (builtins, *_HOMES)
    for name, kind in vars(home).items()
    if type(kind) is type and name[0] != "_" and issubclass(kind, np.generic | np.ndarray if home is np else object)
} | {f"types.{name}": getattr(types, name) for name in ("NoneType", "FunctionType", "EllipsisType")}


def parts(body: Any, count: int) -> list[Any]:
    """Return the parts of a value that has this number of them."""
    if not isinstance(body, list) or len(body) != count:
        raise DamageError("a value of unknown form")
    return body


def values(reader: Any, body: Any, depth: int, count: int) -> list[Any]:
    """Decode the parts of a value that has this number of them."""
    return [reader.value(part, depth) for part in parts(body, count)]


def typed(value: Any, *kinds: type) -> Any:
    """Return a part that must have one of these types exactly."""
    if type(value) not in kinds:
        raise DamageError("a part of another type")
    return value


def _numbers(given: Any, count: int) -> list[int]:
    if not isinstance(given, str) or not re.fullmatch(rf"-?[0-9]{{1,10}}(?:,-?[0-9]{{1,10}}){{{count - 1}}}", given):
        raise DamageError("a date that is not numbers")
    return [int(number) for number in given.split(",")]


def attempt(create: Callable[[], Any], what: str) -> Any:
    """Return what the function returns; if a library refuses the values, they are damaged."""
    try:
        return create()
    except DamageError:
        raise
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, NotImplementedError):
        raise DamageError(what) from None


def _slice(kind: Any) -> Container:
    def read(reader: Any, body: Any, depth: int) -> Any:
        ends = [end if kind is slice else typed(end, int) for end in values(reader, body, depth, 3)]
        return attempt(
            lambda: kind(*(typed(end, int) for end in ends) if kind is range else ends), "a range of nothing"
        )

    return read


def _names(given: Any) -> list[str]:
    names = given.split(" ") if isinstance(given, str) and given else []
    if not all(len(name) <= MAX_NAME and name.isidentifier() and name[0] != "_" for name in names):
        raise DamageError("a key that is not a name")
    return names


@lru_cache(maxsize=256)
def _namedtuple(name: str, fields: str) -> Any:
    if not name.isidentifier() or len(name) > MAX_NAME or any(map(keyword.iskeyword, (name, *_names(fields)))):
        raise DamageError("a key that is not a name")
    return attempt(lambda: collections.namedtuple(name, _names(fields)), "a key that is not a name")


def _tuple(reader: Any, body: Any, depth: int) -> Any:
    name, fields, members = parts(body, 3)
    kind = _namedtuple(typed(name, str), typed(fields, str))
    items = reader.members(members, depth)
    if len(items) != len(kind._fields):
        raise DamageError("a namedtuple of another length")
    return kind._make(items)


def _defaultdict(reader: Any, body: Any, depth: int) -> Any:
    name, *pairs = parts(body, 3)
    if name not in ("", *FACTORIES):
        raise DamageError("an unknown factory")
    return collections.defaultdict(_TYPES[f"builtins.{name}"] if name else None, reader.mapping(pairs, depth))


def _deque(reader: Any, body: Any, depth: int) -> Any:
    most, members = parts(body, 2)
    length = typed(reader.value(most, depth), int, type(None))
    return attempt(lambda: collections.deque(reader.members(members, depth), length), "a length that is negative")


def _path(given: str) -> Any:
    tag, _, text = given.partition(" ")
    kinds = {kind.__name__: kind for kind in (pathlib.Path, pathlib.PurePosixPath, pathlib.PureWindowsPath)}
    if tag not in kinds:
        raise DamageError("an unknown tag")
    return kinds[tag](reader_leaves.text(text))


def _datetime(reader: Any, body: Any, depth: int) -> Any:
    given, zone = parts(body, 2)
    year, month, day, hour, minute, second, micro, fold = _numbers(given, 8)
    where = _zone_of(reader, zone, depth)
    return attempt(
        lambda: datetime.datetime(year, month, day, hour, minute, second, micro, where, fold=fold),
        "a date that does not exist",
    )


def _time(reader: Any, body: Any, depth: int) -> Any:
    given, zone = parts(body, 2)
    hour, minute, second, micro, fold = _numbers(given, 5)
    where = _zone_of(reader, zone, depth)
    return attempt(lambda: datetime.time(hour, minute, second, micro, where, fold=fold), "a time that does not exist")


def _zone_of(reader: Any, node: Any, depth: int) -> Any:
    return typed(reader.value(node, depth), type(None), datetime.timezone, zoneinfo.ZoneInfo)


def _timezone(reader: Any, body: Any, depth: int) -> Any:
    if not isinstance(body, list) or len(body) not in (1, 2):
        raise DamageError("a value of unknown form")
    offset, *name = values(reader, body, depth, len(body))
    typed(offset, datetime.timedelta)
    return attempt(lambda: datetime.timezone(offset, *(typed(one, str) for one in name)), "an unknown time zone")


def _zone(key: str) -> Any:
    if not _ZONE.fullmatch(key):
        raise DamageError("an unknown time zone")
    return attempt(lambda: zoneinfo.ZoneInfo(key), "an unknown time zone")


def _date(given: str) -> Any:
    return attempt(lambda: datetime.date(*_numbers(given, 3)), "a date that does not exist")


def _timedelta(given: str) -> Any:
    return attempt(lambda: datetime.timedelta(*_numbers(given, 3)), "a time that does not exist")


def _decimal(given: str) -> Any:
    if len(given) > MAX_BITS or not _DECIMAL.fullmatch(given):
        raise DamageError("not a Decimal")
    return attempt(lambda: decimal.Decimal(given), "not a Decimal")


def _fraction(reader: Any, body: Any, depth: int) -> Any:
    top, bottom = (typed(part, int) for part in values(reader, body, depth, 2))
    return attempt(lambda: fractions.Fraction(top, bottom), "not a Fraction")


def _uuid(given: str) -> Any:
    if not re.fullmatch("[0-9a-f]{32}", given):
        raise DamageError("not a UUID")
    return uuid.UUID(given)


def _type(name: str) -> Any:
    if name not in _TYPES:
        raise DamageError("an unknown type")
    return _TYPES[name]


def _member(reader: Any, body: Any, depth: int) -> Any:
    base, name, members, of, value = parts(body, 5)
    kind: Any = {one.__name__: one for one in ENUMS}.get(typed(base, str))
    if kind is None or not typed(name, str).isidentifier() or len(name) > MAX_NAME:
        raise DamageError("an unknown Enum")
    definition = json.dumps([base, name, members, of])
    if definition not in _enums:
        names, table = _names(members), reader.members(of, depth)
        plain = {"Enum": object, "StrEnum": str}.get(base, int)
        if len(names) != len(table) or not all(plain is object or type(one) is plain for one in table):
            raise DamageError("an unknown Enum")
        made = attempt(lambda: kind(name, list(zip(names, table, strict=True))), "an unknown Enum")
        if len(_enums) >= MAX_ENUMS:
            _enums.clear()
        _enums[definition] = made
    held = reader.value(value, depth)
    return attempt(lambda: _enums[definition](held), "an unknown member")


MAX_ENUMS = 256
_enums: dict[str, Any] = {}  # by definition, so that equal definitions have the same members


def _records(reader: Any, body: Any, depth: int) -> Any:
    if not isinstance(body, list) or len(body) < 3 or len(body) % 2 == 0:
        raise DamageError("an array without fields")
    shape, names = tuple(reader_leaves.sizes(body[0])), body[1::2]
    columns = [reader.value(column, depth) for column in body[2::2]]
    if not all(type(name) is str and name for name in names) or len(set(names)) < len(names):
        raise DamageError("a duplicate name")
    if not all(type(one) is np.ndarray and one.shape[: len(shape)] == shape for one in columns):
        raise DamageError("an array whose shape and fields differ")
    kinds = [(name, one.dtype, one.shape[len(shape) :]) for name, one in zip(names, columns, strict=True)]
    array: Any = attempt(lambda: np.empty(shape, kinds), "an array of unknown dtype")
    for name, one in zip(names, columns, strict=True):
        array[reader_leaves.text(name)] = one
    return array


def _objects(reader: Any, body: Any, depth: int) -> Any:
    shape, members = parts(body, 2)
    lengths, items = reader_leaves.sizes(shape), reader.members(members, depth)
    if len(items) != math.prod(lengths):
        raise DamageError("an array whose shape and items differ")
    array = np.empty(len(items), object)
    for number, item in enumerate(items):
        array[number] = item
    return array.reshape(lengths)


def _matrix(reader: Any, body: Any, depth: int) -> Any:
    (array,) = values(reader, body, depth, 1)
    if type(array) is not np.ndarray or array.ndim != 2:
        raise DamageError("a matrix that is not one")
    return array.view(np.matrix)


def _masked(reader: Any, body: Any, depth: int) -> Any:
    data, mask, fill = values(reader, body, depth, 3)
    if (
        not all(type(one) is np.ndarray for one in (data, fill))
        or fill.ndim
        or type(mask) not in (np.ndarray, type(None))
    ):
        raise DamageError("a masked array without data")
    if mask is not None and mask.shape != data.shape:
        raise DamageError("a mask of another shape")
    hidden: Any = numpy.ma.nomask if mask is None else mask
    return attempt(lambda: numpy.ma.MaskedArray(data, hidden, fill_value=fill[()]), "a masked array without data")


def _scalar(reader: Any, body: Any, depth: int) -> Any:
    (value,) = values(reader, body, depth, 1)
    if type(value) in (str, bytes):
        return np.str_(value) if type(value) is str else np.bytes_(value)
    if type(value) is not np.ndarray or value.ndim or value.dtype.kind == "O":
        raise DamageError("a scalar with axes")
    return value[()]


def _dtype(reader: Any, body: Any, depth: int) -> Any:
    (value,) = values(reader, body, depth, 1)
    return typed(value, np.ndarray).dtype


_CONSTANTS = {"NotImplemented": NotImplemented, "numpy.ma.masked": numpy.ma.masked}


def _constant(name: str) -> Any:
    if name not in _CONSTANTS:
        raise DamageError("an unknown constant")
    return _CONSTANTS[name]


LEAVES: dict[str, Leaf] = {
    "bytes": lambda given: reader_leaves.binary(given, "a text of bytes"),
    "constant": _constant,
    "date": _date,
    "Decimal": _decimal,
    "path": _path,
    "timedelta": _timedelta,
    "type": _type,
    "UUID": _uuid,
    "zone": _zone,
}
CONTAINERS: dict[str, Container] = {  # their parts are one level deeper
    "Counter": lambda reader, body, depth: collections.Counter(reader.mapping(body, depth)),
    "OrderedDict": lambda reader, body, depth: collections.OrderedDict(reader.mapping(body, depth)),
    "defaultdict": _defaultdict,
    "deque": _deque,
    "enum": _member,
    "items": lambda reader, body, depth: reader.mapping(body, depth).items(),
    "namedtuple": _tuple,
    "objects": _objects,
    "range": _slice(range),
    "records": _records,
    "slice": _slice(slice),
    "values": lambda reader, body, depth: dict(enumerate(reader.members(body, depth))).values(),
}
WRAPPERS: dict[str, Container] = {  # their parts are on the same level
    "datetime": _datetime,
    "dtype": _dtype,
    "Fraction": _fraction,
    "masked": _masked,
    "matrix": _matrix,
    "scalar": _scalar,
    "time": _time,
    "timezone": _timezone,
}
