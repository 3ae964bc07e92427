"""Outputs: what `refresh` stores, and each way in which a notebook's run can stop it."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from autograder.errors import CourseError
from autograder.replay import refresh as room
from autograder.replay.refresh import refresh
from autograder.tests.harness.toy import contents, left_behind, make_course, marked, wait_for, write

pytestmark = pytest.mark.process


def test_refresh_stores_marked_outputs_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = make_course(tmp_path)
    path = tmp_path / "solutions/toy/a.ipynb"
    expected = nbformat.read(path, 4)
    expected.metadata = {"language_info": {"name": "python"}}
    shutil.copy(tmp_path / "notebooks/toy/a.ipynb", path)  # never run
    assert refresh(course, "toy", "a") == [path]
    assert path.read_text() == nbformat.writes(expected) + "\n"
    for name, value in {"COLUMNS": "30", "NO_COLOR": "1", "NBGRADER_EXECUTION": "validate"}.items():
        monkeypatch.setenv(name, value)
    assert refresh(course, notebook="a.ipynb") == [path]
    assert path.read_text() == nbformat.writes(expected) + "\n"


FAULTS = {
    "import os; raise ValueError(f\"{os.environ.get('COLUMNS')}\\ntwo\")": "raises ValueError: None",
    "import time; time.sleep(60)": "timed out after 1 s",
    "import os; os._exit(1)": "ended its kernel",
}


@pytest.mark.parametrize("source", FAULTS)
def test_refresh_leaves_a_failing_notebook_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    course = make_course(tmp_path)
    path = write(tmp_path / "solutions/toy/a.ipynb", marked("a", "print(1)"), marked("b", source))
    before = contents(tmp_path)
    with pytest.raises(CourseError) as caught:
        refresh(course, timeout=1)
    assert str(caught.value) == f"{path}: cell b {FAULTS[source]}; fix it (the file was not changed)."
    assert contents(tmp_path) == before
    wait_for(lambda: not left_behind())


def test_refresh_stores_an_expected_error_without_the_files_of_its_traceback(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    cell = marked("b", "1 / 0")
    cell.metadata.tags.append("raises-exception")
    path = write(tmp_path / "solutions/toy/a.ipynb", cell, marked("c", "print(1)"))
    refresh(course, "toy", "a")
    error, printed = (cell.outputs[0] for cell in nbformat.read(path, 4).cells)
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert error.traceback == ["ZeroDivisionError: division by zero"]
    assert printed.text == "1\n"


def test_an_error_without_a_message() -> None:
    assert room._stopped(CellExecutionError("", "OSError", ""), 1) == "raises OSError"


def test_refresh_without_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = make_course(tmp_path)
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    with pytest.raises(CourseError, match=r"/solutions/toy/a.ipynb: its kernel did not start \(.*\); try again\.$"):
        refresh(course)


def test_bad_names(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    with pytest.raises(CourseError, match=r"/solutions: no assignment 'tow'; there are: toy\.$"):
        refresh(course, "tow")
    with pytest.raises(CourseError, match=r"/solutions/toy: no notebook 'b'; there are: a\.$"):
        refresh(course, "toy", "b")
