"""Stand for objects that stay in the student's kernel, in the process that judges.

A reference's class offers just those special methods that the object's class has, so that `callable`, `isinstance` of
an abstract base class, and Python's own fallbacks work. Each method asks `operations`.
"""

import operator
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from autograder.judging.live import plain_copies
from autograder.judging.live.classes import library_class
from autograder.judging.live.exceptions import exception_class, exception_object, raised_exception, warning_class
from autograder.judging.seal import PRELUDE, TEST
from autograder.model import Reason

if TYPE_CHECKING:
    from autograder.judging.live.operations import LiveWire

READ_DUNDERS = frozenset(
    "name qualname doc module dict annotations defaults kwdefaults code closure wrapped self func slots mro bases "
    "subclasses init new version file all cause context notes dataclass_fields abstractmethods match_args".split()
)
_COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")
_BINARY = {
    **{
        name: getattr(operator, name)
        for name in "add sub mul truediv floordiv mod pow matmul lshift rshift xor".split()
    },
    "and": operator.and_,
    "or": operator.or_,
    "divmod": divmod,
}
_FOR_THE_TEST = (TEST, PRELUDE, __file__, plain_copies.__file__)  # files of code that does what the test asks for


class Reference:
    """An object of the student's kernel."""

    __slots__ = ("_about", "_cache", "_wire")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.strip("_") not in READ_DUNDERS:
            raise AttributeError(f"'{_about(self)['type']}' object has no attribute '{name}'")
        return _wire(self).look(getattr, self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _wire(self).call(setattr, self, name, value)

    def __delattr__(self, name: str) -> None:
        _wire(self).call(delattr, self, name)

    @property  # type: ignore[misc]  # Python lets an object say which class it stands for
    def __class__(self) -> Any:
        return library_class(_about(self), _wire(self).classes, _wire(self).kinds) or type(self)

    def __repr__(self) -> str:
        return str(_wire(self).read(repr, self)) if _called_by_test() else f"<{_about(self)['type']} object>"

    def __str__(self) -> str:
        if not _called_by_test():
            what = f"a library turns the {_about(self)['type']} object into text"
            _wire(self).end(Reason.NOT_SUPPORTED, what, "pass its data, such as `v.x`")
        return str(_wire(self).read(str, self))

    def __format__(self, form: str) -> str:
        return str(_wire(self).read(format, self, form))

    def __dir__(self) -> list[str]:
        return list(_wire(self).read(dir, self))

    def __eq__(self, other: object) -> Any:
        return _wire(self).compare("eq", self, other)

    def __ne__(self, other: object) -> Any:
        return _wire(self).compare("ne", self, other)

    def __hash__(self) -> int:
        return int(_wire(self).look(hash, self)) if "hash" in _about(self)["has"] else id(self)

    def __bool__(self) -> bool:
        return bool(_wire(self).truth(self))

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("an object of the notebook cannot be pickled in the test")

    def __mro_entries__(self, bases: Any) -> Any:
        _wire(self).end(
            Reason.NOT_SUPPORTED, "the test defines a subclass of a class of the notebook", "test the class's methods"
        )


def _about(reference: Any) -> dict[str, Any]:
    return dict(object.__getattribute__(reference, "_about"))


def _wire(reference: Any) -> "LiveWire":
    wire: LiveWire = object.__getattribute__(reference, "_wire")
    return wire


def _called_by_test() -> bool:
    return sys._getframe(2).f_code.co_filename in _FOR_THE_TEST


def _reading(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args: _wire(self).look(function, self, *args)


def _calling(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args: _wire(self).call(function, self, *args)


def _binary(name: str, function: Callable[..., Any], kind: str) -> Callable[..., Any]:
    if kind == "r":
        return lambda self, other: _wire(self).combine(name, function, other, self)
    if kind == "i":
        inplace = getattr(operator, f"i{name}" if name not in ("and", "or") else f"i{name}_", function)
        return lambda self, other: _wire(self).combine(name, inplace, self, other)
    return lambda self, other: _wire(self).combine(name, function, self, other)


def _attribute(name: str, self: Any) -> Any:
    return _wire(self).read(getattr, self, name)


def _array(self: Any, dtype: Any = None, copy: Any = None) -> Any:
    import numpy

    array = _wire(self).look(numpy.asarray, self)
    if not isinstance(array, numpy.ndarray) or array.dtype == object:
        raise TypeError(f"the {_about(self)['type']} object is not an array of plain data")
    return array.astype(dtype) if dtype is not None else array


async def _done(value: Any) -> Any:
    return value


async def awaited(reference: Any) -> Any:
    """Return the result of a coroutine, or of another awaitable object, of the notebook."""
    return await reference


async def _anext(self: Any) -> Any:
    return await _wire(self).call(_method("__anext__"), self)


async def _aenter(self: Any) -> Any:
    return await _wire(self).call(_method("__aenter__"), self)


async def _aexit(self: Any, kind: Any, error: Any, trace: Any) -> Any:
    swallows = bool(await _wire(self).call(_method("__aexit__", kind, error, None), self))
    return _wire(self).may_swallow(swallows, error)


_METHODS: dict[str, Callable[..., Any]] = {
    "call": lambda self, *args, **keywords: _wire(self).invoke(self, args, keywords),
    "len": _reading(len),
    "iter": lambda self: _wire(self).iterate(self),
    "next": lambda self: _wire(self).following(self),
    "getitem": _reading(operator.getitem),
    "setitem": _calling(operator.setitem),
    "delitem": _calling(operator.delitem),
    "contains": lambda self, value: _wire(self).contains(self, value),
    "reversed": _reading(reversed),
    "enter": lambda self: _wire(self).call(_method("__enter__"), self),
    "exit": lambda self, kind, error, trace: _wire(self).leave(self, kind, error),
    "await": lambda self: _done(_wire(self).wait(self)).__await__(),
    "aiter": _calling(aiter),
    "anext": _anext,
    "aenter": _aenter,
    "aexit": _aexit,
    "float": _reading(float),
    "int": _reading(int),
    "index": _reading(operator.index),
    "complex": _reading(complex),
    "bytes": _reading(bytes),
    "fspath": _reading(str),
    "neg": _reading(operator.neg),
    "pos": _reading(operator.pos),
    "abs": _reading(abs),
    "invert": _reading(operator.invert),
    "round": _reading(round),
    "array": _array,
    "instancecheck": lambda self, value: _wire(self).checks("instancecheck", isinstance, value, self),
    "subclasscheck": lambda self, value: _wire(self).checks("subclasscheck", issubclass, value, self),
}
for _name in _COMPARE[2:]:
    _METHODS[_name] = (lambda way: lambda self, other: _wire(self).compare(way, self, other))(_name)
for _name, _function in _BINARY.items():
    for _kind in ("", "r", "i"):
        _METHODS[f"{_kind}{_name}"] = _binary(_name, _function, _kind)


def _method(name: str, *args: Any) -> Callable[..., Any]:
    return operator.methodcaller(name, *args)


class References:
    """Make references and exceptions for a wire."""

    def __call__(self, wire: "LiveWire", key: str, about: dict[str, Any]) -> Any:
        about.setdefault("type", "object")
        about["has"] = [name for name in about.get("has", ()) if isinstance(name, str)]
        if "bases" in about and about.get("exception"):
            return exception_class(wire, about["bases"], key)
        if any(path == "builtins:BaseException" for path in about.get("mro", ())):
            return exception_object(wire, about, key)
        return _reference(wire, key, about)

    def exception(self, wire: "LiveWire", raised: dict[str, Any]) -> BaseException:
        """Return what the student's code raised as an exception of this process."""
        return raised_exception(wire, raised)

    def warning(self, wire: "LiveWire", lineage: Any) -> type[Warning]:
        """Return the class of a warning of the student's code."""
        return warning_class(wire, lineage)


def _reference(wire: "LiveWire", key: str, about: dict[str, Any]) -> Reference:
    offered = tuple(sorted(set(about["has"]) & _METHODS.keys()))
    if "class" in about:
        offered = tuple(sorted({*offered, "call", "instancecheck", "subclasscheck"}))
    form = (str(about["type"])[:60], offered)
    if form not in wire.types:
        methods: dict[str, Any] = {
            f"__{name}__": _METHODS[name] for name in offered if name not in ("hash", "str", "format", "bool", "eq")
        }
        methods |= {name: property(partial(_attribute, name)) for name in ("__doc__", "__module__", "__init__")}
        wire.types[form] = type(form[0], (Reference,), {"__slots__": (), **methods})
    reference: Reference = object.__new__(wire.types[form])
    object.__setattr__(reference, "_wire", wire)
    object.__setattr__(reference, "_about", about)
    return reference
