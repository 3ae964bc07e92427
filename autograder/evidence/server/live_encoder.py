"""Encode what a student's kernel sends while it serves a test: data, shared containers and references."""

import contextlib
import enum
import json
import sys
from typing import Any

from autograder.evidence.encoder import Encoder, RefusedError, _name
from autograder.evidence.server.proxies import Back
from autograder.evidence.server.shared import BARE, state_of

MAX_MRO = 20
REFERABLE = ("object", "dtype", "surrogate", "bits", "cycle", "depth")  # kinds of refusals: a reference will do
DUNDERS = (  # special methods that a reference offers only if the object's class has them
    *("call", "len", "iter", "next", "getitem", "setitem", "delitem", "contains", "reversed", "enter", "exit", "await"),
    *("eq", "lt", "le", "gt", "ge", "hash", "bool", "float", "int", "index", "complex", "str", "format", "bytes"),
    *("neg", "pos", "abs", "invert", "round", "trunc", "floor", "ceil", "array", "fspath", "aiter", "anext"),
    *("aenter", "aexit", "instancecheck", "subclasscheck", "divmod", "rdivmod"),
    *(f"{way}{name}" for way in ("", "r", "i") for name in "add sub mul truediv floordiv mod pow matmul".split()),
    *(f"{way}{name}" for way in ("", "r", "i") for name in "and or xor lshift rshift".split()),
)


class LiveEncoder(Encoder):
    """Encode a value; what is no plain data becomes a reference, and containers are shared."""

    def __init__(self, objects: Any) -> None:
        super().__init__()
        self.objects: Any = objects
        self.heap: list[Any] = []
        self.refs: dict[str, Any] = {}
        self.seen: set[str] = set()

    def tree(self, value: Any, path: Any = ()) -> Any:
        kind = type(value)
        if kind is Back:
            return ["back", object.__getattribute__(value, "_key")]
        if self.objects.is_shared(value):
            try:
                return self.share(value)
            except RefusedError as refusal:
                is_large = refusal.kind == "size" and self.objects.shares(kind) in ("array", "frame")
                if not is_large and refusal.kind not in REFERABLE:
                    raise
                return self.reference(value)
        if isinstance(value, type) and value in self.objects.classes:
            return ["locked", self.objects.classes[value]]
        if kind in self.objects.classes and isinstance(value, enum.Enum) and value._name_ in kind.__members__:
            return ["member", [self.objects.classes[kind], value._name_]]
        if kind in self.objects.classes and issubclass(kind, tuple):
            return ["record", [self.objects.classes[kind], super().tree(tuple.__getitem__(value, slice(None)), path)]]
        if kind not in BARE and issubclass(kind, BARE) and _defined_here(kind) and not self.is_plain(value, kind):
            return self.reference(value)
        try:
            return super().tree(value, path)
        except RefusedError as refusal:
            if refusal.kind not in REFERABLE:
                raise
            return self.reference(value)

    def is_plain(self, value: Any, kind: Any) -> Any:
        """Return whether the encoder has a form for this class itself, such as a NumPy scalar or a namedtuple."""
        self.conversion(kind)
        return -id(kind) in self.types or (
            issubclass(kind, tuple) and hasattr(kind, "_fields") and kind.__mro__[1] is tuple
        )

    def share(self, value: Any) -> Any:
        objects = self.objects
        key = objects.key(value)
        if key in self.seen:
            return ["same", key]
        self.seen.add(key)
        kind, content = objects.shares(type(value)), None
        if kind == "made":
            content = ["made", [objects.classes_of[type(value)], super().tree(dict(value.__dict__), ())]]
        elif kind == "random":
            content = ["random", super().tree(state_of(value), ())]
        else:
            plain = Encoder() if kind in ("array", "frame") else None  # what is in them is plain data, or all is not
            content = plain.tree(value, ()) if plain else super().tree(value, ())
        text = json.dumps(content)
        if objects.texts.get(key) != text:
            objects.know(key, value, text)
            self.heap.append([key, kind, content])
        return ["same", key]

    def reference(self, value: Any) -> Any:
        known = id(value) in self.objects.keys
        key = self.objects.key(value)
        if not known or key not in self.objects.described:
            self.objects.described.add(key)
            self.refs[key] = _described(value, self.objects)
        return ["ref", key]


def _defined_here(kind: Any) -> Any:
    """Return whether a student defined the class, so that it is more than a well-known type."""
    return kind.__module__ == "__main__" or kind.__module__ not in sys.stdlib_module_names


def _described(value: Any, objects: Any) -> Any:
    kind = type(value)
    about = {"type": _name(kind), "mro": _lineage(kind), "has": _special(kind), "library": _importable(value)}
    if isinstance(value, type):
        about["class"] = [_name(value), str(getattr(value, "__module__", ""))[:100]]
        about["exception"] = issubclass(value, BaseException)
        about["bases"] = bases_of(value, objects)
    return about


def _importable(value: Any) -> Any:
    """Return the module and the name by which the value can be imported; nothing for the notebook's own objects."""
    if type(value) is type(sys):
        return [value.__name__, ""]
    if type(value).__module__ == "__main__" or not (isinstance(value, type) or callable(value)):
        return []
    with contextlib.suppress(Exception):  # a class can answer for its names by itself
        module, name = value.__module__, value.__qualname__
        if module != "__main__" and getattr(sys.modules[module], name) is value:
            return [module, name]
    return []


def bases_of(kind: Any, objects: Any) -> Any:
    """Return a class and its bases: of each its path, its name, and its key if the test's side cannot know it."""
    return [[_path(one), _name(one), objects.key(one) if _known(one) else ""] for one in _mro(kind)]


def _mro(kind: Any) -> Any:
    return type.__dict__["__mro__"].__get__(kind)[:MAX_MRO]


def _known(kind: Any) -> Any:
    return kind.__module__ == "__main__" or kind.__module__ not in sys.modules


def _path(kind: Any) -> Any:
    names = type.__dict__
    module = kind.__module__ if isinstance(kind.__module__, str) else ""
    return f"{module}:{names['__qualname__'].__get__(kind)}"[:200]


def _lineage(kind: Any) -> Any:
    return [_path(one) for one in _mro(kind)]


def _special(kind: Any) -> Any:
    """Return the special methods that the class has; those that every object has count only where it has its own."""
    found = []
    for name in DUNDERS:
        method = next((one.__dict__[f"__{name}__"] for one in _mro(kind) if f"__{name}__" in one.__dict__), None)
        if method is not None and method is not object.__dict__.get(f"__{name}__"):
            found.append(name)
    return found
