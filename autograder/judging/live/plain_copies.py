"""Use plain copies of objects where the solution had data, so that data is compared and no object is asked.

An object can stand for data if its class is a subclass of list, str or the like, or if it is a number of a library,
such as one of sympy's. It is copied once, so that all that a test reads of it agrees. A number of the student's own
class is copied, too, but the verdict depends on it (`own_numbers`).
"""

import contextlib
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autograder.judging.live.places import DATA

if TYPE_CHECKING:
    from autograder.judging.live.operations import LiveWire

_NUMBERS = frozenset({"float", "index"})  # an object with one of these can stand for a number
OF_NUMBERS = (abs, float, int, round, complex, operator.index, operator.neg, operator.pos)
_PLAIN = frozenset(
    f"builtins:{name}" for name in "list tuple dict set frozenset str int float complex bytes bytearray".split()
) | {"numpy:ndarray", "pandas.core.frame:DataFrame", "pandas.core.series:Series"}


class PlainCopies:
    """The plain copies of one run of a test."""

    def __init__(self, wire: "LiveWire") -> None:
        self.wire = wire
        self.copies: dict[str, Any] = {}
        self.own_numbers: set[str] = set()  # classes of the student's own whose objects were read as numbers

    def forget(self) -> None:
        """Begin another run of the test."""
        self.copies.clear()
        self.own_numbers.clear()

    def copy_of(self, value: Any, allowed: str = DATA) -> Any:
        """Return the plain copy of a referenced object, such as one of a subclass of list; raise if there is none."""
        key = self.wire.key_of(value)
        if key and key not in self.copies:
            is_number = self.is_number(value, allowed)
            self.copies[key] = self._number(value) if is_number else self.wire.request("data", value)
        return self.copies[key] if key else value

    def is_number(self, value: Any, allowed: str) -> bool:
        """Return whether an object can stand for a number: one of sympy's, say, or a student's own for plain data."""
        own = self._home(value)
        if own == "builtins" or (own == "__main__" and allowed != DATA) or self.has_plain_base(value):
            return False
        return bool(_NUMBERS.intersection(self.wire.abouts.get(self.wire.key_of(value), {}).get("has", ())))

    def _home(self, value: Any) -> str:
        """Return the module of an object's class."""
        return str((self.wire.abouts.get(self.wire.key_of(value), {}).get("mro") or ["__main__:"])[0]).partition(":")[0]

    def _number(self, value: Any) -> Any:
        """Return an object as a plain number: that is compared then, and not the object asked."""
        about = self.wire.abouts[self.wire.key_of(value)]
        function = operator.index if "index" in about["has"] else float
        if self._home(value) != "__main__":
            number = self.wire.request("call", function, (value,), {}, {})
            return number if type(number) in (int, float) else self.wire.refuse(DATA, value)
        self.own_numbers.add(about["type"])
        with contextlib.suppress(Exception):  # whatever the student's method raises
            numbers = [self.wire.request("call", function, (value,), {}, {}) for _ in range(2)]
            if all(type(number) in (int, float) for number in numbers) and numbers[0] == numbers[1]:
                return numbers[0]
        return self.wire.refuse(DATA, value)

    def has_plain_base(self, subject: Any) -> bool:
        return any(path in _PLAIN for path in self.wire.abouts.get(self.wire.key_of(subject), {}).get("mro", ()))

    def instead(self, allowed: str, function: Any, subject: Any, *args: Any) -> Any:
        """Do an operation with plain copies where the solution had data."""
        others = [arg for arg in args if not self.wire.key_of(arg)]
        if self.has_plain_base(subject) or (self.is_number(subject, allowed) and all(map(_is_plain_number, others))):
            return function(*(self.copy_of(arg, allowed) for arg in args))
        return self.wire.refuse(allowed, subject)


class Items:
    """The items of an iterable object, each fetched once."""

    def __init__(self, source: Any) -> None:
        self.source, self.items = source, list[Any]()

    def __iter__(self) -> Iterator[Any]:
        position = 0
        while True:
            if position == len(self.items):
                try:
                    self.items.append(next(self.source))
                except StopIteration:
                    return
            yield self.items[position]
            position += 1


def _is_plain_number(value: Any) -> bool:
    return isinstance(value, int | float | complex) or type(value).__module__ == "numpy"
