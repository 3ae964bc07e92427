"""Files that students edit, by nbgrader's own c.Autograde.exclude_overwriting: the student's are run, nobody else's."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.pipeline import grade_submission
from autograder.grading.proving import prove, proved
from autograder.model import Submission

SETTING = 'c.Autograde.exclude_overwriting = {"ps1": ["mine.py"]}\n'


def cell(name: str, source: str, **rights: Any) -> NotebookNode:
    metadata = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **rights}
    made: NotebookNode = new_code_cell(source, metadata={"nbgrader": {"grade_id": name, **metadata}})
    return made


def course(folder: Path, setting: str = SETTING, test: str = "assert got == mine.one + rate()") -> Course:
    cells = [
        cell("i", "import mine\nfrom theirs import rate", locked=True),
        cell("a", "### BEGIN SOLUTION\ngot = 3\n### END SOLUTION", solution=True),
        cell("t", test, grade=True, locked=True, points=2),
    ]
    source = folder / "source" / "ps1"
    source.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(f'c = get_config()\nc.CourseDirectory.course_id = "c"\n{setting}')
    (source / "mine.py").write_text("one = 1\n")
    (source / "theirs.py").write_text("def rate():\n    return 2\n")
    nbformat.write(new_notebook(cells=cells), source / "p1.ipynb")
    return Course.at(folder)


def points(made: Course, answer: str, **files: str) -> float | None:
    source = SourceAssignment.load(made, "ps1")
    notebook = nbformat.from_dict(source.notebooks["p1"])
    notebook.cells[1].source = answer
    content = {f"{name}.py": text.encode() for name, text in files.items()}
    submission = Submission("ada", {"p1.ipynb": nbformat.writes(notebook).encode(), **content})
    ((verdict,),) = (
        one.verdicts for one in grade_submission(submission, proved(source).attached(source.packed())).notebooks
    )
    return verdict.points


@pytest.mark.kernel
def test_a_students_file_is_run_and_the_courses_is_not(tmp_path: Path) -> None:
    made = course(tmp_path, test="assert got == one + 2").root
    book = nbformat.read(made / "source/ps1/p1.ipynb", 4)
    book.cells[0].source = "from mine import one\nfrom theirs import rate"
    nbformat.write(book, made / "source/ps1/p1.ipynb")
    prove(SourceAssignment.load(Course.at(made), "ps1"))
    assert points(Course.at(made), "got = rate() + 5", mine="one = 5\n") == 2
    assert points(Course.at(made), "got = 3", mine="one = 1\n", theirs="def rate(): return 0\n") == 2
    assert points(Course.at(made), "got = 3") == 0  # as with nbgrader, a file that was not handed in is missing


def test_only_the_files_of_the_setting_are_left_out(tmp_path: Path) -> None:
    source = SourceAssignment.load(course(tmp_path), "ps1")
    assert (list(source.helpers), list(source.edited)) == (["theirs.py"], ["mine.py"])
    source = SourceAssignment.load(course(tmp_path / "none", ""), "ps1")
    assert (list(source.helpers), list(source.edited)) == (["mine.py", "theirs.py"], [])


@pytest.mark.kernel
@pytest.mark.parametrize("line", ["import mine", "from mine import one", "def f():\n    import mine"])
def test_a_test_cannot_import_what_students_edit(tmp_path: Path, line: str) -> None:
    found = proved(SourceAssignment.load(course(tmp_path, test=f"{line}\nassert got == 3"), "ps1")).faults
    assert list(found) == [
        f"ps1/p1.ipynb: cell t, line {1 + line.count(chr(10))}: the test imports `mine`, which students edit"
        " (c.Autograde.exclude_overwriting); import it in a locked cell before the test."
    ]


@pytest.mark.parametrize("value", ["['mine.py']", "{'ps1': 'mine.py'}", "{'ps1': [1]}"])
def test_a_setting_of_another_form_is_one_sentence(tmp_path: Path, value: str) -> None:
    with pytest.raises(CourseError) as error:
        SourceAssignment.load(course(tmp_path, f"c.Autograde.exclude_overwriting = {value}\n"), "ps1")
    assert str(error.value) == (
        "nbgrader_config.py: c.Autograde.exclude_overwriting is not a dict of lists;"
        ' write it like {"ps1": ["helper.py"]}.'
    )
