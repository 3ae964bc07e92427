"""Adds cells that each stay within the time of a cell, and together never end."""

from nbformat import NotebookNode, v4


def _slow_down(notebook: NotebookNode) -> None:
    notebook.cells[1:1] = [v4.new_code_cell("import time\n\ntime.sleep(0.8)") for _ in range(150)]


CHANGE = _slow_down
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "timeout"), "q5": ("no evidence", "timeout")}
HONEST = ()
LIMITS = {"notebook_seconds": 4.0}
