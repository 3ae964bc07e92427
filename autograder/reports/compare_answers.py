"""Compare an answer with the right one, part by part. Parts that are shapes can be drawn."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.evidence.display import display, read_displayed

MOST_AXES = 4
MOST = 10**6  # larger numbers are not treated as the size of an axis
_NAMED = re.compile(r"(?:^|; )[^\W\d]\w* = ")  # between several answers, as `display_names` writes them

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Pair:
    """One part of an answer: the given text ("" for none), the right one, and both as shapes where they are shapes."""

    name: str
    given: str
    expected: str
    given_shape: Shape | None = None
    expected_shape: Shape | None = None

    @property
    def is_same(self) -> bool:
        """Is this part right?"""
        return self.given == self.expected


def compare_answers(given: str, expected: str, partly: bool = False) -> tuple[Pair, ...]:
    """Compare an answer with the right one, both as written by `display`.

    Args:
        given: The answer, or several with their names, of which the one of the same type is compared.
        expected: The right answer.
        partly: The answer earned some of its points, and `expected` has only the parts that it lost.

    Returns:
        A pair for each entry if the right answer is a dict; else one pair.
    """
    right = read_displayed(expected)
    given = _alike(given, right)
    mine = read_displayed(given)
    if partly and isinstance(mine, dict) and isinstance(right, dict):
        right = {name: right.get(name, part) for name, part in mine.items()} | right
    if not isinstance(right, dict):
        return (_pair("", given, expected, mine, right),)
    if not isinstance(mine, dict):
        whole = mine if shape_of(mine) is not None else None  # one shape is compared with every entry
        if whole is None:
            return (_pair("", given, expected, mine, right),)
        mine = dict.fromkeys(right, whole)
    return tuple(_entry(name, mine, right) for name in [*right, *(name for name in mine if name not in right)])


def _alike(given: str, right: Any) -> str:
    """Return that one of several named answers which has the type of the right one; all of them if it is not clear."""
    alike = [text for text in _NAMED.split(given)[1:] if type(read_displayed(text)) is type(right)]
    return alike[0] if len(alike) == 1 and right is not None and _NAMED.match(given) else given


def shape_of(value: Any) -> Shape | None:
    """Return a tuple or list of up to four sizes as a shape; None for anything else."""
    if not isinstance(value, tuple | list) or not 1 <= len(value) <= MOST_AXES:
        return None
    sizes = all(isinstance(size, int) and not isinstance(size, bool) and 0 <= size < MOST for size in value)
    return tuple(value) if sizes else None


def _entry(name: Any, mine: Mapping[Any, Any], right: Mapping[Any, Any]) -> Pair:
    given = display(mine[name]) if name in mine else ""
    expected = display(right[name]) if name in right else ""
    return _pair(str(name), given, expected, mine.get(name), right.get(name))


def _pair(name: str, given: str, expected: str, mine: Any, right: Any) -> Pair:
    both = shape_of(right) is not None  # if the right answer is not a shape, neither is drawn
    return Pair(name, given, expected, shape_of(mine) if both else None, shape_of(right))
