"""What a page says of a master notebook: what its questions are called, which answers they are of, its axes' names."""

import ast
from collections.abc import Iterator

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.notebook.cells import grade_id
from autograder.notebook.source import parse


def titles(master: NotebookNode) -> dict[str, str]:
    """By grade_id the last heading of the course's own before each cell."""
    found, title = {}, ""
    for cell in master.cells:
        if cell.cell_type == "markdown" and is_locked(cell):
            heads = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            title = heads[-1].replace("`", "") if heads else title
        written = " (in your own words)" if cell.cell_type == "markdown" else ""
        found[grade_id(cell)] = f"{title}{written}" if title else ""
    return found


def answers_of(master: NotebookNode) -> dict[str, list[str]]:
    """By grade_id of a test the answer cells since the test before: where a reader's comment on it may stand."""
    found: dict[str, list[str]] = {}
    answers: list[str] = []
    for cell in master.cells:
        if is_grade(cell) and not is_solution(cell):
            found[grade_id(cell)], answers = answers, []
        elif is_solution(cell) and not is_grade(cell):
            answers.append(grade_id(cell))
    return found


def axes_of(master: NotebookNode) -> dict[int, str]:
    """Names of sizes: what the course's own cells bind to a whole number that nothing else is bound to."""
    names: dict[int, set[str]] = {}
    for cell in master.cells:
        for name, size in _sizes(cell.source) if cell.cell_type == "code" and is_locked(cell) else ():
            names.setdefault(size, set()).add(name)
    return {size: found.pop() for size, found in names.items() if len(found) == 1}


def _sizes(source: str) -> Iterator[tuple[str, int]]:
    """`rows, columns = 1, 3` and `columns = 3` → (rows, 1), (columns, 3)."""
    try:
        statements = parse(source).body
    except SyntaxError:  # such as a magic
        return
    for node in statements:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            names, values = (target.elts, value.elts) if both else ([target], [value])  # type: ignore[attr-defined]
            for name, size in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and isinstance(size, ast.Constant) and type(size.value) is int:
                    yield name.id, size.value
