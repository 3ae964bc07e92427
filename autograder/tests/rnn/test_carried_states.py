"""The states that a layer carries on, Q8: what refutes each wrong answer; and the time that checks take."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.xdist_group("tensorflow")]

Predicted = Callable[..., dict[str, Any]]
MOST_SECONDS = 2.0
N = r"\d\.\d{3}"  # a distance


@pytest.fixture
def two_layers(predicted: Predicted) -> dict[str, Any]:
    """An LSTM that no model uses, and the GRU of the notebook's model."""
    import keras

    live = predicted("GRU", return_state=True)
    return {"data": live["data"], "gru": live["model"].layers[-1], "lstm": keras.layers.LSTM(3, return_state=True)}


LOST = r"A state is missing\. Which other state goes into the next step\?"
CARRIED: list[tuple[Any, str]] = [
    (
        {"LSTM": ["h"], "GRU": ["h"]},
        rf"LSTM: cut data after step 3 and carry on only h: the rest changes by {N}\. {LOST}",
    ),
    (
        {"LSTM": "c", "GRU": ["h"]},
        rf"LSTM: cut data after step 3 and carry on only c: the rest changes by {N}\. {LOST}",
    ),
    (
        {"LSTM": ["h", "c"], "GRU": []},
        rf"GRU: cut data after step 3 and carry on nothing: the rest changes by {N}\. {LOST}",
    ),
    (
        {"LSTM": ["h", "c"], "GRU": ["h", "c"]},
        r"GRU: it returns output and h, and no c\. What is not there cannot be carried on\.",
    ),
    (
        {"LSTM": ["output", "h", "c"], "GRU": ["h"]},
        r"LSTM: output equals h; it is not a further state\. Name each state once, as h or c\.",
    ),
    (
        {"LSTM": ["h", "c"], "GRU": ["output"]},
        r"GRU: output equals h; it is not a further state\. Name each state once, as h or c\.",
    ),
]


@pytest.mark.parametrize(("answer", "text"), CARRIED)
def test_states_that_are_not_enough_are_refuted(
    shapes: Any, two_layers: dict[str, Any], answer: Any, text: str
) -> None:
    assert re.fullmatch(rf"✗ q8: not yet\. {text}", repr(shapes.check("q8", answer, **two_layers)))


@pytest.mark.parametrize(
    "answer",
    [
        {"LSTM": ["h", "c"], "GRU": ["h"]},
        {"gru": "H", "lstm": ("C", "h")},
        {"LSTM": {"c", "h"}, "GRU": {"h"}},
    ],
)
def test_the_states_that_a_layer_carries_are_right(shapes: Any, two_layers: dict[str, Any], answer: Any) -> None:
    verdict = shapes.check("q8", answer, **two_layers)
    assert (
        repr(verdict) == "✓ q8: right. Cut in two and carried on with these states, both layers repeat the uncut run."
    )


def test_a_check_takes_less_than_two_seconds(shapes: Any, predicted: Predicted, two_layers: dict[str, Any]) -> None:
    sizes = (4, 25, 9, 24)  # the largest that students get
    live, all_steps = predicted("LSTM", sizes, return_state=True), {"return_state": True, "return_sequences": True}
    begun = time.process_time()
    shapes.check("q2", {"output": "last hidden state", "h": "last hidden state", "c": "last cell state"}, **live)
    first = time.process_time()
    live = predicted("LSTM", sizes, **all_steps)
    second = time.process_time()
    shapes.check("q7", {"holds": "all hidden states", "axes": ("batch", "timesteps", "units")}, **live)
    shapes.check("q8", {"LSTM": ["h", "c"], "GRU": ["h"]}, **two_layers)
    third = time.process_time()
    assert first - begun < MOST_SECONDS
    assert third - second < 2 * MOST_SECONDS
