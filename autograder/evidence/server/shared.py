"""Keep what both sides know by a key: containers, of which each side has a copy, and objects that stay with one side.

The test's side has the same table and compares with the same functions.
"""

import collections
import enum
import random
import sys
from typing import Any

MAX_SYNCED = 2**16  # characters of a container that is compared again in each message, though no argument
BARE = (list, tuple, dict, set, frozenset, str, int, float, complex, bytes, bytearray)
_SHARED: dict[Any, str] = {list: "list", dict: "dict", set: "set", bytearray: "bytearray", collections.deque: "deque"}
_SHARED |= {collections.Counter: "Counter", collections.OrderedDict: "OrderedDict"}
_SHARED |= {collections.defaultdict: "defaultdict"}


class Objects:
    """What the kernel keeps for one test: shared containers and referenced objects, by key."""

    def __init__(self, locked: Any, side: Any = "k") -> None:
        self.side, self.count = side, 0
        self.objects: dict[str, Any] = {}
        self.keys: dict[int, str] = {}
        self.texts: dict[str, str] = {}
        self.small: dict[str, None] = {}  # keys of those whose text is short
        self.prints: dict[str, Any] = {}  # of the others: what differs when an array has changed; None if unknown
        self.described: set[str] = set()
        self.classes = {kind: name for name, kind in locked.items()}
        self.classes_of = self.classes
        numpy: Any = sys.modules.get("numpy")
        pandas: Any = sys.modules.get("pandas")
        self.kinds = {**_SHARED, random.Random: "random"}
        self.kinds |= {numpy.ndarray: "array"} if numpy is not None else {}
        if hasattr(numpy, "random"):
            self.kinds |= {numpy.random.Generator: "random", numpy.random.RandomState: "random"}
        self.kinds |= {pandas.DataFrame: "frame", pandas.Series: "frame"} if hasattr(pandas, "DataFrame") else {}

    def shares(self, kind: Any) -> Any:
        is_made = kind in self.classes_of and not issubclass(kind, (enum.Enum, BaseException, *BARE))
        return self.kinds.get(kind) or ("made" if is_made else "")

    def know(self, key: Any, value: Any, text: Any) -> None:
        """Remember the content that both sides know of a container."""
        self.texts[key] = text
        if len(text) < MAX_SYNCED:
            self.small[key] = None
        else:
            self.small.pop(key, None)
            self.prints[key] = print_of(value) if self.shares(type(value)) == "array" else None

    def possibly_changed(self, named: Any) -> Any:
        """Return the keys of containers to compare again: all small ones, and large ones that a request names."""
        large = [key for key in named if key in self.texts and key not in self.small]
        seen = [key for key in large if self.prints[key] is None or self.prints[key] != print_of(self.objects[key])]
        return [*self.small, *seen]

    def is_shared(self, value: Any) -> Any:
        """Return whether both sides have a copy; a random generator is shared only if it is the test's."""
        kind = self.shares(type(value))
        return kind and (kind != "random" or self.keys.get(id(value), "").startswith("j"))

    def key(self, value: Any) -> Any:
        """Return the key of an object; a new object gets a new one."""
        return self.keys.get(id(value)) or self.keys[id(self.add(self.new_key(), value))]

    def new_key(self) -> Any:
        self.count += 1
        return f"{self.side}{self.count}"

    def add(self, key: Any, value: Any) -> Any:
        self.objects[key] = value
        self.keys[id(value)] = key
        return value


def fill(target: Any, content: Any) -> None:
    """Give a container the content of another one of its class."""
    kind = type(target)
    if kind in (list, bytearray):
        target[:] = content
    elif kind is collections.deque:
        target.clear()
        target.extend(content)
    elif isinstance(target, (dict, set)):
        target.clear()
        target.update(content)
    elif hasattr(target, "setstate"):
        target.setstate(content)
    elif hasattr(target, "bit_generator"):
        target.bit_generator.state = content
    elif hasattr(target, "set_state"):
        target.set_state(content)
    elif hasattr(target, "__array_interface__") and not hasattr(target, "iloc"):
        target[...] = content
    elif hasattr(target, "iloc"):
        kind.__init__(target, content)
    else:
        target.__dict__.clear()
        target.__dict__.update(content.__dict__ if not isinstance(content, dict) else content)


def print_of(array: Any) -> Any:
    """Return what differs when an array has changed."""
    return array.shape, array.dtype.str, hash(array.tobytes())


def state_of(generator: Any) -> Any:
    """Return the state of a random generator, as data."""
    if hasattr(generator, "getstate"):
        return generator.getstate()
    if hasattr(generator, "bit_generator"):
        return generator.bit_generator.state
    return generator.get_state(legacy=False)
