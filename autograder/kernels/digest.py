"""Digest what cells have left behind in a process, to find out whether two runs of them agree.

Compared are the states of the global random generators, and of each name of the notebook what can be read without
running the course's code: numbers, texts, arrays, containers of these, generators and weights. Of other objects only
the type counts, and the digest says so (`is_whole`). The same goes for what the course's own modules keep.
"""

import hashlib
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.kernels.limits import SCRATCH

HIDDEN = frozenset("In Out exit quit open get_ipython".split())  # IPython's names
FRESH = "fresh"  # in place of the digest of a generator that nothing has used
PLAIN = frozenset({type(None), type(...), bool, int, float, complex, str, bytes})  # printed whole
DEPTH = 8  # of containers
MOST = 10_000  # elements of a container
PRINTED = frozenset("datetime decimal fractions pathlib uuid zoneinfo".split())  # modules whose objects print all
OPAQUE = b"only the type"  # in place of the parts of other objects
NOT_WHOLE = "?"  # at the end of a digest
WEIGHTS = "get_weights"  # a method that returns arrays


def digest(namespace: Mapping[str, Any], fresh: Mapping[str, str]) -> dict[str, str]:
    """Return a digest for each name of the notebook and each global generator.

    Args:
        namespace: The notebook's names.
        fresh: The digests of the global generators before the first cell. What is still like that counts as fresh.
    """
    now = generators()
    digests = {name: FRESH if fresh.get(name) == now[name] else now[name] for name in now}
    names = [name for name in namespace if isinstance(name, str) and not name.startswith("_") and name not in HIDDEN]
    return digests | modules() | {f"`{name}`": _hash(_parts(namespace[name])) for name in names}


def is_whole(found: str) -> bool:
    """Return whether equal values, and only these, have this digest."""
    return not found.endswith(NOT_WHOLE)


def modules() -> dict[str, str]:
    """Return the digests of what the modules of the working folder keep: their numbers, texts and containers."""
    return {
        name: _hash(_parts({key: value for key, value in vars(module).items() if _is_kept(key, value)}))
        for name in _own_modules(len(sys.modules))
        if (module := sys.modules.get(name))
    }


@lru_cache(maxsize=1)
def _own_modules(count: int) -> list[str]:
    """Return the names of the working folder's modules.

    They are looked for again only where the number of all modules is another: a fork that looks at 2,000 modules copies
    their memory.
    """
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return sorted(name for name, file in files.items() if str(file).startswith(f"{SCRATCH}/"))


def _is_kept(name: str, value: Any) -> bool:
    return not name.startswith("__") and type(value) in (bool, int, float, str, list, tuple, set, dict)


def generators() -> dict[str, str]:
    """Return the digests of the global random generators."""
    states: dict[str, Any] = {"random": random.getstate()}
    if "numpy.random" in sys.modules:
        states["numpy.random"] = sys.modules["numpy.random"].get_state()
    return {name: _hash(_parts(state)) for name, state in states.items()}


def traces() -> dict[str, set[str]]:
    """Return what a fork of this process would share or lose: descriptors, shared memory, processes and threads."""
    return {
        "descriptor": set(_descriptors()),
        "mapping": {
            " ".join(line.split()[5:]) for line in Path("/proc/self/maps").read_text().splitlines() if _is_shared(line)
        },
        "process": {path.name for path in Path("/proc").iterdir() if path.name.isdecimal()} - {str(os.getpid())},
        "thread": {thread.name for thread in threading.enumerate() if thread is not threading.main_thread()},
    }


def _descriptors() -> Iterator[str]:
    for path in list(Path("/proc/self/fd").iterdir()):
        try:
            yield f"{path.name} {path.readlink()}"
        except OSError:  # the one that listed the folder
            continue


def _is_shared(line: str) -> bool:
    return line.split()[1].endswith("s")


def _hash(parts: Iterator[bytes]) -> str:
    total, whole = hashlib.sha256(), True
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
        whole = whole and part != OPAQUE
    return total.hexdigest()[:16] + NOT_WHOLE * (not whole)


def _parts(value: Any, depth: int = 0) -> Iterator[bytes]:
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}".encode()
    if kind in PLAIN:
        yield repr(value).encode(errors="backslashreplace")
    elif kind in (list, tuple) and len(value) <= MOST and all(type(element) in PLAIN for element in value):
        yield repr(value).encode(errors="backslashreplace")  # at once: the states of generators have many numbers
    elif depth < DEPTH:
        yield from _inside(value, kind, depth + 1)
    else:
        yield OPAQUE


def _inside(value: Any, kind: type, depth: int) -> Iterator[bytes]:
    """Yield the parts of a value of a known kind; `OPAQUE` for another."""
    if kind in (list, tuple) and len(value) <= MOST:
        for element in value:
            yield from _parts(element, depth)
    elif kind in (set, frozenset) and len(value) <= MOST:
        elements = sorted(_hash(_parts(element, depth)) for element in value)
        yield from (element.encode() for element in elements)
        yield from () if all(map(is_whole, elements)) else (OPAQUE,)
    elif kind is dict and len(value) <= MOST:
        for key, element in value.items():
            yield from _parts(key, depth)
            yield from _parts(element, depth)
    elif kind.__module__ in PRINTED:
        yield repr(value).encode()
    elif kind is random.Random:
        yield from _parts(value.getstate(), depth)
    elif read := _reader(value, kind):
        yield from _parts(read(), depth)
    elif callable(getattr(kind, WEIGHTS, None)):
        yield from _parts(_weights(value), depth)
        yield OPAQUE  # what a layer does is more than its weights
    else:
        yield OPAQUE


def _reader(value: Any, kind: type) -> Callable[[], Any] | None:
    """Return a function that reads an array or a generator; None for other objects."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if kind is numpy.ndarray:
            kept = "tolist" if value.dtype.hasobject else "tobytes"
            return lambda: (str(value.dtype), value.shape, getattr(value, kept)())
        if isinstance(value, numpy.generic):
            return lambda: (str(value.dtype), value.tobytes())
        if kind is numpy.random.Generator:
            return lambda: value.bit_generator.state
        if kind is numpy.random.RandomState:
            return lambda: value.get_state()
    return None


def _weights(value: Any) -> Any:
    try:
        return getattr(value, WEIGHTS)()
    except Exception as error:  # a model that was not built yet
        return type(error).__name__
