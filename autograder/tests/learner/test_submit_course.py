"""Handing in this course: what `submit` packs and reports, and that `collect` reads it."""

import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest

from autograder.cli.main import main
from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.learner.submit import submit
from autograder.rnn.sample_answers import SAMPLES, WHY
from autograder.submissions.collect import collect
from autograder.tests.support import NOTEBOOKS, ROOT

ASSIGNMENT = "rnn_shapes"
FILES = [f"{name}.ipynb" for name in NOTEBOOKS]
RELEASED = {name: (ROOT / "notebooks" / ASSIGNMENT / name).read_bytes() for name in FILES}


@pytest.fixture
def own(tmp_path: Path) -> Course:
    """A copy of this course."""
    for name in ("solutions", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb*"))
    shutil.copy(ROOT / CONFIG, tmp_path)
    return Course.at(tmp_path)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def _zip(path: Path, files: Mapping[str, bytes]) -> Path:
    path.write_bytes(_zipped(files))
    return path


def _mine(own: Course, **answers: str) -> Path:
    folder = own.root / "my-notebooks" / ASSIGNMENT
    shutil.copytree(own.folder("release", ASSIGNMENT), folder)
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            cell.source = answers.get(cell.id.replace("-", "_"), cell.source)
        nbformat.write(notebook, path)
    return folder


def test_submit_packs_the_notebooks_and_says_what_is_open(own: Course) -> None:
    literal = {question: samples[0].code for question, samples in SAMPLES.items() if question != "q9"}
    whys = {name.replace("-", "_"): text for name, text in WHY.items() if name != "q2-why"}
    folder = _mine(own, **literal, **whys)
    packed = submit(own, ASSIGNMENT, folder, own.root / "out.zip", rerun=False)
    assert packed.messages == ("1_lstm: not answered: Q2, in your own words.", "3_gru: not answered: Q9.")
    with zipfile.ZipFile(packed.path) as archive:
        assert sorted(archive.namelist()) == [*FILES, "manifest.json"]
        assert archive.read("3_gru.ipynb") == (folder / "3_gru.ipynb").read_bytes()
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["assignment"], manifest["unanswered"]["3_gru"]) == (ASSIGNMENT, ["q9"])
    assert sorted(manifest["sha256"]) == FILES


def test_the_same_notebooks_give_the_same_zip(own: Course) -> None:
    folder = _mine(own)
    first = submit(own, ASSIGNMENT, folder, own.root / "1.zip", rerun=False).path.read_bytes()
    assert submit(own, ASSIGNMENT, folder, own.root / "2.zip", rerun=False).path.read_bytes() == first


def test_a_notebook_that_is_missing_or_damaged_is_said(own: Course) -> None:
    folder = _mine(own)
    (folder / "4_gru_sequences.ipynb").unlink()
    packed = submit(own, ASSIGNMENT, folder, own.root / "out.zip", rerun=False)
    assert packed.notebooks == ("1_lstm", "2_lstm_sequences", "3_gru")
    assert packed.messages[0] == "4_gru_sequences: not found in rnn_shapes/, so it is not in the zip."
    (folder / "3_gru.ipynb").write_text('{"cells": [')
    with pytest.raises(CourseError, match=r"^3_gru: not JSON .*; hand in the file that Jupyter saved\.$"):
        submit(own, ASSIGNMENT, folder, own.root / "out.zip", rerun=False)
    shutil.rmtree(folder)
    with pytest.raises(CourseError, match=r"no such folder; run `.*autograder lab` first, .* with --folder"):
        submit(own, ASSIGNMENT, folder, own.root / "out.zip", rerun=False)
    folder.mkdir()
    with pytest.raises(CourseError, match="no notebooks of 'rnn_shapes' found; pass their folder with --folder"):
        submit(own, ASSIGNMENT, folder, own.root / "out.zip", rerun=False)


@pytest.mark.kernel
def test_submit_says_where_a_run_from_the_top_shows_something_else(
    own: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _mine(own, q9="q9 = (1, 3)")
    for name in FILES:
        if name != "3_gru.ipynb":
            (folder / name).unlink()
    notebook = nbformat.read(folder / "3_gru.ipynb", 4)
    cells = {cell.id: cell for cell in notebook.cells}
    stored = "✗ q9: not yet. output: you gave 1 axis, (3,); output has 2: the batch axis is missing."
    cells["q9-test"].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": stored}, execution_count=7)]
    cells["q9-test"].execution_count = 7
    nbformat.write(notebook, folder / "3_gru.ipynb")
    assert main(["--course", str(own.root), "submit"]) == 0
    said = capsys.readouterr().out
    assert "running your notebooks from the top, to check that their outputs stay the same\n" in said
    advice = "restart the kernel, run all cells and save; then submit again."
    assert f"3_gru: a run from the top changes the output of Q9: {advice}\n" in said
    assert f"packed 1 notebooks; hand in this file: {own.root / 'my-notebooks' / 'rnn_shapes.zip'}\n" in said


def test_what_submit_packs_is_what_collect_reads(own: Course) -> None:
    packed = submit(own, ASSIGNMENT, _mine(own), own.root / "rnn_shapes.zip", rerun=False)
    source = _zip(own.root / "all.zip", {"doejane_17_42_rnn_shapes.zip": packed.path.read_bytes()})
    (found,) = collect(own, ASSIGNMENT, [source])
    assert (found.student, found.notebooks, found.others, found.messages) == ("doejane_17", tuple(FILES), (), ())
