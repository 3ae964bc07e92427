"""Run a notebook's cells in this process, as a learner does: all cells, or single ones again, with other code."""

import ast
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from autograder.replay.nbval import code_cells
from autograder.tests.support import ROOT

EXPLORATIONS = ROOT / "solutions" / "explorations"
RELEASED = ROOT / "notebooks" / "explorations"
OPEN_SIGNS = ("○", "no guess yet")


def read(folder: Path, name: str) -> NotebookNode:
    """Read a notebook by its name."""
    notebook: NotebookNode = nbformat.read(folder / f"{name}.ipynb", 4)
    return notebook


def solved_cells(name: str) -> dict[str, str]:
    """Return the code of an exploration's cells with solutions, by id."""
    return {cell.id: cell.source for cell in code_cells(read(EXPLORATIONS, name)) if is_solution(cell)}


def check_cell(notebook: NotebookNode, answer: str) -> str:
    """Return the id of the cell that checks an answer or compares a guess: the next one that does so."""
    cells = code_cells(notebook)
    after = [cell.id for cell in cells].index(answer) + 1
    return next(str(cell.id) for cell in cells[after:] if is_check(cell.source))


def is_check(code: str) -> bool:
    """Return whether the code of a cell ends with a check or a comparison."""
    return code.rstrip().splitlines()[-1].startswith(("check(", "compare("))


class LiveNotebook:
    """A notebook whose cells share one namespace; `shown` has what each cell's last expression has returned."""

    def __init__(self, notebook: NotebookNode, replaced: dict[str, str] | None = None) -> None:
        """Prepare a notebook; `replaced` are pieces of code that other code replaces in all cells."""
        self.cells = {cell.id: cell.source for cell in code_cells(notebook)}
        for old, new in (replaced or {}).items():
            changed = {cell: code.replace(old, new) for cell, code in self.cells.items()}
            assert changed != self.cells, f"no cell contains {old!r}"
            self.cells = changed
        self.names: dict[str, Any] = {"__name__": "notebook"}
        self.shown: dict[str, Any] = {}

    def run_all(self) -> None:
        """Run all cells, from top to bottom."""
        for cell in self.cells:
            self.run(cell)

    def run(self, cell: str, code: str | None = None) -> None:
        """Run one cell, with its own code or other code, which it then keeps."""
        self.cells[cell] = code or self.cells[cell]
        tree = ast.parse(self.cells[cell], cell)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell, "exec"), self.names)
        if isinstance(last, ast.Expr):
            self.shown[cell] = eval(compile(ast.Expression(last.value), cell, "eval"), self.names)

    def run_after(self, cell: str, until: str) -> None:
        """Run the cells that follow a cell, up to and including another."""
        ids = list(self.cells)
        for following in ids[ids.index(cell) + 1 : ids.index(until) + 1]:
            self.run(following)

    def is_right(self, cell: str) -> bool:
        """Return whether a check's verdict is right, or every guess that the cell compares is correct."""
        text = repr(self.shown[cell])
        return not any(sign in text for sign in ("✗", *OPEN_SIGNS, "; it is")) and ("✓" in text or "correct" in text)

    def is_open(self, cell: str) -> bool:
        """Return whether a check or a comparison has found no answer."""
        return any(sign in repr(self.shown[cell]) for sign in OPEN_SIGNS) and "✓" not in repr(self.shown[cell])
