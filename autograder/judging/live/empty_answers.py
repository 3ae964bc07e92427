"""Run a test on empty answers. One that passes has not looked at the answer: `for x in squares: assert x > 0`.

This runs in a fork of the judge, once for each test and answer when tests are proved, and without a kernel: the answer
is None, [], 0 or "" in turn, or a function that returns it; the others are the solution's data. A test that needs an
object of the notebook for anything else ends there, and counts as one that did not pass.
"""

import copy
from collections.abc import Callable
from typing import Any

from autograder.judging.credit import verdict
from autograder.judging.live.runner import LiveTest
from autograder.judging.live.verdicts import passes
from autograder.model import Outcome, Reason

EMPTY: tuple[Any, ...] = (None, [], 0, "")


class _RightAnswerError(BaseException):
    """The empty value is the solution's own."""


def judge_empty(question: dict[str, Any]) -> dict[str, Any]:
    """Return a verdict that is `passed` if the test passes for an empty answer `question["instead"]`.

    Its rationale says for which, such as "`f` returns [] or 0".
    """
    name, verbs = question["instead"], set[str]()
    values = [repr(empty) for empty in EMPTY if _passes(question, name, empty, verbs)]
    if not values:
        return verdict(Outcome.FAILED, 0.0)
    listed = " or ".join([*filter(None, [", ".join(values[:-1])]), values[-1]])
    return verdict(Outcome.PASSED, 0.0, f"`{name}` {verbs.pop()} {listed}")


def _passes(question: dict[str, Any], name: str, empty: Any, verbs: set[str]) -> bool:
    test = LiveTest(question, lambda text: str(test.wire.end(Reason.NOT_SUPPORTED, "no kernel answers")))

    def stand_in(value: Any) -> Any:
        is_object = bool(test.wire.key_of(value))
        verbs.add("returns" if is_object else "is")
        if not is_object and _equal(value, empty):
            raise _RightAnswerError
        return _returning(empty) if is_object else copy.copy(empty)

    test.stand_ins[name] = stand_in
    try:
        return passes(test)
    except _RightAnswerError:
        return False


def _returning(value: Any) -> Callable[..., Any]:
    def function(*args: Any, **keywords: Any) -> Any:
        return copy.copy(value)

    function.__module__ = "__main__"  # a function of the test's own, which the judge lets it call
    return function


def _equal(value: Any, empty: Any) -> bool:
    try:
        return bool(value == empty)
    except Exception:
        return False
