"""A class whose tests have common forms: released, graded, and graded again by plain nbgrader, with the same marks."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.course import CONFIG, Course, find_alembic
from autograder.grading.class_run import ClassRun
from autograder.release.release import release
from autograder.tests.harness.forms import FORMS
from autograder.tests.harness.local_kernel import notebook_of

SAMPLE = (
    *("a function with hidden tests", "a set of tuples", "a class with state", "a context manager", "a coroutine"),
    *("several coroutines at a time", "printed output", "input is patched", "print is patched", "a warning"),
    *("a file that the test writes", "a file in a temporary folder of the test", "a generator function"),
    *("a file that the student's function writes", "files that the notebook wrote", "call-backs"),
    *("a module that the notebook wrote", "a decorator is applied by the test", "a nested list is changed in place"),
    *("a subclass of a locked cell's class", "the source of a function", "the source of the answer's cell"),
    *("a seed", "NumPy's global seed", "partial credit for a function's cases", "the student's helper is used"),
    *("an exception of the student's own, with attributes", "unittest in a cell", "a global counter"),
    *("the imports of a test are used by later answers", "an object that an earlier test made", "a name is patched"),
)
ASSIGNMENT = "ps1"


def _cells(student: str) -> list[tuple[str, str]]:
    """Return all forms' cells: the solution's, or a student's answers."""
    cells = []
    for name in SAMPLE:
        wrong = [answer for kind, answer in FORMS[name].submissions if kind == "wrong"]
        cells += FORMS[name].with_answer(wrong[-1]) if student == "wrong" else FORMS[name].cells
    return cells


def _hand_in(course: Course, student: str) -> None:
    notebook = nbformat.read(course.root / "release" / ASSIGNMENT / "forms.ipynb", 4)
    for cell, (kind, source) in zip(notebook.cells, _cells(student), strict=True):
        if kind == "answer" and student != "stub":
            cell.source = source
    place = course.root / "submitted" / student / ASSIGNMENT
    place.mkdir(parents=True)
    nbformat.write(notebook, place / "forms.ipynb")


def _marks(course: Course) -> dict[str, dict[str, float | None]]:
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        return {
            submission.student.id: {
                grade.name: grade.auto_score for row in submission.notebooks for grade in row.grades
            }
            for submission in book.assignment_submissions(ASSIGNMENT)
        }


@pytest.mark.kernel
@pytest.mark.process
def test_marks_are_plain_nbgraders(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    (ours / "source" / ASSIGNMENT).mkdir(parents=True)
    (ours / CONFIG).write_text('c = get_config()\nc.CourseDirectory.course_id = "forms"\n')
    nbformat.write(notebook_of(_cells("solution")), ours / "source" / ASSIGNMENT / "forms.ipynb")
    course = Course.at(ours)
    release(course, ASSIGNMENT)
    for student in ("solution", "stub", "wrong"):
        _hand_in(course, student)
    shutil.copytree(ours, theirs)
    ClassRun(course, ASSIGNMENT).grade()
    find_alembic()
    command = [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT]
    done = subprocess.run(command, cwd=theirs, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    marks = _marks(course)
    assert set(marks["solution"].values()) == {1.0}
    assert set(marks["stub"].values()) == {0.0}
    plain = _marks(Course.at(theirs))
    differences = [
        (student, cell) for student in marks for cell in plain[student] if marks[student][cell] != plain[student][cell]
    ]
    assert not differences
    assert marks.keys() == plain.keys()
