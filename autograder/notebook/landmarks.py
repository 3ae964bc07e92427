"""Read from a source notebook what pages show: the titles of questions, their answer cells, the names of axes."""

import ast
from collections.abc import Iterator

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.notebook.cells import grade_id
from autograder.notebook.source import parse


def titles(source: NotebookNode) -> dict[str, str]:
    """Return, by grade_id, the last heading in a locked cell before (or in) each cell."""
    headings, title = {}, ""
    for cell in source.cells:
        if cell.cell_type == "markdown" and is_locked(cell):
            heads = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            title = heads[-1].replace("`", "") if heads else title
        written = " (in your own words)" if cell.cell_type == "markdown" else ""
        headings[grade_id(cell)] = f"{title}{written}" if title else ""
    return headings


def answers_of(source: NotebookNode) -> dict[str, list[str]]:
    """Return, by the grade_id of each test cell, the answer cells since the previous test cell.

    An instructor's comment on the test may be on any of these cells.
    """
    by_test: dict[str, list[str]] = {}
    answers: list[str] = []
    for cell in source.cells:
        if is_grade(cell) and not is_solution(cell):
            by_test[grade_id(cell)], answers = answers, []
        elif is_solution(cell) and not is_grade(cell):
            answers.append(grade_id(cell))
    return by_test


def axes_of(source: NotebookNode) -> dict[int, str]:
    """Return the names of sizes: integers that locked cells assign to exactly one name."""
    by_size: dict[int, set[str]] = {}
    for cell in source.cells:
        for name, size in _sizes(cell.source) if cell.cell_type == "code" and is_locked(cell) else ():
            by_size.setdefault(size, set()).add(name)
    return {size: names.pop() for size, names in by_size.items() if len(names) == 1}


def _sizes(source: str) -> Iterator[tuple[str, int]]:
    """Yield each name that is assigned an integer: for `rows, columns = 1, 3`, (rows, 1) and (columns, 3)."""
    try:
        statements = parse(source).body
    except SyntaxError:  # for example an IPython magic
        return
    for node in statements:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            names, values = (target.elts, value.elts) if both else ([target], [value])  # type: ignore[attr-defined]
            for name, size in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and isinstance(size, ast.Constant) and type(size.value) is int:
                    yield name.id, size.value
