"""A layer is run again: it and the random numbers stay as they were, and arrays that changed meanwhile are noticed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograder.tests.rnn.answers import LAST_STATES

pytestmark = [pytest.mark.tensorflow, pytest.mark.xdist_group("tensorflow")]

Predicted = Callable[..., dict[str, Any]]


def test_a_check_leaves_random_numbers_and_weights_as_they_were(shapes: Any, predicted: Predicted) -> None:
    import keras

    live, later = predicted("LSTM", return_state=True), []
    for checked in (True, False):
        keras.utils.set_random_seed(5)
        if checked:
            before = live["model"].get_weights()
            shapes.check("q2", LAST_STATES, **live)
            assert all(map(np.array_equal, before, live["model"].get_weights()))
        model = keras.Sequential([keras.Input((8, 2)), keras.layers.LSTM(3)])
        later.append([np.random.rand(), *(weight.tolist() for weight in model.get_weights())])
    assert later[0] == later[1]


NO_LONGER = "no longer what model returns for data. Run the cells again from `returned = model.predict(...)` on."
CHANGES: list[tuple[dict[str, Callable[[Any], Any]], str]] = [
    ({"h": lambda h: h + 1}, f"h is {NO_LONGER}"),
    (
        {"h": lambda h: np.array([["a", "b", "c"]])},
        f"h is {NO_LONGER}",
    ),
    ({"h": lambda h: h[0]}, f"h is {NO_LONGER}"),
    (
        {"output": lambda array: array * 0, "c": lambda c: "c"},
        f"output, c are {NO_LONGER}",
    ),
    (
        {"data": lambda data: data + 1},
        f"output, h, c are {NO_LONGER}",
    ),
    (
        {"data": lambda data: data[:, :4]},
        "data does not have the sizes of this notebook. Run the cells above again, from the top.",
    ),
    (
        {"data": lambda data: data[0]},
        "data does not have the sizes of this notebook. Run the cells above again, from the top.",
    ),
    (
        {"data": lambda data: np.full(data.shape, "a")},
        "model does not run on data. Run the cells above again, from the top.",
    ),
    ({"model": lambda model: None}, "model does not run on data. Run the cells above again, from the top."),
    (
        {"model": lambda model: lambda data, training: data},
        "model now returns another number of arrays. Run the cells again from `model = ...` on.",
    ),
]


@pytest.mark.parametrize(("changes", "text"), CHANGES)
def test_arrays_that_are_no_longer_those_of_the_predict_cell_are_noticed(
    shapes: Any, predicted: Predicted, changes: dict[str, Callable[[Any], Any]], text: str
) -> None:
    live = predicted("LSTM", return_state=True)
    live |= {name: change(live[name]) for name, change in changes.items()}
    for question, answer in (("q3", (1, 3)), ("q2", LAST_STATES), ("q4", [("output", "h")])):
        verdict = shapes.check(question, answer, **live)
        assert repr(verdict) == f"✗ {question}: not yet. {text}"


def test_sizes_that_were_changed_later_are_noticed(shapes: Any, predicted: Predicted) -> None:
    live = predicted("LSTM", return_state=True)
    shapes.name_axes(units=4)
    text = "output does not have the sizes of this notebook. Run the cells above again, from the top."
    assert shapes.check("q3", (1, 4), **live).text == text


def test_a_model_without_its_layer_is_noticed(shapes: Any, predicted: Predicted) -> None:
    live = predicted("LSTM", return_state=True)

    def stand_in(data: Any, training: bool) -> Any:
        return [live["output"], live["h"], live["c"]]

    verdict = shapes.check("q2", LAST_STATES, **live | {"model": stand_in})
    assert verdict.text == "model no longer has a recurrent layer. Run the cell that makes it again."
