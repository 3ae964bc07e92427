"""Encode the rarer types of the standard library, and NumPy's; this text runs in the kernel, like `encoder`.

Nothing of the package can be imported there, so each function takes the encoder as an argument. A subclass's own
methods are never called: every method is taken from the class in the list. `reader_types` has the opposite functions.
"""

import builtins
import collections
import datetime
import decimal
import enum
import fractions
import pathlib
import struct
import sys
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

Path = tuple[int, ...]
MODULES = ("builtins", "collections", "datetime", "decimal", "pathlib", "types", "uuid", "numpy", "pandas")
FACTORIES = ("list", "int", "float", "str", "set", "dict", "tuple", "bool")


def field(kind: type, name: str, value: Any) -> Any:
    """Return an attribute as `kind` defines it."""
    return vars(kind)[name].__get__(value)


def fields(kind: type, names: str, value: Any) -> str:
    """Return some attributes, which are ints, as text."""
    return ",".join(str(field(kind, name, value)) for name in names.split())


def to_complex(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a complex number."""
    number = complex.__complex__(value)
    return ["complex", struct.pack(">dd", number.real, number.imag).hex()]


def to_bytearray(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a bytearray."""
    return encoder.container(
        value, "bytearray", path, lambda inside: encoder.base64(bytearray.__getitem__(value, slice(None)))
    )


def to_slice(tag: str) -> Callable[..., Any]:
    """Return the function that encodes a range or a slice; both have no subclasses."""

    def convert(encoder: Any, value: Any, path: Path) -> Any:
        ends = (value.start, value.stop, value.step)
        return encoder.container(value, tag, path, lambda inside: [encoder.tree(end, inside) for end in ends])

    return convert


def to_tuple(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a namedtuple with its fields, any other subclass of tuple as a tuple."""
    about = next(filter(None, map(definition, type.__dict__["__mro__"].__get__(type(value)))), None)
    if about is None or len(about[1].split()) != tuple.__len__(value):
        return encoder.container(value, "tuple", path, lambda inside: encoder.members(tuple.__iter__(value), inside))
    return encoder.container(
        value, "namedtuple", path, lambda inside: [*about, encoder.members(tuple.__iter__(value), inside)]
    )


def definition(kind: type) -> list[str] | None:
    """Return the name and the fields of a namedtuple's class."""
    own = type.__dict__["__dict__"].__get__(kind)
    names, bases = own.get("_fields"), type.__dict__["__bases__"].__get__(kind)
    if len(bases) != 1 or bases[0] is not tuple or type(names) is not tuple:
        return None
    if not all(type(name) is str and name.isidentifier() and name[0] != "_" for name in names):
        return None
    return [type.__dict__["__name__"].__get__(kind), " ".join(names)]


def to_mapping(kind: Any) -> Callable[..., Any]:
    """Return the function that encodes a Counter or an OrderedDict."""
    return lambda encoder, value, path: encoder.container(
        value, kind.__name__, path, lambda inside: encoder.mapping(kind.items(value), inside)
    )


def to_defaultdict(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a defaultdict of a known factory, another one as a dict."""
    factory = field(collections.defaultdict, "default_factory", value)
    name = next((name for name in FACTORIES if factory is getattr(builtins, name)), "")
    if factory is not None and not name:
        return encoder.container(value, "dict", path, lambda inside: encoder.mapping(dict.items(value), inside))
    return encoder.container(
        value, "defaultdict", path, lambda inside: [name, *encoder.mapping(dict.items(value), inside)]
    )


def to_deque(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a deque with its maximum length."""
    kind = collections.deque
    most = field(kind, "maxlen", value)
    return encoder.container(
        value, "deque", path, lambda inside: [encoder.tree(most, inside), encoder.members(kind.__iter__(value), inside)]
    )


def to_view(tag: str) -> Callable[..., Any]:
    """Return the function that encodes a dict's keys or values."""
    return lambda encoder, value, path: encoder.container(
        value, tag, path, lambda inside: encoder.members(iter(value), inside)
    )


def to_items(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a dict's items."""
    return encoder.container(value, "items", path, lambda inside: encoder.mapping(iter(value), inside))


def to_path(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a path; no file is touched."""
    tag = next(kind.__name__ for kind in (pathlib.Path, *PURE) if kind in type.mro(type(value)))
    return ["path", f"{tag} {encoder.text(pathlib.PurePath.__str__(value))}"]


PURE = (pathlib.PurePosixPath, pathlib.PureWindowsPath)


def to_date(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a date."""
    return ["date", fields(datetime.date, "year month day", value)]


def to_datetime(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a date with a time."""
    day = fields(datetime.date, "year month day", value)
    clock = fields(datetime.datetime, "hour minute second microsecond fold", value)
    zone = encoder.tree(field(datetime.datetime, "tzinfo", value), path)
    return ["datetime", [f"{day},{clock}", zone]]


def to_time(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a time."""
    clock = fields(datetime.time, "hour minute second microsecond fold", value)
    return ["time", [clock, encoder.tree(field(datetime.time, "tzinfo", value), path)]]


def to_timedelta(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a timedelta."""
    return ["timedelta", fields(datetime.timedelta, "days seconds microseconds", value)]


def to_timezone(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a fixed offset from UTC, with its name if it has one."""
    return ["timezone", [encoder.tree(part, path) for part in vars(datetime.timezone)["__getinitargs__"](value)]]


def to_zone(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a time zone by its key; refuse one without."""
    key = value.key
    return ["zone", encoder.text(key)] if key else encoder.other(value, type(value), path)


def to_decimal(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a Decimal."""
    text = decimal.Decimal.__str__(value)
    return ["Decimal", text] if len(text) <= 4_000 else encoder.refuse("bits")


def to_fraction(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a Fraction."""
    parts = [field(fractions.Fraction, name, value) for name in ("_numerator", "_denominator")]
    return ["Fraction", [encoder.tree(part, path) for part in parts]]


def to_uuid(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a UUID."""
    return ["UUID", f"{field(uuid.UUID, 'int', value):032x}"]


def to_type(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a well-known class by its name."""
    name = type.__dict__["__name__"].__get__(value)
    for module in MODULES:
        if getattr(sys.modules.get(module), name, None) is value:
            return ["type", f"{module}.{name}"]
    return encoder.other(value, type(value), path)


def to_enum(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a member of an Enum class that defines nothing but members; any other one as its plain base class."""
    kind = type(value)
    base = kind.__bases__[0] if len(kind.__bases__) == 1 else None
    if base in ENUMS and all(only_member(kind, name, part) for name, part in vars(kind).items()):
        members = vars(kind)["_member_map_"]
        values = [vars(one)["_value_"] for one in members.values()]
        about = [base.__name__, type.__dict__["__name__"].__get__(kind), " ".join(members)]
        return encoder.container(
            value,
            "enum",
            path,
            lambda inside: [*about, encoder.members(values, inside), encoder.tree(vars(value)["_value_"], inside)],
        )
    for plain in (int, str):
        if plain in kind.__mro__:
            return encoder.integer(value) if plain is int else encoder.text(value)
    return encoder.other(value, kind, path)


ENUMS = (enum.Enum, enum.IntEnum, enum.StrEnum, enum.Flag, enum.IntFlag)


def only_member(kind: Any, name: str, part: Any) -> bool:
    """Return whether an entry of an Enum class is a member, or was made by the enum module."""
    if name in vars(kind)["_member_map_"]:
        return name[0] != "_"
    code = getattr(getattr(part, "__func__", part), "__code__", None)
    return name[0] == "_" and (code is None or code.co_filename == enum.EnumType.__new__.__code__.co_filename)


def table(numpy: Any) -> dict[int, Callable[..., Any]]:
    """Return the functions by the id of a type; by its negative where a subclass is not converted."""
    views = {"keys": to_view("keys"), "values": to_view("values"), "items": to_items}
    some: tuple[Any, ...] = ({}, collections.OrderedDict())
    kinds: dict[Any, Callable[..., Any]] = {
        complex: to_complex,
        bytes: lambda encoder, value, path: ["bytes", encoder.base64(bytes.__getitem__(value, slice(None)))],
        bytearray: to_bytearray,
        tuple: to_tuple,
        range: to_slice("range"),
        slice: to_slice("slice"),
        collections.Counter: to_mapping(collections.Counter),
        collections.OrderedDict: to_mapping(collections.OrderedDict),
        collections.defaultdict: to_defaultdict,
        collections.deque: to_deque,
        **{type(getattr(one, name)()): view for one in some for name, view in views.items()},
        **dict.fromkeys((pathlib.Path, *PURE), to_path),
        datetime.datetime: to_datetime,
        datetime.date: to_date,
        datetime.time: to_time,
        datetime.timedelta: to_timedelta,
        datetime.timezone: to_timezone,
        decimal.Decimal: to_decimal,
        fractions.Fraction: to_fraction,
        uuid.UUID: to_uuid,
        enum.Enum: to_enum,
        enum.IntEnum: to_enum,
        enum.StrEnum: to_enum,
        enum.IntFlag: to_enum,
        enum.Flag: to_enum,
        type(NotImplemented): lambda encoder, value, path: ["constant", "NotImplemented"],
    }
    exact: dict[Any, Callable[..., Any]] = {type: to_type, zoneinfo.ZoneInfo: to_zone}
    if getattr(numpy, "ma", None):
        kinds[numpy.ndarray] = lambda encoder, value, path: to_array(numpy, encoder, value, path)
        kinds[numpy.matrix] = lambda encoder, value, path: to_matrix(numpy, encoder, value, path)
        kinds[numpy.ma.MaskedArray] = lambda encoder, value, path: to_masked(numpy, encoder, value, path)
        exact |= dict.fromkeys(
            (kind for kind in numpy.ScalarType if kind.__module__ == "numpy"),
            lambda encoder, value, path: to_scalar(numpy, encoder, value, path),
        )
        exact[type(numpy.ma.masked)] = lambda encoder, value, path: ["constant", "numpy.ma.masked"]
        exact |= dict.fromkeys(
            (type(numpy.dtype(kind)) for kind in numpy.ScalarType if kind.__module__ == "numpy"),
            lambda encoder, value, path: to_dtype(numpy, encoder, value, path),
        )
    return {id(kind): function for kind, function in kinds.items()} | {
        -id(kind): function for kind, function in exact.items()
    }


def to_array(numpy: Any, encoder: Any, value: Any, path: Path) -> Any:
    """Encode an array as a plain one: of numbers, texts and dates as bytes, of records by field, of objects by item."""
    array = numpy.ndarray.view(value, numpy.ndarray)
    kind, names = array.dtype.kind, array.dtype.names
    if names:
        return encoder.container(value, "records", path, lambda inside: records(numpy, encoder, array, inside))
    if kind == "O":
        shape = encoder.shape(array)
        return encoder.container(
            value, "objects", path, lambda inside: [shape, encoder.members(array.ravel().tolist(), inside)]
        )
    name = array.dtype.name if array.dtype.name in encoder.dtypes else array.dtype.str[1:]
    if name not in encoder.dtypes and (kind not in "USMm" or array.dtype.itemsize == 0):
        encoder.refuse("dtype", str(array.dtype)[:60])
    if kind == "U" and ((codes(numpy, array) >= 0xD800) & (codes(numpy, array) < 0xE000)).any():
        encoder.refuse("surrogate")
    return encoder.container(value, "array", path, lambda inside: f"{name} {encoder.array(array)}")


def codes(numpy: Any, array: Any) -> Any:
    """Return the characters of an array of text as numbers."""
    return numpy.frombuffer(array.astype(array.dtype.newbyteorder("="), copy=False).tobytes(), "uint32")


def records(numpy: Any, encoder: Any, array: Any, path: Path) -> list[Any]:
    """Return the parts of a structured array: the shape, and for each field its name and an array."""
    parts = [encoder.shape(array)]
    for name in array.dtype.names:
        parts += [encoder.text(name), to_array(numpy, encoder, array[name], path)]
    return parts


def to_matrix(numpy: Any, encoder: Any, value: Any, path: Path) -> Any:
    """Encode a matrix."""
    return ["matrix", [to_array(numpy, encoder, value, path)]]


def to_masked(numpy: Any, encoder: Any, value: Any, path: Path) -> Any:
    """Encode a masked array: its data, its mask and its fill value."""
    mask, fill = (field(numpy.ma.MaskedArray, name, value) for name in ("mask", "fill_value"))
    parts = [value, None if mask is numpy.ma.nomask else mask, numpy.asarray(fill)]
    return ["masked", [part if part is None else to_array(numpy, encoder, part, path) for part in parts]]


def to_scalar(numpy: Any, encoder: Any, value: Any, path: Path) -> Any:
    """Encode a NumPy scalar as an array without axes; texts as they are, since an array drops null characters."""
    if type(value) is numpy.str_:
        return ["scalar", [encoder.text(value)]]
    if type(value) is numpy.bytes_:
        return ["scalar", [["bytes", encoder.base64(bytes(value))]]]
    array = numpy.generic.__array__(value)
    known = array.dtype.name in encoder.dtypes or array.dtype.kind in "Mm" or array.dtype.names
    if not known:
        return encoder.other(value, type(value), path)
    return ["scalar", [to_array(numpy, encoder, array, path)]]


def to_dtype(numpy: Any, encoder: Any, value: Any, path: Path) -> Any:
    """Encode a dtype as an empty array of it."""
    return ["dtype", [to_array(numpy, encoder, numpy.empty(0, value), path)]]
