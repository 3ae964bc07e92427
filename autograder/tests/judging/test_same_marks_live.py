"""Generated functions, classes and data get plain nbgrader's marks on generated assertions."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.judging.judge import Judge
from autograder.model import Outcome
from autograder.tests.harness.local_kernel import LocalGrader, plain_marks

NUMBERS = st.sampled_from(["x", "y", "2", "x + y", "x * y", "x - y", "abs(x)", "max(x, y)", "x // 2", "-y"])
SHAPES = ["{}", "[{}, {}]", "({}, {})", "{{'k': {}, 'l': [{}]}}", "str({})", "sorted([{}, {}])", "Fraction({}, 3)"]
SHAPES += [
    "{{{}, {}}}",
    "[{}] * 3",
    "{} > {}",
    "{} / 4",
    "f'<{{{}}}>'",
    "Decimal({})",
    "dict(a={}).items()",
    "[[{}], {}]",
]
OBJECTS = ["object()", "lambda: {}", "iter([{}])", "Strange({})", "None"]
IMPORTS = "from fractions import Fraction\nfrom decimal import Decimal\n"
STRANGE = "class Strange:\n    def __init__(self, n):\n        self.n = n\n"
SMALL = st.integers(-4, 9)
FORMS = {
    "data": ("{name} = (lambda x, y: {value})({x}, {y})", "assert {name} == {result}\nassert type({name}) is {type}"),
    "function": (
        "def {name}(x, y=1):\n    return {value}",
        "def check(got, wanted):\n    assert got == wanted, f'got {{got}}'\ncheck({name}({x}, {y}), {result})\n"
        "check({name}({y}, y={x}), {other})\nassert {name}({x}, {y}) in [{result}, 77]",
    ),
    "class": (
        "class {name}:\n    def __init__(self, x):\n        self.x, self.seen = x, []\n"
        "    def get(self, y):\n        x = self.x\n        self.seen.append(y)\n        return {value}",
        "thing = {name}({x})\nassert thing.get({y}) == {result}\nassert thing.seen == [{y}] and thing.x == {x}\n"
        "assert not thing.get({y}) != {result}\nassert isinstance(thing, {name})",
    ),
    "generator": (
        "def {name}(x, y):\n    for x in (x, y):\n        yield {value}",
        "assert list({name}({x}, {y})) == [{result}, {last}]\nfor got in {name}({x}, {x}):\n    assert got == {equal}",
    ),
    "place": (
        "def {name}(target, x, y):\n    target.append({value})",
        "target = [0]\nassert {name}(target, {x}, {y}) is None\nassert target == [0, {result}]\n"
        "{name}(target, {y}, {x})\nassert target[-1] == {other}",
    ),
    "call": (
        "def {name}(function, x, y):\n    return [function({value}), function(x)]",
        "assert {name}(lambda v: [v], {x}, {y}) == [[{result}], [{x}]]\nassert {name}(repr, 1, {y})[1] == '1'",
    ),
}
Cells = list[tuple[str, str]]

pytestmark = pytest.mark.process


@st.composite
def values(draw: st.DrawFn) -> str:
    """Return an expression of x and y."""
    shape = draw(st.sampled_from(SHAPES))
    return shape.format(*(draw(NUMBERS) for _ in range(shape.count("{}"))), *[draw(NUMBERS)] * 2)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Cells, Cells]:
    """Return the cells of a source notebook, and those of a submission, some of whose answers differ."""
    right: Cells = []
    other: Cells = []
    for number in range(4):
        answer, test = FORMS[draw(st.sampled_from(sorted(FORMS)))]
        about: dict[str, Any] = {
            "name": f"answer_{number}",
            "x": draw(SMALL),
            "y": draw(SMALL),
            "value": draw(values()),
        }
        x, y = about["x"], about["y"]
        about |= {"result": _result(about["value"], x, y), "other": _result(about["value"], y, x)}
        about |= {"last": _result(about["value"], y, y), "equal": _result(about["value"], x, x)}
        about["type"] = f"type({about['result']})"
        wrong = draw(st.one_of(values(), st.sampled_from(OBJECTS).map(lambda text: text.format("x")), values()))
        cell = ("test", f"{IMPORTS}{test.format(**about)}")
        right += [("answer", f"{IMPORTS}{answer.format(**about)}"), cell]
        other += [("answer", f"{IMPORTS}{STRANGE}{answer.format(**{**about, 'value': wrong})}"), cell]
    return right, other


def _result(value: str, x: int, y: int) -> str:
    """Return the text of a value; a dict's items are written as such."""
    result = eval(value, {"x": x, "y": y, "Fraction": Fraction, "Decimal": Decimal})
    return f"dict({[*result]}).items()" if isinstance(result, type({}.items())) else repr(result)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A judge in an empty folder."""
    with Judge(tmp_path_factory.mktemp("helpers")) as judge:
        yield judge


@given(cells=questions())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_marks_are_plain_nbgraders(judge: Judge, cells: tuple[Cells, Cells]) -> None:
    right, other = cells
    assert set(plain_marks(right)) == {1.0}
    grader, verdicts = LocalGrader.of(judge, right).proved(right)
    assert [(one.outcome, one.rationale) for one in verdicts] == [(Outcome.PASSED, "")] * len(verdicts)
    assert [one.outcome for one in grader.verdicts(right)] == [Outcome.PASSED] * len(verdicts)
    found = grader.verdicts(other)
    assert [(one.points, one.rationale) for one in found if one.points is None] == []
    assert tuple(one.points for one in found) == plain_marks(other)
