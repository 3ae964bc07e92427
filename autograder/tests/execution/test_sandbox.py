"""Without a sandbox nothing of a student's is run, unless somebody says so in so many words."""

import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.distribution import own_command
from autograder.errors import CourseError, NoSandboxError
from autograder.execution.sandbox import WARNING, for_own_notebooks, grading_limits, own_limits, private_folders
from autograder.gradebook.queries import table
from autograder.rnn.demo import BANNER
from autograder.rnn.sample_class import ASSIGNMENT
from autograder.tests.harness.without_tensorflow import make_without_tensorflow

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("plain")]
REFUSAL = "bubblewrap is missing; install the system's package `bubblewrap`."


@pytest.fixture
def small(ungraded: Path, tmp_path: Path) -> Course:
    """A course with one question and one submission."""
    root = tmp_path / "course"
    shutil.copytree(ungraded, root)
    shutil.rmtree(root / "submitted")
    notebook = nbformat.read(root / "release" / "ps1" / "one.ipynb", 4)
    notebook.cells[0].source = "x = 42"
    (root / "submitted" / "ada" / "ps1").mkdir(parents=True)
    nbformat.write(notebook, root / "submitted" / "ada" / "ps1" / "one.ipynb")
    return Course.at(root)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a sandbox."""

    def server(*_: object) -> Path:
        raise NoSandboxError(REFUSAL)

    monkeypatch.setattr("autograder.kernels.launcher.server", server)


@pytest.mark.usefixtures("bare")
def test_without_a_sandbox_grading_refuses_and_says_what_is_missing(
    small: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("grade", "reproduce"):
        assert main(["--course", str(small.root), command, "ps1"]) == 1
        said = capsys.readouterr().err
        assert said.startswith(
            f"autograder: no sandbox: {REFUSAL} Without one, student code runs with your permissions. "
        )
        assert "--unsafe-no-sandbox" in said
    assert not (small.root / "autograded").exists()


@pytest.mark.usefixtures("bare")
def test_it_grades_without_one_if_told_so_and_the_status_says_it(
    small: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(small.root), "grade", "ps1", "--unsafe-no-sandbox"]) == 0
    assert WARNING in capsys.readouterr().err
    (row,) = table(small, "ps1").rows
    assert (row.marks["x"], row.status) == (2, "unsandboxed")


def test_with_a_sandbox_the_same_grade_has_no_such_status(small: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--course", str(small.root), "grade", "ps1"]) == 0
    assert "arning" not in capsys.readouterr().err
    (row,) = table(small, "ps1").rows
    assert (row.marks["x"], row.status) == (2, "graded")


@pytest.mark.usefixtures("bare")
def test_ones_own_notebooks_run_without_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = make_without_tensorflow(tmp_path / "course")
    assert own_limits(course).sandbox == "none"
    assert for_own_notebooks(course) == {}
    assert main(["--course", str(course.root), "demo", "--students", "1", "--folder", str(tmp_path / "demo")]) == 0
    said = capsys.readouterr()
    assert BANNER.format(command=own_command()) in said.err
    assert said.out.endswith(f"answers: {own_command()} --course {tmp_path / 'demo'} formgrader\n")
    demo = Course.at(tmp_path / "demo")
    assert [(row.marks["q8"], row.status) for row in table(demo, ASSIGNMENT).rows] == [(2, "unsandboxed")]


def test_a_course_that_no_kernel_can_start_without_is_refused(small: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.kernels.bubblewrap.python_folders", lambda: [small.root])
    with pytest.raises(CourseError, match=r"must not see .*, but every kernel needs .*; move one of them elsewhere"):
        grading_limits(small)


def test_a_kernel_sees_no_folder_of_the_course(small: Course) -> None:
    small.directory.db_url = "sqlite:////srv/marks/gradebook.db"
    small.directory.submitted_directory = "/srv/class"
    folders = {Path("/srv/marks"), Path("/srv/class"), Path("/usr/local/share/nbgrader/exchange"), small.root}
    assert set(private_folders(small)) == folders
    assert set(map(Path, grading_limits(small).hidden)) == folders
