"""Rebuild values from parsed JSON: the plain types here, the rarer ones in `reader_types` and `reader_pandas`.

Theory of operation. Nothing that the kernel sent is trusted, and nothing is called, imported or looked up by a name
from the text, except in fixed tables. A text costs at most what its length and its number of items cost, with one
exception: sets and dicts whose keys were chosen to collide take quadratic time. Two guards prevent that, and neither
limits the number of keys:

1. At most `MAX_COLLIDING` different keys have one hash. Honest keys with equal hashes are rare: among the powers of two
   up to 2**10000 at most 164 share one, because an int's hash is its remainder modulo 2**61 - 1. The hashes are counted
   by sorting, since a table of hashes could collide itself. Strings and bytes have hashes with a secret seed.
2. Keys with different hashes can still be made to visit the same places of Python's table. So keys are inserted in
   small groups, and all groups of one text together may take `MAX_SECONDS` of processor time; 100,000 honest keys take
   about 0.01 s. A group that collides with all earlier keys takes a bounded time, because groups are small.

A test that copies such a table has the time limit of the test.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.evidence import reader_leaves, reader_pandas, reader_types
from autograder.evidence.encoder import MAX_DEPTH
from autograder.evidence.reader_leaves import DamageError

MAX_COLLIDING = 200
MAX_SECONDS = 3.0
GROUP = 1_000  # keys


class Reader:
    """Rebuild one value. A subclass can override `unknown`, for further tags, and `made`, to see every container."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def unknown(self, tag: str, body: Any, depth: int) -> Any:
        """Return the value of a tag that is not in the list; raise DamageError."""
        raise DamageError("an unknown tag")

    def made(self, tag: str, body: Any, depth: int) -> Any:
        """Return a container: a list, dict or set is made empty and then filled, any other one is made at once."""
        if tag not in EMPTY:
            return CONTAINERS[tag](self, body, depth)
        value = EMPTY[tag]()
        self.fill(value, body, depth)
        return value

    def fill(self, value: Any, body: Any, depth: int) -> None:
        """Put the members into a list, dict or set that was made empty."""
        if isinstance(value, list):
            value.extend(self.members(body, depth))
        elif isinstance(value, set):
            self.insert(value, self.members(body, depth))
        else:
            self.insert(value, *self.pairs(body, depth))

    def value(self, node: Any, depth: int) -> Any:
        """Return the value of a node that is inside `depth` containers."""
        if node is None or isinstance(node, bool):
            return node
        if isinstance(node, str):
            return reader_leaves.text(node)
        if not isinstance(node, list) or len(node) != 2 or not isinstance(node[0], str):
            raise DamageError("a value of unknown form")
        tag, body = node
        if isinstance(body, str):
            if tag in LEAVES:
                return LEAVES[tag](body)
            return self.made(tag, body, depth) if tag in BINARY else self.unknown(tag, body, depth)
        if tag in reader_types.WRAPPERS:
            return reader_types.WRAPPERS[tag](self, body, depth)
        if tag in reader_pandas.NAMES or tag in EMPTY or (tag in CONTAINERS and tag not in BINARY):
            if depth >= MAX_DEPTH:
                raise DamageError("nested too deeply")
            return self.made(tag, body, depth + 1)
        return self.unknown(tag, body, depth)

    def members(self, body: Any, depth: int) -> list[Any]:
        """Return a container's members."""
        if isinstance(body, dict):
            return reader_leaves.packed(body)
        if not isinstance(body, list):
            raise DamageError("an unknown tag")
        if set(map(type, body)) == {str}:
            reader_leaves.text("".join(body))
            return body
        return [self.value(member, depth) for member in body]

    def pairs(self, body: Any, depth: int) -> tuple[list[Any], list[Any]]:
        """Return a dict's keys and values."""
        keys, values = (self.members(part, depth) for part in reader_types.parts(body, 2))
        if len(keys) != len(values):
            raise DamageError("a key without value")
        return keys, values

    def mapping(self, body: Any, depth: int) -> dict[Any, Any]:
        """Return a dict."""
        table: dict[Any, Any] = {}
        self.insert(table, *self.pairs(body, depth))
        return table

    def insert(self, table: Any, keys: list[Any], values: list[Any] | None = None) -> None:
        """Fill an empty set, or a dict; refuse keys that have no hash, that are equal, or whose hashes collide."""
        try:
            if len(keys) > MAX_COLLIDING:
                _, counts = np.unique(np.fromiter(map(hash, keys), np.int64, len(keys)), return_counts=True)
                if counts.max() > MAX_COLLIDING:
                    raise DamageError("too many keys with one hash")
            for start in range(0, len(keys), GROUP):
                before, group = time.thread_time(), slice(start, start + GROUP)
                table.update(keys[group] if values is None else zip(keys[group], values[group], strict=True))
                self.seconds += time.thread_time() - before
                if self.seconds > MAX_SECONDS:
                    raise DamageError("keys with colliding hashes")
        except (TypeError, ValueError):
            raise DamageError("a key that cannot be hashed") from None
        if len(table) < len(keys):
            raise DamageError("a duplicate key")


def _frozenset(reader: Any, body: Any, depth: int) -> Any:
    members: set[Any] = set()
    reader.insert(members, reader.members(body, depth))
    return frozenset(members)


def _keys(reader: Any, body: Any, depth: int) -> Any:
    keys: dict[Any, None] = {}
    names = reader.members(body, depth)
    reader.insert(keys, names, [None] * len(names))
    return keys.keys()


def _pandas(tag: str) -> Callable[[Any, Any, int], Any]:
    return lambda reader, body, depth: reader_pandas.read(tag, reader, body, depth)


def _leaf(tag: str) -> Callable[[str], Any]:
    """Return the function for constants or types, some of which are pandas'."""
    own = {"constant": reader_pandas.CONSTANTS, "type": reader_pandas.TYPES}[tag]
    return lambda name: reader_pandas.named(name) if name in own else reader_types.LEAVES[tag](name)


LEAVES: dict[str, Callable[[str], Any]] = {
    **reader_types.LEAVES,
    "ellipsis": reader_leaves.ellipsis,
    "int": reader_leaves.integer,
    "float": lambda text: reader_leaves.floats(text, 1)[0],
    "complex": lambda text: complex(*reader_leaves.floats(text, 2)),
    "constant": _leaf("constant"),
    "type": _leaf("type"),
}
EMPTY: dict[str, Callable[[], Any]] = {"list": list, "dict": dict, "set": set}
BINARY: dict[str, Callable[[Any, Any, int], Any]] = {  # containers whose parts are one text
    "array": lambda reader, body, depth: reader_leaves.array(body),
    "bytearray": lambda reader, body, depth: bytearray(reader_leaves.binary(body, "a text of bytes")),
}
CONTAINERS: dict[str, Callable[[Any, Any, int], Any]] = {
    **reader_types.CONTAINERS,
    **{name: _pandas(name) for name in reader_pandas.NAMES},
    **BINARY,
    "tuple": lambda reader, body, depth: tuple(reader.members(body, depth)),
    "frozenset": _frozenset,
    "keys": _keys,
}
