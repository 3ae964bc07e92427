"""Read the names of cells from nbgrader's metadata, and make new cell ids."""

from collections.abc import Mapping
from typing import Any


def grade_id(cell: Mapping[str, Any]) -> str:
    """Return the cell's name in nbgrader's metadata, or "" if it has none."""
    meta = cell.get("metadata", {}).get("nbgrader")
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else ""


def fresh_id(stem: str, used: set[str]) -> str:
    """Return a cell id STEM-N that is not in `used`."""
    number = len(used) + 1
    while f"{stem}-{number}" in used:
        number += 1
    return f"{stem}-{number}"
