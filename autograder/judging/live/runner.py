"""Run a test as written, against the objects of a student's kernel.

The test's names are those of the plan's prelude, those that the test binds, and the answers, which are looked up in the
kernel. Builtins and the modules of libraries are this process' own, whatever the student bound to their names; modules
that keep state (`stateful`) and modules that exist only beside the notebook are the student's.
"""

import ast
import asyncio
import builtins
import contextlib
import importlib.util
import inspect
import io
import json
import os
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from autograder.errors import EvidenceError
from autograder.evidence.decoder import Found, decode, found
from autograder.evidence.display import display_names, is_blank, is_unanswered
from autograder.evidence.reader_leaves import DamageError
from autograder.judging.checks import Checks, failed, unusable, with_check
from autograder.judging.credit import credit, first_line, is_partial, not_attempted, parts, verdict
from autograder.judging.instrument import CALL, TRUTH, VALUE, instrumented
from autograder.judging.live.classes import of_library
from autograder.judging.live.exceptions import StudentClass
from autograder.judging.live.files import SharedFiles
from autograder.judging.live.known import TestEnded
from autograder.judging.live.operations import LiveWire, object_for_data
from autograder.judging.live.places import Places
from autograder.judging.live.references import Reference, awaited
from autograder.judging.seal import PRELUDE, TEST, allow
from autograder.model import Outcome, Reason

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
_HOOKS = (VALUE, TRUTH, CALL)
_COURSE = os.path.realpath(os.curdir) + os.sep  # `judge` starts the worker in the folder of the course's files


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


class LiveTest:
    """Run tests with one wire."""

    def __init__(self, question: dict[str, Any], ask: Callable[[str], str], before: "LiveTest | None" = None) -> None:
        self.question = question
        self.places = Places(question.get("proof"))
        self.wire: LiveWire = before.wire if before else LiveWire(ask, self.places)
        self.constants = _constants(f"{question['prelude']}\n{question['test']}")
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
        mentioned = frozenset(part for text in self.constants for part in text.split(".") if part.isidentifier())
        mentioned |= _evaluated(self.question["test"], self.constants)
        mentioned -= _assigned(self.question["test"])  # a student who binds such a name first decides nothing
        self.places = self.wire.places = Places(self.question.get("proof"))
        self.wire.reset(ignore_changes, self.stateful)
        self.names: Names = Names(self.wire, answers, mentioned)
        self.wire.before = self.names.mirror
        for name, value in self.earlier.items():
            if name not in answers:
                dict.__setitem__(self.names, name, value)

    def displayed(self, value: Any) -> Any:
        """Return a value as it can be displayed; of an object, only its class, which nobody needs to see."""
        return type(value) if self.wire.key_of(value) else _shown(value, self.wire)

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
        self.define_hooks()
        fix = "compare the text itself, or ask for a value or a function"
        allow(self.constants, lambda what: self.wire.end(Reason.NOT_SUPPORTED, what, fix))
        dict.__setitem__(names, "__builtins__", {**vars(builtins), "__import__": self.imported})
        dict.__setitem__(names, "__name__", "__main__")
        for name, text in self.question.get("givens", {}).items():  # again for each run, which may change them
            dict.__setitem__(names, name, decode(text, name))
        exec(compile(self.question["prelude"], PRELUDE, "exec"), names)
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

    def define_hooks(self) -> None:
        """Define the functions that the instrumented test calls."""
        self.names.update({VALUE: self.value, TRUTH: self.truth, CALL: self.called, **self.checks.hooks})

    def run(self) -> Any:
        """Run the test; return the value of its last expression."""
        main = types.ModuleType("__main__")
        main.__class__ = _main_class(self.names)
        sys.modules["__main__"] = main
        threading.excepthook = lambda about: None  # what a thread raises would be printed, and nobody reads it
        self.names.rebinds = frozenset(self.question.get("rebinds", ()))
        tree = ast.parse(self.question["test"], TEST)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
            last = instrumented_expression(last)
        self._execute(self.checks.watched(instrumented(tree)), "exec")
        return self._execute(last, "eval") if last is not None else None

    def _execute(self, tree: Any, mode: str) -> Any:
        code = compile(tree, TEST, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
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

    # --- hooks --------------------------------------------------------------------------------------------------------

    def value(self, value: Any) -> Any:
        """Mark a visit of an operation."""
        self.places.visit()
        return value

    def truth(self, value: Any) -> bool:
        """Mark a visit of a condition, and return the truth value."""
        self.places.visit(is_condition=True)
        return bool(value)

    def called(self, function: Any) -> Any:
        """Mark a visit of a call; return the function, or what stands for it where an object may be passed to it."""
        self.places.visit()
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


def instrumented_expression(expression: ast.Expression) -> ast.Expression:
    """Instrument a single expression."""
    module = instrumented(ast.Module([ast.copy_location(ast.Expr(expression.body), expression.body)], []))
    body: Any = module.body[0]
    return ast.Expression(body.value)


def _main_class(names: Names) -> Any:
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


def _constants(source: str) -> frozenset[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return frozenset()
    return frozenset(
        str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


__all__ = ["LiveTest", "Names", "Reference", "TestEnded"]


def judge_live(question: dict[str, Any], ask: Callable[[str], str], kept: list[Any]) -> dict[str, Any]:
    """Judge one question while the kernel answers; `kept` has the run of the earlier tests of the notebook, if any.

    A student's code that changed the test's own lists, where the solution's did not, could make a comparison true: then
    the test is judged once more without these changes, and both runs must pass.
    """
    test = LiveTest(question, ask, kept[-1] if kept else None)
    kept[:] = [test]
    result = _judged(test)
    if result["outcome"] == Outcome.PASSED and test.wire.unproved_change:
        test.restart(ignore_changes=True)
        again = _judged(test)
        result = again if again["outcome"] != Outcome.PASSED else result
    return result


def passes(test: LiveTest) -> bool:
    """Run a test and return whether it passes."""
    return bool(_judged(test)["outcome"] == Outcome.PASSED)


def _judged(test: LiveTest) -> dict[str, Any]:
    try:
        result = _unprepared(test) or _entries(test) or _outcome(test)
    except TestEnded as end:
        result = _ended(end)
    return not_attempted() if test.unanswered and not is_partial(result, float(test.question["points"])) else result


def _unprepared(test: LiveTest) -> dict[str, Any]:
    """Run the prelude, since an answer may be an object of one of its classes; return a verdict if that fails."""
    try:
        test.prepare()
    except Exception as error:
        fails = f"the test's imports and constants fail ({first_line(error)})."
        return verdict(Outcome.GRADER_ERROR, None, fails, reason=Reason.PREPARATION)
    return {}


def _entries(test: LiveTest) -> dict[str, Any]:
    """Read the answers; return a verdict if one of them keeps the test from running."""
    question, wire = test.question, test.wire
    entries = test.first()
    present = question["proof"]["present"] if question.get("proof") else ()
    values: dict[str, Any] = {}
    for name in question["names"]:
        entry = entries.get(name)
        result = _found(name, entry, wire)
        is_evidence = name in question["evidence_names"]
        if not result.reason:
            values[name] = result.value
            continue
        test.missing_names[name] = result
        if is_evidence or result.reason is not Reason.MISSING or name in present:
            test.missing = test.missing or result
    own = [values[name] for name in question["own"] if name in values]
    test.unanswered = any(map(is_unanswered, values.values()))
    if test.unanswered and all(map(is_blank, own)):
        return not_attempted()
    if test.missing:
        return _nothing(test.missing)
    test.present = sorted(values)
    for name, value in values.items():
        if name in question["evidence_names"]:
            dict.__setitem__(test.names, name, value)
        else:
            wire.fresh[name] = test.stand_ins[name](value) if name in test.stand_ins else test.own(name, value)
    test.given = {name: values[name] for name in question["own"] if name in values}
    return {}


def _nothing(lacking: Found) -> dict[str, Any]:
    about = {"reason": lacking.reason, "subject": lacking.subject, "detail": lacking.detail}
    return verdict(Outcome.NO_EVIDENCE, 0.0, lacking.sentence, **about)


def _found(name: str, entry: Any, wire: LiveWire) -> Found:
    if isinstance(entry, dict) and entry.keys() == {"value"}:
        try:
            return Found(name, wire.value(entry["value"]))
        except (DamageError, EvidenceError) as damage:
            return Found(name, None, Reason.DAMAGED, (str(damage),))
    return found(name, entry)


def _outcome(test: LiveTest) -> dict[str, Any]:
    printed, before = io.StringIO(), sys.stdout
    try:
        with contextlib.redirect_stdout(printed), np.errstate(all="ignore"), test.files():
            result = _run(test, printed)
    finally:
        sys.stdout = before
    if test.wire.fault:
        return _ended(test.wire.fault)
    if result["outcome"] == Outcome.PASSED and test.hides_assertion():
        result = _failed(test, test.wire.assertions[0])
    for kind in sorted(test.wire.plain.own_numbers):
        return _of_own_number(kind, result)
    raised = bool(test.wire.assertions)
    proof = {"live": test.is_live(), "present": test.present, "asserted": raised, "libraries": test.libraries}
    proof |= {"by_truth": test.ends_in_truth, **test.places.to_data()}
    given = {name: _shown(value, test.wire) for name, value in test.given.items() if not test.wire.key_of(value)}
    return result | {"given": display_names(given)} | ({} if test.places.proof else {"proof": json.dumps(proof)})


def _of_own_number(kind: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict where the student's own class stood for a number: nobody has seen whether it is one."""
    if result["points"]:
        what = f"your answer has numbers of its own type {kind}; as plain numbers they are right, so mark it by hand"
        return _ended(TestEnded(Reason.OTHER_TYPE, what))
    is_of_type = result["outcome"] == Outcome.FAILED
    return _ended(TestEnded(Reason.OBJECT_FOR_DATA, object_for_data(kind))) if is_of_type else result


class _Shown:
    """What is displayed for an object."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind} object>"


def _shown(value: Any, wire: LiveWire, depth: int = 20) -> Any:
    """Return a value as it can be displayed when the kernel answers no more."""
    if wire.key_of(value) or not depth:
        return _Shown(str(wire.abouts.get(wire.key_of(value), {}).get("type", ""))[:60])
    if type(value) is dict:
        return {name: _shown(part, wire, depth - 1) for name, part in value.items() if not wire.key_of(name)}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_shown(part, wire, depth - 1) for part in value)
    return value


def _run(test: LiveTest, printed: io.StringIO) -> dict[str, Any]:
    try:
        try:
            final = test.run()
        finally:
            test.end()
    except TestEnded:
        raise
    except AssertionError as error:
        return _failed(test, error)
    except NameError as error:
        if error.name in test.missing_names:
            return _nothing(test.missing_names[error.name])
        return unusable(error, test.checks)
    except MemoryError:
        return verdict(Outcome.FAILED, 0.0, "the test ran out of memory on this answer.")
    except BaseException as error:  # SystemExit too: it must not end the judge as if all were well
        return unusable(error, test.checks)
    final = None if test.wire.key_of(final) else final  # an object does not say how many points it earns
    test.ends_in_truth = isinstance(final, bool | np.bool_)
    by_truth = test.ends_in_truth if test.places.proof is None else bool(test.places.proof.get("by_truth"))
    result = credit(final, float(test.question["points"]), printed.getvalue().strip(), by_truth)
    if result["outcome"] == Outcome.GRADER_ERROR and test.places.proof is not None:  # the solution's value was none
        result = verdict(Outcome.FAILED, 0.0, result["rationale"], reason=result["reason"])
    return with_check(result, test.checks)


def _failed(test: LiveTest, error: AssertionError) -> dict[str, Any]:
    about = {} if isinstance(type(error), StudentClass) else parts(error)  # only a test's own exception has parts
    return failed(error, test.checks, about)


_FAILS = frozenset({Reason.OBJECT_FOR_DATA})
_NO_EVIDENCE = frozenset({Reason.DAMAGED, Reason.LIMIT, Reason.NOT_PLAIN_DATA})


def _ended(end: TestEnded) -> dict[str, Any]:
    """Return the verdict where the test could not go on: what the student cannot fix stays open."""
    sentence = f"{end.sentence}."
    if end.reason in _FAILS:
        return verdict(Outcome.FAILED, 0.0, sentence, reason=end.reason)
    if end.reason in _NO_EVIDENCE:
        return verdict(Outcome.NO_EVIDENCE, 0.0, sentence, reason=end.reason)
    return verdict(Outcome.OPEN, None, sentence, reason=end.reason, help=end.fix, line=end.line)
