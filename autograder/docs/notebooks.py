"""Render the notebooks as pages: their texts, code, outputs and pictures, and no solutions of graded notebooks."""

import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.docs.texts import DOCS, ROOT, table
from autograder.execution.runner import run
from autograder.execution.sandbox import own_limits

HEAD = """# The notebooks

Each notebook is shown with the outputs of a run. The answers of the graded notebooks are left out. To work on them, run
`make lab`, or see [where you can work](../where.md). This is the order in which they build on each other:

"""
GRADED = "rnn_shapes"
NOTE = """!!! note "The answers are left out"
    The outputs are those of a notebook with all answers, so the checks say *right*. To answer, open your own copy:
    [where you can work](../where.md).
"""


def pages() -> dict[str, str | bytes]:
    """Return one page for each notebook, its pictures, and an index, by file name."""
    limits = own_limits(Course.at(ROOT))
    paths = in_order()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shown = dict(zip(paths, pool.map(lambda path: with_outputs(path, limits), paths), strict=True))
    rows = [(f"[{_title(shown[path])}]({path.stem}.md)", "yes" if path.parent.name == GRADED else "") for path in paths]
    found: dict[str, str | bytes] = {"notebooks/index.md": HEAD + table(("notebook", "graded"), rows)}
    for path in paths:
        if path.parent.name == GRADED:
            shown[path].cells.insert(1, nbformat.v4.new_markdown_cell(NOTE))
        found |= dict(_page(path.stem, shown[path]))
    return found


def in_order() -> list[Path]:
    """Return the released notebooks in the order of the students' page."""
    rows = re.findall(r"^\| \d+ \| `([\w/]+)` \|", (DOCS / "pages" / "students.md").read_text("utf-8"), re.MULTILINE)
    return [ROOT / "notebooks" / f"{name}.ipynb" for name in rows]


def with_outputs(released: Path, limits: Limits) -> NotebookNode:
    """Return a released notebook with the outputs of a run of its source notebook.

    An answer cell is open in the released notebook, so its output is not shown. Of a cell with hidden tests, the
    visible part is shown with the output of the whole cell.
    """
    shown: NotebookNode = nbformat.read(released, 4)
    outputs = outputs_of(ROOT / "solutions" / released.parent.name / released.name, limits)
    for cell in shown.cells:
        if cell.cell_type == "code":
            source, cell.outputs = outputs.get(cell.id, ("", []))
            if not source.startswith(cell.source.rstrip()):
                cell.outputs = []
    return shown


def outputs_of(path: Path, limits: Limits) -> Mapping[str, tuple[str, list[NotebookNode]]]:
    """Run a source notebook; return each code cell's source and outputs by the cell's id."""
    notebook = nbformat.read(path, 4)
    files = {file.relative_to(path.parent).as_posix(): file.read_bytes() for file in path.parent.rglob("*.py")}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sources = {cell.id: cell.source for cell in cells}
    for cell in cells:  # the visible part of a test is for students; the hidden part needs the grader
        if is_grade(cell) and not is_solution(cell):
            cell.source = cell.source.partition("### BEGIN HIDDEN TESTS")[0]
    ran = run(notebook, (), files, limits).notebook
    return {cell.id: (sources[cell.id], cell.outputs) for cell in ran.cells if cell.cell_type == "code"}


def _title(notebook: NotebookNode) -> str:
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return str(first.splitlines()[0].lstrip("# "))


def _page(name: str, notebook: NotebookNode) -> Iterator[tuple[str, str | bytes]]:
    notebook.cells = [part for cell in notebook.cells for part in _collapsed(cell)]
    body, resources = MarkdownExporter().from_notebook_node(
        notebook, resources={"output_files_dir": f"{name}_files", "unique_key": name}
    )
    yield f"notebooks/{name}.md", _linked(body)
    for file, content in resources["outputs"].items():
        yield f"notebooks/{file}", content


def _collapsed(cell: NotebookNode) -> list[NotebookNode]:
    """Put a cell whose code is hidden in JupyterLab into a part of the page that opens when you click on it."""
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        return [cell]
    start = '<details markdown="1"><summary>Set-up code</summary>'
    return [nbformat.v4.new_markdown_cell(start), cell, nbformat.v4.new_markdown_cell("</details>")]


def _linked(text: str) -> str:
    """Point links between notebooks at their pages, and let HTML outputs stand alone."""
    text = re.sub(r"\]\((?:\.\./(?:rnn_shapes|explorations)/)?(\w+)\.ipynb(#[^)]*)?\)", r"](\1.md)", text)
    return re.sub(r"^ {4}(<(?:div|svg|table|details|img))", r"\1", text, flags=re.MULTILINE)
