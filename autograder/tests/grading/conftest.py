"""Courses of the small class: without submissions, and with three graded students."""

import shutil
from pathlib import Path

import pytest

from autograder.course.course import Course
from autograder.tests.harness.small_class import hand_in, run


@pytest.fixture
def course(ungraded: Path, tmp_path: Path) -> Course:
    """A released course without submissions."""
    root = tmp_path / "course"
    shutil.copytree(ungraded, root, ignore=shutil.ignore_patterns("submitted"))
    return Course.at(root)


@pytest.fixture
def graded(course: Course) -> Course:
    """One in which three students are graded for good."""
    hand_in(course, ada="right", bob="wrong", cy="empty")
    assert sorted(run(course)[0]) == ["ada", "bob", "cy"]
    return course
