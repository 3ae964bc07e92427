"""Other points for tests: marks follow without a run where they can, and are those of a run."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from autograder.course.course import Course
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.queries import table
from autograder.grading.class_run import ClassRun
from autograder.grading.pipeline import grade_submission
from autograder.grading.workers import WorkerPool
from autograder.model import Assignment, Result, Submission
from autograder.tests.harness.small_class import Watched
from autograder.tests.harness.tiny_course import locked, make_course, make_question

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("plain")]
ASKED = {"grade": True, "solution": True, "locked": False, "task": False, "schema_version": 3}
CLASS = {
    "ada": {"x": "x = [1, 4]", "f": "def f(n):\n    return n + 1", "part": "part = 4", "why": "<b>because</b> $x$"},
    "bob": {"x": "x = [1]", "f": "f = 3", "part": "part = 5"},
    "cy": {},
    "dan": {"x": "raise KeyError", "f": "def f(n):\n    return n", "part": "part = 0"},
}


def _cells() -> list[NotebookNode]:
    why = new_markdown_cell("Why?", metadata={"nbgrader": {**ASKED, "grade_id": "why", "points": 1}})
    return [
        locked("setup", "numbers = [1, 2]"),
        *make_question("x", "x = [n * n for n in numbers]", "assert x == [1, 4], f'x is {x}'"),
        *make_question("f", "def f(n):\n    return n + 1", "assert f(1) == 2\nassert f(2) == 3"),
        *make_question("part", "part = 4", "2 if part == 4 else 1 if part == 5 else 0"),
        why,
    ]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A graded class; `fay` has handed in nothing of it, `gil` a damaged file."""
    course = make_course(tmp_path, _cells())
    source = nbformat.read(course.source_notebooks("ps1")[0], 4)
    for student, answers in CLASS.items():
        notebook = nbformat.from_dict(source)
        for cell in notebook.cells:
            name = cell.metadata.nbgrader.grade_id
            stub = "" if cell.cell_type == "code" and cell.metadata.nbgrader.solution else cell.source
            cell.source = answers.get(name, stub)
        _hand_in(course, student, "book.ipynb", nbformat.writes(notebook))
    _hand_in(course, "fay", "notes.txt", "none")
    _hand_in(course, "gil", "book.ipynb", "{")
    assert sorted(_run(course)) == sorted([*CLASS, "fay", "gil"])
    return course


def _hand_in(course: Course, student: str, name: str, content: str) -> None:
    place = course.folder("submitted", "ps1", student)
    place.mkdir(parents=True)
    (place / name).write_text(content)


def _run(course: Course, force: bool = False) -> list[str]:
    """Grade the class; gives whose notebooks were run."""
    watched = Watched(grade_submission)
    with ThreadPoolExecutor(1) as pool:
        ClassRun(course, "ps1", executor=WorkerPool(pool, 1, watched), limits=course.limits, force=force).grade()
    return watched.seen


def _worth(course: Course, **points: float) -> None:
    path = course.source_notebooks("ps1")[0]
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id.removesuffix("-test")
        if name in points and cell.metadata.nbgrader.grade:
            cell.metadata.nbgrader.points = points[name]
    nbformat.write(notebook, path)


def _marks(course: Course) -> dict[str, dict[str, float | None]]:
    return {row.student: dict(row.marks) for row in table(course, "ps1").rows}


def _kept(course: Course) -> dict[str, object]:
    """The class's marks and all of its autograded cells, but for the cell that a run adds on what it has repaired.

    A run finds that the notebooks that were handed in have the points that were, and says so.
    """
    files = {path: json.loads(path.read_bytes()) for path in sorted(course.root.glob("autograded/*/ps1/*.ipynb"))}
    cells = {str(path): [cell for cell in file["cells"] if cell["metadata"]] for path, file in files.items()}
    ledger = Ledger(course, "ps1")
    return {"marks": _marks(course), "cells": cells, "facts": {one: ledger.of(one)["fingerprint"] for one in CLASS}}


def test_marks_follow_the_points_and_nothing_is_run(course: Course) -> None:
    _worth(course, x=5, f=3, why=4)
    assert _run(course) == []
    marks = _marks(course)
    assert marks["ada"] == {"x": 5, "f": 3, "part": 2, "why": None}
    assert marks["bob"] == {"x": 0, "f": 0, "part": 1, "why": None}
    assert marks["fay"] == {"x": 0, "f": 0, "part": 0, "why": 0}
    rescored = _kept(course)
    assert sorted(_run(course, force=True)) == sorted([*CLASS, "fay", "gil"])
    assert rescored == _kept(course), "a run has the same result"
    assert _run(course) == []


def test_where_a_test_gives_a_number_of_points_a_run_tells(course: Course) -> None:
    _worth(course, part=1)
    assert _run(course) == ["ada", "bob", "cy"]  # dan's test has given no points; the others' files were not run
    assert {student: marks["part"] for student, marks in _marks(course).items()} == {
        "ada": 1,
        "bob": 1,
        "cy": 0,
        "dan": 0,
        "fay": 0,
        "gil": 0,
    }


def test_a_changed_submission_and_a_changed_test_are_run(course: Course) -> None:
    _worth(course, x=5)
    (course.folder("submitted", "ps1", "bob") / "more.txt").write_text("1")
    assert _run(course) == ["bob"]
    path = course.source_notebooks("ps1")[0]
    path.write_text(path.read_text().replace("x is {x}", "x: {x}"))
    assert sorted(_run(course)) == sorted([*CLASS, "fay", "gil"])


def test_without_the_autograded_notebook_a_submission_is_run(course: Course) -> None:
    _worth(course, x=5)
    path = course.folder("autograded", "ps1", "ada") / "book.ipynb"
    path.chmod(0o644)
    path.write_text("{")
    assert _run(course) == ["ada"]
    assert _marks(course)["ada"]["x"] == 5


def test_a_review_shows_what_moves_and_runs_nothing(course: Course) -> None:
    def never(submission: Submission, assignment: Assignment, limits: object) -> Result:
        raise AssertionError(submission.student)

    _worth(course, x=5)
    with ThreadPoolExecutor(1) as pool:
        run = ClassRun(course, "ps1", executor=WorkerPool(pool, 1, never), limits=course.limits)
        with run.review() as found:
            assert [(move.student, move.old, move.new) for move in found.moves] == [("ada", 2, 5)]
            assert _marks(course)["ada"]["x"] == 2
            run.commit()
    assert _marks(course)["ada"]["x"] == 5
