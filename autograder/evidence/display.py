"""Display a plain value for people, and detect unanswered ones.

Equal answers get the same text, short enough for a page. This runs in the judge's forks, where the value is, so the
code that shows answers never handles a student's data.
"""

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


def display(value: Any) -> str:
    """Write the value as Python does, with sets sorted and arrays as shapes, in at most `MAX_DISPLAYED` characters."""
    return shorten(_text(value), MAX_DISPLAYED)


def display_names(values: Mapping[str, Any]) -> str:
    """Display a single value alone, and several values with their names."""
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
    except ValueError:  # an int with more digits than Python prints
        return "a very large number"
