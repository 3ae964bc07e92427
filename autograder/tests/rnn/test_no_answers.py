"""Nothing that a student gets contains a right answer: neither the helper's files nor the released notebooks."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from autograder.course.course import Course
from autograder.release.handout import _notebooks
from autograder.release.release import contents
from autograder.tests.support import HELPERS, ROOT

RELEASED = [ROOT / "notebooks" / name for name in contents(ROOT / "notebooks")]
LITERALS = ast.Tuple | ast.List | ast.Set | ast.Dict
STEPS = {"return_state": True, "return_sequences": True}
SPELLED = [  # right answers in comments and in texts
    r"(?<!zip\()[\[(]['\"]output['\"], ?['\"]h['\"][\])]",
    r"[\[(]['\"]h['\"], ?['\"]output['\"][\])]",
    r"[\[(]['\"]batch['\"], ?['\"]timesteps['\"], ?['\"](features|units)['\"][\])]",
    r"['\"]axis['\"]: ?(['\"]timesteps['\"]|1)",
    r"['\"]index['\"]: ?(-1|7)\b",
    r"['\"]GRU['\"]: ?([\[(]?['\"]h['\"])",
    r"['\"](output|h|c|holds)['\"]: ?['\"](all|last) (hidden|cell) state",
    r"q\d+ = [^.\n]*\.shape",
]


def _literals(code: str) -> Iterator[Any]:
    """The literals in a piece of code, without those that it only iterates over."""
    nodes, passed = list(ast.walk(ast.parse(code))), list[ast.AST]()
    for node in nodes:
        if isinstance(node, ast.For | ast.comprehension):
            passed.append(node.iter)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "zip":
            passed += node.args
    for node in nodes:
        if isinstance(node, LITERALS) and node not in passed:
            try:
                yield ast.literal_eval(node)
            except ValueError:
                continue


def _codes(path: Path) -> list[str]:
    if path.suffix == ".py":
        return [path.read_text("utf-8")]
    cells = nbformat.read(path, 4).cells if path.suffix == ".ipynb" else []
    return [cell.source for cell in cells if cell.cell_type == "code" and not cell.source.startswith("%")]


def test_this_looks_at_everything_in_the_handout(course: Course) -> None:
    assert {str(path.relative_to(ROOT / "notebooks")) for path in RELEASED} == set(_notebooks(course))
    assert {f"shapes/{path.name}" for path in RELEASED if path.suffix == ".py"} == set(HELPERS)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: str(path.relative_to(ROOT / "notebooks")))
def test_no_text_spells_a_right_answer(path: Path) -> None:
    text = "\n".join(_codes(path))
    assert not [found[0] for pattern in SPELLED if (found := re.search(pattern, text))]


@pytest.mark.tensorflow
@pytest.mark.xdist_group("tensorflow")
def test_no_literal_is_a_right_answer(shapes: Any, predicted: Callable[..., dict[str, Any]]) -> None:
    lstm, lstm_steps = predicted("LSTM", return_state=True), predicted("LSTM", **STEPS)
    gru, gru_steps = predicted("GRU", return_state=True), predicted("GRU", **STEPS)
    layers = {"data": gru["data"], "gru": gru["model"].layers[-1], "lstm": lstm["model"].layers[-1]}
    new = predicted("LSTM")
    new = {"model5": new["model"], "output5": np.asarray(new["model"](new["data"])), "data": new["data"]}
    lives = dict(zip(("q1", "q2", "q3", "q4", "q5"), (lstm, lstm, lstm, lstm, new), strict=True))
    lives |= {
        "q6": lstm_steps,
        "q7": lstm_steps,
        "q8": layers,
        "q9": gru,
        "q10": gru,
        "q11": gru_steps,
        "q12": gru_steps,
    }
    assert len(lives) == 12
    found = [(path.name, value) for path in RELEASED for code in _codes(path) for value in _literals(code)]
    right = []
    for value, name in {repr(value): (value, name) for name, value in found}.values():  # many stand in several files
        for question, live in lives.items():
            if shapes.unanswered(value):
                continue
            try:
                fault = shapes.QUESTIONS[question](value, live)
            except Exception:  # not a form of an answer at all
                continue
            right += [] if fault else [(name, question, value)]
    assert right == []
