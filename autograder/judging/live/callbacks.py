"""Do what a student's code does with a function or an object of the test that was passed to it.

The kernel may call a function, and use an object's public names, and nothing else.
"""

import io
import types
from collections.abc import Callable, Iterator
from typing import Any

from autograder.evidence.reader_leaves import DamageError


def belongs_to_test(value: Any) -> bool:
    """Return whether a value cannot be pickled by name: the test's own functions, classes, objects, and iterators."""
    kind = type(value)
    if isinstance(value, types.FunctionType | type):
        return value.__module__ in ("__main__", "unittest.mock") or "<" in value.__qualname__
    if isinstance(value, types.MethodType):
        return belongs_to_test(value.__self__)
    if isinstance(value, types.BuiltinMethodType) and not isinstance(value.__self__, types.ModuleType | type | None):
        return belongs_to_test(value.__self__)
    if isinstance(value, Iterator | io.IOBase) or kind.__name__ == "partial":  # to read it here changes it there
        return True
    return kind.__module__ in ("__main__", "unittest.mock")


def use(target: Any, what: Any, args: Any, keywords: Any, change: Callable[[str, Any], None]) -> Any:
    """Use a function or an object of the test; return the result.

    Args:
        target: The function or the object.
        what: The use: "call", "attr", "set", or one of `_USES`.
        args: Its positional arguments. Like all that comes from the kernel, they can be anything.
        keywords: Its keyword arguments.
        change: Set an attribute of the target.
    """
    if what == "call" and callable(target):
        return target(*args, **keywords)
    if what in ("attr", "set") and _is_public(args[:1]) and len(args) == 1 + (what == "set"):
        _require_open(target, args[0])
        if what == "attr":
            return _harmless(getattr(target, args[0]))
        if args[0].startswith("_"):
            raise AttributeError(f"'{args[0]}' cannot be set")
        change(*args)
        return None
    if what in _USES:
        return _USES[what](target, *args)
    raise DamageError("an unknown use of the test's object")


def _is_public(args: Any) -> bool:
    if not (isinstance(args, tuple) and len(args) == 1 and isinstance(args[0], str)):
        return False
    return not args[0].startswith("_") or args[0] in ("__name__", "__qualname__", "__doc__")


def _require_open(target: Any, name: str) -> None:
    """Raise AttributeError unless the attribute is one that the test gave its own object; a mock's books are closed."""
    kind = type(target)
    if name.startswith("_") and isinstance(target, types.FunctionType | types.MethodType):  # what functools.wraps reads
        return
    is_mock = kind.__module__ == "unittest.mock" and not hasattr(kind, name) and name not in vars(target)
    if not (is_mock or kind.__module__ == "__main__" or isinstance(target, io.IOBase)):
        raise AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")


def _harmless(value: Any) -> Any:
    """Return an attribute of the test's object if it is data or the test's own, never a module or a library's class."""
    if isinstance(value, types.ModuleType | type) or (callable(value) and not belongs_to_test(value)):
        owner = getattr(value, "__self__", None)
        if not isinstance(owner, io.IOBase):
            raise AttributeError("not available")
    return value


_USES: dict[str, Callable[..., Any]] = {
    "iter": lambda target: iter(target),
    "next": lambda target: next(target),
    "len": lambda target: len(target),
    "item": lambda target, key: target[key],
    "contains": lambda target, value: value in target,
    "enter": lambda target: target.__enter__(),
    "exit": lambda target: target.__exit__(None, None, None),
    "eq": lambda target, other: target == other,
}
