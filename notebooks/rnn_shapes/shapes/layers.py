"""Run a learner's recurrent layer again, and find out whether the arrays are still those of the predict cell.

A layer is run through `Layer`, which needs two functions and not Keras; `rerun` makes it from a Keras layer, with any
backend. A copy has the same weights and returns everything; the random numbers of the notebook stay as they were.
"""

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapes.answers import Live, arrays_in, axes_in
from shapes.forms import ARRAYS
from shapes.output import TOLERANCE

Arrays = dict[str, np.ndarray]
AGAIN = "Run the cells again from `returned = model.predict(...)` on."


class ChangedError(Exception):
    """A model or an array is no longer what the cells above made; the message says which cell to run again."""


@dataclass(frozen=True)
class Layer:
    """A recurrent layer that can be run again.

    `run(data)` returns by name what the layer returns to the learner. `steps(data, states)` runs it from these states,
    from zeros without any, and returns all hidden states and the last states by name, whichever the flags are.
    """

    kind: str
    run: Callable[[np.ndarray], Arrays]
    steps: Callable[[np.ndarray, Mapping[str, Any] | None], tuple[np.ndarray, Arrays]]
    has_loss: bool = False  # of the model that it belongs to


def rerun(layer: Any, names: Sequence[str] = ARRAYS, model: Any = None) -> Layer:
    """Return a Keras layer as one that can be run again; `names` are those of what it returns, in order."""
    twin: list[Any] = []

    @_once
    def run(data: np.ndarray) -> Arrays:
        return dict(zip(names, as_arrays(layer(data)), strict=False))

    @_once
    def steps(data: np.ndarray, states: Mapping[str, Any] | None) -> tuple[np.ndarray, Arrays]:
        if not twin:
            twin.append(_twin(layer, data))
        initial = None if states is None else [np.asarray(state, "float32") for state in states.values()]
        output, *last = as_arrays(twin[0](data, initial_state=initial))
        return output, dict(zip(ARRAYS[1:], last, strict=False))

    return Layer(type(layer).__name__, run, steps, bool(getattr(model, "loss", None)))


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the results for data without states: several experiments need the same run."""
    kept: dict[tuple[Any, ...], Any] = {}

    def again(data: np.ndarray, *states: Any) -> Any:
        if any(states):
            return function(data, *states)
        key = (data.shape, data.tobytes())
        if key not in kept:
            kept[key] = function(data, *states)
        return kept[key]

    return again


def _twin(layer: Any, data: np.ndarray) -> Any:
    """Return a layer with the same weights that returns everything."""
    before = random.getstate()  # Keras draws the seeds of a layer's weights from it
    try:
        if not layer.built:
            layer(data)
        twin = type(layer).from_config(layer.get_config() | {"return_sequences": True, "return_state": True})
        twin.build((None, *data.shape[1:]))
    finally:
        random.setstate(before)
    twin.set_weights(layer.get_weights())
    return twin


def as_arrays(returned: Any) -> list[np.ndarray]:
    """Return what a layer or a model returns as a list of NumPy arrays, with any of Keras' backends."""
    keras = sys.modules.get("keras")
    convert = keras.ops.convert_to_numpy if keras else np.asarray
    return [np.asarray(convert(array)) for array in (returned if isinstance(returned, list | tuple) else [returned])]


def returned_by(model: Any, data: Any) -> list[np.ndarray]:
    """Return what a model returns for data, as a list of arrays."""
    return as_arrays(model(np.asarray(data), training=False))


def recurrent_layer(model: Any) -> Any:
    """Return the last recurrent layer of a model; None if there is none."""
    found = [layer for layer in getattr(model, "layers", ()) if hasattr(layer, "return_sequences")]
    return found[-1] if found else None


def own_layer(model: Any, names: Sequence[str] = ARRAYS) -> Layer:
    """Return a model's recurrent layer as one that can be run again; raise ChangedError if there is none."""
    layer = recurrent_layer(model)
    if layer is None:
        raise ChangedError("model no longer has a recurrent layer. Run the cell that makes it again.")
    return rerun(layer, names, model)


# --- are the arrays still those of the predict cell? ------------------------------------------------------------------


def require_unchanged(live: Live) -> None:
    """Raise ChangedError if the arrays are no longer what the model returns for the data, to 1e-5."""
    data, arrays = live.get("data"), arrays_in(live)
    if "data" in live:
        _require_sizes({"data": data})
    if "model" not in live or not arrays:
        return
    try:
        made = returned_by(live["model"], data)
    except Exception as error:  # whatever Keras raises, the model and the data do not fit
        raise ChangedError("model does not run on data. Run the cells above again, from the top.") from error
    if len(made) != len(arrays):
        raise ChangedError("model now returns another number of arrays. Run the cells again from `model = ...` on.")
    changed = [name for name, array in zip(arrays, made, strict=True) if not is_close(arrays[name], array)]
    if changed:
        names = ", ".join(changed)
        verb = "is" if len(changed) == 1 else "are"
        raise ChangedError(f"{names} {verb} no longer what model returns for data. {AGAIN}")
    _require_sizes(arrays)


def _require_sizes(arrays: Mapping[str, Any]) -> None:
    for name, array in arrays.items():
        if axes_in(name, array) is None:
            text = f"{name} does not have the sizes of this notebook. Run the cells above again, from the top."
            raise ChangedError(text)


def is_close(array: Any, made: np.ndarray) -> bool:
    """Return whether an array has the same shape and, to 1e-5, the same numbers."""
    try:
        return np.shape(array) == made.shape and distance(array, made) <= TOLERANCE
    except (TypeError, ValueError):  # no numbers
        return False


def distance(one: Any, other: Any) -> float:
    """Return the largest distance between two numbers at the same place; not a number counts as far away."""
    return float(np.nan_to_num(np.abs(np.asarray(one, float) - np.asarray(other, float)), nan=np.inf).max(initial=0))
