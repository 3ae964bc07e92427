"""Changes in the notebook's metadata what its questions are worth."""

from nbformat import NotebookNode


def _raise(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.metadata.nbgrader.get("grade"):
            cell.metadata.nbgrader.points = 100


CHANGE = _raise
