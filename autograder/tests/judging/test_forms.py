"""Common forms of tests get plain nbgrader's marks: for the solution, the stub, wrong answers, and right ones.

`harness.forms` describes the forms.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from autograder.judging.judge import Judge
from autograder.model import Outcome
from autograder.tests.harness.forms import FORMS
from autograder.tests.harness.local_kernel import LocalGrader, plain_marks

pytestmark = pytest.mark.process
NAMES = [  # one process loads the libraries: to load them takes seconds, in the judge and in the fork server
    pytest.param(name, marks=[pytest.mark.xdist_group("libraries")] if form.needs else [])
    for name, form in FORMS.items()
]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A judge in an empty folder."""
    with Judge(tmp_path_factory.mktemp("helpers")) as judge:
        yield judge


@pytest.mark.parametrize("name", NAMES)
def test_marks_are_plain_nbgraders(name: str, judge: Judge) -> None:
    form = FORMS[name]
    for library in form.needs:
        pytest.importorskip(library)
    proving = LocalGrader.of(judge, form.cells)
    assert not [fault for plan in proving.plans for fault in plan.faults]
    assert set(plain_marks(form.cells)) == {1.0}
    grader, verdicts = proving.proved(form.cells)
    assert [(one.outcome, one.rationale) for one in verdicts] == [(Outcome.PASSED, "")] * len(verdicts)
    assert [one.outcome for one in grader.verdicts(form.cells)] == [Outcome.PASSED] * len(verdicts)
    problems: list[tuple[str, Any, Any]] = []
    for stub in form.stubs():
        points = [one.points for one in grader.verdicts(stub)]
        if any(points) or None in points:
            problems.append(("stub", stub, points))
    for kind, answer in form.submissions:
        if problem := _problem(kind, form.with_answer(answer), grader):
            problems.append((kind, answer, problem))
    assert not problems


def _problem(kind: str, cells: list[tuple[str, str]], grader: LocalGrader) -> Any:
    """Return what is wrong with the marks of a submission."""
    plain = plain_marks(cells)
    verdicts = grader.verdicts(cells)
    if (min(plain) < 1) != (kind == "wrong"):
        return f"plain nbgrader gives {plain}"
    if kind == "open":
        is_right = [(one.outcome, bool(one.rationale)) for one in verdicts] == [(Outcome.OPEN, True)] * len(verdicts)
    else:
        is_right = tuple(one.points for one in verdicts) == plain
    return None if is_right else [(one.points, one.outcome, one.rationale) for one in verdicts]


HALF = """class Half:
    def __init__(self, n):
        self.n = n
    def __eq__(self, other):
        return True
    def __sub__(self, other):
        return 0.0
{}
def half(n):
    return Half(n)"""
OPEN_NUMBER = "your answer has numbers of your type Half; as plain numbers they are right, so mark it by hand."
NO_NUMBER = "your answer has an object of type Half where plain data is needed."
CONVERSIONS = {  # of an object that equals everything: how its test ends
    "right": ("    def __float__(self):\n        return self.n / 2\n", Outcome.OPEN, None, OPEN_NUMBER),
    "wrong": ("    def __float__(self):\n        return 0.0\n", Outcome.FAILED, 0.0, NO_NUMBER),
    "none": ("", Outcome.FAILED, 0.0, NO_NUMBER),
    "another one each time": (
        "    values = iter([2.5, 1.5] * 9)\n    def __float__(self):\n        return next(self.values)\n",
        Outcome.FAILED,
        0.0,
        NO_NUMBER,
    ),
    "an error": ("    def __float__(self):\n        raise ValueError('odd')\n", Outcome.FAILED, 0.0, NO_NUMBER),
    "not a number": ("    def __float__(self):\n        return float('nan')\n", Outcome.FAILED, 0.0, NO_NUMBER),
    "partly right": ("    def __float__(self):\n        return 2.5\n", Outcome.OPEN, None, OPEN_NUMBER),
}


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_a_number_of_the_students_own_class_earns_nothing_by_itself(conversion: str, judge: Judge) -> None:
    method, outcome, points, sentence = CONVERSIONS[conversion]
    test = "assert half(5) == 2.5\nassert abs(half(3) - 1.5) < 1e-9"
    if conversion == "partly right":
        test = "0.5 * (half(5) == 2.5) + 0.5 * (half(3) == 1.5)"
    right = [("answer", "def half(n):\n    return n / 2"), ("test", test)]
    grader, _ = LocalGrader.of(judge, right).proved(right)
    (verdict,) = grader.verdicts([("answer", HALF.format(method)), right[1]])
    assert (verdict.outcome, verdict.points, verdict.rationale) == (outcome, points, sentence)
