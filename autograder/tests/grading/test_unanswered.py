"""A stub that a student left as it was is unanswered, whatever it raises; one that was changed is an answer."""

from pathlib import Path

import pytest

from autograder.tests.harness.tiny_course import grade_answers, make_course, make_question

STUB = "def f(x):\n    raise NotImplementedError()"


@pytest.mark.kernel
def test_an_untouched_function_is_unanswered_and_a_wrong_one_is_wrong(tmp_path: Path) -> None:
    f = make_question("f", "def f(x):\n    return x + 1", "assert f(1) == 2", "# write f(x)")
    g = make_question("g", "g = f(1)", "assert g == 2", "g = None")
    course = make_course(tmp_path, [*f, *g])
    released = grade_answers(course, {})
    assert {cell: str(verdict.outcome) for cell, verdict in released.items()} == {
        "f-test": "not attempted",
        "g-test": "not attempted",
    }
    assert {verdict.rationale for verdict in released.values()} == {"not answered."}
    changed = grade_answers(course, {"f": STUB, "g": "g = 3"})
    assert {cell: str(verdict.outcome) for cell, verdict in changed.items()} == {"f-test": "failed", "g-test": "failed"}
    assert changed["f-test"].rationale == "the test cannot use this answer (NotImplementedError)."
