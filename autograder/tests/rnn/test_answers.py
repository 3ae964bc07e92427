"""Answers in every form, right and wrong, as the learner's check judges them; answers.py has the answers."""

import ast
import sys
import time
from typing import Any

import numpy as np
import pytest

from autograder.tests.rnn.answers import LIVE, PARTS, RIGHT, RNG, STATES, WRONG
from autograder.tests.support import SOURCE


class Odd:
    """A value that nothing can be compared with."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("odd")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(("question", "answer"), RIGHT)
def test_a_right_answer_is_right_in_each_form(shapes: Any, question: str, answer: Any) -> None:
    verdict = shapes.check(question, answer, **LIVE[question])
    assert repr(verdict) == f"✓ {question}: right. Your own arrays confirm it."


@pytest.mark.parametrize(("question", "answer", "text"), WRONG)
def test_a_wrong_answer_has_its_message(shapes: Any, question: str, answer: Any, text: str) -> None:
    assert repr(shapes.check(question, answer, **LIVE[question])) == f"✗ {question}: not yet. {text}"


@pytest.mark.parametrize(("function", "given", "text"), PARTS)
def test_a_part_of_an_answer_has_its_message(shapes: Any, function: str, given: tuple[Any, ...], text: str) -> None:
    assert str(getattr(shapes, function)(*given)) == text


def test_every_mistake_has_its_message_above(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    modules, made = ("shapes.forms", "shapes.answers"), set[tuple[str, int]]()
    fault = vars(sys.modules["shapes.forms"])["Fault"]

    def noted(*parts: Any) -> Any:
        frame = sys._getframe(1)
        made.add((frame.f_globals["__name__"], frame.f_lineno))
        return fault(*parts)

    for name in modules:
        monkeypatch.setattr(sys.modules[name], "Fault", noted)
    for question, answer, _ in WRONG:
        shapes.check(question, answer, **LIVE[question])
    for function, given, _ in PARTS:
        getattr(shapes, function)(*given)
    for name in modules:
        tree = ast.parse((SOURCE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Fault"]
        lines = {line for module, line in made if module == name}
        unsaid = [
            ast.unparse(node) for node in calls if not lines & set(range(node.lineno, (node.end_lineno or 0) + 1))
        ]
        assert len(calls) > 10
        assert unsaid == []


@pytest.mark.parametrize("question", list(LIVE))
def test_a_value_that_cannot_be_compared_does_not_end_the_session(shapes: Any, question: str) -> None:
    odds: list[Any] = [
        Odd(),
        {"output": Odd()},
        [Odd()],
        {"axis": [], "index": {}},
        {"holds": [], "axes": [[]]},
        3 + 4j,
    ]
    odds += [{"axis": Odd(), "index": Odd()}, {Ellipsis: 1}, {1: 2}, [[[]]], np.zeros(0), np.float32(1), object]
    for odd in odds:
        verdict = shapes.check(question, odd, **LIVE[question])
        assert verdict.verdict == "not yet", odd
        assert "Error" not in verdict.text
        assert "cannot be read" not in verdict.text


def test_what_nothing_can_compare_has_a_message_without_an_error(shapes: Any) -> None:
    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("broken")

    verdict = shapes.check("q3", Broken(output=1), **STATES)
    assert verdict.text == (
        'You gave a value of type Broken that cannot be compared. Use the form that is given after "Answer with".'
    )


@pytest.mark.parametrize("question", ["q3", "q4", "q9", "q10"])
def test_answers_are_judged_by_the_arrays_and_not_by_the_usual_sizes(shapes: Any, question: str) -> None:
    arrays = {name: RNG.normal(size=(3, 3)) for name in LIVE[question]}
    arrays["h"] = arrays["output"]
    answer = dict.fromkeys(arrays, (3, 3)) if question in ("q3", "q9") else [("output", "h")]
    assert shapes.check(question, answer, **arrays).verdict == "right"
    arrays["h"] = arrays["output"] + 1
    if question in ("q4", "q10"):
        assert shapes.check(question, answer, **arrays).verdict == "not yet"
        assert shapes.check(question, [], **arrays).verdict == "right"


def test_axes_of_one_size_keep_their_names(shapes: Any) -> None:
    for sizes in ((8, 8, 8, 8), (1, 8, 2, 8), (1, 8, 3, 3), (2, 2, 5, 6), (1, 1, 1, 1)):
        shapes.name_axes(**dict(zip(("batch", "timesteps", "features", "units"), sizes, strict=True)))
        batch, timesteps, features, units = sizes
        for name, shape, axes in (
            ("data", (batch, timesteps, features), ["batch", "timesteps", "features"]),
            ("output", (batch, timesteps, units), ["batch", "timesteps", "units"]),
            ("h", (batch, units), ["batch", "units"]),
        ):
            assert list(shapes.axes_in(name, np.zeros(shape))) == axes
    assert shapes.axes_in("data", np.zeros((1, 2, 1))) is None
    assert shapes.axes_in("data", 3) is None


def test_a_very_long_shape_is_refused_by_its_length(shapes: Any) -> None:
    started = time.process_time()
    given = dict.fromkeys(("output", "h", "c"), (1,) * 99000)
    said = repr(shapes.check("q3", given, **LIVE["q3"]))
    assert said.startswith("✗ q3: not yet. output: you gave 99000 axes, (1, 1, 1, ")
    assert "…; output has 2." in said or "…; output has 3." in said
    assert len(said) < 400
    assert time.process_time() - started < 10  # it took minutes when each size in turn was left out
