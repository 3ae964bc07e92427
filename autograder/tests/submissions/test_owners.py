"""Zips and folders that are named like the course: whose they are, and that nobody's work is lost without a word."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.course.roster import Person, Roster
from autograder.learner.submit import submit
from autograder.submissions.collect import collect
from autograder.tests.harness.tiny_course import make_notebooks, make_question

UNKNOWN = (
    "{}: skipped, because its name is the course's and does not say whose it is; "
    "rename it to the student's id and collect it again."
)


@pytest.fixture
def own(tmp_path: Path) -> Course:
    """A course with the assignment `ps1` and the notebooks `one` and `two`, which are released."""
    notebooks = {name: make_question(name, f"{name} = 1", f"assert {name} == 1") for name in ("one", "two")}
    course = make_notebooks(tmp_path / "stats 101", **notebooks)
    for path in course.source_notebooks("ps1"):
        released = course.folder("release", "ps1") / path.name
        released.parent.mkdir(parents=True, exist_ok=True)
        released.write_bytes(path.read_bytes())
    return course


def _files(own: Course) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in own.source_notebooks("ps1")}


def _zip(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with io.BytesIO() as held:
        with zipfile.ZipFile(held, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        path.write_bytes(held.getvalue())
    return path


def _collected(own: Course) -> list[str]:
    return sorted(path.parent.name for path in (own.root / "submitted").glob("*/ps1"))


def test_what_submit_writes_does_not_become_a_student(own: Course, capsys: pytest.CaptureFixture[str]) -> None:
    mine = own.root / "my-notebooks" / "ps1"
    mine.mkdir(parents=True)
    for name, content in _files(own).items():
        (mine / name).write_bytes(content)
    packed = submit(own, "ps1", mine, mine.parent / "ps1.zip", rerun=False)
    assert main(["--course", str(own.root), "collect", str(packed.path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "unmatched files:",
        f"  {UNKNOWN.format('ps1.zip')}",
        f"collected 0 students in {own.root / 'submitted'}",
        "not everything was collected (see above): files that match no student",
    ]
    assert _collected(own) == []


@pytest.mark.parametrize(
    "name", ["ps1", "PS1", "ps1 (2)", "ps1-1", "ps1_copy", "ps1 copy", "stats 101", "my-notebooks", "source", "one"]
)
def test_names_of_the_course_are_nobodys(own: Course, name: str) -> None:
    (found,) = collect(own, "ps1", [_zip(own.root / "in" / f"{name}.zip", _files(own))])
    assert (found.student, found.is_lost, found.messages) == ("", True, (UNKNOWN.format(f"{name}.zip"),))


@pytest.mark.parametrize("name", ["ada", "ps10", "ps1ada", "stats", "101"])
def test_other_names_are_students(own: Course, name: str) -> None:
    (found,) = collect(own, "ps1", [_zip(own.root / "in" / f"{name}.zip", _files(own))])
    assert (found.student, found.is_lost) == (name, False)


@pytest.mark.parametrize(
    ("folder", "student"),
    [
        ("ada", "ada"),
        ("ada/ps1", "ada"),
        ("ps1/ada", "ada"),
        ("work/eve", "eve"),  # of the two, the roster has this one
        ("my-notebooks/ps1", ""),
        ("ps1", ""),
    ],
)
def test_a_folder_inside_may_say_whose_it_is(own: Course, folder: str, student: str) -> None:
    files = {f"{folder}/{name}": content for name, content in _files(own).items()} | {"manifest.json": b"{}"}
    source = _zip(own.root / "in" / "ps1.zip", files)
    (found,) = collect(own, "ps1", [source], roster=Roster((Person("eve"),)))
    assert (found.student, found.is_lost) == (student, not student)
    assert found.messages == (() if student else (UNKNOWN.format("ps1.zip"),))
    assert sorted(found.notebooks) == (["one.ipynb", "two.ipynb"] if student else [])


def test_the_roster_may_have_a_student_of_that_name(own: Course) -> None:
    source = _zip(own.root / "in" / "ps1.zip", _files(own))
    (found,) = collect(own, "ps1", [source], roster=Roster((Person("ps1"),)))
    assert (found.student, found.is_lost) == ("ps1", False)


def test_in_a_class_only_what_is_nobodys_is_left_out(own: Course) -> None:
    _zip(own.root / "in" / "ada.zip", _files(own))
    _zip(own.root / "in" / "ps1.zip", _files(own))
    (own.root / "in" / "ps1-2").mkdir()
    for name, content in _files(own).items():
        (own.root / "in" / "ps1-2" / name).write_bytes(content)
    found = collect(own, "ps1", [own.root / "in"])
    assert [(one.student, one.is_lost) for one in found] == [("ada", False), ("", True)]
    assert set(found[-1].messages) == {UNKNOWN.format("ps1.zip"), UNKNOWN.format("ps1-2")}
    assert _collected(own) == ["ada"]


def test_a_class_named_like_the_assignment_has_its_students(own: Course) -> None:
    files = {f"{student}/{name}": content for student in ("ada", "bob") for name, content in _files(own).items()}
    found = collect(own, "ps1", [_zip(own.root / "in" / "ps1.zip", files)])
    assert [(one.student, one.is_lost) for one in found] == [("ada", False), ("bob", False)]
