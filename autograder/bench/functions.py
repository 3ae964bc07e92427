"""Measure a course of functions: nbgrader's quickstart course, graded by plain nbgrader and by this grader.

nbgrader itself writes the course and releases it, so its notebooks and tests are as every instructor gets them. The
students of the class have the solution, the unanswered stub and a wrong answer, in turn. Both ways must give each
student the same marks; otherwise their times cannot be compared.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from autograder.bench import ours, plain
from autograder.bench.figures import PLAIN, WARM, Run
from autograder.course.course import Course, find_alembic
from autograder.errors import CourseError

QUICKSTART = "ps1"
NOTEBOOK = "problem1.ipynb"
WRONG = {
    "squares": "def squares(n):\n    return [i ** 2 for i in range(n)]",
    "sum_of_squares": "def sum_of_squares(n):\n    return sum(i ** 2 for i in range(n + 1))",
}

Marks = dict[str, dict[str, float | None]]  # by student and test


def make_quickstart(folder: Path, students: int) -> Course:
    """Make nbgrader's quickstart course in a new folder, with a class whose answers are right, open and wrong in turn.

    Raises:
        CourseError: nbgrader fails.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _nbgrader(folder.parent, "quickstart", folder.name)
    _nbgrader(folder, "generate_assignment", QUICKSTART)
    solution = _answers(folder / "source" / QUICKSTART / NOTEBOOK)
    for number in range(students):
        place = folder / "submitted" / f"student{number:06}" / QUICKSTART
        shutil.copytree(folder / "release" / QUICKSTART, place)
        _answer(place / NOTEBOOK, (solution, {}, WRONG)[number % 3])
    return Course.at(folder)


def _nbgrader(folder: Path, *command: str) -> None:
    find_alembic()
    done = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=folder, capture_output=True, check=False)
    if done.returncode:
        raise CourseError(f"{folder}: nbgrader {command[0]} failed: {ours.reason(done.returncode, done.stderr)}")


def _answers(path: Path) -> dict[str, str]:
    cells = nbformat.read(path, as_version=4).cells
    return {name: cell.source for cell in cells if (name := _name(cell)) in WRONG}


def _answer(path: Path, answers: Mapping[str, str]) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(_name(cell), cell.source)
    nbformat.write(notebook, path)


def _name(cell: nbformat.NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def marks(course: Course) -> Marks:
    """Return the points that each student's tests were given."""
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        return {
            one.student.id: {
                grade.name: grade.auto_score
                for note in one.notebooks
                for grade in note.grades
                if grade.cell.cell_type == "code" and grade.name not in WRONG and _is_test(grade.name)
            }
            for one in book.assignment_submissions(QUICKSTART)
        }


def _is_test(name: str) -> bool:
    return name != "sum_of_squares_application"  # a written function that the instructor marks


def measure(course: Course, folder: Path, jobs: tuple[int, ...]) -> list[Run]:
    """Grade the class with plain nbgrader and with this grader, `jobs` at a time, each on a copy in `folder`.

    Raises:
        CourseError: grading fails, or the marks differ.
    """
    runs, results = list[Run](), list[Marks]()
    for number, how in enumerate((0, *jobs)):
        copy = Course.at(Path(shutil.copytree(course.root, folder / str(number))))
        if how:
            runs.append(ours.measure(copy, WARM, how, QUICKSTART))
        else:
            runs.append(plain.measure(copy, plain.Setting(PLAIN, ""), QUICKSTART))
        results.append(marks(copy))
    require_same_marks(results)
    return runs


def require_same_marks(results: list[Marks]) -> None:
    """Raise CourseError unless all results are the same and give points to some students and not to others."""
    first = results[0]
    for other in results[1:]:
        for student, tests in first.items():
            if other.get(student) != tests:
                raise CourseError(f"{student} has {other.get(student)}, but {tests} with plain nbgrader.")
    totals = {sum(points or 0 for points in tests.values()) for tests in first.values()}
    if len(totals) < min(3, len(first)):
        raise CourseError("right, unanswered and wrong notebooks got the same points with plain nbgrader.")
