"""Empties a test cell and unlocks it."""

from nbformat import NotebookNode


def _unlock(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.id == "q1-test":
            cell.metadata.nbgrader.locked = False


CELLS = {"q1": "q1 = 0", "q1-test": "pass"}
CHANGE = _unlock
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
