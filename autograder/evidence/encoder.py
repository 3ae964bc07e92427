"""Encode plain copies of a student's answers as JSON text; this half of `evidence` runs in the kernel.

Theory of operation. The source text of this module is sent to the student's kernel and executed there in a separate
namespace. It needs only the standard library, and uses NumPy and the types in `TENSORS` only if the student has loaded
them. Subclasses are converted with the methods of their plain base class, so an honest answer is sent unchanged.
Whatever is patched in that kernel, this half can only produce other data, a refusal or invalid text. The trusted half,
`decoder`, trusts nothing and checks everything.

None, bools and strings are encoded as their JSON values. Every other value is a pair: a tag, and either a string (a
leaf) or the list of its members: `["tuple", [["int", "1"], null]]`. A dict's members are its keys and values in turn.
Integers are hexadecimal, floats are their eight bytes (big-endian), and arrays are `dtype shape base64` with
little-endian items in C order.
"""

import binascii
import json
import math
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

MAX_TEXT = 8 * 2**20  # characters of JSON, a value
MAX_TOTAL = 2 * MAX_TEXT  # characters of JSON, a notebook
MAX_ITEMS = 100_000  # values within a value
MAX_KEYS = 2_000  # in all sets and dicts of a value: with deliberately colliding hashes, time is quadratic
MAX_DEPTH = 20
MAX_BITS = 10_000  # of an int: Python can still print it
MAX_RAISED = 200
TENSORS = (  # well-known types: module, name in the module, method that returns the value as plain data
    ("tensorflow", "TensorShape", "as_list"),
    ("tensorflow", "__internal__.EagerTensor", "numpy"),
    ("tensorflow.python.ops.resource_variable_ops", "ResourceVariable", "numpy"),
    ("keras", "Variable", "numpy"),
)
DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)

_ITERATORS: tuple[tuple[type, str, Any], ...] = (
    (list, "list", list.__iter__),
    (tuple, "tuple", tuple.__iter__),
    (range, "list", range.__iter__),
    (dict, "dict", lambda value: (part for pair in dict.items(value) for part in pair)),
    (set, "set", set.__iter__),
    (frozenset, "frozenset", frozenset.__iter__),
)
_LENGTHS: dict[str, Callable[[Any], int]] = {
    "dict": dict.__len__,
    "set": set.__len__,
    "frozenset": frozenset.__len__,
}


class RefusedError(ValueError):
    """A value is not plain data, or too large: `kind` is one of `refusals.Refusal`; `of` is the type, dtype or tag."""

    def __init__(self, kind: str, of: str = "") -> None:
        super().__init__(kind, of)
        self.kind, self.of = kind, of


def encode(value: Any) -> str:
    """Return JSON text of a plain copy of `value`; raise RefusedError if it is not plain data."""
    encoder = _Encoder()
    try:
        text = json.dumps(encoder.tree(value, ()))
    except RefusedError:
        raise
    except Exception:  # such as an uninitialized variable, or a dict that a thread is changing
        encoder.refuse("object", _name(type(value)))
    encoder.charge(len(text) - encoder.size)
    return text


def encode_all(namespace: dict[str, Any], names: Iterable[str], expressions: dict[str, str]) -> str:
    """Return JSON text of `{name: {"value": text} | {"refused" or "missing" or "raised": details}}`.

    `names` are looked up in `namespace`; then the sources in `expressions` are evaluated in it, in order. Each value
    is assigned to its name in `namespace`, so that later expressions can use it. Pass a copy to keep the original
    unchanged. `refusals` documents the details.
    """
    entries, size = [], 0
    for name, source in {**dict.fromkeys(names), **expressions}.items():
        entry = _entry(namespace, name, source)
        if size + len(entry) > MAX_TOTAL - MAX_TEXT // 8:  # the rest is reserved for refusals
            entry = _pair(name, "refused", ["total", ""])
        size += len(entry)
        entries.append(entry)
    return "{" + ", ".join(entries) + "}"


def _entry(namespace: dict[str, Any], name: str, source: str | None) -> str:
    if source is None and not dict.__contains__(namespace, name):
        return _pair(name, "missing", [])
    try:
        value = dict.__getitem__(namespace, name) if source is None else eval(source, namespace)
    except KeyboardInterrupt:  # the runner interrupts at the time limit
        raise
    except BaseException as error:  # SystemExit too, so that the other names are still sent
        return _pair(name, "raised", _raised(error))
    dict.__setitem__(namespace, name, value)
    try:
        return _pair(name, "value", encode(value))
    except RefusedError as refusal:
        return _pair(name, "refused", [refusal.kind, refusal.of])


def _pair(name: str, key: str, content: Any) -> str:
    return f"{json.dumps(name)}: {json.dumps({key: content})}"


def _raised(error: BaseException) -> list[str]:
    """Return the exception's type, the first line of its message, and a NameError's missing name."""
    try:
        line = (str.__str__(str(error)).strip().splitlines() or [""])[0]
    except KeyboardInterrupt:
        raise
    except BaseException:  # the student may have defined __str__
        line = ""
    kind = _name(type(error))
    lacking = error.name if type(error) is NameError and type(error.name) is str else ""
    return [kind, line[: MAX_RAISED - len(kind) - 2], lacking[:MAX_RAISED]]


def _name(kind: type) -> str:
    return str(type.__dict__["__name__"].__get__(kind))[:60]  # a metaclass may override __name__


def _loaded(module: str, *path: str) -> Any:
    result = sys.modules.get(module)
    for attribute in path:
        result = getattr(result, attribute, None)
    return result


class _Encoder:
    """Encode one value, and count its items, keys and size."""

    def __init__(self) -> None:
        self.items = 0
        self.keys = 0
        self.size = 0

    def refuse(self, kind: str, of: str = "") -> NoReturn:
        raise RefusedError(kind, of) from None

    def charge(self, size: int) -> None:
        self.size += size
        if self.size > MAX_TEXT:
            self.refuse("size")

    def tree(self, value: Any, path: tuple[int, ...]) -> Any:
        """Return `value` as JSON lists and strings; `path` has the ids of the enclosing containers."""
        self.items += 1
        if self.items > MAX_ITEMS:
            self.refuse("items")
        if value is None or value is True or value is False:
            return value
        if value is ...:
            return ["ellipsis", ""]
        kind = type(value)  # not isinstance: it uses value.__class__, which can be forged
        for base, tag, iterator in _ITERATORS:
            if issubclass(kind, base):
                return self.members(value, tag, iterator, path)
        if issubclass(kind, str):
            return self.text(value)
        if issubclass(kind, int):
            return self.integer(value)
        if issubclass(kind, float):
            return ["float", struct.pack(">d", value).hex()]
        if issubclass(kind, complex):
            number = complex.__complex__(value)
            return ["complex", struct.pack(">dd", number.real, number.imag).hex()]
        return self.foreign(value, kind, path)

    def members(self, value: Any, tag: str, iterator: Any, path: tuple[int, ...]) -> list[Any]:
        if id(value) in path:
            self.refuse("cycle", tag)
        if len(path) >= MAX_DEPTH:
            self.refuse("depth", tag)
        self.keys += _LENGTHS[tag](value) if tag in _LENGTHS else 0
        if self.keys > MAX_KEYS:
            self.refuse("keys")
        trees = [self.tree(member, (*path, id(value))) for member in iterator(value)]
        return [tag, sorted(trees, key=json.dumps) if tag in ("set", "frozenset") else trees]

    def text(self, value: str) -> str:
        self.charge(str.__len__(value))
        plain = str.__str__(value)
        try:
            plain.encode()
        except UnicodeEncodeError:
            self.refuse("surrogate")
        return plain

    def integer(self, value: int) -> list[str]:
        if int.bit_length(value) > MAX_BITS:
            self.refuse("bits")
        return ["int", int.__format__(value, "x")]

    def foreign(self, value: Any, kind: type, path: tuple[int, ...]) -> Any:
        numpy = _loaded("numpy")
        if numpy is not None and issubclass(kind, numpy.ndarray):
            return self.array(numpy.ndarray.view(value, numpy.ndarray))
        if numpy is not None and issubclass(kind, numpy.generic) and any(kind is own for own in numpy.ScalarType):
            return self.scalar(value, numpy.generic.__array__(value))  # a subclass could override __array__
        for module, name, method in TENSORS:
            if kind is _loaded(module, *name.split(".")):  # exactly this type: a subclass could override the method
                data = getattr(kind, method)(value)
                return self.tree(tuple(data) if type(data) is list else data, path)
        return self.refuse("object", _name(kind))

    def scalar(self, value: Any, array: Any) -> Any:
        return self.tree(array.item(), ()) if array.dtype.name in DTYPES else self.refuse("object", _name(type(value)))

    def array(self, array: Any) -> Any:
        dtype = array.dtype
        if dtype.name not in DTYPES:
            self.refuse("dtype", str(dtype)[:60])
        if array.shape == ():
            return self.tree(array.item(), ())
        self.charge(math.prod(max(size, 1) for size in array.shape) * dtype.itemsize * 4 // 3)
        data = array.astype(dtype.newbyteorder("<"), copy=False).tobytes()
        shape = ",".join(map(str, array.shape))
        return ["array", f"{dtype.name} {shape} {binascii.b2a_base64(data, newline=False).decode()}"]
