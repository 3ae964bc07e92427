"""`nbgrader autograde` and formgrader's own button give the same gradebook as `autograder grade`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.course.course import CONFIG, Course, find_alembic
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.class_run import LINKED, ClassRun
from autograder.grading.nbgrader_converter import STAGED
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


def _autograde(course: Course, *options: str) -> subprocess.CompletedProcess[str]:
    find_alembic()
    command = [sys.executable, "-m", "nbgrader", "autograde", "ps1", *options]
    return subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False, timeout=300)


def test_the_command_grades_the_class_as_it_should(by_command: dict[str, object]) -> None:
    marks = {student: row[0]["x-test"][0] for student, row in by_command.items()}  # type: ignore[index]
    assert marks == {"ada": 2, "bob": 0, "cy": 0, "dan": 0, "eve": 0, "fay": 2, "gil": 1}


def test_nbgrader_autograde_gives_the_same_gradebook(ungraded: Path, by_command: dict[str, object]) -> None:
    course = _copy(ungraded, "by-nbgrader")
    done = _autograde(course)
    assert done.returncode == 0, done.stderr
    assert _gradebook(course) == by_command
    bob = Ledger(course, "ps1").repairs("bob")
    assert bob == Ledger(Course.at(ungraded.with_name("by-command")), "ps1").repairs("bob")
    assert [repair for repair in bob if "x-test" in repair]


def _override(course: Course, mark: float) -> None:
    """Give ada and bob a mark in place of the test's, as an instructor does in formgrader."""
    with course.gradebook() as book:
        for student in ("ada", "bob"):
            book.find_grade("x-test", "one", "ps1", student).manual_score = mark
        book.db.commit()


def test_both_commands_open_an_override_again_when_the_student_hands_in_another_answer(
    ungraded: Path, by_command: dict[str, object]
) -> None:
    for way in ("override", "override-by-nbgrader"):
        course = _copy(ungraded.with_name("by-command"), way)
        _override(course, 0.5)
        path = course.folder("submitted", "ps1", "ada") / "one.ipynb"
        path.write_text(path.read_text().replace("x = 42", "x = 40 + 2"))
        if way == "override":
            ClassRun(course, "ps1", ["ada", "bob"], force=True).grade()
        else:
            assert _autograde(course, "--student=[ab]*", "--force").returncode == 0
        marks = {student: _gradebook(course)[student][0]["x-test"] for student in ("ada", "bob")}  # type: ignore[index]
        assert marks == {"ada": (2, 0.5, True), "bob": (0, 0.5, False)}, way


def _misuse(course: Course) -> None:
    """Let students hand in what neither command may read, follow or wait for."""
    ada, bob, cy, gil = (course.folder("submitted", "ps1", student) for student in ("ada", "bob", "cy", "gil"))
    (ada / "one.ipynb").rename(ada / "one (1).ipynb")
    (ada / "classmate.txt").symlink_to(bob / "one.ipynb")
    os.mkfifo(ada / "timestamp.txt.part")
    (ada / "timestamp.txt").unlink()
    (ada / "timestamp.txt").symlink_to("/dev/zero")
    (bob / "one.ipynb").unlink()
    os.mkfifo(bob / "one.ipynb")
    (cy / "one.ipynb").write_text('{"cells": [')
    shutil.rmtree(gil.parent)
    gil.parent.symlink_to(bob.parent)


def test_both_commands_take_the_same_files(ungraded: Path) -> None:
    courses = [_copy(ungraded, name) for name in ("misused", "misused-by-nbgrader")]
    for course in courses:
        _misuse(course)
    ClassRun(courses[0], "ps1").grade()
    done = _autograde(courses[1])
    assert done.returncode == 0, done.stderr
    gradebook = _gradebook(courses[0])
    assert _gradebook(courses[1]) == gradebook
    assert "gil" not in gradebook
    for sentence in (
        f"gil: {LINKED}",
        "ada: classmate.txt: symbolic link; skipped.",
        "ada: timestamp.txt: symbolic link; skipped.",
        "ada: one: read from one (1).ipynb.",
        "bob: one.ipynb: not a regular file; skipped.",
    ):
        assert sentence in done.stderr
    for course in courses:
        assert Ledger(course, "ps1").repairs("bob") == ("one.ipynb: not a regular file; skipped.",)
        assert sorted(path.name for path in course.folder("autograded", "ps1", "ada").iterdir()) == ["one.ipynb"]
    assert not (courses[1].root / STAGED).exists()


def test_a_linked_student_alone_is_refused_in_one_sentence(ungraded: Path) -> None:
    course = _copy(ungraded, "linked")
    _misuse(course)
    done = _autograde(course, "--student=gil")
    assert done.returncode != 0
    assert f"gil: {LINKED}" in done.stderr
    assert "gil/ps1: no such submission; check the names, and that no link leads to it." in done.stderr


def test_a_student_gets_what_the_release_copies(ungraded: Path) -> None:
    course = _copy(ungraded, "ignored")
    with (course.root / CONFIG).open("a") as settings:
        settings.write('c.CourseDirectory.ignore = ["*.key", "__pycache__"]\n')
    source = course.folder("source", "ps1")
    (source / "answers.key").write_text("42")
    (source / "data").mkdir()
    (source / "data" / "table.zip").write_bytes(b"not unpacked")
    assert SourceAssignment.load(Course.at(course.root), "ps1").helpers == {"data/table.zip": b"not unpacked"}


def test_formgraders_button_gives_the_same_gradebook(ungraded: Path, by_command: dict[str, object]) -> None:
    course = _copy(ungraded, "by-formgrader")
    with jupyter_server(course.root) as address:
        for student in ANSWERS:
            answer = post(f"{address}/formgrader/api/submission/ps1/{student}/autograde")
            assert answer["success"], answer
    assert _gradebook(course) == by_command
