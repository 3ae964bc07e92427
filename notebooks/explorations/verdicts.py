"""Verdicts on answers and guesses: the part of `check` and `compare` that every notebook shares.

An answer that still has a `...` is unanswered; anything else is "right" or "not yet", with a sentence that says why.
Each assignment's folder has the same copy of this file.
"""

import html
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MARKS = {"right": "✓", "not yet": "✗", "not answered": "○", "recorded": "●"}
UNANSWERED = "Replace the ... in the cell above, run that cell, then run this cell again."
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
    """What a check found: "right", "not yet", "not answered" or "recorded"; `text` says why."""

    name: str
    verdict: str

    def __repr__(self) -> str:
        return f"{MARKS[self.verdict]} {self.name}: {self.verdict}. {self.text}"


def note(text: str) -> Shown:
    """Show a text; what is between backticks becomes code."""
    return Shown(text, re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text)))


def verdict(name: str, kind: str, text: str, picture: str = "") -> Verdict:
    """Make a verdict. Under nbgrader's Validate an answer that is wrong or missing raises AssertionError."""
    shown = f"<strong>{MARKS[kind]} {html.escape(name)}: {kind}.</strong> {html.escape(text)}{picture}"
    result = Verdict(text, shown, name, kind)
    if os.environ.get("NBGRADER_EXECUTION") == "validate" and kind in ("not yet", "not answered"):
        raise AssertionError(repr(result))
    return result


def unanswered(answer: Any) -> bool:
    """Return whether the answer, or any part of it, is still `...`."""
    parts = list(answer.values()) if isinstance(answer, Mapping) else answer
    if isinstance(parts, GROUPS):
        return any(map(unanswered, parts))
    return answer is ...


def kind_of(value: Any) -> str:
    """Name a value's kind in plain words, such as "a string" or "an array"."""
    if isinstance(value, np.ndarray):
        return "an array"
    if isinstance(value, int | float | complex | np.number) and not isinstance(value, bool):
        return f"the number {value!r}"
    return KINDS.get(type(value), f"a value of type {type(value).__name__}")


def compare(what: str, guess: Any, observed: Any, matches: Callable[[Any, Any], bool]) -> str:
    """Compare a guess with what was observed: a single value in one line, a dict of values as a table.

    Args:
        what: the name of what was guessed.
        guess: one value, or a dict; `...` where there is no guess yet.
        observed: one value, or a dict. A table hides a value until there is a guess for it.
        matches: tells whether a guess is right.

    Returns:
        The text to print.
    """
    if isinstance(observed, Mapping):
        return _table(guess if isinstance(guess, Mapping) else {}, observed, matches)
    if unanswered(guess):
        return f"{what}: no guess yet; it is {plain(observed)}."
    if matches(guess, observed):
        return f"{what}: You guessed {plain(guess)}: correct."
    return f"{what}: You guessed {plain(guess)}; it is {plain(observed)}."


def _table(guesses: Mapping[str, Any], observed: Mapping[str, Any], matches: Callable[[Any, Any], bool]) -> str:
    width = max(map(len, observed))
    lines = [f"{'':2}{'':{width}}  {'result':<22}your prediction"]
    for case, value in observed.items():
        guess = guesses.get(case, ...)
        mark = "○" if unanswered(guess) else "✓" if matches(guess, value) else "✗"
        result, prediction = ("?", "...") if mark == "○" else (str(value), str(guess))
        lines.append(f"{mark} {case:{width}}  {result:<22}{prediction}")
    return "\n".join(lines)


def plain(value: Any) -> str:
    """Write a guess in one form: `"output"`, `["Output"]` and `("output",)` are the same, as are 3, 3.0 and `"3"`."""
    words = re.findall(r"[\w.-]+", str(value).lower())[:8]
    return ", ".join(word.removesuffix(".0") for word in words if word != "and")
