"""The command line: what is loaded for it, options in either place, wrong ones, and a fault of the grader's own."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.cli import logs
from autograder.cli.commands import course as course_commands
from autograder.cli.commands import marks
from autograder.cli.main import main
from autograder.course.course import CONFIG, Course
from autograder.distribution import own_command
from autograder.errors import CourseError
from autograder.tests.support import ROOT

HEAVY = "nbgrader nbconvert nbclient nbformat numpy sqlalchemy rich psutil jupyter_client IPython traitlets".split()
RUNNING = [
    "autograder.kernels.launcher",
    "autograder.execution",
    "autograder.judging",
    "rich",
    "matplotlib",
]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course folder with one assignment, of which a command reads no more than its name."""
    (tmp_path / CONFIG).write_text("c = get_config()\n")
    (tmp_path / "source" / "ps1").mkdir(parents=True)
    (tmp_path / "source" / "ps1" / "one.ipynb").write_text("{}")
    return tmp_path


def test_a_command_is_named_by_its_path_if_its_name_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = tmp_path / "my course" / ".venv" / "bin", tmp_path / "other"
    for folder in (ours, other):
        folder.mkdir(parents=True)
        (folder / "autograder").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(ours / "python"))
    monkeypatch.chdir(tmp_path / "my course")
    monkeypatch.setenv("PATH", str(other))
    assert own_command() == ".venv/bin/autograder", "the one on the PATH is another"
    monkeypatch.chdir(tmp_path)
    assert own_command() == "'my course/.venv/bin/autograder'"
    monkeypatch.chdir(other)
    assert own_command() == f"'{ours}/autograder'"
    monkeypatch.setenv("PATH", str(ours))
    assert own_command() == "autograder"
    (ours / "autograder").unlink()
    monkeypatch.setenv("PATH", "")
    assert own_command() == "autograder", "installed in another way"


def _loaded(*arguments: str | Path) -> tuple[int, str, set[str]]:
    """The status, the output, and the modules that a command has loaded by its end, in a process of its own."""
    code = (
        "import sys\n"
        "from autograder.cli.main import main\n"
        "try:\n"
        f"    status = main({list(map(str, arguments))!r})\n"
        "except SystemExit as ended:\n"
        "    status = ended.code\n"
        "print('\\0', status, *[name for name, module in sys.modules.items() if module])"
    )
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it leaves out modules, too
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=plain)
    shown, _, rest = done.stdout.partition("\0")
    status, *names = rest.split()
    return int(status), shown + done.stderr, set(names)


def _of(package: str, names: set[str]) -> set[str]:
    return {name for name in names if name == package or name.startswith(f"{package}.")}


@pytest.mark.parametrize("arguments", [["--help"], ["submit", "--help"], ["grade", "--jobs", "0"], ["--version"]])
def test_help_loads_nothing_but_the_command_line(arguments: list[str]) -> None:
    status, shown, names = _loaded(*arguments)
    assert status == (2 if "0" in arguments else 0), shown
    assert [package for package in HEAVY if _of(package, names)] == []
    ours = {name for name in _of("autograder", names) if not name.startswith(("autograder.cli", "autograder.rnn"))}
    assert ours <= {"autograder", "autograder.distribution", "autograder.errors", "autograder.text"}


@pytest.mark.parametrize("settings", ["c = get_config()\n", (ROOT / CONFIG).read_text()], ids=["plain", "ours"])
def test_export_loads_nothing_that_runs_notebooks(settings: str, course: Path) -> None:
    (course / CONFIG).write_text(settings + "c.CourseDirectory.source_directory = 'source'\n")
    status, shown, names = _loaded("--course", course, "export")
    assert (status, "not in the gradebook" in shown) == (1, True)
    assert [package for package in RUNNING if _of(package, names)] == []
    assert not _of("rfc3987_syntax", names)


@pytest.mark.parametrize("after", [True, False])
def test_the_course_is_named_before_or_after_the_command(
    after: bool, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--course", str(course)]
    assert main(["lab", *where] if after else [*where, "lab"]) == 1
    assert capsys.readouterr().err.startswith(f"autograder: {course}/release/ps1: nothing is released yet; ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grade", "--fast"], "unrecognized arguments: --fast; see `autograder --help`."),
        (
            ["grade", "--jobs", "0"],
            "argument --jobs: '0' is not a number of jobs from 1 to 1000; see `autograder grade --help`.",
        ),
        (["export", "--open", "no"], "argument --open: invalid choice: 'no' (choose from 'hold', 'sum');"),
        (["collect"], "the following arguments are required: ZIP|DIR; see `autograder collect --help`."),
        ([], "name a command; see `autograder --help`."),
        (["--bogus"], "unrecognized arguments: --bogus; see `autograder --help`."),
        (["--course", "", "grade"], "argument --course: the name of the folder is empty; see `autograder --help`."),
        (["grade", "--job", "3"], "unrecognized arguments: --job"),
        (
            ["grade", "--jobs", "9" * 12],
            "argument --jobs: '999999999999' is not a number of jobs from 1 to 1000; see `autograder grade --help`.",
        ),
        (["-v", "-q", "doctor"], "argument -q/--quiet: not allowed with argument -v/--verbose;"),
        (["grades"], "argument COMMAND: invalid choice: 'grades' (choose from "),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    shown = capsys.readouterr()
    assert (stopped.value.code, shown.out, shown.err.count("\n")) == (2, "", 1)
    assert shown.err.startswith(f"autograder: {said}")


def test_help_explains_the_exit_statuses_and_lists_no_older_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert "  2    the command line is wrong" in shown
    assert "\n    mark  " in shown
    assert "\n    why" not in shown


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("autograder 0.")


@pytest.mark.parametrize("arguments", [["why"], ["--course", "why", "why"], ["-v", "why", "--list"]])
def test_an_older_name_is_understood(arguments: list[str], monkeypatch: pytest.MonkeyPatch, course: Path) -> None:
    shutil.copytree(course, course / "why")
    monkeypatch.chdir(course)
    called: list[Path] = []

    def run(_: object, found: Course) -> int:
        called.append(found.root)
        return 0

    monkeypatch.setattr(marks, "run_mark", run)
    assert main(arguments) == 0
    assert called == [course / "why" if "--course" in arguments else course]


# --- a fault of the grader's own ----------------------------------------------------------------------------------


def _fails(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(course_commands, "run_doctor", fail)


@pytest.mark.parametrize("verbose", [[], ["-v"]])
def test_a_fault_is_a_sentence_and_its_traceback_a_file(
    verbose: list[str], course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails(KeyError("x"), monkeypatch)
    assert main(["--course", str(course), *verbose, "doctor"]) == 1
    path = course / "reports" / "autograder.log"
    shown = capsys.readouterr().err
    assert shown.endswith(f"autograder: doctor: the grader failed (KeyError: 'x'); see {path}.\n")
    assert ("Traceback" in shown) == bool(verbose)
    kept = path.read_text()
    assert "UTC autograder doctor\nTraceback (most recent call last):\n" in kept
    assert kept.endswith("KeyError: 'x'\n\n")


def test_faults_add_up_in_the_file(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second"):
        _fails(RuntimeError(name), monkeypatch)
        assert main(["--course", str(course), "doctor"]) == 1
    kept = (course / "reports" / "autograder.log").read_text()
    assert kept.index("RuntimeError: first") < kept.index("RuntimeError: second")


def test_a_fault_before_the_course_is_known_is_kept_elsewhere(
    course: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(folder: Path) -> Course:
        raise ZeroDivisionError

    aside = tmp_path_factory.mktemp("aside")
    monkeypatch.setattr("tempfile.tempdir", str(aside))
    monkeypatch.setattr(Course, "at", fail)
    assert main(["--course", str(course), "doctor"]) == 1
    said = capsys.readouterr().err
    (path,) = aside.iterdir()
    assert said == f"autograder: doctor: the grader failed (ZeroDivisionError); see {path}.\n"
    assert "ZeroDivisionError" in path.read_text()
    assert not (course / "reports").exists()


def test_a_foreseeable_fault_leaves_no_log(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails(CourseError("ps1: is odd; change it."), monkeypatch)
    assert main(["--course", str(course), "-v", "doctor"]) == 1
    assert capsys.readouterr().err == "autograder: ps1: is odd; change it.\n"
    assert not (course / "reports").exists()


def test_a_reader_that_has_gone_is_no_fault(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    _fails(BrokenPipeError(), monkeypatch)
    assert main(["--course", str(course), "doctor"]) == 1
    assert not (course / "reports").exists()


@pytest.mark.parametrize(("option", "shown"), [("-q", ""), ("-v", "Warning: look here\n")])
def test_quiet_shows_no_warnings(
    option: str, shown: str, course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    def warn(*_: object) -> int:
        logs.warn(["look here"])
        return 0

    monkeypatch.setattr(course_commands, "run_doctor", warn)
    assert main(["--course", str(course), option, "doctor"]) == 0
    assert capsys.readouterr().err == shown
