"""`summary` and `progress`: what they show, and a file that may be lost, damaged or not writable."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.course import Course
from autograder.release.release import contents
from autograder.tests.rnn.answers import DATA, LIVE, ONE, STATES
from autograder.tests.support import ROOT, copy_helper

OPEN = "**Q2, in your own words.** What is it?\n\n*Write your answer here, in one or two sentences.*"
DONE = "**Q4, in your own words.** Why?\n\nBoth are the last hidden state."
EMPTY = "**Q10, in your own words.** Why?\n\n"
MARKS = "Q1 ○ Q2 ○ Q3 ○ Q4 ○ Q5 ○ Q6 ○ Q7 ○ Q8 ○ Q9 ○ Q10 ○ Q11 ○ Q12 ○"
KNOWN = "Verdicts are those of the last checks; explanations are read from the notebooks as you last saved them."
UNKNOWN = "Verdicts are those of the last checks; no saved notebook with explanations was found."


def _notebook(**explanations: str) -> NotebookNode:
    cells = [new_code_cell("x = 1")]
    for name, text in explanations.items():
        cells.append(new_markdown_cell(text, metadata={"nbgrader": {"grade_id": f"{name}-why"}}))
    notebook: NotebookNode = new_notebook(cells=cells)
    return notebook


@pytest.fixture
def file(shapes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the verdicts are kept, as in a notebook."""
    monkeypatch.setattr(sys.modules["shapes.record"], "_shell", object)
    return tmp_path / ".ipynb_checkpoints" / "progress.json"


def _another_session() -> None:
    for kept in ("_verdicts", "_guesses"):
        vars(sys.modules["shapes.record"])[kept].clear()


def test_progress_knows_the_checks_of_all_notebooks(shapes: Any, file: Path, tmp_path: Path) -> None:
    nbformat.write(_notebook(q2=OPEN, q4=DONE), tmp_path / "1_lstm.ipynb")
    nbformat.write(_notebook(q10=EMPTY), tmp_path / "3_gru.ipynb")
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    shapes.check("q3", (3,), **STATES)
    _another_session()
    shapes.check("q9", (1, 3), **LIVE["q9"])
    shown = shapes.progress()
    marks = MARKS.replace("Q1 ○", "Q1 ✓").replace("Q3 ○", "Q3 ✗").replace("Q9 ○", "Q9 ✓")
    assert repr(shown) == f"2 of 12 right, 2 explanations open, next: Q2\n{marks}\n{KNOWN}"
    html = ElementTree.fromstring(shown._repr_html_())
    assert html.get("role") == "status"
    assert html.findtext(".//strong") == "2 of 12 right, 2 explanations open, next: Q2"
    assert json.loads(file.read_text("utf-8")) == {"q1": "right", "q3": "not yet", "q9": "right"}


def test_progress_names_what_is_next(shapes: Any, file: Path, tmp_path: Path) -> None:
    everything = {f"q{number}": "right" for number in range(1, 13)}
    file.parent.mkdir()
    nbformat.write(_notebook(q2=OPEN, q4=DONE), tmp_path / "1_lstm.ipynb")
    for verdicts, first in (
        (everything | {"q7": "not yet"}, "11 of 12 right, 1 explanation open, next: Q7"),
        (everything, "12 of 12 right, 1 explanation open, next: Q2, in your own words"),
    ):
        file.write_text(json.dumps(verdicts), "utf-8")
        assert repr(shapes.progress()).splitlines()[0] == first
    nbformat.write(_notebook(q2=DONE), tmp_path / "1_lstm.ipynb")
    assert repr(shapes.progress()).splitlines()[0] == "12 of 12 right, 0 explanations open, next: hand in"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"q1": 3, "q2": "recorded", "x": "right"}', b"\xff\xfe", b"null", b'{"q1": []}']
)
def test_a_damaged_file_is_as_none(shapes: Any, file: Path, damage: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(damage)
    assert repr(shapes.progress()) == f"0 of 12 right, 0 explanations open, next: Q1\n{MARKS}\n{UNKNOWN}"
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    _another_session()
    assert repr(shapes.progress()).startswith("1 of 12 right, 0 explanations open, next: Q2")


@pytest.mark.parametrize("text", ["", "{}", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{"metadata": []}]}'])
def test_a_damaged_notebook_is_as_none(shapes: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "1_lstm.ipynb").write_text(text, "utf-8")
    nbformat.write(_notebook(q4=OPEN), tmp_path / "2_lstm.ipynb")
    assert repr(shapes.progress()).startswith("0 of 12 right, 1 explanation open, next: Q1")


def test_where_nothing_can_be_written_this_session_is_known(shapes: Any, file: Path) -> None:
    file.parent.write_text("a file where the folder would be", "utf-8")
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    assert repr(shapes.progress()).startswith("1 of 12 right, 0 explanations open, next: Q2")


def test_nothing_is_written_outside_notebooks_and_while_an_assignment_is_graded(
    shapes: Any, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes.check("mine", 3, observed=3)
    assert not file.exists(), "only the graded questions are kept"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    for shown in (shapes.progress(), shapes.summary("q1")):
        assert repr(shown) == "Progress is shown while you work. Your points are on the feedback page."
    monkeypatch.delenv("NBGRADER_EXECUTION")
    monkeypatch.setattr(sys.modules["shapes.record"], "_shell", lambda: None)
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    assert list(tmp_path.iterdir()) == []


def test_the_explorations_show_the_progress_of_the_graded_notebooks(
    shapes: Any, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded, own = tmp_path / "rnn_shapes", tmp_path / "explorations"
    for folder in (graded, own):
        folder.mkdir()
    progress = sys.modules["shapes.record"]
    monkeypatch.setattr(progress, "FOLDER", graded)
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    _another_session()
    monkeypatch.setattr(progress, "FOLDER", own)
    assert repr(shapes.progress()).startswith("1 of 12 right, 0 explanations open, next: Q2")


def test_the_file_is_never_released_packed_or_committed(
    course: Course, shapes: Any, file: Path, tmp_path: Path
) -> None:
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    assert file.exists()
    assert contents(tmp_path) == {}, "what a release, a handout and a packed submission consist of"
    assert ".ipynb_checkpoints" in course.directory.ignore
    assert ".ipynb_checkpoints/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_the_summary_shows_the_last_verdicts_explanations_and_guesses(shapes: Any, tmp_path: Path) -> None:
    nbformat.write(_notebook(q2=OPEN, q4=DONE), tmp_path / "1_lstm.ipynb")
    shapes.check("q1", ("batch", "timesteps", "features"), **DATA)
    shapes.check("q3", (3,), **STATES)
    shapes.check("q4", ..., **STATES)
    for guess in (..., 2, 3):
        shapes.compare("arrays", guess, 3)
    shapes.compare("table", {"one": 1, "two": ...}, {"one": 1, "two": 2})
    shown = shapes.summary("q1", "q2", "q3", "q4")
    assert repr(shown).splitlines() == [
        "Q1                     ✓ right         done",
        "Q2                     ○ not answered  run its check",
        "Q2, in your own words  ○ not written   double-click to edit",
        "Q3                     ✗ not yet       read its message or take a hint",
        "Q4                     ○ not answered  replace its ...",
        "Q4, in your own words  ● written       marked by your instructor",
        "1 of 4 questions are right. Save the notebook first: written answers are read from the saved file. "
        "Correct guesses: 1 of 2.",
    ]
    table = ElementTree.fromstring(shown._repr_html_())
    heads = ["Q1", "Q2", "Q2, in your own words", "Q3", "Q4", "Q4, in your own words"]
    assert [cell.text for cell in table.iter("th")][3:] == heads
    assert {cell.get("scope") for cell in table.iter("th")} == {"col", "row"}
    assert table.findtext(".//caption") == "Your progress"
    assert [cell.text for cell in table.iter("td")][:2] == ["✓ right", "done"]


def test_the_summary_has_the_last_verdict_of_a_question(shapes: Any) -> None:
    shapes.check("q3", (3,), **STATES)
    shapes.check("q3", ONE, **STATES)
    assert repr(shapes.summary("q3")) == "Q3  ✓ right  done\n1 of 1 questions are right."


# --- errors in the cell above ---------------------------------------------------------------------------------------

SESSION = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config, colors="NoColor")
for cell in sys.argv[1:]:
    shell.run_cell(cell)
"""


def _session(tmp_path: Path, *cells: str) -> list[str]:
    """Run cells in IPython; return the lines that show no traceback."""
    copy_helper(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SESSION, "from shapes import *\nimport numpy as np\nh = np.zeros((1, 3))", *cells],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
        text=True,
    )
    return [line for line in done.stdout.splitlines() if "q3" in line and not line.lstrip("-> ")[:1].isdigit()]


CHECK = "print(repr(check('q3', q3, h=h)))"
ANSWER = "q3 = ..."


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("q3 = {'h': (batc, 3)}", "NameError: name 'batc' is not defined"),
        ("x = 1\nq3 = (1, 3", "SyntaxError: incomplete input"),
        ("q3 = {h}", "TypeError: unhashable type: 'numpy.ndarray'"),
        (f"q3 = int('{'7' * 200}x')", f"ValueError: invalid literal for int() with base 10: '{'7' * 76}…"),
    ],
)
def test_a_check_reports_that_the_cell_above_stopped(tmp_path: Path, cell: str, error: str) -> None:
    (said,) = [line for line in _session(tmp_path, ANSWER, cell, CHECK) if line.startswith("✗")]
    assert said.startswith(f"✗ q3: not yet. The cell that sets q3 stopped at an error: {error}")
    assert said.endswith(". Fix it and run it again.")


def test_a_cell_that_runs_again_is_checked_again(tmp_path: Path) -> None:
    said = _session(tmp_path, "q3 = 1 / 0", "q3 = (1, 3)", CHECK)
    assert said[-1] == "✓ q3: right. Your own arrays confirm it."


def test_an_answer_that_was_never_set_is_explained(tmp_path: Path) -> None:
    said = _session(tmp_path, "q3 = 1 / 0", CHECK)
    assert said[-1] == (
        "q3 is not set: run the cell above that sets it, then this one. "
        "It stopped at an error (ZeroDivisionError: division by zero)."
    )
    assert _session(tmp_path, CHECK)[-1] == "q3 is not set: run the cell above that sets it, then this one."


def test_a_check_of_parts_reports_which_of_their_cells_stopped(shapes: Any) -> None:
    info, error = SimpleNamespace(raw_cell="c2, h2 = f * c1, q"), NameError("no q")
    cell = SimpleNamespace(info=info, error_before_exec=None, error_in_exec=error)
    sys.modules["shapes.record"]._note_cell(cell)
    verdict = shapes.check("c2 and h2", {"c2": ..., "h2": ...}, state={"c2": 1, "h2": 2})
    assert verdict.text == "The cell that sets c2 stopped at an error: NameError: no q. Fix it and run it again."
    assert shapes.check("c2 and h2", {"c2": 1, "h2": 2}, state={"c2": 1, "h2": 2}).verdict == "right"


def test_outside_ipython_nothing_is_watched(shapes: Any) -> None:
    assert sys.modules["shapes.record"].stopped_at("q3") == ""
    assert shapes.check("q3", ..., **STATES).verdict == "not answered"
