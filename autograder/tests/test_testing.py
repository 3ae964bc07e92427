"""The parts of `autograder.testing` that need no judge."""

from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from autograder.testing import plain_types

Pair = namedtuple("Pair", "a b")


class Text(str):
    """A text of a student's class."""


class Count(int):
    """A number of a student's class."""

    def __repr__(self) -> str:
        return "many"


@pytest.mark.parametrize(
    ("answer", "plain"),
    [
        (Text("h"), "h"),
        (np.str_("h"), "h"),
        (Count(3), 3),
        (np.float64(0.5), 0.5),
        ({Text("h"): [Text("c"), Count(1)]}, {"h": ["c", 1]}),
        (OrderedDict(a=Pair(Count(1), Text("b"))), {"a": (1, "b")}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({frozenset({Text("b")})}, {frozenset({"b"})}),
        (True, True),
        (None, None),
        (..., ...),
        ([3 + 4j, b"x"], [3 + 4j, b"x"]),
    ],
)
def test_subclasses_become_pythons_own_types(answer: Any, plain: Any) -> None:
    found = plain_types(answer)
    assert found == plain
    assert repr(found) == repr(plain)
    assert type(found) is type(plain)


def test_arrays_and_objects_stay_as_they_are() -> None:
    array, thing = np.zeros(3), object()
    found = plain_types({"a": array, "b": (thing,)})
    assert found["a"] is array
    assert found["b"][0] is thing
