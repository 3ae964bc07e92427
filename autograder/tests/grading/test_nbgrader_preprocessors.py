"""`nbgrader autograde` and formgrader's own button give the same gradebook as `autograder grade`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.course.course import Course, find_alembic
from autograder.gradebook.ledger import Ledger
from autograder.grading.class_run import ClassRun
from autograder.tests.harness.servers import jupyter_server, post
from autograder.tests.harness.small_class import ANSWERS

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("plain")]


@pytest.fixture(scope="module")
def by_command(ungraded: Path) -> dict[str, object]:
    """The gradebook that `autograder grade` writes."""
    course = _copy(ungraded, "by-command")
    ClassRun(course, "ps1").grade()
    return _gradebook(course)


def _copy(ungraded: Path, name: str) -> Course:
    shutil.copytree(ungraded, ungraded.with_name(name))
    return Course.at(ungraded.with_name(name))


def _gradebook(course: Course) -> dict[str, object]:
    """All that the gradebook holds of the class, but for the ids that are drawn at random."""
    found: dict[str, object] = {}
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        for submission in book.assignment_submissions("ps1"):
            (row,) = submission.notebooks
            grades = {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in row.grades}
            comments = {comment.name: comment.auto_comment for comment in row.comments}
            found[submission.student.id] = (grades, comments, row.late_submission_penalty, str(submission.timestamp))
    return found


def test_the_command_grades_the_class_as_it_should(by_command: dict[str, object]) -> None:
    marks = {student: row[0]["x-test"][0] for student, row in by_command.items()}  # type: ignore[index]
    assert marks == {"ada": 2, "bob": 0, "cy": 0, "dan": 0, "eve": 0, "fay": 2, "gil": 1}


def test_nbgrader_autograde_gives_the_same_gradebook(ungraded: Path, by_command: dict[str, object]) -> None:
    course = _copy(ungraded, "by-nbgrader")
    find_alembic()
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "ps1"],
        cwd=course.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert _gradebook(course) == by_command
    bob = Ledger(course, "ps1").repairs("bob")
    assert bob == Ledger(Course.at(ungraded.with_name("by-command")), "ps1").repairs("bob")
    assert [repair for repair in bob if "x-test" in repair]


def test_nbgraders_log_says_what_it_leaves_out(ungraded: Path) -> None:
    course = _copy(ungraded, "left-out")
    place = course.folder("submitted", "ps1", "ada")
    shutil.copy(place / "one.ipynb", place / "one (1).ipynb")
    (place / "one.ipynb").write_text('{"cells": [')
    command = [sys.executable, "-m", "nbgrader", "autograde", "ps1", "--student=ada"]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
    left = "nbgrader skips it; run `autograder grade`, which repairs what it can and grades the rest."
    assert f"{place / 'one (1).ipynb'}: its name or folder matches no notebook of ps1; {left}" in done.stderr
    assert f"{place / 'one.ipynb'}: not a notebook that nbgrader can read; {left}" in done.stderr


def test_formgraders_button_gives_the_same_gradebook(ungraded: Path, by_command: dict[str, object]) -> None:
    course = _copy(ungraded, "by-formgrader")
    with jupyter_server(course.root) as address:
        for student in ANSWERS:
            answer = post(f"{address}/formgrader/api/submission/ps1/{student}/autograde")
            assert answer["success"], answer
    assert _gradebook(course) == by_command
