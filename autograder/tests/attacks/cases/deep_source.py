"""Hands in code that is nested so deep that whoever parses it is at risk: in answers, in edited cells, in its own."""

from nbformat import NotebookNode, v4


def _nest(notebook: NotebookNode) -> None:
    notebook.cells[1:1] = [v4.new_code_cell(source) for source in ("-" * 19_000 + "1", "[" * 19_000)]


CHANGE = _nest
CELLS = {
    "setup": "a" + ".a" * 9_000,
    "q1": "q1 = " + "(" * 9_000 + "1" + ")" * 9_000,
    "q1-test": "x" + "[0]" * 6_000,
    "q2-test": "not " * 4_900 + "x",
}
EXPECT = {"q1": ("no evidence", "q1: no such name")}
