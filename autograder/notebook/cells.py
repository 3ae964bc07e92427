"""A notebook's cells and what nbgrader's metadata call them."""

from collections.abc import Mapping
from typing import Any


def grade_id(cell: Mapping[str, Any]) -> str:
    """The cell's name in nbgrader's metadata; empty where there is none."""
    meta = cell.get("metadata", {}).get("nbgrader")
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else ""


def fresh_id(stem: str, used: set[str]) -> str:
    """A cell id stem-N that is not used yet."""
    number = len(used) + 1
    while f"{stem}-{number}" in used:
        number += 1
    return f"{stem}-{number}"
