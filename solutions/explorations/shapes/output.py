"""Verdicts on answers and guesses: the part of `check` and `compare` that every notebook shares.

An answer that still has a `...` is unanswered; anything else is "right" or "not yet", with a sentence that says why.
"""

import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MARKS = {"right": "✓", "not yet": "✗", "not answered": "○"}
UNANSWERED = "Replace the ... in the cell above, run that cell, then run this cell again."
NO_GUESS = "no guess yet. Type one above, run that cell, then this one."
TOLERANCE = 1e-5  # two runs of one layer differ in the last bits
MOST_QUOTED = 60  # characters of an answer that a message repeats
GROUPS = (list, tuple, set, frozenset)
KINDS = {
    str: "a string",
    bool: "True or False",
    list: "a list",
    tuple: "a tuple",
    set: "a set",
    frozenset: "a set",
    dict: "a dict",
    type(None): "None",
}


@dataclass(frozen=True)
class Shown:
    """What a cell shows: a text, and HTML that says the same in a notebook."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'<div role="status" style="border-left:4px solid currentColor;padding:.2em .8em">{self.html}</div>'


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """What a check found: "right", "not yet" or "not answered" ("" during grading); `text` says why."""

    name: str
    verdict: str

    def __repr__(self) -> str:
        return f"{MARKS[self.verdict]} {self.name}: {self.verdict}. {self.text}" if self.verdict else self.text


def note(text: str) -> Shown:
    """Show a text; what is between backticks becomes code."""
    return Shown(text, coded(text))


def coded(text: str) -> str:
    """Return a text as HTML; what is between backticks becomes code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


def verdict(name: str, kind: str, text: str, picture: str = "") -> Verdict:
    """Make a verdict. Under nbgrader's Validate an answer that is wrong or missing raises AssertionError."""
    shown = f"<strong>{MARKS[kind]} {html.escape(name)}: {kind}.</strong> {html.escape(text)}{picture}"
    result = Verdict(text, shown, name, kind)
    if os.environ.get("NBGRADER_EXECUTION") == "validate" and kind != "right":
        raise AssertionError(repr(result))
    return result


def grading() -> bool:
    """Return whether the notebook is being graded: the hidden tests then judge, and nothing is written."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


def unanswered(answer: Any) -> bool:
    """Return whether the answer, or any part of it, is still `...`."""
    parts = list(answer.values()) if isinstance(answer, Mapping) else answer
    if isinstance(parts, GROUPS):
        return any(map(unanswered, parts))
    return answer is ...


def kind_of(value: Any) -> str:
    """Name a value's kind in plain words, such as "a string" or "an array"."""
    if is_array(value):
        return "an array"
    if isinstance(value, int | float | complex | np.number) and not isinstance(value, bool):
        return f"the number {value!r}"
    return KINDS.get(type(value), f"a value of type {type(value).__name__}")


def is_array(value: Any) -> bool:
    """Return whether a value is an array or a tensor with at least one axis."""
    return hasattr(value, "__array__") and bool(getattr(value, "shape", ()))


def quoted(value: Any) -> str:
    """Return a value as it was typed, shortened; the names in a set are sorted, and arrays are not spelled out."""
    if is_array(value):
        return "an array"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(repr, value)))}}}"
    text = " ".join(repr(value).split())
    return text if len(text) <= MOST_QUOTED else f"{text[: MOST_QUOTED - 1]}…"


# --- guesses and results --------------------------------------------------------------------------------------------


def compare_values(what: str, guess: Any, observed: Any) -> Shown:
    """Compare a guess with what was observed: a single value in one line, a dict of values as a table.

    Args:
        what: the name of what was guessed.
        guess: one value, or a dict; `...` where there is no guess yet. An observed value is shown only for a guess.
        observed: one value, or a dict.

    Returns:
        What a cell shows or prints.
    """
    if isinstance(observed, Mapping):
        return _table(what, guess if isinstance(guess, Mapping) else {}, observed)
    if unanswered(guess):
        return note(f"{what}: {NO_GUESS}")
    if same_guess(guess, observed):
        return note(f"{what}: You guessed {plain(guess)}: correct.")
    return note(f"{what}: You guessed {plain(guess)}; it is {plain(observed)}.")


def _table(what: str, guesses: Mapping[str, Any], observed: Mapping[str, Any]) -> Shown:
    width, rows = max(map(len, observed)), []
    for case, value in observed.items():
        guess = guesses.get(case, ...)
        mark = "○" if unanswered(guess) else "✓" if same_guess(guess, value) else "✗"
        result, prediction = ("?", "...") if mark == "○" else (str(value), str(guess))
        rows.append((mark, case, result, prediction))
    lines = [f"{'':2}{'':{width}}  {'result':<22}your prediction"]
    lines += [f"{mark} {case:{width}}  {result:<22}{prediction}" for mark, case, result, prediction in rows]
    if any(mark == "○" for mark, *_ in rows):
        lines.append("○ no guess yet. Type one above, run that cell, then this one.")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", html.escape(what), "result", "your prediction"))
    cells = "".join(
        f'<tr><td>{mark}</td><th scope="row">{html.escape(case)}</th>'
        f"<td>{html.escape(result)}</td><td>{html.escape(prediction)}</td></tr>"
        for mark, case, result, prediction in rows
    )
    foot = f"<p>{lines[-1]}</p>" if len(lines) > len(rows) + 1 else ""
    return Shown("\n".join(lines), f"<table><tr>{head}</tr>{cells}</table>{foot}")


def plain(value: Any) -> str:
    """Write a guess in one form: `"output"`, `["Output"]` and `("output",)` are the same, as are 3, 3.0 and `"3"`."""
    return ", ".join(_words(value)[:8])


def _words(value: Any) -> list[str]:
    words = re.findall(r"[\w.-]+", str(value).lower())
    return [word.removesuffix(".0") for word in words if word != "and"]


def same_guess(guess: Any, observed: Any) -> bool:
    """Return whether a guess is what was observed, however it is written; arrays are compared to 1e-5."""
    return value_fault(guess, observed) == "" or (not is_array(observed) and _words(guess) == _words(observed))


def value_fault(given: Any, observed: Any) -> str:
    """Return the first mistake in a prediction, in a sentence that does not show the result; "" if there is none.

    Args:
        given: the learner's value.
        observed: the result: a shape, a number, a string, an array, a tuple, or a dict of them.
    """
    if isinstance(observed, Mapping):
        return _dict_fault(given, observed)
    if is_array(observed):
        return _array_fault(given, np.asarray(observed))
    if isinstance(observed, tuple) and all(isinstance(length, int) for length in observed):
        return _size_fault(given, observed)
    if isinstance(observed, tuple):
        wrong = not isinstance(given, list | tuple) or len(given) != len(observed)
        return f"Give {len(observed)} values." if wrong else next(filter(None, map(value_fault, given, observed)), "")
    if isinstance(observed, float | np.floating) and isinstance(given, int | float | np.number):
        return "" if abs(given - observed) <= TOLERANCE else f"{given!r} does not match the result."
    same = isinstance(given, bool) == isinstance(observed, bool) and not is_array(given) and given == observed
    return "" if same else f"{quoted(given)} does not match the result."


def _dict_fault(given: Any, observed: Mapping[str, Any]) -> str:
    if not isinstance(given, Mapping) or set(given) != set(observed):
        return f"Give a dict with one value for each of: {', '.join(observed)}."
    faults = ((name, value_fault(given[name], value)) for name, value in observed.items())
    return next((f"{name}: {mistake}" for name, mistake in faults if mistake), "")


def _size_fault(given: Any, observed: tuple[int, ...]) -> str:
    if not (isinstance(given, list | tuple) or hasattr(given, "as_list")):  # TensorShape has as_list
        return f"You gave {kind_of(given)}; a shape is needed: a tuple with one size for each axis."
    if len(given) != len(observed):
        count = "1 axis" if len(given) == 1 else f"{len(given)} axes"
        return f"You gave {count}, {quoted(tuple(given))}; the result has {len(observed)}."
    wrong = [i for i, (length, right) in enumerate(zip(given, observed, strict=True)) if length != right]
    return f"In {quoted(tuple(given))} axis {wrong[0]} has the wrong size." if wrong else ""


def _array_fault(given: Any, observed: np.ndarray) -> str:
    try:
        array = np.asarray(given, dtype=observed.dtype if observed.dtype.kind in "US" else float)
    except (TypeError, ValueError):
        return f"You gave {kind_of(given)}; an array of numbers is needed."
    if wrong := _size_fault(array.shape, observed.shape):
        return wrong
    same = np.array_equal(array, observed) or (
        observed.dtype.kind in "biuf" and np.allclose(array, observed, rtol=0, atol=TOLERANCE, equal_nan=True)
    )
    return "" if same else "The shape is right, but the values differ."
