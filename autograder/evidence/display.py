"""Display a plain value for people, read it again, and detect unanswered ones.

Equal answers get the same text, short enough for a page. This runs in the judge's forks, where the value is, so the
code that shows answers never handles a student's data.
"""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograder.text import shorten

MAX_DISPLAYED = 400  # characters


def is_unanswered(value: Any) -> bool:
    """Return whether a value, or a part of it, is the unanswered `...`."""
    if isinstance(value, dict):
        value = list(value.values())
    return any(map(is_unanswered, value)) if isinstance(value, list | tuple | set | frozenset) else value is ...


def is_blank(value: Any) -> bool:
    """Return whether a value is the unanswered `...`, or nothing but such parts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return bool(value) and all(map(is_blank, value))
    return value is ...


def display(value: Any) -> str:
    """Write a value as Python does, in at most `MAX_DISPLAYED` characters; sets sorted, arrays and tables as shapes."""
    return shorten(_text(value), MAX_DISPLAYED)


def display_names(values: Mapping[str, Any]) -> str:
    """Display a single value alone, and several values with their names."""
    if len(values) == 1:
        return display(*values.values())
    return "; ".join(f"{name} = {display(value)}" for name, value in values.items())


def read_displayed(text: str) -> Any:
    """Return the value that `display` wrote; None if the text does not have it, as for an array or a shortened text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.shape:
        return f"array of shape {value.shape}"
    if isinstance(value, np.ndarray | np.generic):
        return _scalar(value)
    if type(value).__module__.partition(".")[0] == "pandas" and isinstance(getattr(value, "shape", None), tuple):
        return f"{type(value).__name__} of shape {value.shape}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {_text(part)}' for key, part in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_text, value)))}}}" if value else "set()"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return _atom(value)


def _scalar(value: Any) -> str:
    """Write a NumPy number as Python's, a date as NumPy prints it."""
    return str(value) if value.dtype.kind in "mM" else _text(value.item())


def _atom(value: Any) -> str:
    try:
        return "..." if value is ... else repr(value)
    except ValueError:  # an int with more digits than Python prints
        return "a very large number"
