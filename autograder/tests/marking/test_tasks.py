"""Task cells: named when marks are missing, in the notebook's order, with the instructor's comment."""

from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_markdown_cell

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.gradebook.queries import table
from autograder.marking import tasks
from autograder.model import Assignment, NotebookResult, Outcome, Result, Submission, Verdict
from autograder.release.release import release
from autograder.reports.class_report import survey
from autograder.reports.student_page import Pages
from autograder.tests.harness.small_class import run
from autograder.tests.harness.tiny_course import make_cell, make_course, make_question

ORDER = ["z", "b-why", "a-task"]
SENTENCE = "1 task cell is marked in formgrader: a-task (4 points, {} not marked yet)\n"


def _markdown(name: str, source: str, **rights: Any) -> Any:
    return new_markdown_cell(source, metadata=make_cell(name, "", **rights).metadata)


def _graded(submission: Submission, assignment: Assignment, limits: object) -> Result:
    ((name, content),) = assignment.notebooks
    verdict = Verdict("z-test", Outcome.PASSED, 2.0)
    return Result(submission.student, (NotebookResult(name, content, (verdict,), frozenset()),))


@pytest.fixture
def graded(tmp_path: Path) -> Course:
    """A course of two students whose last question is a task."""
    cells = [
        new_markdown_cell("# Part A"),
        *make_question("z", "z = 1", "assert z == 1"),
        new_markdown_cell("# Part B"),
        _markdown("b-why", "Why?", grade=True, solution=True, points=1),
        _markdown("a-task", "# Part C\nPlot it in cells below.", task=True, locked=True, points=4),
    ]
    course = make_course(tmp_path, cells)
    release(course, "ps1")
    for student in ("ann", "bob"):
        place = course.folder("submitted", "ps1", student)
        place.mkdir(parents=True)
        (place / "book.ipynb").write_bytes((course.folder("release", "ps1") / "book.ipynb").read_bytes())
    run(course, _graded)
    return course


def _mark(course: Course, points: float) -> None:
    """What formgrader writes."""
    with course.gradebook() as book:
        grade = book.find_grade("a-task", "book", "ps1", "ann")
        grade.manual_score, grade.needs_manual_grade = points, False
        book.find_comment("a-task", "book", "ps1", "ann").manual_comment = "Label the axes."
        book.db.commit()


def test_mark_names_the_task_cells(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--course", str(graded.root), "mark"]
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr().out.endswith(SENTENCE.format(2))
    _mark(graded, 3)
    assert tasks(graded, "ps1")[0].unmarked == ("bob",)
    assert main([*command, "--question", "a-task"]) == 0
    assert capsys.readouterr().out == SENTENCE.format(1)
    assert main([*command, "--mark", "a-task", "2"]) == 2
    assert capsys.readouterr().err == (
        "autograder: a-task: a task cell has no groups of answers; mark it in formgrader.\n"
    )


def test_questions_are_in_the_notebooks_order_and_a_task_shows_its_comment(graded: Course) -> None:
    _mark(graded, 3)
    ann = table(graded, "ps1").rows[0]
    assert (list(ann.marks), ann.marks["a-task"]) == (ORDER, 3)
    assert [question.name for question in survey(graded, "ps1").questions] == ORDER
    (notebook,) = Pages(graded, "ps1").feedback(ann, graded.root).notebooks
    assert [answer.title for answer in notebook.answers] == ["Part A", "Part B (in your own words)", "Part C"]
    assert notebook.answers[-1].comment == "Label the axes."
