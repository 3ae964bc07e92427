"""Assertions about recurrent layers for the hidden tests of the course; `autograder.testing` has the general ones.

Each function raises UnansweredError if its answer is still `...`, and else an AssertionError whose sentence is that of
the learner's own `check`: both use the functions of shapes/answers.py, which is beside the notebooks.
"""

import importlib
import itertools
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograder.rnn.oracle import Run, gru, lstm
from autograder.testing import FlaggedError, WrongAnswerError, assert_answered, assert_no_fault, plain_types

Axes = Mapping[str, int | None]  # axis name -> size; None is any size
Weights = list[Any] | tuple[Any, ...]

LAYERS = {4: "LSTM", 3: "GRU"}  # by the number of their gates and candidates
TOLERANCE = 1e-5  # two runs of one layer differ in the last bits of float32
MADE_UP = "arrays that no layer made"  # the class report's heading for students who fail one of the next two
REPEATED = "numbers repeat; random data has no two equal numbers."
NOT_COMPUTED = "the numbers are not what this layer computes from data."


# --- arrays ---------------------------------------------------------------------------------------------------------


def assert_computed_by(model: Any, data: Any, **arrays: Any) -> None:
    """Assert that arrays are what a model's recurrent layer computes from data, to within 1e-5.

    The numbers are computed in NumPy from the model's weights. Whether it is an LSTM or a GRU is seen by their shapes.

    Args:
        model: A Keras model of one LSTM or GRU layer; only its method `get_weights` is used.
        data: Its input, of shape (batch, timesteps, features).
        arrays: What it returned, by name: `h` and `c` are states of shape (batch, units). Any other name is the layer's
            output: all hidden states if it has three axes, the last hidden state if it has two.

    Raises:
        AssertionError: for the first array and axis that is wrong, or if the data or the weights are invented.
    """
    assert_answered(model, data, *arrays.values())
    _assert_data(data)
    _assert_from_weights(_weights(model, data.shape[-1]), data, **arrays)


def _assert_data(data: Any) -> None:
    _assert_array("data", data, {"batch": None, "timesteps": None, "features": None})
    if np.unique(data).size != data.size:
        raise FlaggedError(f"data: {REPEATED}", MADE_UP)


def _assert_from_weights(weights: Weights, data: Any, **arrays: Any) -> None:
    """Assert that arrays are what a layer with these weights computes from data."""
    truth = _run(data, weights)
    if truth.c is not None and np.allclose(truth.h, truth.c, rtol=0, atol=TOLERANCE):
        raise FlaggedError("weights: they make h and c the same; a layer never starts with such weights.", MADE_UP)
    for name, given in arrays.items():
        assert name != "c" or truth.c is not None, "c: this layer is a GRU, which has no cell state."
        sequences = name not in ("h", "c") and np.ndim(given) == 3
        wanted: Any = truth.c if name == "c" else truth.output if sequences else truth.h
        _assert_array(name, given, dict(zip(_names(wanted.ndim), wanted.shape, strict=True)))
        if not np.allclose(given, wanted, rtol=0, atol=TOLERANCE):
            raise FlaggedError(f"{name}: {NOT_COMPUTED}", MADE_UP)


def assert_one_state(model: Any, data: Any, *, layer: str, units: int, **array: Any) -> None:
    """Assert that a model returns one array, the last hidden state of its layer, and that this array is given.

    Args:
        model: A Keras model of one recurrent layer; it is called with new data, too.
        data: Its input, of shape (batch, timesteps, features).
        layer: "LSTM" or "GRU".
        units: The layer's units.
        array: The array, by its name.

    Raises:
        AssertionError: the model has another layer or returns something else, or the array is another one.
    """
    assert_answered(model, *array.values())
    weights = _weights(model, np.shape(data)[-1])
    assert (_kind(weights), len(weights[1])) == (layer, units), (
        f"The model has a layer {_kind(weights)}({len(weights[1])}); {layer}({units}) is needed."
    )
    probe = np.random.default_rng().standard_normal(np.shape(data))
    returned = _predicted(model, probe)
    if isinstance(returned, list | tuple):
        raise WrongAnswerError(f"The model returns {len(returned)} arrays; one is needed.", "one array")
    assert np.ndim(returned) == 2, f"The model returns an array with {np.ndim(returned)} axes; one with 2 is needed."
    assert not _returns_states(model), "The model's layer has return_state=True; return_state=False is needed."
    array = {name: _without_tensor(given) for name, given in array.items()}
    for name, given in array.items():
        assert isinstance(given, np.ndarray), f"{name}: assign what predict returns, without unpacking it."
        assert given.ndim == 2, f"{name}: {_count(given)}, {given.shape}; 2 are needed."
    _assert_from_weights(weights, probe, **{"what the model returns": returned})
    _assert_data(data)
    _assert_from_weights(weights, data, **array)


def _predicted(model: Any, data: Any) -> Any:
    """Return what a model returns for data, as `predict` does, but without the pipeline that `predict` makes first."""
    try:
        predict = model.predict_on_batch
    except AttributeError:  # a layer has no `predict` either: the error then names the method that learners know
        predict = model.predict
    return predict(data)


def _without_tensor(given: Any) -> Any:
    """Return a tensor of TensorFlow as an array: `model(data)` returns one, `model.predict(data)` an array."""
    return given.numpy() if type(given).__name__ == "EagerTensor" else given


def _returns_states(model: Any) -> bool:
    """Return whether a model's last layer returns its states, even if the model itself leaves them out."""
    try:
        return bool(model.layers[-1].return_state)
    except (AttributeError, IndexError, TypeError):
        return False


def _weights(model: Any, features: int) -> Weights:
    """Return a model's weights: three arrays that fit together, as an untrained layer has them."""
    try:
        weights = model.get_weights()
    except AttributeError:
        raise AssertionError("A Keras model is needed, with its method get_weights.") from None
    assert isinstance(weights, list | tuple), f"weights: a list of arrays is needed, not a {type(weights).__name__}."
    assert len(weights) == 3, f"weights: {len(weights)} arrays; a recurrent layer has three."
    kernel, recurrent_kernel, _ = weights
    _assert_array("weights: recurrent kernel", recurrent_kernel, {"units": None, "columns": None})
    units, columns = recurrent_kernel.shape
    assert columns in (3 * units, 4 * units), f"weights: recurrent kernel: {columns} is not 3 or 4 times {units} units."
    _assert_array("weights: kernel", kernel, {"features": features, "columns": columns})
    for name, given in (("kernel", kernel), ("recurrent kernel", recurrent_kernel)):
        assert np.unique(given).size > 1, (
            f"weights: the {name} is constant; a layer never starts with constant weights."
        )
    return weights


def _kind(weights: Weights) -> str:
    units, columns = weights[1].shape
    return LAYERS[columns // units]


def _run(data: Any, weights: Weights, initial: Any = None) -> Run:
    """Compute all that the layer with these weights makes of data."""
    try:
        if _kind(weights) == "GRU":
            return gru(data, weights, initial, reset_after=np.ndim(weights[2]) == 2)
        return lstm(data, weights, initial)
    except ValueError as error:
        raise AssertionError(f"weights: {error}") from error


def _assert_array(name: str, given: Any, axes: Axes) -> None:
    """Assert that an array has decimal numbers, the expected number of axes and sizes, and only finite values."""
    assert isinstance(given, np.ndarray), f"{name}: you gave {_kind_of(given)}; an array is needed."
    assert given.dtype.kind == "f", f"{name}: the array has numbers of type {given.dtype}, not decimal numbers."
    assert given.ndim == len(axes), f"{name}: {_count(given)}, {given.shape}; {len(axes)} are needed."
    for (axis, wanted), size in zip(axes.items(), given.shape, strict=True):
        assert size > 0, f"{name}: the {axis} axis has size 0."
        assert wanted in (None, size), f"{name}: the {axis} axis has size {size}, not {wanted}."
    assert np.isfinite(given).all(), f"{name}: not every number is finite."


def _kind_of(value: Any) -> str:
    return str(importlib.import_module("shapes.output").kind_of(value))


def _count(array: Any) -> str:
    return "1 axis" if array.ndim == 1 else f"{array.ndim} axes"


def _names(axes: int) -> tuple[str, ...]:
    """Return the names of the axes of what a layer returns."""
    known = {2: ("batch", "units"), 3: ("batch", "timesteps", "units")}
    return known.get(axes, tuple(f"axis {i}" for i in range(axes)))


# --- answers --------------------------------------------------------------------------------------------------------


def assert_axes(answer: Any, *axes: str, key: str = "") -> None:
    """Assert that an answer names these axes, in this order.

    Args:
        answer: A tuple or a list of names, or a dict that has one.
        axes: The right names. With "features" they are those of the input `data`, else those of `output`.
        key: The key in the dict.
    """
    given, right = _part(plain_types(answer), key, axes)
    array = "data" if "features" in axes else "output"
    assert_no_fault(_answers().names_fault(array, given, dict.fromkeys(axes, 0)), right)


def assert_choice(answer: Any, model: Any, data: Any, *, key: str = "", **rights: str) -> None:
    """Assert that an answer says what arrays represent: for each of them the right one of the course's choices.

    A wrong choice is refuted by the experiment of the learner's own check, computed in NumPy. Where the model cannot be
    used, a sentence takes its place.

    Args:
        answer: A dict with a choice for each array, or one choice if there is one array.
        model: The Keras model that returned the arrays.
        data: Its input, of shape (batch, timesteps, features).
        key: The key of the choice, if the answer is a dict with other parts.
        rights: The right choice for each array, by its name.
    """
    answer = plain_types(answer)
    layer = _layer_of(model, data, rights)  # also for a right answer: a test reads what it reads for the solution
    if key or len(rights) == 1:
        ((name, right),) = rights.items()
        given, whole = _part(answer, key, right)
        assert_no_fault(_choice_fault(key or name, given, name, right, layer, data), whole)
        return
    assert_answered(answer)
    answers = _answers()
    assert_no_fault(answers.key_fault(answer, rights, "choice"), rights)
    given = answers.keyed(answer, rights)
    faults = (_choice_fault(name, given[name], name, right, layer, data) for name, right in rights.items())
    assert_no_fault(next(filter(None, faults), None), rights)


def assert_shapes(answer: Any, **arrays: Any) -> None:
    """Assert that an answer gives the shape of each array.

    Args:
        answer: A dict of shapes; where all are equal, one shape is enough.
        arrays: The arrays by name.
    """
    answer = plain_types(answer)
    assert_answered(answer, *arrays.values())
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    axes = {name: dict(zip(_names(len(shape)), shape, strict=True)) for name, shape in shapes.items()}
    assert_no_fault(_answers().shapes_fault(answer, axes), shapes)


def assert_same_values(answer: Any, **arrays: Any) -> None:
    """Assert that an answer names all pairs of arrays that are equal, bit for bit.

    Args:
        answer: A list of pairs of names; the order does not matter.
        arrays: The arrays by name.
    """
    answer = plain_types(answer)
    assert_answered(answer, *arrays.values())
    same = [pair for pair in itertools.combinations(arrays, 2) if np.array_equal(*(arrays[name] for name in pair))]
    assert_no_fault(_answers().pairs_fault(answer, tuple(arrays), same), same)


def assert_states(answer: Any, **states: Collection[str]) -> None:
    """Assert that an answer names the states that each layer carries from step to step.

    Args:
        answer: A dict with a list of names for each layer; the order does not matter.
        states: The right names for each layer.
    """
    answer = plain_types(answer)
    assert_answered(answer)
    right = {layer: sorted(names, reverse=True) for layer, names in states.items()}
    answers = _answers()
    fault = answers.states_fault(answer, states)
    if fault and not answers.states_fault(answer):  # its form is right
        fault = _missing_state_fault(answer, states) or fault
    assert_no_fault(fault, right)


def _missing_state_fault(answer: Mapping[str, Any], states: Mapping[str, Collection[str]]) -> Any:
    """Return what a run shows that carries too few states, in the first layer with a mistake; None for another one.

    The run is that of the learner's own check, in a layer with random weights.
    """
    answers, random = _answers(), np.random.default_rng(8)
    given = answers.keyed(answer, states)
    layer = next(layer for layer, names in states.items() if answers.states_of(given[layer]) != set(names))
    named = answers.states_of(given[layer])
    if not named < set(states[layer]):
        return None
    features, units = 2, 3
    columns = units * next(blocks for blocks, kind in LAYERS.items() if kind == layer)
    weights = [random.standard_normal((rows, columns)) for rows in (features, units)] + [np.zeros(columns)]
    model = SimpleNamespace(get_weights=lambda: weights)
    data = random.standard_normal((1, 8, features))
    run = _layer_of(model, data, {"output": "last hidden state", "h": "last hidden state", "c": "last cell state"})
    return importlib.import_module("shapes.experiments").carried_fault(f"In a new {layer}", named, run, data)


def assert_place(answer: Any, *, output: Any, h: Any, axis: str, index: Collection[int]) -> None:
    """Assert that an answer says where in `output` the state `h` is.

    Args:
        answer: A dict with the name of an axis and an index on it.
        output: All hidden states, of shape (batch, timesteps, units).
        h: The last hidden state, of shape (batch, units).
        axis: The right axis.
        index: The right indices; the first one is shown in feedback.
    """
    answer = plain_types(answer)
    assert_answered(answer, output, h)
    answers = _answers()
    right = {"axis": axis, "index": next(iter(index))}
    axes = dict(zip(_names(np.ndim(output)), np.shape(output), strict=True))
    assert_no_fault(answers.place_fault(answer, output, h, axes), right)
    given = answers.keyed(answer, right)
    named = answers.axis_name(given["axis"])
    named = named if isinstance(named, str) else tuple(axes)[named]
    assert_no_fault(None if named == axis else "axis: h is one of the steps.", right)
    assert_no_fault(None if given["index"] in index else "index: h is the state after the last step.", right)


def _answers() -> Any:
    """Return the learner's own functions; a test runs where the folder of the notebooks is on Python's path."""
    return importlib.import_module("shapes.answers")


def _part(answer: Any, key: str, right: Any) -> tuple[Any, Any]:
    """Return the part of an answer that has this key, or all of it, and the right value in the same form."""
    if not key:
        assert_answered(answer)
        return answer, right
    answers, whole = _answers(), {key: right}
    given = answer
    if isinstance(answer, Mapping):
        given = {name: part for name, part in answers.keyed(answer, whole).items() if name == key}
    assert_answered(given)
    assert_no_fault(answers.key_fault(given, whole, "value"), whole)
    return given[key], whole


def _layer_of(model: Any, data: Any, rights: Mapping[str, str]) -> Any:
    """Return a model's layer as the experiments run it, in NumPy; None if the model cannot be used."""
    try:
        weights = _weights(model, np.shape(data)[-1])
        _run(data, weights)
    except Exception:  # another assertion of the test says what is wrong with it
        return None

    def run(data: Any, states: Mapping[str, Any] | None = None) -> Run:
        initial = None if states is None else [np.asarray(state, float) for state in states.values()]
        return _run(np.asarray(data, float), weights, initial)

    def returned(data: Any) -> dict[str, Any]:
        made = run(data)
        arrays = {"last cell state": made.c, "all hidden states": made.output}
        return {name: arrays.get(right, made.h) for name, right in rights.items()}

    def steps(data: Any, states: Any) -> tuple[Any, dict[str, Any]]:
        made = run(data, states)
        return made.output, {"h": made.h} | ({} if made.c is None else {"c": made.c})

    return importlib.import_module("shapes.layers").Layer(_kind(weights), returned, steps)


def _choice_fault(called: str, given: Any, array: str, right: str, layer: Any, data: Any) -> Any:
    """Return what is wrong with a choice for an array: it is none of them, or its experiment refutes it."""
    answers = _answers()
    if fault := answers.word_fault(called, given):
        return fault
    choice = answers.word_of(given)
    if choice == right:
        return None
    fault = None
    if layer is not None:
        experiment = importlib.import_module("shapes.experiments").choice_fault
        fault = experiment(array, choice, layer.run(data)[array], layer, data)
    return fault or f"{called}: it is not {choice!r}."
