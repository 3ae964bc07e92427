"""Keep the global names of a test: those that it binds itself, and the answers, which are read from the kernel.

A name that the test binds for the student's code is set in the kernel, too, before that code runs again.
"""

import ast
import builtins
import types
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from autograder.judging.compiled import MOST
from autograder.judging.live.operations import LiveWire


class Names(dict[str, Any]):
    """The global names of a test. Answers that the test has not bound itself are read from the kernel."""

    def __init__(self, wire: LiveWire, answers: frozenset[str], mentioned: frozenset[str]) -> None:
        super().__init__()
        self.wire, self.answers, self.mentioned = wire, answers, mentioned
        self.rebinds: frozenset[str] = frozenset()
        self.pending: dict[str, None] = {}  # names that the kernel should get before the student's code runs again
        self.deleted: set[str] = set()  # in the kernel

    def __missing__(self, name: str) -> Any:
        if name in self.answers or (name in self.mentioned and not hasattr(builtins, name)):
            if name in self.wire.fresh:
                return self.wire.fresh[name]
            try:
                value = self.wire.request("name", name)
            except KeyError:
                raise KeyError(name) from None
            self.wire.used += name not in self.answers
            self.wire.fresh[name] = value
            return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name in self.rebinds:
            self.wire.fresh.pop(name, None)
            self.wire.used += 1
            self.pending[name] = None

    def mirror(self) -> None:
        """Set in the kernel what the test has bound for the student's code."""
        names, self.pending = self.pending, {}
        for name in names:
            self.wire.mirror(name, super().__getitem__(name))

    def __delitem__(self, name: str) -> None:
        mine = super().__contains__(name)
        self.mirror()
        if mine:
            super().__delitem__(name)
        if name in self.rebinds or (not mine and (name in self.answers or name in self.mentioned)):
            self.wire.fresh.pop(name, None)
            self.wire.used += 1
            self.deleted.add(name)
            try:
                self.wire.request("delete", name)
            except KeyError:
                if not mine:
                    raise NameError(f"name '{name}' is not defined") from None

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name):
            return True
        if name in self.answers or name in self.mentioned:
            self.wire.used += 1
            return bool(self.wire.request("has", name))
        return False

    def get(self, name: str, default: Any = None) -> Any:
        """Return a name's value, or `default`."""
        return self[name] if name in self else default  # noqa: SIM401 - this is `get`

    def keys(self) -> Any:
        """Return all names, with those of the notebook."""
        self.wire.used += 1
        return {**dict.fromkeys(self.wire.request("names")), **dict.fromkeys(super().keys())}.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())


def main_class(names: Names) -> Any:
    """Return the class of a module whose attributes are the test's names: for `unittest.mock.patch("__main__.f")`."""

    class Main(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            try:
                return names[name]
            except KeyError:
                raise AttributeError(name) from None

        def __dir__(self) -> list[str]:  # for `unittest.main`, which looks for the test's own classes
            return [name for name in dict.keys(names) if not name.startswith("__")]

        def __setattr__(self, name: str, value: Any) -> None:
            if not dict.__contains__(names, name) and (name in names.deleted or name in names):
                names.wire.fresh.clear()
                names.wire.request("set", name, value)
            else:
                dict.__setitem__(names, name, value)

        def __delattr__(self, name: str) -> None:
            del names[name]

    return Main


@lru_cache(maxsize=MOST)
def names_in_texts(prelude: str, test: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the texts in a test and its prelude, and the names that these mention: see `mentioned_names`."""
    constants = constants_of(f"{prelude}\n{test}")
    return constants, mentioned_names(test, constants)


def mentioned_names(test: str, constants: frozenset[str]) -> frozenset[str]:
    """Return the names that a test mentions in its texts, and that are looked up in the notebook.

    A name that the test assigns is not among them, because a student who binds it first decides nothing.

    Args:
        test: The test's source.
        constants: The texts in the test and its prelude.
    """
    mentioned = frozenset(part for text in constants for part in text.split(".") if part.isidentifier())
    return (mentioned | _evaluated(test, constants)) - _assigned(test)


def constants_of(source: str) -> frozenset[str]:
    """Return the texts that are written in source code."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return frozenset()
    return frozenset(
        str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _assigned(source: str) -> frozenset[str]:
    """Return the names that a test assigns."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    return frozenset(node.id for node in nodes if isinstance(node.ctx, ast.Store))


def _evaluated(source: str, texts: Iterable[str]) -> frozenset[str]:
    """Return the names in the texts that a test may evaluate, such as "half(4)"."""
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    trees = list(map(_tree, texts)) if names & {"eval", "exec"} else []
    return frozenset(node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name))


def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
