"""Run a test as written, against the objects of a student's kernel.

The test's names are those of the plan's prelude, those that the test binds, and the answers, which are looked up in the
kernel. Builtins and the modules of libraries are this process' own, whatever the student bound to their names; modules
that keep state (`stateful`) and modules that exist only beside the notebook are the student's.
"""

import asyncio
import builtins
import contextlib
import importlib.util
import inspect
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

from autograder.evidence.decoder import Found, decode
from autograder.judging.checks import Checks
from autograder.judging.compiled import compiled_prelude, compiled_test
from autograder.judging.live.classes import of_library
from autograder.judging.live.files import SharedFiles
from autograder.judging.live.hooks import Hooks
from autograder.judging.live.namespace import Names, main_class, names_in_texts
from autograder.judging.live.operations import LiveWire
from autograder.judging.live.places import Places
from autograder.judging.seal import allow
from autograder.model import Reason


class LiveTest:
    """Run tests with one wire."""

    def __init__(self, question: dict[str, Any], ask: Callable[[str], str], before: "LiveTest | None" = None) -> None:
        self.question = question
        self.places = Places(question.get("proof"))
        self.wire: LiveWire = before.wire if before else LiveWire(ask, self.places)
        self.constants, self.mentioned = names_in_texts(question["prelude"], question["test"])
        self.stateful = frozenset(question.get("stateful", ()))
        self.earlier = dict(dict.items(before.names)) if before else {}  # the names of the notebook's earlier tests
        self.unanswered = False  # whether an answer, or a part of it, is still `...`
        self.ends_in_truth = False  # whether the last value is true or false
        self.missing: Found | None = None
        self.missing_names: dict[str, Found] = {}
        self.present: list[str] = []
        self.given: dict[str, Any] = {}
        self.stand_ins: dict[str, Callable[[Any], Any]] = {}  # what makes another value of an answer, by its name
        self.libraries: dict[str, list[str]] = {}  # module and name of each answer that is a part of a library
        self.checks = Checks(question["test"], question.get("hidden", {}), self.displayed)
        self.restart()

    def restart(self, ignore_changes: bool = False) -> None:
        """Forget what the test has bound and visited."""
        answers = frozenset(self.question["names"])
        self.places = self.wire.places = Places(self.question.get("proof"))
        self.wire.reset(ignore_changes, self.stateful)
        self.names: Names = Names(self.wire, answers, self.mentioned)
        self.wire.before = self.names.mirror
        for name, value in self.earlier.items():
            if name not in answers:
                dict.__setitem__(self.names, name, value)

    def displayed(self, value: Any) -> Any:
        """Return a value as it can be displayed; of an object, only its class, which nobody needs to see."""
        return type(value) if self.wire.key_of(value) else shown(value, self.wire)

    def first(self) -> dict[str, Any]:
        """Return the kernel's entries of the answers; they are read once."""
        if not hasattr(self, "_first"):
            self._first = self.wire.first(self.question["evidence"])
        return self._first

    def is_live(self) -> bool:
        """Return whether the test needs the kernel: it asked something, or an answer is no plain data."""
        values = [self.wire.fresh.get(name) for name in self.present]
        return bool(self.wire.used) or any(self.wire.key_of(value) for value in values) or bool(self.wire.abouts)

    def prepare(self) -> None:
        """Run the prelude."""
        names = self.names
        names.update({**Hooks(names, self.constants).functions(), **self.checks.hooks})
        fix = "compare the text itself, or ask for a value or a function"
        allow(self.constants, lambda what: self.wire.end(Reason.NOT_SUPPORTED, what, fix))
        dict.__setitem__(names, "__builtins__", {**vars(builtins), "__import__": self.imported})
        dict.__setitem__(names, "__name__", "__main__")
        for name, text in self.question.get("givens", {}).items():  # again for each run, which may change them
            dict.__setitem__(names, name, decode(text, name))
        exec(compiled_prelude(self.question["prelude"]), names)
        locked = set(self.question.get("locked", ()))
        classes = {name: value for name, value in [*dict.items(names)] if isinstance(value, type) and name in locked}
        self.wire.lock_classes(classes)

    @contextlib.contextmanager
    def files(self) -> Iterator[None]:
        """Share the notebook's files with a test that mentions files."""
        if not self.question.get("files"):
            yield
            return
        with SharedFiles(self.wire) as self.wire.files:
            yield
        self.wire.files = None

    def run(self) -> Any:
        """Run the test; return the value of its last expression."""
        main = types.ModuleType("__main__")
        main.__class__ = main_class(self.names)
        sys.modules["__main__"] = main
        threading.excepthook = lambda about: None  # what a thread raises would be printed, and nobody reads it
        self.names.rebinds = frozenset(self.question.get("rebinds", ()))
        test = compiled_test(self.question["test"], self.checks.hidden, live=True)
        self._execute(test.body)
        return self._execute(test.last) if test.last is not None else None

    def _execute(self, code: types.CodeType) -> Any:
        result = eval(code, self.names)
        return asyncio.run(result) if code.co_flags & inspect.CO_COROUTINE else result

    def end(self) -> None:
        """Give the kernel what later answers may use of the test's names."""
        if not self.wire.fault:
            self.names.mirror()

    def hides_assertion(self) -> bool:
        """Return whether the student's code caught what a function of the test asserted, and the solution's did not."""
        proof = self.places.proof
        return proof is not None and bool(self.wire.assertions) and not proof.get("asserted")

    def own(self, name: str, value: Any) -> Any:
        """Return what an answer's name stands for: a library's module, function or class is this process' own."""
        proof = self.places.proof
        if proof is None:
            about = self.wire.abouts.get(self.wire.key_of(value), {})
            path = about.get("library")
            if path and (found := of_library(path, self.stateful)) is not None:
                self.libraries[name] = path
                return found
        elif name in proof.get("libraries", ()):
            return of_library(proof["libraries"][name], self.stateful)
        return value

    def imported(self, name: str, space: Any = None, local: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """Import a module for the test: the student's if it keeps state, or if only the notebook has it."""
        if space is not self.names:
            return builtins.__import__(name, space, local, fromlist, level)
        top = name.partition(".")[0]
        if name in self.stateful or any(f"{name}.{part}" in self.stateful for part in fromlist or ()):
            return self._theirs(name if fromlist else top, name)
        if level == 0 and top not in sys.modules and importlib.util.find_spec(top) is None:
            return self._theirs(name if fromlist else top, name)
        return builtins.__import__(name, space, local, fromlist, level)

    def _theirs(self, result: str, name: str) -> Any:
        self.wire.used += 1
        if not hasattr(self, "_first"):  # the prelude runs before the answers are read
            self.wire.describe(self.question["evidence"])
        self.wire.request("import", name, self.wire.patches())
        return self.wire.request("import", result, self.wire.patches())


class _Shown:
    """What is displayed for an object."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind} object>"


def shown(value: Any, wire: LiveWire, depth: int = 20) -> Any:
    """Return a value as it can be displayed when the kernel answers no more."""
    if wire.key_of(value) or not depth:
        return _Shown(str(wire.abouts.get(wire.key_of(value), {}).get("type", ""))[:60])
    if type(value) is dict:
        return {name: shown(part, wire, depth - 1) for name, part in value.items() if not wire.key_of(name)}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(shown(part, wire, depth - 1) for part in value)
    return value
