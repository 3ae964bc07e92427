"""Folders of the documentation, and small pieces of Markdown that several pages need."""

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parents[1]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def described(function: Callable[..., Any], level: int = 3) -> str:
    """Return a function or class as Markdown: a heading with its signature, and its docstring."""
    name = getattr(function, "__name__", str(function))
    signature = re.sub(r"\b(?:typing|collections\.abc|pathlib)\.", "", _signature(function))
    text = inspect.cleandoc(function.__doc__ or "")
    return f"{'#' * level} `{name}`\n\n```python\n{name}{signature}\n```\n\n{sections(text)}\n"


def _signature(function: Callable[..., Any]) -> str:
    try:
        return str(inspect.signature(function))
    except ValueError:  # an exception that inherits its `__init__`
        return ""


def sections(docstring: str) -> str:
    """Turn the sections of a docstring (Args, Returns, Raises) into Markdown lists."""
    lines, inside = list[str](), False
    for line in docstring.splitlines():
        if re.fullmatch(r"(Args|Returns|Raises|Attributes):", line):
            inside = True
            lines += ["", f"**{line[:-1]}**", ""]
        elif inside and line.startswith("    ") and not line.startswith("     "):
            name, found, about = line.strip().partition(": ")
            lines.append(f"* `{name}`: {about}" if found and name.isidentifier() else f"* {line.strip()}")
        else:
            inside = inside and (not line or line.startswith(" "))
            lines.append(f"  {line.strip()}" if inside and line else line)
    return "\n".join(lines)
