"""Is right, and has a copy of the answer cell behind it, name and all, as Jupyter's copy and paste make it."""

import copy

from nbformat import NotebookNode


def _copy(notebook: NotebookNode) -> None:
    index = next(i for i, cell in enumerate(notebook.cells) if cell.metadata.nbgrader.grade_id == "q1")
    twin = copy.deepcopy(notebook.cells[index])
    twin.update(id="twin", source="q1 = ...")
    notebook.cells.insert(index + 1, twin)


CHANGE = _copy
