"""The console command: bad input gets one sentence and an exit code, never a traceback."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder import distribution
from autograder.cli import doctor
from autograder.cli.main import main
from autograder.course.course import CONFIG, Course
from autograder.learner import jupyterlab
from autograder.tests.support import NOTEBOOKS, ROOT, SOURCE

CELL = {"grade": False, "grade_id": "x", "locked": False, "schema_version": 3, "solution": True, "task": False}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A course folder in nbgrader's default layout with one assignment, `ps1`."""
    (tmp_path / CONFIG).write_text("c = get_config()\nc.CourseDirectory.course_id = 'small'\n")
    source = tmp_path / "source" / "ps1"
    source.mkdir(parents=True)
    answer = nbformat.v4.new_code_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", metadata={"nbgrader": CELL})
    test = {**CELL, "grade": True, "grade_id": "x-test", "locked": True, "points": 1, "solution": False}
    check = nbformat.v4.new_code_cell("assert x == 1", metadata={"nbgrader": test})
    nbformat.write(nbformat.v4.new_notebook(cells=[answer, check]), source / "one.ipynb")
    return tmp_path


def _said(capsys: pytest.CaptureFixture[str], *arguments: str | Path, status: int = 1) -> str:
    assert main([str(argument) for argument in arguments]) == status
    error = capsys.readouterr().err
    assert error.startswith("autograder: ")
    assert error.count("\n") == 1, "one sentence on one line"
    assert "Traceback" not in error
    return error.removeprefix("autograder: ").strip()


def test_a_folder_without_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, "--course", tmp_path, "grade", status=2)
    assert said == f"{tmp_path}: not a course folder (no nbgrader_config.py); pass --course DIR."


def test_settings_that_cannot_be_read(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / CONFIG).write_text("c = get_config(\n")
    said = _said(capsys, "--course", small, "grade")
    assert said.startswith(f"{small / CONFIG}: cannot be read (SyntaxError: ")
    assert said.endswith("; fix the file.")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("c.Limits.prelaod = ['numpy']", "c.Limits.prelaod: no such setting; did you mean c.Limits.preload?"),
        ("c.Course.ungradde = []", "c.Course.ungradde: no such setting; did you mean c.Course.ungraded?"),
        (
            "c.Course.xyz = []",
            "c.Course.xyz: no such setting; there are: due_dates, requirements, roster, timezone, ungraded.",
        ),
    ],
)
def test_a_misspelt_setting(setting: str, said: str, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / CONFIG).write_text(f"c = get_config()\n{setting}\n")
    assert _said(capsys, "--course", small, "grade") == f"{CONFIG}: {said}"


def test_no_source_notebooks(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(small / "source")
    said = _said(capsys, "--course", small, "release")
    assert said == f"{small}/source: no source notebooks found; put them in source/ASSIGNMENT/."


@pytest.mark.parametrize("command", ["grade", "feedback", "export", "release", "reproduce"])
def test_an_unknown_assignment(command: str, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no assignment 'ps2'; there are: ps1." in _said(capsys, "--course", small, command, "ps2", status=2)


def test_a_missing_source_notebook(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "source" / "ps1" / "one.ipynb").unlink()
    (small / "source" / "ps0").mkdir()
    shutil.copy(SOURCE / "3_gru.ipynb", small / "source" / "ps0")
    assert "no assignment 'ps1'; there are: ps0." in _said(capsys, "--course", small, "release", "ps1", status=2)


@pytest.mark.kernel
def test_a_source_notebook_that_is_not_json(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "submitted" / "ada" / "ps1").mkdir(parents=True)
    (small / "source" / "ps1" / "one.ipynb").write_text("{")
    said = _said(capsys, "--course", small, "grade")
    assert said.startswith(f"{small}/source/./ps1/one.ipynb: cannot be read (NotJSONError: ".replace("/./", "/"))


def test_no_submissions(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, "--course", small, "grade")
    where = f"{small}/submitted/<student>/ps1"
    assert said == f"{where}: no submissions here; put each student's notebooks into a folder like this one."


def test_an_unknown_student(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "submitted" / "ada" / "ps1").mkdir(parents=True)
    said = _said(capsys, "--course", small, "grade", "--student", "bob", status=2)
    assert said == f"{small}/submitted/bob/ps1: no such submission; check the student's id."


def test_nothing_graded_yet(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing is graded yet; run `autograder grade`." in _said(capsys, "--course", small, "feedback")
    assert _said(capsys, "--course", small, "export") == (
        "ps1: not in the gradebook; run `autograder release`, then `autograder grade`."
    )


@pytest.mark.kernel
def test_a_class_of_broken_submissions_is_graded_and_exits_with_1(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for student in ("ada", "bob"):
        (small / "submitted" / student / "ps1").mkdir(parents=True)
    (small / "submitted" / "ada" / "ps1" / "one.ipynb").write_text('{"cells": [')
    assert main(["--course", str(small), "grade"]) == 1
    shown = capsys.readouterr().out
    assert "grading: ada damaged" in shown
    assert "grading: bob missing" in shown


def test_the_demo_needs_its_assignment_and_a_folder_of_its_own(
    small: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _said(capsys, "--course", small, "demo", "--folder", small / "demo")
    assert said.endswith("not found; the demo needs this assignment.")
    other = tmp_path_factory.mktemp("full")
    (other / "thesis.txt").write_text("years of work")
    said = _said(capsys, "--course", ROOT, "demo", "--folder", other)
    assert said == f"{other}: exists and is not a demo; pass another folder with --folder."
    assert (other / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("count", ["0", "-3", "many"])
def test_a_class_has_students(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["demo", f"--students={count}"])
    assert stopped.value.code == 2
    assert f"{count!r} is not a number of students" in capsys.readouterr().err


def test_help_names_every_job(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for command in (
        "submit",
        "collect",
        "check",
        "release",
        "handout",
        "grade",
        "feedback",
        "export",
        "demo",
        "doctor",
        "reproduce",
        "validate",
    ):
        assert f"    {command} " in shown


@pytest.mark.process
def test_doctor_is_well_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--course", str(ROOT), "doctor"]) == 0
    shown = capsys.readouterr().out
    assert "✓ packages as pinned" in shown
    assert "✗" not in shown


@pytest.mark.process
def test_doctor_says_what_is_missing(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy==1.0", "no-such-package==2", 'ruff==1; extra=="test"']
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    monkeypatch.setattr("sys.version_info", (3, 9, 1))
    said = [str(finding) for finding in doctor.examine(course)]
    assert said[0].endswith(": use Python 3.11, 3.12 or 3.13")
    assert said[1].startswith("✗ numpy 2")
    assert said[1].endswith(": run `pip install 'numpy==1.0'`")
    assert said[2] == "✗ no-such-package missing: run `pip install 'no-such-package==2'`"
    assert said[3] == "✗ alembic (needed to create gradebooks): run `pip install alembic`"


def test_doctor_names_other_versions_than_the_tested_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    tested = {**distribution.pins(), "nbval": "0.11.1"}
    monkeypatch.setattr(doctor, "pins", lambda: tested)
    said = [str(finding) for finding in doctor.examine(None)]
    wanted = "✓ packages in the required ranges; 1 not in the tested version: nbval 0.11.0 (tested: 0.11.1)"
    assert wanted in said


def test_doctor_where_the_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "NAME", "no-such-package")
    said = [str(finding) for finding in doctor.examine(None)]
    wanted = "✗ packages: no-such-package is not installed in this environment; run `pip install --editable .`."
    assert wanted in said


def test_a_learners_copy_is_never_overwritten(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = small / "release" / "ps1"
    released.mkdir(parents=True)
    (released / "one.ipynb").write_text("released")
    (released / "two.ipynb").write_text("released")
    mine = jupyterlab.own_copy(Course.at(small))
    assert mine == small / "my-notebooks"
    (mine / "ps1" / "one.ipynb").write_text("my work")
    (released / "one.ipynb").write_text("released again")
    (mine / "ps1" / "two.ipynb").unlink()
    jupyterlab.own_copy(Course.at(small))
    assert (mine / "ps1" / "one.ipynb").read_text() == "my work"
    assert (mine / "ps1" / "two.ipynb").read_text() == "released"


def test_lab_says_where_the_copy_lies(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (small / "release" / "ps1").mkdir(parents=True)
    served: list[tuple[Path, str]] = []
    monkeypatch.setattr(jupyterlab, "serve", lambda folder, page, settings=None: served.append((folder, page)))
    assert main(["--course", str(small), "lab"]) == 0
    assert f"Your notebooks: {small / 'my-notebooks'}" in capsys.readouterr().out
    assert main(["--course", str(small), "formgrader"]) == 0
    assert served == [(small / "my-notebooks", "/lab"), (small, "/formgrader")]


def test_lab_opens_the_first_graded_notebook(course: Course, tmp_path: Path) -> None:
    (tmp_path / "rnn_shapes").mkdir()
    for name in ("2_lstm_sequences", "1_lstm"):
        (tmp_path / "rnn_shapes" / f"{name}.ipynb").touch()
    assert jupyterlab.first_page(course, tmp_path) == "/lab/tree/rnn_shapes/1_lstm.ipynb"
    assert {path.name for path in jupyterlab.LEARNERS.iterdir()} == {"overrides.json", "page_config.json"}


def test_lab_without_a_release(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(capsys, "--course", small, "lab").endswith("nothing is released yet; run `autograder release`.")


@pytest.mark.process
def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    declared = (ROOT / "Makefile").read_text().split(".PHONY:", 1)[1].split("\n", 1)[0].split()
    assert [target for target in declared if f"  {target} " not in shown] == []


@pytest.mark.process
def test_the_command_runs_where_no_environment_is_activated(small: Path) -> None:
    """alembic is called by name; without PATH to it a gradebook can still be made."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "autograder.cli", "--course", str(small), "release"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(small)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (small / "gradebook.db").exists()
    assert (small / "release" / "ps1" / "one.ipynb").exists()


def test_the_course_has_its_four_notebooks(course: Course) -> None:
    assert [path.stem for path in course.source_notebooks("rnn_shapes")] == list(NOTEBOOKS)
