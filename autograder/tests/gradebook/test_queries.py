"""Names of questions: taken from the source notebooks, never from the way an id is spelt."""

import shutil
from pathlib import Path

from autograder.course.course import Course
from autograder.gradebook.queries import answers_of_tests, question_names


def test_a_test_of_one_answer_is_named_after_it_whatever_their_ids_are() -> None:
    answers = {("one", "check A"): ["A"], ("one", "two-test"): ["b", "c"], ("one", "alone-test"): []}
    cells = [*answers, ("one", "essay")]
    assert list(question_names(cells, answers).values()) == ["A", "two-test", "alone-test", "essay"]


def test_an_id_that_ends_like_a_test_keeps_its_ending() -> None:
    assert question_names([("one", "unit-test")], {}) == {("one", "unit-test"): "unit-test"}


def test_equal_names_get_their_notebook() -> None:
    answers = {("one", "t"): ["q1"], ("two", "t"): ["q1"], ("two", "u"): ["q2"]}
    assert list(question_names(answers, answers).values()) == ["one/q1", "two/q1", "q2"]


def test_a_source_notebook_that_cannot_be_read_leaves_the_ids(ungraded: Path, tmp_path: Path) -> None:
    course = Course.at(Path(shutil.copytree(ungraded, tmp_path / "own")))
    known = answers_of_tests(course, "ps1")
    assert known == {("one", "x-test"): ["x"]}
    path = course.folder("source", "ps1") / "one.ipynb"
    path.write_text("no notebook")
    assert answers_of_tests(course, "ps1") == {}
