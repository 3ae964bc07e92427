"""The learner's side with the real notebooks: a quiet start, and what nbgrader's Validate says."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.validator import Validator

from autograder.tests.support import NOTEBOOKS, ROOT, SOURCE, copy_helper

pytestmark = pytest.mark.kernel


def test_tensorflow_starts_without_a_word(sources: dict[str, NotebookNode]) -> None:
    """All notebooks start TensorFlow with the same lines; so one process does, and then makes the model of each."""
    starts, scripts = set(), []
    for name in NOTEBOOKS:
        cells = {cell.id: cell.source for cell in sources[name].cells}
        starts.add(tuple(line for line in cells["setup"].splitlines() if not line.startswith("from ")))
        scripts += [cells["setup"], cells["sizes"], cells["model"].split("model.summary")[0]]
    (start,) = starts
    assert "import keras" in start
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(scripts)],
        cwd=SOURCE,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_validate_says_what_is_open_and_what_is_wrong(tmp_path: Path) -> None:
    released = ROOT / "notebooks" / "rnn_shapes"
    copy_helper(tmp_path, released)
    notebook = nbformat.read(released / "3_gru.ipynb", 4)
    for cell in notebook.cells:
        cell.source = {"q9": "q9 = (3,)", "q10": "q10 = [('output', 'h')]"}.get(cell.id, cell.source)
    nbformat.write(notebook, tmp_path / "3_gru.ipynb")
    results = Validator().validate(str(tmp_path / "3_gru.ipynb"))
    said = {failed["source"].splitlines()[0]: failed["error"] for failed in results["failed"]}
    questions = [
        'check("q8", q8, lstm=lstm, gru=gru, data=data)',
        "**Q8, in your own words** (double-click to edit). What happened to `c`? Why two arrays and not three?",
        'check("q9", q9, model=model, data=data, output=output, h=h)',
        "**Q10, in your own words** (double-click to edit). If the two duplicate each other: why?",
    ]
    assert list(said) == questions
    open_, written, wrong, written10 = said.values()
    assert "○ q8: not answered" in open_
    assert written == written10 == "You did not provide a response."
    assert "✗ q9: not yet. output: you gave 1 axis, (3,); output has 2: the batch axis is missing." in wrong
