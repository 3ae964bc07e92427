"""The real notebooks as students hand them in, and what is true of every notebook restored from one."""

import copy
import re
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_solution
from traitlets.config.loader import PyFileConfigLoader

from autograder.notebook.variants import released_copy, teaching_copy
from autograder.submissions.parser import parse
from autograder.submissions.restore import Restored, restore
from autograder.tests.support import ROOT

CONFIG = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
SOURCES = {path.stem: nbformat.read(path, 4) for path in sorted((ROOT / "solutions/rnn_shapes").glob("*.ipynb"))}
UNANSWERED = {name: teaching_copy(source, CONFIG) for name, source in SOURCES.items()}
NAMES = list(UNANSWERED)
LSTM = NAMES[0]


def solution(cell: NotebookNode) -> str:
    """A source cell as a student leaves it: the solution in the stub's place."""
    inside = re.search(r"### BEGIN SOLUTION\n(.*)\n### END SOLUTION", cell.source, re.DOTALL)
    assert inside
    prompt = cell.source.split("### BEGIN")[0] if cell.cell_type == "markdown" else ""
    return f"{prompt}{inside[1]}"


ANSWERS = {name: {cell.id: solution(cell) for cell in nb.cells if is_solution(cell)} for name, nb in SOURCES.items()}


def starter(name: str = LSTM) -> NotebookNode:
    return released_copy(UNANSWERED[name])


def solved(name: str = LSTM, **answers: str) -> NotebookNode:
    nb = starter(name)
    for cell in nb.cells:
        cell.source = {**ANSWERS[name], **answers}.get(cell.id, cell.source)
    return nb


def at(nb: NotebookNode, name: str) -> int:
    return next(i for i, cell in enumerate(nb.cells) if cell.id == name)


def of(nb: NotebookNode, name: str) -> NotebookNode:
    cell: NotebookNode = nb.cells[at(nb, name)]
    return cell


def code(source: str, **metadata: Any) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(source, metadata=metadata)
    return cell


def text(source: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_markdown_cell(source)
    return cell


def duplicate(cell: NotebookNode, source: str | None = None) -> NotebookNode:
    """What copying a cell makes in JupyterLab: its metadata come along, its id does not."""
    twin = copy.deepcopy(cell)
    twin.id = nbformat.v4.new_raw_cell().id
    twin.source = cell.source if source is None else source
    return twin


def mend(nb: NotebookNode, name: str = LSTM) -> Restored:
    """Hand a notebook in, restore it, and hold the result to what is true of every result."""
    submitted, repairs = parse(nbformat.writes(nb).encode(), name)
    assert repairs == []
    untouched = copy.deepcopy((submitted, UNANSWERED[name]))
    restored = restore(submitted, UNANSWERED[name])
    assert (submitted, UNANSWERED[name]) == untouched
    hold(restored, UNANSWERED[name])
    return restored


def hold(restored: Restored, master: NotebookNode) -> None:
    nb = restored.notebook
    nbformat.validate(nb)
    assert nb.metadata == master.metadata
    kept = [cell for cell in nb.cells if cell.id in {cell.id for cell in master.cells}]
    assert [cell.id for cell in kept] == [cell.id for cell in master.cells]
    for cell, own in zip(kept, master.cells, strict=True):
        assert (cell.cell_type, cell.metadata) == (own.cell_type, own.metadata)
        assert cell.source == own.source or not is_locked(own)
    assert not any(cell.metadata for cell in nb.cells if cell not in kept)
    assert not any(cell.outputs or cell.execution_count for cell in nb.cells if cell.cell_type == "code")
    assert all(re.fullmatch(r"[^\n]{1,400}", sentence) for sentence in restored.repairs)


def sources(restored: Restored) -> dict[str, str]:
    return {cell.id: cell.source for cell in restored.notebook.cells}


def answers(restored: Restored, name: str = LSTM) -> dict[str, str]:
    return {cell: source for cell, source in sources(restored).items() if cell in ANSWERS[name]}


def neighbours(restored: Restored, source: str) -> tuple[str, str]:
    """The ids of the cells around the one that holds the source."""
    cells = restored.notebook.cells
    (i,) = [i for i, cell in enumerate(cells) if cell.source == source]
    return cells[i - 1].id, cells[i + 1].id


def saved(nb: NotebookNode | dict[str, Any]) -> bytes:
    """As Jupyter saves it: sources as lists of lines, characters beyond ASCII as they are."""
    return str(nbformat.writes(nbformat.from_dict(nb))).encode()


def retype(cell: NotebookNode, kind: str) -> None:
    cell.cell_type = kind
    for key in ("outputs", "execution_count"):
        cell.pop(key, None)
    if kind == "code":
        cell.update(outputs=[], execution_count=None)
