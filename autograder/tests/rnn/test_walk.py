"""The numbers and words of the picture that moves, without a browser: they are those of a real Keras layer."""

import importlib
import importlib.util
import os
from itertools import product
from typing import Any

import numpy as np
import pytest

from autograder.tests.support import SOURCE

pytestmark = [pytest.mark.tensorflow, pytest.mark.xdist_group("tensorflow")]


@pytest.fixture
def explore(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the picture."""
    monkeypatch.syspath_prepend(str(SOURCE))
    return importlib.import_module("shapes.player")


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_what_the_picture_returns_is_what_a_keras_layer_returns(explore: Any, kind: str) -> None:
    import keras

    numbers = explore.walk(kind, 2, 5, 3)
    for sequences, state in product((True, False), repeat=2):
        layer = getattr(keras.layers, kind)(
            3,
            return_sequences=sequences,
            return_state=state,
            kernel_initializer=keras.initializers.GlorotUniform(seed=11),
            recurrent_initializer=keras.initializers.Orthogonal(seed=11),
        )
        given = layer(numbers.data)
        expected = [np.asarray(array) for array in (given if state else [given])]
        returned = numbers.returned(sequences, state)
        assert list(returned) == ["output", "h", "c"][: len(expected)]
        for array, right in zip(returned.values(), expected, strict=True):
            np.testing.assert_allclose(array, right, atol=1e-5)


def test_a_walk_leaves_the_session_as_it_was(explore: Any) -> None:
    import keras

    state, name = np.random.get_state()[1], keras.layers.Dense(1).name  # type: ignore[index]
    explore.walk.cache_clear()
    explore.walk("LSTM", 1, 2, 2)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # type: ignore[index]
    assert keras.layers.LSTM(1).name.startswith("lstm")
    assert keras.layers.Dense(1).name != name, "names still count on"


def test_a_longer_sequence_begins_with_the_same_steps(explore: Any) -> None:
    short, long = explore.walk("LSTM", 1, 3, 2), explore.walk("LSTM", 2, 8, 2)
    np.testing.assert_allclose(long.h[:1, :3], short.h, atol=1e-6)


def test_during_grading_there_is_a_still_picture(explore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "NBGRADER_EXECUTION", "autograde")
    shown = explore.explore("GRU", return_sequences=True, batch=2)
    assert shown.html.count("<svg") == 2
    assert repr(shown).endswith("5 rows are returned. The returned h has the same numbers.")
    assert explore.MISSING not in shown.text


def test_without_ipywidgets_there_is_a_still_picture_and_one_sentence(
    explore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    shown = explore.explore()
    assert repr(shown).endswith(
        "To move this picture, install ipywidgets (`pip install ipywidgets`) and run this cell again."
    )
    assert shown.html.count("<svg") == 1
    assert "(1, 4)" not in shown.html, "no shape is shown before a guess"


@pytest.mark.parametrize(
    ("cell", "sizes", "sentence"),
    [
        ("RNN", {}, 'explore: there is no picture of \'RNN\'. Pass "LSTM" or "GRU".'),
        ("LSTM", {"batch": 5}, "explore: batch is 5. Pass a whole number from 1 to 4."),
        ("LSTM", {"units": "3"}, "explore: units is '3'. Pass a whole number from 1 to 4."),
        ("LSTM", {"timesteps": 0}, "explore: timesteps is 0. Pass a whole number from 1 to 8."),
    ],
)
def test_what_cannot_be_shown_gets_a_sentence(explore: Any, cell: str, sizes: Any, sentence: str) -> None:
    assert repr(explore.explore(cell, **sizes)) == sentence
