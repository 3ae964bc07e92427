"""The newer explorations: what they prove and print, other sizes and seeds, answers from the top after Run All."""

import ast
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.replay.nbval import code_cells, is_marked, nbval
from autograder.tests.support import ROOT, copy_helper

pytestmark = pytest.mark.filterwarnings("ignore:Even though the .tf.config")  # as `c.Limits.prepare`
SOLVED, RELEASED = ROOT / "solutions/explorations", ROOT / "notebooks/explorations"
NAMES = ("windows", "masking", "seven_models")
MAP = "1_lstm 2_lstm_sequences step_by_step output_to_target 3_gru 4_gru_sequences state_test stacked".split()
SIZES = {
    "windows": ["30, 4, 1, 6, 2", "9, 6, 6, 6, 3"],
    "masking": ["1, 3, 1, 2, 1", "5, 9, 3, 9, 2"],
    "seven_models": ["1, 3, 1, 2, 2", "6, 9, 6, 6, 3"],
}
PRINTED = {  # what a cell must print: outputs that nbval compares
    "windows": """expected ndim=3, found ndim=2|(1, 20, 2)|(20, 2, 1)|(13, 2, 8)|(13, 8, 2)
        no error, the same shape: True|steps that still are rows of the table: 0|equal to the run on the windows: False
        (1, 20, 2)   -> (1, 3)
        (12, 1)|(12, 8, 1)|(13, 8, 3)|(13, 5, 1)|Arguments `target` and `output` must have the same shape""",
    "masking": """rows 3 to 5 are h. Without the mask, h was the same: False
        with the mask, h is the same as without padding: True|2 rows of zeros after row 3, which is h
        padding before or after, the same h: True|the batch size must be static
        the second call continued the first: True|after reset_state() the states are zeros: True""",
    "seven_models": """expected ndim=3, found ndim=2|expects 1 input(s), but it received 3 input tensors
        h_3 is the second sample's hidden state: True|epochs trained without an error: 2|equal to the uncut run: False
        steps that differ from the uncut run: [4, 5, 6, 7]|not enough values to unpack (expected 3, got 2)""",
}
RAISING = {
    "windows": ["refused", "target-error"],
    "masking": ["no-batch"],
    "seven_models": ["two-layers-broken", "with-states-broken", "lighter-broken"],
}


def read(folder: Path, name: str) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(folder / f"{name}.ipynb", 4)
    return notebook


def raises(cell: NotebookNode) -> bool:
    """Return whether the cell is meant to stop at an error."""
    return "raises-exception" in cell.metadata.get("tags", [])


def text_of(output: NotebookNode) -> str:
    """Return what a stored output says as text."""
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.get("text") or output.data["text/plain"])


class Session:
    """A notebook's cells, run in this process: their names, and the verdicts of their checks."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "notebook"}
        self.verdicts: list[str] = []

    def run(self, *cells: NotebookNode, sizes: str = "") -> None:
        """Run cells in order; a cell with the tag must raise."""
        for cell in cells:
            source = re.sub(r"(?m)^(\w.*, seed = )[\d, ]+", rf"\g<1>{sizes}", cell.source) if sizes else cell.source
            if raises(cell):
                with pytest.raises(ValueError, match=r"expected|expects|must"):
                    exec(source, self.names)
            else:
                exec(source, self.names)


@pytest.fixture
def session(eager: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Session]:
    """A session with the helper of the folder; it notes each verdict."""
    monkeypatch.setattr(sys, "path", [str(SOLVED), *sys.path])
    monkeypatch.chdir(tmp_path)
    ours = {name for name in sys.modules if name.startswith("shapes")}
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    import shapes  # type: ignore[import-not-found,unused-ignore]

    session, check = Session(), shapes.check

    def noted(*given: Any, **live: Any) -> Any:
        verdict = check(*given, **live)
        session.verdicts.append(verdict.verdict)
        return verdict

    monkeypatch.setattr(shapes, "check", noted)
    yield session
    for name in [name for name in sys.modules if name.startswith("shapes")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    ("name", "part"),
    [(name, part.strip()) for name, parts in PRINTED.items() for part in re.split(r"[|\n]", parts)],
)
def test_what_the_course_promises_is_printed_by_a_cell(name: str, part: str) -> None:
    cells = filter(is_marked, code_cells(read(SOLVED, name)))
    assert part in "\n".join(text_of(output) for cell in cells for output in cell.outputs)


@pytest.mark.tensorflow
@pytest.mark.xdist_group("tensorflow")
@pytest.mark.parametrize(("name", "sizes"), [(name, sizes) for name in NAMES for sizes in SIZES[name]])
def test_the_solution_is_right_whatever_the_sizes_and_the_seed(session: Session, name: str, sizes: str) -> None:
    notebook = read(SOLVED, name)
    session.run(*code_cells(notebook), sizes=sizes)
    assert session.verdicts == ["right"] * sum(map(is_solution, notebook.cells))
    assert len(session.verdicts) >= 3


@pytest.mark.tensorflow
@pytest.mark.xdist_group("tensorflow")
@pytest.mark.parametrize("name", NAMES)
def test_after_run_all_right_answers_from_the_top_are_right(session: Session, name: str) -> None:
    session.run(*code_cells(read(RELEASED, name)))
    assert set(session.verdicts) == {"not answered"}
    session.verdicts.clear()
    cells = {cell.id: cell for cell in read(SOLVED, name).cells}
    for cell in filter(is_solution, cells.values()):
        session.run(cell, cells[f"{cell.id}-check"])
        assert session.verdicts.pop() == "right", cell.id


@pytest.mark.parametrize("name", NAMES)
def test_the_form_of_an_exploration(name: str) -> None:
    cells = read(SOLVED, name).cells
    codes = [cell for cell in cells if cell.cell_type == "code"]
    assert len(codes) <= 25
    assert all(len(cell.source.splitlines()) <= 15 for cell in codes)
    assert sum(map(is_marked, codes)) >= 10
    assert [cell.id for cell in codes if raises(cell)] == RAISING[name]
    assert codes[0].metadata.jupyter.source_hidden
    assert "nbgrader" not in next(cell for cell in codes if cell.id == "sizes").metadata  # so it stays editable
    checks = [cell for cell in codes if re.search(r"^check\(", cell.source, re.M)]
    assert {f"{cell.id}-check" for cell in codes if is_solution(cell)} == {cell.id for cell in checks}
    assert all(is_grade(cell) and cell.metadata.nbgrader.points == 0 for cell in checks)
    for cell in codes:
        prints = re.search(r"^\s*(print|show|check)\(", cell.source, re.M) or raises(cell)
        assert is_marked(cell) == bool(prints), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_the_opening_says_what_for_how_long_and_where(name: str) -> None:
    opening = read(RELEASED, name).cells[0].source
    assert "**After this notebook you can**" in opening
    assert "about 20 minutes" in opening
    linked = re.findall(r"\]\((?:\.\./rnn_shapes/)?(\w+)\.ipynb\)", opening)
    assert linked == [other for other in [*MAP, *NAMES] if other != name]


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_reuses_a_name_of_another_cell(name: str) -> None:
    """After Run All a check would see the later value."""
    seen: dict[str, str] = {}
    for cell in code_cells(read(SOLVED, name)):
        statements = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Assign)]
        stored = [n.id for s in statements for t in s.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        for variable in set(stored) - {"_"}:
            assert seen.setdefault(variable, cell.id) == cell.id, variable


@pytest.mark.parametrize("name", NAMES)
def test_the_release_has_the_stub_in_place_of_each_solution(name: str) -> None:
    source, released = read(SOLVED, name), read(RELEASED, name)
    text = "\n".join(cell.source for cell in released.cells)
    assert "BEGIN" not in text
    assert text.count("# put your answer in place of ...") == sum(map(is_solution, source.cells))
    assert [cell.id for cell in code_cells(released) if raises(cell)] == RAISING[name]
    for cell in filter(is_solution, source.cells):
        solution = re.search(r"### BEGIN SOLUTION\s+(.*?)\s+### END", cell.source, re.DOTALL)
        assert solution
        assert solution[1] not in text


@pytest.mark.process
def test_nbval_runs_the_released_notebook_past_the_cells_that_raise(copied: Callable[[str], Path]) -> None:
    path = copied("seven_models")
    assert nbval(path, path.parent).ok


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a released notebook and the helper's files into a folder of its own."""

    def copy(name: str) -> Path:
        copy_helper(tmp_path, RELEASED)
        shutil.copy(RELEASED / f"{name}.ipynb", tmp_path)
        return tmp_path / f"{name}.ipynb"

    return copy
