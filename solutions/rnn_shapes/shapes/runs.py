"""Run what a learner made in the practice, and measure its states: practice.py and flags.py judge the results.

TensorFlow is imported when something runs.
"""

import inspect
import itertools
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from shapes.answers import Fault, Live
from shapes.output import kind_of

TOLERANCE = 1e-5  # two runs of one layer differ in the last bits
Judge = Callable[[Any, Live], None]
PRACTICE: dict[str, Callable[[Any, Live], Fault | None]] = {}  # the rules by question; `check` looks here


class FaultError(Exception):
    """The first fault of an answer; the rule returns it."""

    def __init__(self, rationale: str, advice: str) -> None:
        super().__init__(rationale)
        self.fault = Fault(rationale, advice)


def rule(name: str) -> Callable[[Judge], Judge]:
    """Register a function that raises FaultError as the rule of a question."""

    def register(judge: Judge) -> Judge:
        def judged(answer: Any, live: Live) -> Fault | None:
            try:
                judge(answer, live)
            except FaultError as error:
                return error.fault
            return None

        PRACTICE[name] = judged
        return judge

    return register


def need(met: Any, rationale: str, advice: str) -> None:
    """Raise FaultError unless the condition is met."""
    if not met:
        raise FaultError(rationale, advice)


def run(model: Any, *inputs: Any) -> list[Any]:
    """Run a layer or model, and return its arrays as a flat list; raise FaultError if it stops at an error."""
    import keras

    shapes = " and ".join(str(tuple(np.shape(array))) for array in inputs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of Model([inputs], ...), which expects a list
            returned = model(list(inputs) if len(inputs) > 1 else inputs[0])
    except Exception as error:
        look = "Run it on the same data in a new cell, and read the last line of the error."
        raise FaultError(f"It stops at an error on data of shape {shapes}.", look) from error
    return [keras.ops.convert_to_numpy(array) for array in keras.tree.flatten(returned)]


def require_model(answer: Any, inputs: int = 1) -> None:
    """Raise FaultError unless the answer is a model with this number of inputs."""
    import keras

    advice = "Model(inputs, outputs) makes a model."
    if hasattr(answer, "shape"):
        raise FaultError("You gave an array; a model is needed.", "Give the model, not what it returns.")
    if isinstance(answer, keras.Layer) and not isinstance(answer, keras.Model):
        raise FaultError("You gave a layer; a model is needed.", advice)
    need(isinstance(answer, keras.Model), f"You gave {kind(answer)}; a model is needed.", advice)
    found = len(getattr(answer, "inputs", None) or [None] * inputs)
    need(found == inputs, f"The model has {count(found, 'input')}; {inputs} needed.", "Compare with the broken model.")


def kind(value: Any) -> str:
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    return "a function" if inspect.isroutine(value) else kind_of(value)


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def recurrent(model: Any) -> list[Any]:
    """Return a model's recurrent layers in the order in which the data passes them."""
    import keras

    layers: list[Any] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
            layers.append(layer)
        elif hasattr(layer, "layers"):
            layers += recurrent(layer)
    return layers


def require_layers(model: Any, number: int) -> list[Any]:
    """Return the recurrent layers; raise FaultError unless there are `number` of them."""
    layers = recurrent(model)
    few = f"The model has {count(len(layers), 'recurrent layer')}; {number} needed."
    need(len(layers) == number, few, "Keep the layers of the broken model, and change what they return or get.")
    return layers


def states_along(layer: Any, data: Any) -> tuple[Any, dict[str, Any]]:
    """Run a copy of a recurrent layer along the data, from zeros.

    Args:
        layer: a recurrent layer that has weights.
        data: (batch, timesteps, features).

    Returns:
        The hidden states of all steps, (batch, timesteps, units), and the final states by name, each (batch, units).
    """
    hidden, *states = run(_copy(layer, data), data)
    return hidden, dict(zip("hc", states))


def _copy(layer: Any, data: Any) -> Any:
    """Return a layer with the same weights that returns the hidden states of all steps, and its final states."""
    config = {key: value for key, value in layer.get_config().items() if key != "name"}
    copy = type(layer).from_config(config | {"return_sequences": True, "return_state": True, "stateful": False})
    copy.build(np.shape(data))
    copy.set_weights(layer.get_weights())
    return copy


def input_of(model: Any, layer: Any, data: Any) -> Any:
    """Return the sequence that a layer inside the model gets, or None where the model does not show it."""
    import keras

    try:
        given = keras.tree.flatten(layer.input)[0]
        return run(keras.Model(model.inputs[0], given), data)[0]
    except (AttributeError, ValueError):  # such as a layer of a model inside the model
        return None


def close(a: Any, b: Any) -> bool:
    """Return whether two arrays have the same shape and, to 1e-5, the same values."""
    return np.shape(a) == np.shape(b) and np.allclose(a, b, atol=TOLERANCE)


def same_at_each_step(array: Any) -> bool:
    return array.shape[1] > 1 and close(array, np.broadcast_to(array[:, :1], array.shape))


_OLD = {"h": "the old h", "c": "the old c"}


def started_from(layer: Any, part: Any, states: dict[str, Any], rows: Any) -> str:
    """Say from which states a layer was started to compute these rows; "" if from none that can be told."""
    zeros = np.zeros_like(next(iter(states.values())))
    known, copy = states | {"zeros": zeros}, _copy(layer, part)
    for names in itertools.product(known, repeat=len(states)):
        given = [known[name] for name in names]
        if close(run(partial(copy, initial_state=given), part)[0], rows):
            pairs = zip(("hidden state", "cell state"), names)
            return " and ".join(f"its {state} from {_OLD.get(name, name)}" for state, name in pairs)
    return ""
