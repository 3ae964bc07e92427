"""Put hooks into a test: they mark each visit of a place, and keep calls within what the judge can answer for.

Theory of operation. `instrument` calls the hooks at each operation, condition and call. A call of a function of this
process gets what stands for that function if an object of the notebook may be passed to it: then the notebook's copy of
a library does the work, and `places` decides whether it may. Functions that execute texts run only the test's own.
"""

import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from autograder.judging.instrument import CALL, TRUTH, VALUE
from autograder.judging.live.namespace import Names
from autograder.judging.live.references import Reference, awaited
from autograder.model import Reason

HERE = frozenset(  # libraries that run in this process even when an object of the notebook is passed to them
    "builtins numpy pandas unittest pytest nose math operator itertools functools collections json re statistics "
    "string random time contextlib io typing abc numbers decimal fractions datetime textwrap pprint os pathlib "
    "warnings heapq bisect autograder __main__".split()
)
EXECUTES = frozenset(  # functions that execute or parse text
    "eval exec compile __import__ run_path run_module loads load sympify parse_expr query read_pickle "
    "import_module".split()
)
PARSES = frozenset({"json", "tomllib"})  # whose `loads` and `load` return data only
SEEDS = frozenset({("random", "seed"), ("numpy.random", "seed")})
_COURSE = os.path.realpath(os.curdir) + os.sep  # `judge` starts the worker in the folder of the course's files


class Hooks:
    """The hooks of one run of a test.

    Args:
        names: The test's names.
        constants: The texts that are written in the test and its prelude.
    """

    def __init__(self, names: Names, constants: frozenset[str]) -> None:
        self.names, self.wire, self.constants = names, names.wire, constants

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions that the instrumented test calls, by their names there."""
        return {VALUE: self.value, TRUTH: self.truth, CALL: self.called}

    def value(self, value: Any) -> Any:
        """Mark a visit of an operation."""
        self.wire.places.visit()
        return value

    def truth(self, value: Any) -> bool:
        """Mark a visit of a condition, and return the truth value."""
        self.wire.places.visit(is_condition=True)
        return bool(value)

    def called(self, function: Any) -> Any:
        """Mark a visit of a call; return the function, or what stands for it where an object may be passed to it."""
        self.wire.places.visit()
        if type(function) in (types.FunctionType, types.MethodType) and function.__module__ in ("__main__", None):
            return function
        if self.wire.key_of(function):
            return function
        name = getattr(function, "__name__", "")
        name = name if isinstance(name, str) else ""  # `unittest.mock.call` has any attribute
        if function is type:
            return self._type
        if function is issubclass:
            return self._issubclass
        if function in (getattr, setattr, hasattr, delattr):
            return self._attribute(function)
        if name in EXECUTES and getattr(function, "__module__", "") not in PARSES:
            return self._executing(function)
        module = getattr(function, "__module__", None) or type(getattr(function, "__self__", None)).__module__
        if isinstance(getattr(function, "__self__", None), types.ModuleType):
            module = function.__self__.__name__
        if str(module).partition(".")[0] == "asyncio" and not name.startswith("is"):
            return self._waiting(function)
        if (str(module), name) in SEEDS or (name == "seed" and "random" in repr(function)):
            return self._seeding(function)
        here = str(module).partition(".")[0] in HERE or _is_beside_the_notebooks(str(module))
        return function if here else self._library(function, str(module))

    def _type(self, *args: Any) -> Any:
        if len(args) == 1 and self.wire.key_of(args[0]):
            return self.wire.read(type, args[0])
        return type(*args)

    def _issubclass(self, kind: Any, *parents: Any) -> bool:
        if len(parents) == 1 and issubclass(type(kind), Reference) and not self.wire.key_of(parents[0]):
            return bool(self.wire.look(issubclass, kind, *parents))
        return issubclass(kind, *parents)

    def _attribute(self, function: Any) -> Any:
        def attribute(target: Any, name: Any, *more: Any) -> Any:
            if not self.wire.key_of(target) and name not in self.constants and type(target).__module__ != "__main__":
                what = f"the test uses {function.__name__} with a text of the notebook"
                self.wire.end(Reason.NOT_SUPPORTED, what, "write the attribute's name in the test")
            return function(target, name, *more)

        return attribute

    def _executing(self, function: Any) -> Any:
        def executing(*args: Any, **keywords: Any) -> Any:
            texts = [arg for arg in (*args, *keywords.values()) if isinstance(arg, str | bytes)]
            if any(text not in self.constants for text in texts):
                name = function.__name__
                what = f"the test passes a text of the notebook to {name}"
                self.wire.end(Reason.NOT_SUPPORTED, what, "compare the text itself, or ask for a value or a function")
            if function in (eval, exec) and len(args) == 1:
                return function(*args, self.names, sys._getframe(1).f_locals)
            return function(*args, **keywords)

        return executing

    def _seeding(self, function: Any) -> Any:
        def seeding(*args: Any, **keywords: Any) -> Any:
            self.wire.call(function, *args, **keywords)
            return function(*args, **keywords)

        return seeding

    def _waiting(self, function: Any) -> Any:
        """Return a function of asyncio that takes the notebook's coroutines as this process' own."""

        def waiting(*args: Any, **keywords: Any) -> Any:
            return function(*map(self._coroutine, args), **keywords)

        return waiting if callable(function) else function

    def _coroutine(self, value: Any) -> Any:
        if type(value) in (list, tuple, set):
            return type(value)(map(self._coroutine, value))
        key = self.wire.key_of(value)
        return awaited(value) if "await" in self.wire.abouts.get(key, {}).get("has", ()) else value

    def _library(self, function: Any, module: str) -> Any:
        if not callable(function):
            return function

        def library(*args: Any, **keywords: Any) -> Any:
            objects = [arg for arg in _flat([*args, *keywords.values()]) if self.wire.key_of(arg)]
            if module.startswith("sympy") and any(isinstance(arg, str) and arg not in self.constants for arg in args):
                what = "the test passes a text of the notebook to sympy"
                self.wire.end(Reason.NOT_SUPPORTED, what, "ask for a sympy expression, not for its text")
            if not objects:
                return function(*args, **keywords)
            self.wire.require("library", objects[0])  # the notebook's copy of the library answers, so it decides
            return self.wire.call(function, *args, **keywords)

        return library


def _is_beside_the_notebooks(module: str) -> bool:
    """Return whether a module is one of the course's own files: its functions get references, as the test itself."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and os.path.realpath(file).startswith(_COURSE)


def _flat(values: Any, depth: int = 3) -> Iterator[Any]:
    for value in values:
        if type(value) in (list, tuple) and depth:
            yield from _flat(value, depth - 1)
        else:
            yield value
