"""Write requests: pickles of what a test passes to the kernel, with the shared containers that have changed.

The kernel unpickles a request: the test is trusted, so nothing is lost by that. What the kernel knows goes over as its
key, and functions and objects of the test as `back` entries.
"""

import base64
import enum
import io
import json
import operator
import pickle
import random
import sys
import types
from typing import Any

from autograder.evidence import reader_types
from autograder.evidence.encoder import Encoder
from autograder.evidence.server.live_encoder import LiveEncoder
from autograder.evidence.server.shared import state_of
from autograder.judging.live.callbacks import belongs_to_test
from autograder.judging.live.known import Known

UNSENDABLE = (pickle.PicklingError, TypeError, AttributeError, RecursionError)
_ATOMS = frozenset({int, float, str, bytes, bool, type(None), complex, tuple})


def packed(known: Known, request: tuple[Any, ...]) -> str:
    """Return a request as text; raise one of UNSENDABLE if the test passes something that cannot be sent."""
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, known)
    pickler.own = {id(part) for part in request if type(part) is dict} | {id(pickler.new)}
    pickler.own |= {id(request)}
    try:
        pickler.dump(request)
    except UNSENDABLE:
        known.objects.forget(pickler.new)
        raise
    fills = []
    for key in known.objects.possibly_changed(pickler.named):
        value = known.objects.objects[key]
        if _Watcher(known).content(value) != known.objects.texts[key]:
            content = _content(value)
            fills.append((key, content))
            pickler.own |= {id(content)}
    pickler.own |= {id(fills)}
    pickler.dump(fills)
    pickler.dump(pickler.new)
    for key in [*pickler.new, *(key for key, _ in fills)]:
        value = known.objects.objects[key]
        known.objects.know(key, value, _Watcher(known).content(value))
    return base64.b64encode(buffer.getvalue()).decode()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, known: Known) -> None:
        super().__init__(file)
        self.known, self.new, self.own, self.fresh = known, dict[str, Any](), set[int](), set[int]()
        self.named: set[str] = set()  # keys of the objects in the request that the kernel knows

    def reducer_override(self, value: Any) -> Any:
        """Pickle the views of a dict, which pickle itself does not."""
        kind = type(value)
        if kind is type({}.values()):
            return operator.methodcaller("values"), (dict(enumerate(value)),)
        if kind in (type({}.keys()), type({}.items())):
            way = "keys" if kind is type({}.keys()) else "items"
            return operator.methodcaller(way), (dict.fromkeys(value) if way == "keys" else dict(value),)
        if issubclass(kind, tuple) and kind.__module__ == reader_types.__name__:  # a named tuple of the notebook
            return tuple.__new__, (kind, tuple(value))
        return NotImplemented

    def persistent_id(self, value: Any) -> tuple[str, Any] | None:
        kind = type(value)
        if kind in _ATOMS or id(value) in self.own or id(value) in self.fresh:
            return None
        known = self.known
        if key := known.key_of(value):
            return "ref", key
        if (key := known.objects.keys.get(id(value), "")) and known.objects.objects.get(key) is value:
            self.named.add(key)
            return ("back" if key in known.backs else "ref"), key
        if kind in known.objects.classes and isinstance(value, enum.Enum) and value.name in kind.__members__:
            return "member", (known.objects.classes[kind], value.name)
        if kind in known.objects.classes and issubclass(kind, tuple):
            return None
        if known.objects.shares(kind):
            key = known.objects.new_key()
            known.objects.add(key, value)
            self.new[key] = value
            self.fresh.add(id(value))
            return None
        if kind is types.ModuleType:
            return "module", value.__name__
        if kind is types.MethodType and value.__self__ is getattr(sys.modules.get("random"), "_inst", None):
            return "function", f"random.{value.__name__}"  # of the hidden generator that the module's functions share
        if isinstance(value, type) and issubclass(value, tuple) and value.__module__ == reader_types.__name__:
            return "record", (value.__name__, value._fields)  # type: ignore[attr-defined]
        if isinstance(value, type) and value in known.objects.classes:
            return "class", known.objects.classes[value]
        if belongs_to_test(value):
            return "back", known.back(value)
        return None


class _Watcher(LiveEncoder):
    """Write a container's content as the kernel would, to see whether it changed."""

    def __init__(self, known: Known) -> None:
        super().__init__(known.objects)
        self.known = known

    def tree(self, value: Any, path: tuple[int, ...] = ()) -> Any:
        key = self.known.key_of(value)
        if key:
            return ["ref", key]
        return super().tree(value, path)

    def share(self, value: Any) -> Any:
        key = self.objects.keys.get(id(value))
        return ["same", key] if key else ["new", str(id(value))]

    def reference(self, value: Any) -> Any:
        return ["back", self.objects.keys.get(id(value), str(id(value)))]

    def content(self, value: Any) -> str:
        """Return a shared container's content as text."""
        kind = type(value)
        if self.objects.shares(kind) == "random":
            tree = ["random", self.plain(state_of(value))]
        elif self.objects.shares(kind) == "made":
            tree = ["made", [self.objects.classes_of[kind], self.plain(dict(vars(value)))]]
        else:
            tree = (
                self.plain(value) if self.objects.shares(kind) not in ("array", "frame") else Encoder().tree(value, ())
            )
        return json.dumps(tree)

    def plain(self, value: Any) -> Any:
        self.items = self.size = 0
        return super(LiveEncoder, self).tree(value, ())


def _content(value: Any) -> Any:
    """Return a shallow copy of a container, which pickles with what is in it."""
    if type(value).__module__ == "__main__":
        return dict(vars(value))
    if isinstance(value, random.Random) or hasattr(value, "standard_normal"):
        return state_of(value)
    return value.copy() if hasattr(value, "copy") else type(value)(value)
