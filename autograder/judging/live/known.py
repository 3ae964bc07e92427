"""Keep what both sides know by key: the test's shared containers, its own objects, and references to the notebook's.

A key that begins with `k` was made by the kernel, one with `j` by the test. The test that these belong to ends early
with a `TestEnded`, the first of which is kept: a test that catches the exception still does not pass.
"""

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any, Protocol

from autograder.evidence.reader_leaves import DamageError
from autograder.evidence.server.shared import Objects
from autograder.judging.seal import TEST
from autograder.model import Reason


class TestEnded(BaseException):
    """The test cannot go on. Not an Exception, so that a test's `except Exception` does not catch it."""

    __test__ = False

    def __init__(self, reason: Reason, sentence: str, fix: str = "") -> None:
        super().__init__(sentence)
        self.reason, self.sentence, self.fix = reason, sentence, fix
        self.line = _line()


def _line() -> int:
    """Return the line of the test that is running now; 0 if none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != TEST:
        frame = frame.f_back
    return frame.f_lineno if frame else 0


class JudgeObjects(Objects):
    """What this side knows, by key."""

    def __init__(self, locked: dict[str, type]) -> None:
        super().__init__(locked, "j")
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return
        self.kinds |= {pandas.DataFrame: "frame", pandas.Series: "frame"}

    def forget(self, keys: Iterable[str]) -> None:
        """Forget objects that were not sent after all."""
        for key in keys:
            self.keys.pop(id(self.objects.pop(key)), None)


class Maker(Protocol):
    """Make what stands here for the notebook's objects and exceptions."""

    def __call__(self, wire: Any, key: str, about: dict[str, Any]) -> Any:
        """Return the reference for a key, from what the kernel says of the object."""

    def exception(self, wire: Any, raised: dict[str, Any]) -> BaseException:
        """Return what the student's code raised as an exception of this process."""

    def warning(self, wire: Any, lineage: Any) -> type[Warning]:
        """Return the class of a warning of the student's code."""


class Known:
    """What both sides know of one test, or of a notebook's tests if these share names."""

    def __init__(self, make: Maker) -> None:
        self.make = make
        self.objects = JudgeObjects({})
        self.refs: dict[str, Any] = {}
        self.abouts: dict[str, dict[str, Any]] = {}
        self.ids: dict[int, str] = {}  # of references
        self.backs: dict[str, Any] = {}
        self.classes: dict[str, type] = {}
        self.fault: TestEnded | None = None

    def lock_classes(self, classes: dict[str, type]) -> None:
        """Declare the locked cells' classes; each test of a notebook defines them again."""
        self.classes = classes
        self.objects.classes.update({kind: name for name, kind in classes.items()})

    def key_of(self, value: Any) -> str:
        """Return the key of a reference; "" for anything else."""
        key = self.ids.get(id(value), "")
        return key if key and self.refs.get(key) is value else ""  # an id may be that of an object long gone

    def by_key(self, key: str) -> Any:
        """Return the object with this key."""
        if key in self.objects.objects:
            return self.objects.objects[key]
        raise DamageError("a key of nothing")

    def locked_class(self, name: str) -> type:
        """Return a class of a locked cell."""
        if name in self.classes:
            return self.classes[name]
        raise DamageError("a class of nothing")

    def reference(self, key: str) -> Any:
        """Return the reference with this key: always the same object."""
        if key not in self.refs:
            if key not in self.abouts:
                raise DamageError("a reference to nothing")
            try:
                self.keep(key, self.make(self, key, self.abouts[key]))
            except (ValueError, TypeError, LookupError, AttributeError) as error:  # what the kernel says is not a class
                raise DamageError("an object of unknown form") from error
        return self.refs[key]

    def keep(self, key: str, reference: Any) -> Any:
        """Remember a reference by its key."""
        self.refs[key] = reference
        self.ids[id(reference)] = key
        return reference

    def back(self, value: Any) -> str:
        """Return the key of a function or object of the test; a new one is added."""
        key = self.objects.keys.get(id(value)) or self.objects.new_key()
        self.objects.add(key, value)
        self.backs[key] = value
        return key

    def end(self, reason: Reason, sentence: str, fix: str = "") -> Any:
        """End the test; `fix` tells the instructor what to write instead."""
        self.fault = self.fault or TestEnded(reason, sentence, fix)
        raise self.fault
