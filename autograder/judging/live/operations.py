"""Decide what a test may do with the notebook's objects, and have the kernel do it.

Reading an object is free; every operation that shows it the test's data asks `places` first. Where the solution had
data, a plain copy takes part in the object's place, or the test ends.
"""

import builtins
import operator
import sys
from collections.abc import Callable
from typing import Any

from autograder.judging.live.classes import Lineage, import_path, of_library
from autograder.judging.live.files import SharedFiles
from autograder.judging.live.places import DATA, OPEN, Places
from autograder.judging.live.plain_copies import OF_NUMBERS, Items, PlainCopies
from autograder.judging.live.references import Reference, References
from autograder.judging.live.wire import Wire
from autograder.model import Reason

_SEEN_TYPES = (int, float, str, bytes, bool, complex)
_VIEWS = ("builtins:mappingproxy", "builtins:memoryview")  # Python's own types that hold data, and are no data here
_ORIGINALS = {
    "builtins.input": builtins.input,
    "builtins.print": builtins.print,
    "builtins.open": builtins.open,
    "time.sleep": __import__("time").sleep,
    **{f"random.{name}": getattr(__import__("random"), name) for name in ("random", "randint", "choice", "shuffle")},
}


class LiveWire(Wire):
    """The wire with references, which ask `places` before an object sees the test's data."""

    def __init__(self, ask: Callable[[str], str], places: Places) -> None:
        super().__init__(ask, References())
        self.places = places
        self.cache: dict[Any, Any] = {}
        self.types: dict[Any, type] = {}
        self.exceptions: dict[str, type] = {}
        self.kinds: dict[Lineage, type | None] = {}  # classes by lineage
        self.unproved_change = False
        self.arguments: tuple[int, ...] = ()  # of the call that the kernel runs now, by id
        self.plain = PlainCopies(self)
        self.items: dict[str, Items] = {}
        self.exhausted: set[str] = set()
        self.differences: set[str] = set()  # objects that are the difference of two others
        self.files: SharedFiles | None = None
        self.stateful: frozenset[str] = frozenset()
        self.before: Callable[[], None] = lambda: None  # called before student code runs
        self.used = 0  # requests that the test made

    def reset(self, ignore_changes: bool, stateful: frozenset[str] = frozenset()) -> None:
        """Begin another run of the test; modules that keep state are the student's."""
        self.stateful = stateful
        self.fault = None  # of an earlier test
        self.assertions.clear()
        for known in (self.cache, self.fresh, self.items, self.exhausted, self.differences):
            known.clear()
        self.plain.forget()
        self.unproved_change, self.ignore_changes, self.used = False, ignore_changes, 0

    def lock_classes(self, classes: dict[str, type]) -> None:
        """Declare the locked cells' classes."""
        super().lock_classes(classes)
        self.kinds.clear()

    def patches(self) -> dict[str, Any]:
        """Return the names that the test has replaced, such as `builtins.input`."""
        return {
            name: value
            for name, before in _ORIGINALS.items()
            if (value := getattr(sys.modules[name.split(".")[0]], name.split(".")[1])) is not before
        }

    def call(self, function: Any, *args: Any, **keywords: Any) -> Any:
        """Have the kernel call a function. What was read before may have changed."""
        self.cache.clear()
        self.used += 1
        before, self.arguments = self.arguments, tuple(map(id, args))
        try:
            return self._do("call", function, args, keywords)
        finally:
            self.arguments = before

    def _result(self, reply: dict[str, Any]) -> Any:
        try:
            return super()._result(reply)
        finally:
            known = [self.places.change(self._argument(key)) for key in self.changed]  # each one is noted
            if not all(known):
                self.unproved_change = True

    def _argument(self, key: str) -> str:
        """Return which argument of the running call an object of the test is: its position, or "" for none."""
        changed = id(self.backs[key] if key in self.backs else self.objects.objects[key])
        return str(self.arguments.index(changed)) if changed in self.arguments else ""

    def read(self, function: Any, *args: Any) -> Any:
        """Have the kernel read an object; the same question gets the same answer until the student's code runs."""
        try:
            key = (function, *(id(arg) if self.key_of(arg) else arg for arg in args))
            if key in self.cache:
                return self.cache[key]
        except TypeError:
            key = None
        self.used += 1
        value = self._do("call", function, args, {})
        if key is not None and isinstance(value, _SEEN_TYPES):
            self.cache[key] = value
        return value

    def look(self, function: Any, subject: Any, *args: Any) -> Any:
        """Read an object. Where the solution had data, its plain copy is read, so that all that is read agrees."""
        allowed = self.places.meet("read")
        if allowed == OPEN:
            if function in (abs, float, round) and self.key_of(subject) in self.differences:
                self.places.decide()
            return self.read(function, subject, *args)
        if self.plain.has_plain_base(subject) or (function in OF_NUMBERS and self.plain.is_number(subject, allowed)):
            return function(self.plain.copy_of(subject, allowed), *args)
        if function is getattr:
            return self.read(function, subject, *args)
        has = self.abouts[self.key_of(subject)]["has"]
        if function is len and "iter" in has and "next" not in has:
            return len([*self.iterate(subject)])
        return self.refuse(allowed, subject)

    def iterate(self, subject: Any) -> Any:
        """Return an iterator over an object. Where the solution had data, each one returns the same items."""
        if self.places.meet("read") == OPEN:
            return self.call(iter, subject)
        if self.plain.has_plain_base(subject):
            return iter(self.plain.copy_of(subject))
        key = self.key_of(subject)
        if key not in self.items:
            iterator = self.call(iter, subject)
            if iterator is subject:
                return subject
            self.items[key] = Items(iterator)
        return iter(self.items[key])

    def following(self, iterator: Any) -> Any:
        """Return the next item. Where the solution had data, an iterator that has ended stays so."""
        if self.places.meet("read") == OPEN:
            return self.call(next, iterator)
        if self.key_of(iterator) in self.exhausted:
            raise StopIteration
        try:
            return self.call(next, iterator)
        except StopIteration:
            self.exhausted.add(self.key_of(iterator))
            raise

    def leave(self, manager: Any, kind: Any, error: Any) -> bool:
        """Leave a `with` block. Where the solution's object swallowed no exception, none is swallowed."""
        swallows = bool(self.call(operator.methodcaller("__exit__", kind, error, None), manager))
        return self.may_swallow(swallows, error)

    def may_swallow(self, swallows: bool, error: Any) -> bool:
        """Return whether an object may swallow an exception here."""
        return swallows and error is not None and self.places.meet("swallow") == OPEN

    def wait(self, awaitable: Any) -> Any:
        """Have the kernel finish a coroutine."""
        self.cache.clear()
        self.used += 1
        return self._do("await", awaitable)

    def _do(self, what: str, *args: Any) -> Any:
        """Have student code run, with what the test has replaced, and with the files of both sides."""
        self.before()
        if self.files is not None:
            self.files.send()
        try:
            return self._own(self.request(what, *args, self.patches()))
        except (StopIteration, StopAsyncIteration) as error:
            if args[0] is next or args[0] is anext:  # not `in`: an object would be compared
                raise
            raise RuntimeError(f"the answer raised {type(error).__name__}") from error  # else it would end a loop
        finally:
            if self.files is not None and self.fault is None:
                self.files.fetch()

    def _own(self, value: Any) -> Any:
        """Return what a reference stands for if the solution's run had the same part of a library at this place."""
        path = self.abouts.get(self.key_of(value), {}).get("library") if isinstance(value, Reference) else None
        return value if not path else self.places.library(path, lambda: of_library(path, self.stateful), value)

    def invoke(self, function: Any, args: Any, keywords: Any) -> Any:
        """Call an object of the notebook."""
        self.require("call", function)
        return self.call(function, *args, **keywords)

    def require(self, operation: str, subject: Any) -> None:
        """Ask whether an object may take part in an operation here; end the test if not."""
        allowed = self.places.meet(operation)
        if allowed != OPEN:
            self.refuse(allowed, subject)

    def refuse(self, allowed: str, subject: Any) -> Any:
        """End the test at an object that may not take part."""
        kind = object.__getattribute__(subject, "_about")["type"] if self.key_of(subject) else type(subject).__name__
        if allowed == DATA and not self._is_library(subject):
            self.end(Reason.OBJECT_FOR_DATA, object_for_data(kind))
        if allowed == DATA:
            self.end(Reason.OTHER_TYPE, f"your answer has an object of type {kind}, which cannot be compared here")
        self.end(Reason.UNPROVED_PLACE, "this test takes a way that the solution did not take, so it cannot be judged")

    def _is_library(self, subject: Any) -> bool:
        about = self.abouts.get(self.key_of(subject), {})
        own = str((about.get("mro") or [""])[0])
        is_known = own in _VIEWS or own.partition(":")[0] not in ("__main__", "builtins")
        return "eq" in about.get("has", ()) and is_known

    def compare(self, name: str, left: Any, right: Any) -> Any:
        """Compare an object; objects without a method of their own are equal to themselves only."""
        about = self.abouts[self.key_of(left)]
        function = getattr(operator, name)
        if name in ("eq", "ne") and "eq" not in about.get("has", ()):
            other = self.abouts.get(self.key_of(right), {})
            if not self.key_of(right) and about.get("library") and about["library"] == import_path(right):
                return name == "eq"
            if "eq" not in other.get("has", ()):
                if self.places.proof is None:
                    self.places.meet(name)
                return (left is right) == (name == "eq") if self.key_of(right) else NotImplemented
        allowed = self.places.meet(name)
        if allowed != OPEN:
            return self.plain.instead(allowed, function, left, left, right)
        return self.call(function, left, right)

    def combine(self, name: str, function: Any, left: Any, right: Any) -> Any:
        """Combine an object with another value."""
        allowed = self.places.meet(name)
        if allowed != OPEN:
            return self.plain.instead(allowed, function, left if self.key_of(left) else right, left, right)
        value = self.call(function, left, right)
        if name == "sub" and (key := self.key_of(value)):
            self.differences.add(key)
        elif name == "sub":
            self.places.decide()
        return value

    def contains(self, container: Any, value: Any) -> bool:
        """Ask whether an object contains a value."""
        allowed = self.places.meet("contains")
        if allowed != OPEN:
            return bool(self.plain.instead(allowed, operator.contains, container, container, value))
        return bool(self.call(operator.contains, container, value))

    def checks(self, name: str, function: Any, value: Any, kind: Any) -> bool:
        """Ask whether a value belongs to a class of the notebook."""
        self.require(name, kind)
        return bool(self.call(function, value, kind))

    def truth(self, value: Any) -> bool:
        """Return an object's truth value; an object whose class defines none is true."""
        has = self.abouts[self.key_of(value)].get("has", ())
        if "bool" not in has and "len" not in has:
            if self.places.proof is None:
                self.places.meet("bool")
                return True
            if self.places.meet("bool") == OPEN:
                return True
            return bool(self.refuse(DATA, value))
        allowed = self.places.meet("bool")
        if allowed != OPEN:
            return bool(self.plain.instead(allowed, bool, value, value))
        return bool(self.call(bool, value))


def object_for_data(kind: str) -> str:
    """Return the sentence on an object in the place of plain data."""
    return f"your answer has an object of type {kind} where plain data is needed"
