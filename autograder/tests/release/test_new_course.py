"""`autograder init`: a new course, and one from a folder that nbgrader uses. Nothing is overwritten."""

from pathlib import Path

import pytest
from traitlets.config import Config

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.gradebook.queries import table
from autograder.notebook.source_faults import source_faults
from autograder.notebook.variants import released_copy, teaching_copy
from autograder.release.example import SAMPLES, source_notebook, submission
from autograder.tests.harness.tiny_course import make_course, make_question

GET = "c = get_config()"
HOOKS = """\
from autograder import hooks
hooks.configure({})  # nbgrader's own commands grade as `autograder grade` does
"""


@pytest.mark.kernel
def test_a_new_course_releases_and_grades_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "Kurs für alle"]) == 0
    root = tmp_path / "Kurs für alle"
    written = {f"wrote {path}" for path in root.rglob("*") if path.is_file()}
    *lines, assignments, following = capsys.readouterr().out.splitlines()
    assert set(lines) == written
    assert assignments == "assignments: example"
    assert following.startswith("next: cd 'Kurs für alle', then autograder check, autograder release")
    for command in ("check", "release", "grade", "feedback", "report", "export"):
        assert main(["--course", str(root), command]) == 0
    rows = {row.student: row for row in table(Course.at(root), "example").rows}
    assert {student: list(row.marks.values()) for student, row in rows.items()} == {
        "sample-right": [2, None],
        "sample-wrong": [0, None],
    }
    page = (root / "feedback" / "sample-wrong" / "example.html").read_text(encoding="utf-8")
    assert "1 · The mean of a list" in page
    assert "assert mean([1, 2, 6]) == 3" in page
    assert "<code>mean([1, 2, 6])</code> is <code>4.5</code>" in page
    assert "empty list?" not in page


def test_the_example_is_as_its_release_makes_it() -> None:
    source, config = source_notebook(), Config({"ClearSolutions": {"code_stub": {"python": "..."}}})
    assert source_faults(source, "example.ipynb", config) == []
    released = released_copy(teaching_copy(source, config), config)
    for student in SAMPLES:
        pairs = zip(submission(student).cells, released.cells, strict=True)
        locked = [(own.source, theirs.source) for own, theirs in pairs if theirs.metadata.nbgrader.locked]
        assert len(locked) == 4
        assert all(own == theirs.rstrip() for own, theirs in locked)


CONFIGS = {  # an nbgrader_config.py: what it is afterwards
    "as nbgrader writes it": (f"# settings\n{GET}\nc.A.b = 1\n", f"# settings\n{GET}\n{HOOKS.format('c')}c.A.b = 1\n"),
    "another name": ('"""Text."""\nconf = get_config()', f'"""Text."""\nconf = get_config()\n{HOOKS.format("conf")}'),
    "no get_config": ("import os\n\nc.A.b = 1\n", f"import os\n{HOOKS.format('c')}\nc.A.b = 1\n"),
    "empty": ("", HOOKS.format("c")),
    "Windows": (f"{GET}\r\nc.A.b = 1\r\n", f"{GET}\n{HOOKS.format('c')}c.A.b = 1\n".replace("\n", "\r\n")),
}  # fmt: skip


@pytest.mark.parametrize("before", CONFIGS)
def test_an_existing_course_gets_two_lines(before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, expected = CONFIGS[before]
    course = make_course(tmp_path / "old", make_question("a", "a = 1", "assert a == 1"))
    path = course.root / "nbgrader_config.py"
    path.write_bytes(text.encode())
    others = {file: file.read_bytes() for file in course.root.rglob("*") if file.is_file() and file != path}
    assert main(["--course", str(course.root), "init"]) == 0
    assert path.read_bytes().decode() == expected
    assert {file: file.read_bytes() for file in course.root.rglob("*") if file.is_file() and file != path} == others
    shown = capsys.readouterr().out
    assert f"added to {path}, after line " in shown
    assert "assignments: ps1\n" in shown
    assert "autograder.grading" in str(Course.at(course.root).settings.Autograde.sanitize_preprocessors)
    assert main(["init", str(course.root)]) == 0
    assert path.read_bytes().decode() == expected
    assert f"left as it is: {path}, which loads autograder.hooks already\n" in capsys.readouterr().out


def test_a_folder_without_settings_gets_them_and_no_example(tmp_path: Path) -> None:
    course = make_course(tmp_path / "old", make_question("a", "a = 1", "assert a == 1"))
    (course.root / "nbgrader_config.py").unlink()
    assert main(["init", str(course.root)]) == 0
    assert sorted(path.name for path in course.root.iterdir()) == ["nbgrader_config.py", "source"]
    assert Course.at(course.root).directory.course_id == "old"


def test_settings_without_notebooks_stay_a_course_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nbgrader_config.py").write_text(f"{GET}\n")
    assert main(["init", str(tmp_path)]) == 0
    assert (
        f"{tmp_path / 'source'}: no source notebooks found; put them in source/ASSIGNMENT/." in capsys.readouterr().out
    )
    assert [path.name for path in tmp_path.iterdir()] == ["nbgrader_config.py"]


def test_files_that_are_there_are_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert f"left as it is: {tmp_path / '.gitignore'}\n" in capsys.readouterr().out


def test_settings_that_are_not_python_are_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nbgrader_config.py"
    path.write_text("c = \n")
    assert main(["init", str(tmp_path)]) == 2
    told = f"autograder: {path}: line 1: invalid syntax; fix the file, then run this again.\n"
    assert capsys.readouterr().err == told
    assert path.read_text() == "c = \n"


def test_a_file_is_no_course(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"autograder: {tmp_path / 'file'}: not a folder; name another one.\n"
