"""What the visible part of a test imports and defines is there for later answers; the hidden part never is."""

from pathlib import Path

import pytest

from autograder.tests.harness.tiny_course import grade_answers, make_course, make_question

SETTINGS = 'c.ClearHiddenTests.begin_test_delimeter = "SECRET"\nc.ClearHiddenTests.end_test_delimeter = "OPEN"'
FIRST = """import statistics
def twice(x):
    return 2 * x
assert a == 1
### SECRET
def key():
    return 3
assert a == 1
### OPEN"""


@pytest.mark.kernel
def test_later_answers_use_what_a_test_shows_and_cannot_use_what_it_hides(tmp_path: Path) -> None:
    second = make_question("b", "b = twice(statistics.mean([3]))", "assert b == 6")
    third = make_question("c", "c = 3", "assert c == 3")
    course = make_course(tmp_path, [*make_question("a", "a = 1", FIRST), *second, *third], SETTINGS)
    verdicts = grade_answers(course, {"a": "a = 1", "b": "b = twice(statistics.mean([3]))", "c": "c = key()"})
    assert {cell: verdict.points for cell, verdict in verdicts.items()} == {"a-test": 2, "b-test": 2, "c-test": 0}
    assert verdicts["c-test"].rationale.startswith("c: no such name")


@pytest.mark.kernel
def test_an_import_that_fails_in_the_kernel_takes_nothing_else_away(tmp_path: Path) -> None:
    (first, test), second = make_question("a", "a = 1", "assert a == 1"), make_question("b", "b = 4", "assert b == 4")
    test.source = "from helper_of_tests import right\ndef twice(x):\n    return 2 * x\nassert a == 1"
    course = make_course(tmp_path, [first, test, *second])
    (tmp_path / "source/ps1/helper_of_tests.py").write_text("import numpy\nright = numpy\n", encoding="utf-8")
    verdicts = grade_answers(course, {"a": "import sys\nsys.modules['numpy'] = None\na = 1", "b": "b = twice(2)"})
    assert {cell: verdict.points for cell, verdict in verdicts.items()} == {"a-test": 2, "b-test": 2}
