"""Find this process's own class, module or function for one of the notebook.

A library that both processes have loaded is the same in both, so `isinstance`, `except` and `is` work with its classes
and functions. What the notebook itself defines has no counterpart here.
"""

import contextlib
import importlib
import importlib.util
import sys
import types
from typing import Any

Lineage = tuple[str, ...]  # of a class: the paths of the class and its bases, such as "builtins:list"

_TYPES = {  # types without a name in `builtins`
    f"builtins:{kind.__name__}": kind
    for kind in (types.FunctionType, types.MethodType, types.GeneratorType, types.AsyncGeneratorType)
}


def library_class(about: dict[str, Any], locked: dict[str, type], known: dict[Lineage, type | None]) -> type | None:
    """Return the object's class: one of a library that this process has loaded or of a locked cell, or a subclass.

    Args:
        about: What the kernel says of the object.
        locked: The classes of locked cells, by name.
        known: The classes that were found before, by lineage; the object's is added.
    """
    paths = tuple(path for path in about.get("mro", ()) if isinstance(path, str))
    if paths not in known:
        known[paths] = _class_of(locked, paths, str(about.get("type", "")))
    return known[paths]


def _class_of(locked: dict[str, type], paths: Lineage, name: str) -> type | None:
    """Return a class by its lineage; one that this process does not know is made from the bases that it knows."""
    own = {f"__main__:{name}": kind for name, kind in locked.items()}
    known = [own.get(path) or resolve(path) for path in paths]
    kinds = [kind for kind in known if isinstance(kind, type) and kind is not object]
    if not kinds or known[0] is kinds[0]:
        return kinds[0] if kinds else None
    bases = [kind for kind in kinds if not any(kind is not one and issubclass(one, kind) for one in kinds)]
    for some in (bases, bases[:1]):
        with contextlib.suppress(Exception):  # a base that cannot be inherited from, or not beside another one
            return type(bases[0])(name, tuple(some), {})
    return None


def resolve(path: Any) -> Any:
    """Return what a path such as "collections:Counter" names; None for what is not loaded here, or the grader's."""
    if not isinstance(path, str) or path in _TYPES:
        return _TYPES.get(path)
    module, _, name = path.partition(":")
    ours = module.partition(".")[0] in ("__main__", "test", "autograder")
    value: Any = None if ours else sys.modules.get(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


def of_library(path: list[str], stateful: frozenset[str]) -> Any:
    """Return a library's module, or a part of it; None if this process has none, or the notebook's one keeps state."""
    module, name = path
    if module in stateful or importlib.util.find_spec(module.partition(".")[0]) is None:
        return None
    with contextlib.suppress(ImportError):
        found = importlib.import_module(module)
        return getattr(found, name, None) if name else found
    return None


def import_path(value: Any) -> list[Any]:
    """Return the module and the name of a function or class of this process."""
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
        return [value.__module__, value.__qualname__]
    return []
