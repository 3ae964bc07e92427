"""Assert that a recurrent layer's arrays are genuine; `autograder.testing` has the general assertions.

Only the hidden tests in the source notebooks use this. They check the arrays against the recurrence before they check
an answer about them. So constant data, arrays copied from elsewhere and invented arrays earn no points.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.rnn.oracle import Run, gru, lstm
from autograder.testing import FlaggedError

Sizes = Mapping[str, int]  # axis name -> size, for all four axes

GATES: dict[object, tuple[str, ...]] = {lstm: ("i", "f", "c̃", "o"), gru: ("z", "r", "h̃")}
TOLERANCE = 1e-5  # two runs of one layer differ in the last bits of float32

MADE_UP = "arrays that no layer made"  # the class report's heading for students who fail one of the next two
REPEATED = "numbers repeat; random data has no two equal numbers."
NOT_COMPUTED = "the numbers are not what this layer computes from data."


def array(name: str, given: Any, expected: Sequence[int], axes: Sequence[str]) -> None:
    """Assert that one array has decimal numbers, the expected number of axes and sizes, and only finite values."""
    assert isinstance(given, np.ndarray), f"{name}: an array is needed, not a {type(given).__name__}."
    assert given.dtype.kind == "f", f"{name}: the array has numbers of type {given.dtype}, not decimal numbers."
    count = "1 axis" if given.ndim == 1 else f"{given.ndim} axes"
    assert given.ndim == len(expected), f"{name}: {count}, {given.shape}; {len(expected)} are needed."
    for axis, size, wanted in zip(axes, given.shape, expected, strict=True):
        assert size == wanted, f"{name}: the {axis} axis has size {size}, not {wanted}."
    assert np.isfinite(given).all(), f"{name}: not every number is finite."


def recurrence(
    layer: Callable[..., Run], data: Any, weights: Any, sizes: Sizes, sequences: bool = False, **arrays: Any
) -> None:
    """Assert that a layer's arrays equal the oracle's on the student's own data and weights, to within 1e-5.

    `layer` is `oracle.lstm` or `oracle.gru`; `data` has shape (batch, timesteps, features); `weights` is what Keras'
    `get_weights()` returns. With `sequences`, `output` (the first of `arrays`) has all timesteps. Raise AssertionError
    for the first wrong array and axis.
    """
    batch, timesteps, features, units = (sizes[axis] for axis in ("batch", "timesteps", "features", "units"))
    array("data", data, (batch, timesteps, features), ("batch", "timesteps", "features"))
    if np.unique(data).size != data.size:
        raise FlaggedError(f"data: {REPEATED}", MADE_UP)
    assert isinstance(weights, list | tuple), f"weights: a list of arrays is needed, not a {type(weights).__name__}."
    assert len(weights) == 3, f"weights: {len(weights)} arrays; a recurrent layer has three."
    gates = len(GATES[layer])
    array("weights: kernel", weights[0], (features, gates * units), ("features", "units"))
    array("weights: recurrent kernel", weights[1], (units, gates * units), ("units", "units"))
    for name, kernel in (("kernel", weights[0]), ("recurrent kernel", weights[1])):
        assert np.unique(kernel).size > 1, (
            f"weights: the {name} is constant; a layer never starts with constant weights."
        )
    truth = layer(data, weights)
    for i, (name, given) in enumerate(arrays.items()):
        wanted: Any = truth.c if name == "c" else truth.output if i == 0 and sequences else truth.h
        axes = ("batch", "timesteps", "units") if np.ndim(wanted) == 3 else ("batch", "units")
        array(name, given, np.shape(wanted), axes)
        if not np.allclose(given, wanted, rtol=0, atol=TOLERANCE):
            raise FlaggedError(f"{name}: {NOT_COMPUTED}", MADE_UP)
