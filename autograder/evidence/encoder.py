"""Encode plain copies of a student's answers as JSON text; this half of `evidence` runs in the kernel.

Theory of operation. The source text of this module is sent to the student's kernel and executed there in a separate
namespace. It needs only the standard library, and uses NumPy, pandas and the types in `TENSORS` only if the student has
loaded them. It has the common types; `encoder_types` and `encoder_pandas` have the rarer ones. Their source is sent as
well, but compiled only when such a value occurs. Subclasses are converted with the methods of their nearest base class
in the list, so an honest answer is sent unchanged. Whatever is patched in that kernel, this half can only produce other
data, a refusal or invalid text. The trusted half, `decoder`, trusts nothing and checks everything.

None, bools and strings are encoded as their JSON values. Every other value is a pair: a tag, and either a string (a
leaf) or a list of parts: `["range", [["int", "1"], ["int", "5"], ["int", "1"]]]`. A list, tuple, set or frozenset has
its members as parts; many ints or floats are packed as one object, `{"int64": base64}` or `{"float64": base64}`. A dict
has two such parts: its keys and its values. Integers are hexadecimal, floats are their eight bytes (big-endian), and
arrays are `dtype shape base64` with little-endian items in C order.
"""

import base64
import functools
import gc
import json
import math
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

MAX_TEXT = 45 * 2**20  # characters of JSON, a value: an array of 2048 x 2048 float64
MAX_TOTAL = 2 * MAX_TEXT  # characters of JSON, a notebook
MAX_ITEMS = 2_000_000  # values within a value; an array is one
MAX_DEPTH = 20
MAX_BITS = 10_000  # of an int: Python can still print it
MAX_RAISED = 200
PACKED = 16  # so many ints or floats are sent as bytes
MORE: tuple[str, ...] = ()  # the source of `encoder_types` and `encoder_pandas`; `kernel_source` sets it
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


class RefusedError(ValueError):
    """A value is not plain data, or too large: `kind` is one of `refusals.Refusal`; `of` is the type, dtype or tag."""

    def __init__(self, kind: str, of: str = "") -> None:
        super().__init__(kind, of)
        self.kind, self.of = kind, of


def encode(value: Any) -> str:
    """Return JSON text of a plain copy of `value`; raise RefusedError if it is not plain data."""
    return Encoder().encode(value)


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


class Encoder:
    """Encode values, and count their items and size.

    A subclass can override `other`, to encode what is not plain data, and `container`, to treat mutable values apart.
    """

    dtypes = DTYPES

    def __init__(self) -> None:
        self.items = 0
        self.size = 0
        self.types: dict[int, Callable[..., Any]] = {}  # by the id of a type in the list
        self.loaded = False

    def encode(self, value: Any) -> str:
        """Return JSON text of a plain copy of `value`; raise RefusedError if it is not plain data."""
        before, collecting = self.size, gc.isenabled()
        gc.disable()  # nothing that is made here is garbage, and to search a million new lists for it takes seconds
        try:
            text = json.dumps(self.tree(value, ()))
        except RefusedError:
            raise
        except Exception:  # such as an uninitialized variable, or a dict that a thread is changing
            self.refuse("object", _name(type(value)))
        finally:
            if collecting:
                gc.enable()
        self.charge(before + len(text) - self.size)
        return text

    def refuse(self, kind: str, of: str = "") -> NoReturn:
        """Raise RefusedError."""
        raise RefusedError(kind, of) from None

    def charge(self, size: int) -> None:
        """Count characters before they are made; refuse more than `MAX_TEXT`."""
        self.size += size
        if self.size > MAX_TEXT:
            self.refuse("size")

    def count(self, items: int) -> None:
        """Count values; refuse more than `MAX_ITEMS`."""
        self.items += items
        if self.items > MAX_ITEMS:
            self.refuse("items")

    def other(self, value: Any, kind: type, path: tuple[int, ...]) -> Any:
        """Encode a value that is not in the list, with type `kind`; refuse it."""
        return self.refuse("object", _name(kind))

    def container(self, value: Any, tag: str, path: tuple[int, ...], parts: Callable[[tuple[int, ...]], Any]) -> Any:
        """Encode a container: a tag, and what `parts` returns for the path inside it. Arrays are containers, too."""
        if id(value) in path:
            self.refuse("cycle", tag)
        if len(path) >= MAX_DEPTH:
            self.refuse("depth", tag)
        return [tag, parts((*path, id(value)))]

    def tree(self, value: Any, path: tuple[int, ...]) -> Any:
        """Return `value` as JSON lists and strings; `path` has the ids of the enclosing containers."""
        self.count(1)
        if value is None or value is True or value is False:
            return value
        kind = type(value)  # not isinstance: it uses value.__class__, which can be forged
        convert = _PLAIN.get(id(kind)) or self.conversion(kind)
        return convert(self, value, path) if convert else self.foreign(value, kind, path)

    def conversion(self, kind: type) -> Callable[..., Any] | None:
        """Return the function for the nearest base class in the list; compare by id, since a class may define `==`."""
        if kind is _loaded("numpy", "ndarray"):
            return Encoder.numbers
        return self.rarer(kind)

    def numbers(self, value: Any, path: tuple[int, ...]) -> Any:
        """Encode an array; of bools and numbers without compiling the rarer types' source."""
        if value.dtype.name in DTYPES:
            return self.container(value, "array", path, lambda inside: f"{value.dtype.name} {self.array(value)}")
        convert = self.rarer(type(value))
        return convert(self, value, path) if convert else self.other(value, type(value), path)

    def rarer(self, kind: type) -> Callable[..., Any] | None:
        """Return the function for the nearest base class among all types."""
        if not self.loaded:
            self.loaded = True
            self.types = _types(len(sys.modules), id(_loaded("numpy")))
        own = self.types.get(-id(kind))  # these types are not converted in subclasses
        bases = type.__dict__["__mro__"].__get__(kind)
        return own or next((self.types[id(base)] for base in bases if id(base) in self.types), None)

    def members(self, values: Any, path: tuple[int, ...], ordered: bool = True) -> Any:
        """Return the parts of a container with these members; those that are not `ordered` are sorted."""
        values = list(values)
        if self.items + len(values) > MAX_ITEMS:  # before any of them is encoded
            self.refuse("items")
        kinds = set(map(id, map(type, values))) if len(values) >= PACKED else ()
        for kind, name, code in ((int, "int64", "q"), (float, "float64", "d")):
            if kinds == {id(kind)}:
                values = values if ordered else sorted(values)
                try:
                    packed = struct.pack(f"<{len(values)}{code}", *values)
                except struct.error:  # a larger int
                    break
                self.count(len(values))
                return {name: self.base64(packed)}
        if kinds == {id(str)}:
            self.count(len(values))
            self.text("".join(values))
            return values if ordered else sorted(values)
        trees = [self.tree(value, path) for value in values]
        return trees if ordered else sorted(trees, key=json.dumps)

    def base64(self, data: bytes) -> str:
        """Return bytes as text."""
        self.charge(len(data) * 4 // 3)
        return base64.b64encode(data).decode()

    def text(self, value: str) -> str:
        """Return a plain string; refuse half a character."""
        self.charge(str.__len__(value))
        plain = str.__str__(value)
        try:
            plain.encode()
        except UnicodeEncodeError:
            self.refuse("surrogate")
        return plain

    def integer(self, value: int) -> list[str]:
        """Return a plain int."""
        if int.bit_length(value) > MAX_BITS:
            self.refuse("bits")
        return ["int", int.__format__(value, "x")]

    def mapping(self, items: Any, path: tuple[int, ...]) -> list[Any]:
        """Return the parts of a dict: its keys, and its values."""
        pairs = list(items)
        return [self.members([key for key, _ in pairs], path), self.members([value for _, value in pairs], path)]

    def foreign(self, value: Any, kind: type, path: tuple[int, ...]) -> Any:
        """Encode one of `TENSORS`, or what is not in the list."""
        for module, name, method in TENSORS:
            if kind is _loaded(module, *name.split(".")):  # exactly this type: a subclass could override the method
                data = getattr(kind, method)(value)
                if _loaded("numpy") and getattr(data, "shape", None) == () and data.dtype.name in DTYPES:
                    data = data.item()
                return self.tree(tuple(data) if type(data) is list else data, path)
        return self.other(value, kind, path)

    def array(self, array: Any) -> str:
        """Return a plain array of numbers or bools as text."""
        self.charge(math.prod(max(size, 1) for size in array.shape) * array.dtype.itemsize * 4 // 3)
        data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return f"{self.shape(array)} {base64.b64encode(data).decode()}"

    def shape(self, array: Any) -> str:
        """Return the shape of an array as text; an array without axes has a hyphen."""
        return ",".join(map(str, array.shape)) or "-"


@functools.lru_cache(maxsize=1)
def _types(modules: int, numpy: int) -> dict[int, Callable[..., Any]]:
    """Return the functions of all types, by id. The arguments differ when NumPy or pandas was loaded meanwhile."""
    types = {**_PLAIN, **_more(0)(_loaded("numpy"))}
    if _loaded("pandas", "NaT") is not None:  # else it is still being imported
        types |= _more(1)(_loaded("pandas"))
    return types


@functools.cache  # compiled once in a cell, not for each value
def _more(number: int) -> Callable[[Any], dict[int, Callable[..., Any]]]:
    """Return the function `table` of a module of rarer types: from its source if that was sent along."""
    if not MORE:
        from autograder.evidence import encoder_pandas, encoder_types

        return (encoder_types.table, encoder_pandas.table)[number]
    namespace: dict[str, Any] = {"__name__": "encoder_more"}
    exec(MORE[number], namespace)
    return namespace["table"]  # type: ignore[no-any-return]


_PLAIN: dict[int, Callable[[Encoder, Any, tuple[int, ...]], Any]] = {
    id(type(...)): lambda self, value, path: ["ellipsis", ""],
    id(int): lambda self, value, path: self.integer(value),
    id(float): lambda self, value, path: ["float", struct.pack(">d", value).hex()],
    id(str): lambda self, value, path: self.text(value),
    id(list): lambda self, value, path: self.container(
        value, "list", path, lambda inside: self.members(list.__iter__(value), inside)
    ),
    id(tuple): lambda self, value, path: self.container(
        value, "tuple", path, lambda inside: self.members(tuple.__iter__(value), inside)
    ),
    id(dict): lambda self, value, path: self.container(
        value, "dict", path, lambda inside: self.mapping(dict.items(value), inside)
    ),
    id(set): lambda self, value, path: self.container(
        value, "set", path, lambda inside: self.members(set.__iter__(value), inside, ordered=False)
    ),
    id(frozenset): lambda self, value, path: self.container(
        value, "frozenset", path, lambda inside: self.members(frozenset.__iter__(value), inside, ordered=False)
    ),
}
