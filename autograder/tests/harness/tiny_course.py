"""Make small courses from a few cells, and grade answers to them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.course import Course
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.pipeline import grade_submission
from autograder.grading.proving import proved
from autograder.model import Submission, Verdict

# courses with the same modules share one server of kernels
PRELOAD = "c.Limits.preload = ['numpy', 'numpy.random', 'pandas']"


def make_cell(name: str, source: str, **rights: Any) -> NotebookNode:
    """Return a code cell with nbgrader's metadata."""
    metadata = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **rights}
    made: NotebookNode = new_code_cell(source, metadata={"nbgrader": {"grade_id": name, **metadata}})
    return made


def locked(name: str, source: str) -> NotebookNode:
    """Return a locked cell."""
    return make_cell(name, source, locked=True)


def make_question(name: str, solution: str, test: str, stub: str = "") -> list[NotebookNode]:
    """Return an answer cell, whose solution the stub does not show, and its test cell, worth 2 points."""
    source = f"{stub}\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION".strip()
    return [make_cell(name, source, solution=True), make_cell(f"{name}-test", test, grade=True, locked=True, points=2)]


def make_course(folder: Path, cells: list[NotebookNode], settings: str = "") -> Course:
    """Return a course with the assignment `ps1`, which has the notebook `book`."""
    source = folder / "source" / "ps1"
    source.mkdir(parents=True)
    config = f'c = get_config()\nc.CourseDirectory.course_id = "tiny"\n{settings}\n'
    (folder / "nbgrader_config.py").write_text(config, encoding="utf-8")
    nbformat.write(new_notebook(cells=cells), source / "book.ipynb")
    return Course.at(folder)


def make_notebooks(folder: Path, **notebooks: list[NotebookNode]) -> Course:
    """Return a course with the assignment `ps1`, which has these notebooks; kernels have loaded pandas."""
    source = folder / "source" / "ps1"
    source.mkdir(parents=True)
    config = f'c = get_config()\nc.CourseDirectory.course_id = "small"\n{PRELOAD}\n'
    (folder / "nbgrader_config.py").write_text(config, encoding="utf-8")
    for name, cells in notebooks.items():
        nbformat.write(new_notebook(cells=cells), source / f"{name}.ipynb")
    return Course.at(folder)


def grade_answers(course: Course, answers: Mapping[str, str]) -> dict[str, Verdict]:
    """Grade a submission whose cells have these sources, by grade_id; return the verdicts by test cell."""
    source = SourceAssignment.load(course, "ps1")
    notebook = nbformat.from_dict(source.notebooks["book"])
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
    submission = Submission("ada", {"book.ipynb": nbformat.writes(notebook).encode()})
    result = grade_submission(submission, proved(source).attached(source.packed()), course.limits)
    return {verdict.cell: verdict for verdict in result.notebooks[0].verdicts}
