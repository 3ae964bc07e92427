"""Compute LSTM and GRU in NumPy, written like the equations, to check a student's arrays.

    LSTM   i, f, o = σ(x W + h U + b)   c̃ = tanh(x W + h U + b)         c ← f c + i c̃   h ← o tanh(c)
    GRU    z, r    = σ(x W + h U + b)   h̃ = tanh(x W + (r h) U + b)     h ← z h + (1 − z) h̃

W is the kernel, U the recurrent kernel, b the bias. Each gate or candidate has its own columns in them, in the order
i, f, c̃, o and z, r, h̃. Products of gates and states are elementwise. All values are float64.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np

Array: TypeAlias = np.typing.NDArray[np.float64]
Given: TypeAlias = Any  # an array or a list of arrays, not checked yet
FLOAT32_MAX = np.finfo(np.float32).max  # Keras stores nothing larger, and a product of two cannot overflow float64
ANY = 0  # any size but 0
SEQUENCE = {"batch": ANY, "timesteps": ANY, "features": ANY}
STEP = {"batch": ANY, "features": ANY}


class Run(NamedTuple):
    """All that a layer computes, whichever part its flags return."""

    output: Array  # (batch, timesteps, units), all hidden states
    h: Array  # (batch, units), last hidden state
    c: Array | None  # (batch, units), last cell state; a GRU has none


def lstm(data: Given, weights: Given, initial_state: Given = None) -> Run:
    """Run an LSTM on data (batch, timesteps, features), from initial_state [h, c], (batch, units) each, or from zeros.

    weights as returned by Keras' `get_weights()`: kernel (features, 4 × units), recurrent_kernel (units, 4 × units) and
    bias (4 × units,). ValueError: a wrong type, shape or value. Sources: Hochreiter & Schmidhuber 1997, Long Short-Term
    Memory (f is from Gers et al. 2000, Learning to Forget); https://keras.io/api/layers/recurrent_layers/lstm/
    """
    data = _array("data", data, SEQUENCE)
    weights = _weights(weights, data, blocks=4)
    h, c = _states(["h", "c"], initial_state, data, weights)
    output = []
    for x in data.swapaxes(0, 1):
        h, c = _lstm(x, h, c, *weights)
        output.append(h)
    return Run(np.stack(output, axis=1), h, c)


def gru(data: Given, weights: Given, initial_state: Given = None, reset_after: bool = True) -> Run:
    """Run a GRU on data (batch, timesteps, features), from initial_state h or [h], (batch, units), or from zeros.

    weights as returned by Keras' `get_weights()`: kernel (features, 3 × units), recurrent_kernel (units, 3 × units) and
    bias (3 × units,). With reset_after, bias is (2, 3 × units), for x W and for h U, and r multiplies h U + b, not h.
    ValueError: as in `lstm`. Sources: Cho et al. 2014 (r multiplies h); https://keras.io/api/layers/recurrent_layers/gru/
    """
    data = _array("data", data, SEQUENCE)
    weights = _weights(weights, data, blocks=3, two_biases=reset_after)
    bare = not (initial_state is None or isinstance(initial_state, list | tuple))
    (h,) = _states(["h"], [initial_state] if bare else initial_state, data, weights)
    output = []
    for x in data.swapaxes(0, 1):
        h = _gru(x, h, *weights)
        output.append(h)
    return Run(np.stack(output, axis=1), h, None)


def lstm_step(x: Given, h: Given, c: Given, weights: Given) -> tuple[Array, Array]:
    """Compute one timestep: x (batch, features), h and c (batch, units) → the next h and c. Otherwise as `lstm`."""
    x = _array("x", x, STEP)
    weights = _weights(weights, x, blocks=4)
    h, c = _states(["h", "c"], [h, c], x, weights)
    return _lstm(x, h, c, *weights)


def gru_step(x: Given, h: Given, weights: Given, reset_after: bool = True) -> Array:
    """Compute one timestep: x (batch, features), h (batch, units) → the next h. Otherwise as `gru`."""
    x = _array("x", x, STEP)
    weights = _weights(weights, x, blocks=3, two_biases=reset_after)
    (h,) = _states(["h"], [h], x, weights)
    return _gru(x, h, *weights)


def _lstm(x: Array, h: Array, c: Array, kernel: Array, recurrent_kernel: Array, bias: Array) -> tuple[Array, Array]:
    i, f, c_tilde, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(c_tilde)
    return _sigmoid(o) * np.tanh(c), c


def _gru(x: Array, h: Array, kernel: Array, recurrent_kernel: Array, bias: Array) -> Array:
    reset_after = bias.ndim == 2
    x_bias, h_bias = bias if reset_after else (bias, 0.0)
    x_z, x_r, x_h = np.split(x @ kernel + x_bias, 3, axis=1)
    h_z, h_r, h_h = np.split(h @ recurrent_kernel + h_bias, 3, axis=1)
    z, r = _sigmoid(x_z + h_z), _sigmoid(x_r + h_r)
    h_h = r * h_h if reset_after else (r * h) @ np.split(recurrent_kernel, 3, axis=1)[2]
    h_tilde = np.tanh(x_h + h_h)
    return z * h + (1 - z) * h_tilde


def _sigmoid(x: Array) -> Array:
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # equals 1 / (1 + exp(−x)), but cannot overflow


def _weights(weights: Given, data: Array, blocks: int, two_biases: bool = False) -> list[Array]:
    kernel, recurrent_kernel, bias = _list("weights", weights, ["kernel", "recurrent_kernel", "bias"])
    columns = f"{blocks} × units"
    units = len(_array("recurrent_kernel", recurrent_kernel, {"units": ANY, columns: ANY}))
    return [
        _array("kernel", kernel, {"features": data.shape[-1], columns: blocks * units}),
        _array("recurrent_kernel", recurrent_kernel, {"units": units, columns: blocks * units}),
        _array("bias", bias, {"biases": 2, columns: blocks * units} if two_biases else {columns: blocks * units}),
    ]


def _states(names: list[str], states: Given, data: Array, weights: list[Array]) -> list[Array]:
    axes = {"batch": len(data), "units": len(weights[1])}
    if states is None:
        return [np.zeros(tuple(axes.values())) for _ in names]
    return [_array(name, h, axes) for name, h in zip(names, _list("initial_state", states, names), strict=True)]


def _list(name: str, given: object, items: list[str]) -> list[Given]:
    if not isinstance(given, list | tuple) or len(given) != len(items):
        raise ValueError(f"{name}: a list of {len(items)} is needed: {', '.join(items)}.")
    return list(given)


def _array(name: str, given: object, axes: dict[str, int]) -> Array:
    """Check an array without broadcasting: type, number of axes, each axis, then values; return it as float64."""
    if type(given) is not np.ndarray:  # no subclasses: masked arrays and matrices define different arithmetic
        raise ValueError(f"{name}: {type(given).__name__} given; a NumPy array is needed.")
    if given.dtype.kind not in "iuf":
        raise ValueError(f"{name}: values of type {given.dtype.name}; real numbers are needed.")
    if given.ndim != len(axes):
        count, needed = "axis" if given.ndim == 1 else "axes", "1 is" if len(axes) == 1 else f"{len(axes)} are"
        raise ValueError(f"{name}: {given.ndim} {count}, {given.shape}; {needed} needed: {', '.join(axes)}.")
    for size, (axis, wanted) in zip(given.shape, axes.items(), strict=True):
        if size == 0 or wanted not in (ANY, size):
            raise ValueError(f"{name}: {size} along {axis}; {wanted or 'at least 1'} is needed.")
    if not (np.abs(given) <= FLOAT32_MAX).all():
        raise ValueError(f"{name}: a value is NaN, infinite or beyond float32; finite numbers are needed.")
    return given.astype(np.float64)
