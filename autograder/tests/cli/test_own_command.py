"""Every message that names a command names it as the user can call it, also if `autograder` is not on the PATH."""

import ast
import contextlib
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.cli.main import main
from autograder.course.course import CONFIG, find_alembic
from autograder.distribution import own_command
from autograder.release.new_course import LINES, SETTINGS
from autograder.tests.support import ROOT

PACKAGE = ROOT / "autograder"
APART = ("tests", "docs", "lite", "bench")  # users do not read what these print, or read it on a page


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course folder that nothing was done in, in a shell without an active environment."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / CONFIG).write_text("c = get_config()\n")
    (tmp_path / "source" / "ps1").mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "source" / "ps1" / "one.ipynb")
    return tmp_path


@pytest.mark.usefixtures("course")
def test_what_a_command_adds_to_the_path_does_not_change_its_name() -> None:
    named = own_command()
    find_alembic()
    assert shutil.which("autograder") == str(Path(sys.executable).with_name("autograder"))
    assert own_command() == named != "autograder"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["grade", "--fast"], "unrecognized arguments: --fast; see `{} --help`."),
        (["collect"], "the following arguments are required: ZIP|DIR; see `{} collect --help`."),
        (["--help"], "`{} COMMAND --help` explains a command and its options."),
        (["grade", "--help"], "usage: {} grade "),
        (["validate"], "nothing is released yet; run `{} release`."),
        (["lab"], "nothing is released yet; run `{} release`."),
        (["handout"], "not released yet; run `{} release` first."),
        (["submit"], "run `{} lab` first, which copies the notebooks"),
        (["release", "--check"], "run `{} release` and commit the folder."),
        (["report"], "ps1: not in the gradebook; run `{0} release`, then `{0} grade`."),
        (["feedback"], "nothing is graded yet; run `{} grade`."),
        (["mark"], "ps1: not in the gradebook; run `{0} release`, then `{0} grade`."),
    ],
)
def test_a_message_names_the_command_by_its_path(
    course: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = own_command()
    assert named != "autograder"
    with contextlib.suppress(SystemExit):
        main(["--course", str(course), *arguments])
    said = capsys.readouterr()
    assert sentence.format(named) in " ".join(f"{said.out} {said.err}".split())


def test_the_next_commands_are_named_as_they_are_called_in_the_new_folder(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = course / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "autograder").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(scripts / "python"))
    monkeypatch.chdir(course)
    assert own_command() == ".venv/bin/autograder"
    assert main(["init", "stats"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    there = ", ".join(f"{scripts}/autograder {step}" for step in ("check", "release", "grade", "report"))
    assert last == f"next: cd stats, then {there}"


def test_no_message_names_the_command_alone() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in APART:
            found += [text for text in _texts(path) if re.search(r"`autograder [a-z]+[^`]*`", text)]
    assert sorted(found) == sorted([LINES, SETTINGS]), "these are comments of a settings file"


def _texts(path: Path) -> list[str]:
    """The texts of a module, without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    return [node.value for node in constants if isinstance(node.value, str)]
