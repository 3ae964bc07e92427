"""What is known of a check that failed: its line, its values, and which of them are hidden."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from autograder.judging.checks import Checks
from autograder.judging.compiled import compiled_test
from autograder.judging.hidden import with_hidden
from autograder.judging.judge import Judge
from autograder.judging.test_plan import plans
from autograder.model import Check, Outcome, TestPlan, Value, Verdict, Words
from autograder.notebook.variants import hidden_lines
from autograder.reports.failed_check import explain
from autograder.tests.harness.local_kernel import LocalGrader, notebook_of

HIDE = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
F = "def f(x):\n    return x * x"
CASES = {  # solution, test, wrong answer; line, its source, its values, words
    "a function's result": (F, "assert f(2) == 4", "def f(x):\n    return x + 3", 1, "f(2) == 4", ["f(2) is 5"]),
    "an item and a length": ("x = [1]", "assert len(x) == 1 and x[0] == 1", "x = [2]", 1,
        "len(x) == 1 and x[0] == 1", ["x[0] is 2", "len(x) is 1", "x is [2]"]),
    "a loop's last round": (F, "for n in [1, 5]:\n    assert f(n) == n * n", "def f(x):\n    return 1", 2,
        "f(n) == n * n", ["f(n) is 1", "n is 5"]),
    "an attribute": ("class P:\n    v = 3\np = P()", "assert p.v == 3", "class P:\n    v = 4\np = P()", 1,
        "p.v == 3", ["p.v is 4"]),
    "a call of the test's own function": (F, "def g(a):\n    assert a == 4\n\ng(f(2))", "def f(x):\n    return 5", 2,
        "a == 4", ["a is 5"]),
    "a generator's iterable": ("x = [1]", "assert all(v > 0 for v in x)", "x = [-1]", 1, "all(v > 0 for v in x)",
        ["x is [-1]"]),
    "an error on the way": ("x = [1]", "assert len(x) == 1", "x = 7", 1, "len(x) == 1", ["x is 7"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with Judge(tmp_path_factory.mktemp("helpers")) as judge:
        yield judge


def _failed(judge: Judge, solution: str, test: str, answer: str) -> Verdict:
    """The verdict on a wrong answer to a test that is proved."""
    cells = [("answer", solution), ("test", test)]
    grader = LocalGrader.of(judge, cells)
    grader, (right,) = replace(grader, plans=_hidden(grader.plans, test)).proved(cells)
    assert right.outcome is Outcome.PASSED
    assert right.check is None
    (wrong,) = grader.verdicts([("answer", answer), ("test", test)])
    assert wrong.outcome is Outcome.FAILED
    return wrong


def _hidden(plans: tuple[TestPlan, ...], *tests: str) -> tuple[TestPlan, ...]:
    sources = {plan.cell: test for plan, test in zip(plans, tests, strict=True)}
    return with_hidden(plans, {cell: hidden_lines(test, Config()) for cell, test in sources.items()}, sources)


def _check(verdict: Verdict) -> Check:
    assert verdict.check is not None
    return verdict.check


@pytest.mark.parametrize("case", CASES)
def test_a_failed_check_has_its_line_and_values(case: str, judge: Judge) -> None:
    solution, test, answer, line, source, values = CASES[case]
    verdict = _failed(judge, solution, test, answer)
    check = _check(verdict)
    assert (check.line, check.source, check.is_hidden) == (line, f"assert {source}", False)
    assert [f"{one.expression} is {one.value}" for one in check.values] == values
    if case != "an error on the way":
        assert verdict.rationale == f"`assert {source}` failed: {', '.join(values)}."
        assert verdict.mistake == f"`assert {source}` failed."
    else:
        assert (check.words, check.error) == (Words.OTHER, "TypeError")


def test_each_check_is_counted_among_those_that_students_see_or_do_not_see(judge: Judge) -> None:
    hidden = HIDE.format("secret = 7\nassert f(secret) == 49\nassert f(9) == 81, 'nine'")
    test = f"assert f(1) == 1\n{hidden}\nassert f(secret) == f(7)\nassert f(10) == 100"
    seven = _check(_failed(judge, F, test, "def f(x):\n    return 1 if x == 1 else 3"))
    assert (seven.is_hidden, seven.number, seven.of, seven.words) == (True, 1, 2, Words.NONE)
    assert seven.values == (Value("f(secret)", "3", True), Value("secret", "7", True))
    nine = _check(_failed(judge, F, test, "def f(x):\n    return x * x if x < 8 else 3"))
    assert (nine.is_hidden, nine.number, nine.of, nine.words) == (True, 2, 2, Words.COURSE)
    ten = _check(_failed(judge, F, test, "def f(x):\n    return x * x if x < 10 else 3"))
    assert (ten.is_hidden, ten.number, ten.of, ten.line) == (False, 3, 3, 8)


def test_what_a_library_says_is_not_the_courses(judge: Judge) -> None:
    test = f"import numpy as np\n{HIDE.format('np.testing.assert_equal(x, [3, 4])')}"
    check = _check(_failed(judge, "x = [3, 4]", test, "x = [3, 5]"))
    assert (check.words, check.is_hidden, check.source) == (Words.OTHER, True, "np.testing.assert_equal(x, [3, 4])")


def test_what_the_students_code_says_is_not_the_courses(judge: Judge) -> None:
    check = _check(_failed(judge, F, HIDE.format("assert f(7) == 49"), "def f(x):\n    assert False, x"))
    assert (check.words, check.is_hidden) == (Words.OTHER, True)


def test_the_last_line_of_a_test_gave_the_points(judge: Judge) -> None:
    test = f"right = sum(v == 1 for v in x)\n{HIDE.format('print(3 - right, chr(119) + chr(114))')}\nright / 3"
    check = _check(_failed(judge, "x = [1, 1, 1]", test, "x = [1, 1, 2]"))
    assert (check.line, check.source, check.words) == (5, "right / 3", Words.COURSE)


def test_names_of_hidden_lines_stay_hidden_in_later_tests() -> None:
    first = "a = 1\n" + HIDE.format("import math\nb = 2\nfor c in (1,):\n    a += c\ndef d(e):\n    pass")
    cells = [("answer", "x = 1"), ("test", first), ("test", "assert x == b")]
    one, two = _hidden(plans(notebook_of(cells)), first, cells[2][1])
    assert one.hidden_lines == (2, 3, 4, 5, 6, 7, 8, 9)
    assert one.hidden_names == two.hidden_names == ("a", "b", "c", "d", "e")
    assert two.hidden_lines == ()


def test_a_test_whose_lines_have_moved_is_hidden_as_a_whole() -> None:
    (plan,) = plans(notebook_of([("test", "assert x == 1\nassert x == 2")]))
    cell = f"\n\n{plan.test}\n{HIDE.format('assert x == 3')}"
    (moved,) = _hidden((plan,), cell)
    assert moved.hidden_lines == (1, 2)


def test_lines_between_the_courses_own_marks_are_hidden() -> None:
    config = Config()
    config.ClearHiddenTests.begin_test_delimeter, config.ClearHiddenTests.end_test_delimeter = "SECRET", "OPEN"
    assert hidden_lines("a\n# SECRET\nb\n# OPEN\nc\n# SECRET", config) == (2, 3, 4, 6)


@st.composite
def _tests(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A test that fails on a visible line, and the values that only its hidden lines have."""
    secrets = draw(st.lists(st.integers(10**6, 10**9), min_size=1, max_size=3, unique=True))
    names = [f"s{number}" for number in range(len(secrets))]
    binds = st.sampled_from(["{} = {}", "for {} in [{}]: pass", "{}: int = {}", "({} := {})"])
    hidden = "\n".join(draw(binds).format(name, secret) for name, secret in zip(names, secrets, strict=True))
    uses = st.sampled_from(["{}", "same({})", "[{}]", "len([{}]) * {}", "same(x={})", "[{} for _ in 'a'][0]", "-{}"])
    parts = [draw(uses).replace("{}", draw(st.sampled_from(names))) for _ in range(draw(st.integers(1, 3)))]
    return f"{HIDE.format(hidden)}\nassert same(seen) == 0 and None or ({', '.join(parts)}) == seen", list(
        map(str, secrets)
    )


@settings(deadline=None)  # the first example loads NumPy
@given(_tests())
def test_no_value_of_a_hidden_name_reaches_the_student(case: tuple[str, list[str]]) -> None:
    source, secrets = case
    (plan,) = _hidden((TestPlan("t", 1.0, (), (), "", source),), source)
    checks = Checks(source, {"lines": plan.hidden_lines, "names": plan.hidden_names})
    names = {"same": lambda x: x, "seen": 5, **checks.hooks}
    with pytest.raises(AssertionError) as caught:
        exec(compiled_test(source, checks.hidden).body, names)
    check = Check.read(checks.failed(caught.value))
    assert check is not None
    text = explain(Verdict("t", Outcome.FAILED, 0.0, "all", check=check)).text
    assert "seen is 5" in text
    assert not [secret for secret in secrets if secret in text]


def test_a_value_that_cannot_be_displayed_is_left_out() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError

    source = "assert np.array([1]) == bad.x"
    checks = Checks(source, {})
    bad = Bad()
    bad.x = bad  # type: ignore[attr-defined]
    with pytest.raises(AssertionError) as caught:
        exec(compiled_test(source, {}).body, {"np": np, "bad": bad, **checks.hooks})
    check = Check.read(checks.failed(caught.value))
    assert check is not None
    assert check.values == (Value("np.array([1])", "array of shape (1,)", False),)


def test_an_error_of_no_line_of_the_test_has_no_check(tmp_path: Path) -> None:
    assert Checks("assert x", {}).failed(ValueError("elsewhere")) is None
