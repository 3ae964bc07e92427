"""The released notebooks, run from top to bottom in a plain kernel: what a student sees before any answer."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.replay.nbval import code_cells
from autograder.tests.support import ROOT

QUESTIONS = {
    "1_lstm": ["q1", "q2", "q3", "q4", "q5"],
    "2_lstm_sequences": ["q6", "q7"],
    "3_gru": ["q8", "q9", "q10"],
    "4_gru_sequences": ["q11", "q12"],
}
IN_TESTS = "PYTEST_CURRENT_TEST"  # with it, a kernel does not show what libraries write to the descriptor of stderr


def _shown(notebook: nbformat.NotebookNode, source: str) -> str:
    """The text that is shown by the cell that begins with `source`."""
    (cell,) = (cell for cell in code_cells(notebook) if cell.source.startswith(source))
    return "\n".join(output.data["text/plain"] for output in cell.outputs if "data" in output)


@pytest.mark.kernel
@pytest.mark.parametrize("name", QUESTIONS)
def test_an_untouched_notebook_runs_to_its_end_says_what_is_open_and_makes_no_noise(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "notebooks" / "rnn_shapes", tmp_path / "own")
    notebook = nbformat.read(folder / f"{name}.ipynb", 4)
    environment = {key: value for key, value in os.environ.items() if key != IN_TESTS}
    NotebookClient(notebook, kernel_name="python3", shutdown_kernel="immediate").execute(
        cwd=str(folder), env=environment
    )
    assert f"0 of {len(QUESTIONS[name])} questions are right." in _shown(notebook, "summary(")
    for question in QUESTIONS[name]:
        assert f"○ {question}: not answered." in _shown(notebook, f'check("{question}"')
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert outputs
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
