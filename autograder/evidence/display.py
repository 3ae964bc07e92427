"""A plain value as a text that names it: one spelling for equal answers, short enough for a page.

Runs where the value is bound (in the judge's forks), so that whoever shows answers never holds a student's data.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

MAX_DISPLAYED = 400  # characters


def display(value: Any) -> str:
    """The value as Python writes it, sets in order and arrays as their shapes; cut off at `MAX_SPELLED` characters."""
    text = _text(value)
    return text if len(text) <= MAX_DISPLAYED else f"{text[: MAX_DISPLAYED - 1]}…"


def display_names(values: Mapping[str, Any]) -> str:
    """One value by itself, several with their names."""
    if len(values) == 1:
        return display(*values.values())
    return "; ".join(f"{name} = {display(value)}" for name, value in values.items())


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {_text(part)}' for key, part in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_text, value)))}}}" if value else "set()"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return _atom(value)


def _atom(value: Any) -> str:
    try:
        return "..." if value is ... else repr(value)
    except ValueError:  # an int of more digits than Python writes out
        return "a very large number"
