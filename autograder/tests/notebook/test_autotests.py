"""`### AUTOTEST` lines: nbgrader fills them in, once for release, proof and grading, and each fault is one sentence."""

from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.queries import table
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.class_run import ClassRun
from autograder.grading.proving import prove
from autograder.notebook import autotests
from autograder.release.release import is_stale, release

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}
TEMPLATE = """
python3:
    dispatch: "type({{snippet}})"
    normalize: "str({{snippet}})"
    check: 'assert {{snippet}} == "{{value}}", "{{message}}"'
    templates:
        default:
            - test: "{{snippet}}"
              fail: "MINE: {{snippet}} is not correct"
"""


def cell(name: str, source: str, **rights: Any) -> NotebookNode:
    metadata = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **rights}
    made: NotebookNode = new_code_cell(source, metadata={"nbgrader": {"grade_id": name, **metadata}})
    return made


def course(folder: Path, test: str, answer: str = "x = [1, 2, 3]", kernel: str = "python3", **rights: Any) -> Course:
    solution = cell("a", f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION", solution=True)
    graded = {"grade": True, "locked": True, "points": 2, **rights}
    path = folder / "source" / "ps1" / "p1.ipynb"
    path.parent.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "c"\n')
    cells = [solution, cell("t", test, **graded)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": PYTHON | {"name": kernel}}), path)
    return Course.at(folder)


def fault(made: Course) -> str:
    with pytest.raises(CourseError) as error:
        SourceAssignment.load(made, "ps1")
    return str(error.value)


def submit(made: Course, **answers: str) -> None:
    for student, answer in answers.items():
        notebook = nbformat.read(made.folder("release", "ps1") / "p1.ipynb", 4)
        notebook.cells[0].source = answer
        path = made.folder("submitted", "ps1", student) / "p1.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)


@pytest.mark.kernel
@pytest.mark.parametrize("line", ["### AUTOTEST x; len(x)", "### HASHED AUTOTEST x"])
def test_release_proof_and_grading_see_the_same_filled_in_test(tmp_path: Path, line: str) -> None:
    made = course(tmp_path, line)
    source = SourceAssignment.load(made, "ps1")
    prove(source)
    released = nbformat.read(release(made, "ps1", source) / "p1.ipynb", 4).cells[1].source
    assert released == source.cells["p1", "t"].source
    assert "AUTOTEST" not in released
    assert ("[1, 2, 3]" in released) is ("HASHED" not in line)
    assert not is_stale(made, "ps1")
    submit(made, ada="x = [3 - 2, 2, 3]", ben="x = 'rubbish'", cem="x = [3, 2, 1]")
    ClassRun(made, "ps1").grade()
    assert {row.student: row.score for row in table(made, "ps1").rows} == {"ada": 2, "ben": 0, "cem": 0}


@pytest.mark.kernel
@pytest.mark.parametrize("folder", [".", "source/ps1"])
def test_the_courses_own_file_is_used(tmp_path: Path, folder: str) -> None:
    made = course(tmp_path, "### AUTOTEST x")
    (tmp_path / folder / "autotests.yml").write_text(TEMPLATE)
    assert "MINE: x is not correct" in SourceAssignment.load(made, "ps1").cells["p1", "t"].source


def test_without_any_file_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autotests, "DEFAULT", tmp_path / "none.yml")
    assert fault(course(tmp_path, "assert x\n### AUTOTEST x")) == (
        "source/ps1/p1.ipynb: cell t, line 2: `AUTOTEST` needs the file autotests.yml, which is missing;"
        " copy it from nbgrader's documentation into the course folder."
    )


def test_an_autotest_outside_a_test_cell(tmp_path: Path) -> None:
    assert fault(course(tmp_path, "### AUTOTEST x", grade=False)) == (
        "source/ps1/p1.ipynb: cell t, line 1: `AUTOTEST` is allowed only in a test cell;"
        " change the cell's type in Create Assignment, or delete the line."
    )


def test_a_kernel_that_nbgrader_does_not_know(tmp_path: Path) -> None:
    assert fault(course(tmp_path, "### AUTOTEST x", kernel="mine")) == (
        'source/ps1/p1.ipynb: cell t, line 1: `AUTOTEST` lines cannot be filled in with the kernel "mine";'
        ' set the notebook\'s kernel to "python" or "python3".'
    )


@pytest.mark.kernel
def test_a_cell_that_raises_is_named_and_the_kernel_ends(tmp_path: Path) -> None:
    assert fault(course(tmp_path, "### AUTOTEST x", answer="x = 1 / 0")) == (
        "ps1/p1.ipynb: cell a raises ZeroDivisionError: division by zero when nbgrader fills in the AUTOTEST lines;"
        " fix this cell or one above it."
    )
    _, alive = psutil.wait_procs(psutil.Process().children(), timeout=10)
    assert not [process for process in alive if "ipykernel" in " ".join(process.cmdline())]
