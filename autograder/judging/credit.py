"""Turn how a test ended into a verdict: its points, by nbgrader's rule for partial credit, and its message."""

import math
from typing import Any

import numpy as np

from autograder.model import Outcome, Reason

MAX_MESSAGE = 2000  # characters of a rationale


def verdict(outcome: Outcome, points: float | None, rationale: str = "", **more: Any) -> dict[str, Any]:
    return {"outcome": outcome, "points": points, "rationale": rationale[:MAX_MESSAGE], **more}


def parts(error: AssertionError) -> dict[str, Any]:
    """Return the mistake, the help, the expected answer and the flag, from the attributes of the test's exception."""
    parts = {"mistake": str(error), "help": "", "expected": "", "flag": ""}
    return {name: str(getattr(error, name, part))[:MAX_MESSAGE] for name, part in parts.items()}


def credit(final: Any, points: float, printed: str, by_truth: bool = False) -> dict[str, Any]:
    """Give full points, or the test's last value, from 0 to `points`: nbgrader's rule for partial credit.

    Args:
        final: The test's last value.
        points: The test's maximum.
        printed: What the test has printed.
        by_truth: Whether the last value of the solution's run is true or false: `squares(2) == [1, 4]`. Then it must be
            true.
    """
    if isinstance(final, bool | np.bool_):
        if not by_truth:
            return _no_points(f"the test's last value is {final}; it must be a number of points or None.")
        if final:
            return verdict(Outcome.PASSED, points)
        return verdict(Outcome.FAILED, 0.0, printed or "the test's last value is False.")
    if by_truth:
        return verdict(Outcome.FAILED, 0.0, f"the test's last value is of type {type(final).__name__}, not a bool.")
    if not isinstance(final, int | float | np.number):
        return verdict(Outcome.PASSED, points)
    if not math.isfinite(final):
        return _no_points(f"the test's last value is {final}, which is not a number of points.")
    given = min(max(float(final), 0.0), points)
    if given == points:
        return verdict(Outcome.PASSED, given)
    lost = getattr(final, "lost", None)  # what `autograder.testing.assert_parts` says of the other points
    error = lost if isinstance(lost, AssertionError) else AssertionError(printed)
    return verdict(Outcome.FAILED, given, str(error)) | parts(error)


def is_partial(result: dict[str, Any], points: float) -> bool:
    """Return whether a test gives some of its points, but not all."""
    return bool(result["outcome"] == Outcome.FAILED and 0 < result["points"] < points)


def not_attempted() -> dict[str, Any]:
    """Return the verdict on an answer that is still `...`, or has such a part and earns nothing with the others."""
    return verdict(Outcome.NOT_ATTEMPTED, 0.0, "not answered.")


def _no_points(sentence: str) -> dict[str, Any]:
    return verdict(Outcome.GRADER_ERROR, None, sentence, reason=Reason.LAST_VALUE)


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
