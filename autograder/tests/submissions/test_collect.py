"""Handing in: what `submit` packs and tells, and how `collect` reads a class's zips as Canvas and Moodle name them."""

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


def _tree(own: Course) -> list[str]:
    submitted = own.root / "submitted"
    return sorted(path.relative_to(submitted).as_posix() for path in submitted.rglob("*") if path.is_file())


def _all(student: str) -> list[str]:
    return [f"{student}/{ASSIGNMENT}/{name}" for name in FILES]


# --- submit ---------------------------------------------------------------------------------------------------------


def test_submit_packs_the_notebooks_and_says_what_is_open(own: Course) -> None:
    literal = {question: samples[0].code for question, samples in SAMPLES.items() if question != "q9"}
    whys = {name.replace("-", "_"): text for name, text in WHY.items() if name != "q2-why"}
    folder = _mine(own, **literal, **whys)
    packed = submit(own, ASSIGNMENT, folder, own.root / "out.zip", rerun=False)
    assert packed.said == ("1_lstm: not answered: q2-why.", "3_gru: not answered: q9.")
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
    assert packed.said[0] == "4_gru_sequences: not found in rnn_shapes/, so it is not in the zip."
    (folder / "3_gru.ipynb").write_text('{"cells": [')
    with pytest.raises(CourseError, match=r"^3_gru: not JSON .*; hand in the file that Jupyter saved\.$"):
        submit(own, ASSIGNMENT, folder, own.root / "out.zip", rerun=False)
    shutil.rmtree(folder)
    with pytest.raises(CourseError, match=r"no such folder; run `autograder lab` first, .* with --folder"):
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
    assert f"3_gru: a run from the top changes the output of q9-test: {advice}\n" in said
    assert f"packed 1 notebooks; hand in this file: {own.root / 'my-notebooks' / 'rnn_shapes.zip'}\n" in said


# --- collect --------------------------------------------------------------------------------------------------------


def test_canvas(own: Course, capsys: pytest.CaptureFixture[str]) -> None:
    mine = {"rnn_shapes/" + name: content for name, content in RELEASED.items()}
    loose = {f"roejo_18_{40 + i}_{name}": content for i, (name, content) in enumerate(RELEASED.items())}
    source = _zip(
        own.root / "submissions.zip",
        {
            "doejane_LATE_17_42_rnn_shapes.zip": _zipped(mine | {"manifest.json": b"{}"}),
            **loose,
            "poeann_19_50_1_lstm-2.ipynb": RELEASED["1_lstm.ipynb"],
            "poeann_19_51_notes.txt": b"hello",
        },
    )
    assert main(["--course", str(own.root), "collect", str(source)]) == 0
    assert _tree(own) == sorted([*_all("doejane_17"), *_all("roejo_18"), f"poeann_19/{ASSIGNMENT}/1_lstm.ipynb"])
    assert (own.folder("submitted", ASSIGNMENT, "roejo_18") / "3_gru.ipynb").read_bytes() == RELEASED["3_gru.ipynb"]
    said = capsys.readouterr().out
    assert "doejane_17: 4 notebooks\n" in said
    assert "  Canvas marked this submission as late.\n" in said
    assert "poeann_19: 1 notebooks\n  1_lstm: read from 1_lstm-2.ipynb.\n" in said
    assert "  3_gru: not handed in.\n" in said
    assert f"collected 3 students in {own.root / 'submitted'}\n" in said


def test_moodle(own: Course) -> None:
    folders = {f"Jane Doe_17_assignsubmission_file_/{name}": content for name, content in RELEASED.items()}
    newer = {"Zoë O'Hara_18_assignsubmission_file/rnn_shapes.zip": _zipped(RELEASED)}
    flat = {f"Max_19_assignsubmission_file_{name}": content for name, content in RELEASED.items()}
    source = _zip(own.root / "course-assignment-123.zip", folders | newer | flat)
    collect(own, ASSIGNMENT, [source])
    assert _tree(own) == sorted([*_all("Jane-Doe_17"), *_all("Max_19"), *_all("Zoë-O-Hara_18")])


def test_folders_and_zips_a_student(own: Course) -> None:
    inbox = own.root / "inbox"
    (inbox / "ada" / "rnn_shapes").mkdir(parents=True)
    for name, content in RELEASED.items():
        (inbox / "ada" / "rnn_shapes" / name).write_bytes(content)
    _zip(inbox / "bob.zip", RELEASED)
    _zip(inbox / "cy_5_6_rnn_shapes.zip", RELEASED)
    (inbox / "1_lstm.ipynb").write_bytes(RELEASED["1_lstm.ipynb"])
    found = collect(own, ASSIGNMENT, [inbox, _zip(own.root / "dan.zip", RELEASED)])
    assert _tree(own) == sorted([*_all("ada"), *_all("bob"), *_all("cy_5"), *_all("dan")])
    assert found[-1].said == ("1_lstm.ipynb: could not be matched to a student; skipped.",)
    assert [one.student for one in found] == ["ada", "bob", "cy_5", "dan", ""]


def test_a_submission_that_is_there_is_kept_unless_asked(own: Course) -> None:
    source = _zip(own.root / "ada.zip", RELEASED)
    collect(own, ASSIGNMENT, [source])
    assert collect(own, ASSIGNMENT, [source])[0].said == ("unchanged since it was last collected.",)
    _zip(source, RELEASED | {"1_lstm.ipynb": RELEASED["1_lstm.ipynb"] + b"\n"})
    kept = collect(own, ASSIGNMENT, [source])[0].said
    assert kept == ("already collected; the older files were kept. Pass --replace to overwrite.",)
    place = own.folder("submitted", ASSIGNMENT, "ada") / "1_lstm.ipynb"
    assert place.read_bytes() == RELEASED["1_lstm.ipynb"]
    assert collect(own, ASSIGNMENT, [source], replace=True)[0].notebooks == tuple(FILES)
    assert place.read_bytes() == RELEASED["1_lstm.ipynb"] + b"\n"
    assert not list(own.root.glob("submitted/ada/.collect-*"))


def _link(name: str) -> zipfile.ZipInfo:
    link = zipfile.ZipInfo(name)
    link.external_attr = 0o120777 << 16
    return link


def test_nothing_is_written_outside_and_nothing_is_unpacked_that_is_a_bomb(own: Course) -> None:
    source = own.root / "class.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil_1_2_1_lstm.ipynb", RELEASED["1_lstm.ipynb"])
        archive.writestr("doe_1_2_../../../1_lstm.ipynb", RELEASED["1_lstm.ipynb"])
        archive.writestr(_link("doe_1_3_2_lstm_sequences.ipynb"), "/etc/passwd")
        archive.writestr("doe_1_4_3_gru.ipynb", b" " * (1 << 23))
        archive.writestr("doe_1_5_rnn_shapes.zip", _zipped({"../1_lstm.ipynb": RELEASED["1_lstm.ipynb"]}))
        archive.writestr("doe_1_6_4_gru_sequences.ipynb", RELEASED["4_gru_sequences.ipynb"])
        archive.writestr("doe_1_7_deep.zip", _zipped({"deeper.zip": _zipped(RELEASED)}))
        archive.writestr("._2_9_1_lstm.ipynb", b"what macOS adds")
    before = {path for path in own.root.rglob("*") if path.is_file()}
    found = collect(own, ASSIGNMENT, [source])
    assert {path for path in own.root.rglob("*") if path.is_file()} - before == {
        own.folder("submitted", ASSIGNMENT, "doe_1") / "4_gru_sequences.ipynb"
    }
    assert not (own.root.parent / "evil_1_2_1_lstm.ipynb").exists()
    left = "\n".join(found[-1].said)
    for sentence in (
        "../../evil_1_2_1_lstm.ipynb: the path leads outside the zip; skipped.",
        "doe_1_2_../../../1_lstm.ipynb: the path leads outside the zip; skipped.",
        "doe_1_3_2_lstm_sequences.ipynb: symbolic link; skipped.",
        "doe_1_4_3_gru.ipynb: suspicious compression ratio; skipped.",
        "doe_1_5_rnn_shapes.zip/../1_lstm.ipynb: the path leads outside the zip; skipped.",
        "doe_1_7_deep.zip/deeper.zip: nested zip; skipped.",
    ):
        assert sentence in left


def test_links_in_a_folder_are_refused(own: Course) -> None:
    inbox = own.root / "inbox" / "ada"
    inbox.mkdir(parents=True)
    (own.root / "secret.ipynb").write_bytes(RELEASED["1_lstm.ipynb"])
    (inbox / "1_lstm.ipynb").symlink_to(own.root / "secret.ipynb")
    found = collect(own, ASSIGNMENT, [inbox.parent])
    assert found[-1].said == ("ada/1_lstm.ipynb: symbolic link; skipped.",)
    assert not (own.root / "submitted").exists()


def test_a_damaged_zip_and_a_source_that_is_none(own: Course, capsys: pytest.CaptureFixture[str]) -> None:
    (own.root / "class.zip").write_bytes(b"PK\x03\x04 and no more")
    assert main(["--course", str(own.root), "collect", str(own.root / "class.zip")]) == 1
    assert "class.zip: not a readable zip file; skipped." in capsys.readouterr().out
    assert main(["--course", str(own.root), "collect", str(own.root / "class.rar")]) == 2
    said = capsys.readouterr().err
    assert said.strip().endswith(
        "class.rar: not a zip file or a folder; pass the download from your learning platform."
    )


def test_what_submit_packs_is_what_collect_reads(own: Course) -> None:
    packed = submit(own, ASSIGNMENT, _mine(own), own.root / "rnn_shapes.zip", rerun=False)
    source = _zip(own.root / "all.zip", {"doejane_17_42_rnn_shapes.zip": packed.path.read_bytes()})
    (found,) = collect(own, ASSIGNMENT, [source])
    assert (found.student, found.notebooks, found.said) == ("doejane_17", tuple(FILES), ())
