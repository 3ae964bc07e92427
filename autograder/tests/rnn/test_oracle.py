"""The oracle against Keras, against itself, and against everything that is not a well-made array."""

import importlib
import itertools
import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.rnn.oracle import Run, gru, gru_step, lstm, lstm_step

pytestmark = [pytest.mark.tensorflow, pytest.mark.xdist_group("tensorflow")]

KINDS = ["LSTM", "GRU reset after", "GRU reset before"]
GATES = {"LSTM": 4, "GRU reset after": 3, "GRU reset before": 3}
SIZES = [(1, 8, 2, 3), (5, 8, 2, 3), (2, 1, 1, 1), (33, 4, 6, 5), (3, 20, 3, 16)]  # batch, timesteps, features, units
quick = settings(max_examples=60, deadline=None, database=None)


@pytest.fixture(scope="module")
def keras() -> Any:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        warnings.simplefilter("ignore")  # TensorFlow's own, while it is imported
        return importlib.import_module("keras")


def arrays(kind: str, batch: int, timesteps: int, features: int, units: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """data, weights and initial state: random, no two numbers alike, the biases among them.

    The recurrent kernel is kept near size 1, as Keras' own: with a larger one, 20 steps in float32 stray by 1e-5.
    """
    rng = np.random.default_rng(seed)
    columns = GATES[kind] * units
    bias = (2, columns) if kind == "GRU reset after" else (columns,)
    weights = [rng.normal(size=shape) for shape in [(features, columns), (units, columns), bias]]
    weights[1] /= np.sqrt(units)
    states = [rng.uniform(-1, 1, size=(batch, units)) for _ in range(2 if kind == "LSTM" else 1)]
    return rng.normal(size=(batch, timesteps, features)), weights, states


def run(kind: str, data: Any, weights: Any, initial_state: Any = None) -> Run:
    if kind == "LSTM":
        return lstm(data, weights, initial_state)
    return gru(data, weights, initial_state, reset_after=kind == "GRU reset after")


def step(kind: str, x: Any, states: Any, weights: Any) -> list[Any]:
    if kind == "LSTM":
        h, c = states
        return list(lstm_step(x, h, c, weights))
    (h,) = states
    return [gru_step(x, h, weights, reset_after=kind == "GRU reset after")]


def states_of(result: Run) -> list[Any]:
    return [result.h] if result.c is None else [result.h, result.c]


def build(keras: Any, kind: str, units: int, weights: Any, input_shape: tuple[int, ...], cell: bool = False) -> Any:
    flags: dict[str, Any] = {} if cell else {"return_sequences": True, "return_state": True}
    if kind != "LSTM":
        flags["reset_after"] = kind == "GRU reset after"
    layer = getattr(keras.layers, kind.split()[0] + ("Cell" if cell else ""))(units, **flags)
    layer.build(input_shape)
    layer.set_weights(weights)
    return layer


def near(one: Any, other: Any, tolerance: float = 1e-5) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and bool(np.abs(one - other).max() < tolerance)


# Against Keras


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("initial", [False, True], ids=["from zeros", "from a state"])
def test_a_sequence_equals_keras(keras: Any, kind: str, sizes: tuple[int, int, int, int], initial: bool) -> None:
    data, weights, states = arrays(kind, *sizes)
    layer = build(keras, kind, sizes[-1], weights, data.shape)
    result = run(kind, data, layer.get_weights(), states if initial else None)
    theirs = layer(data.astype("float32"), initial_state=[s.astype("float32") for s in states] if initial else None)
    for mine, keras_array in zip([result.output, *states_of(result)], theirs, strict=True):
        assert near(mine, keras_array)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_equals_keras(keras: Any, kind: str, sizes: tuple[int, int, int, int]) -> None:
    data, weights, states = arrays(kind, *sizes)
    x = data[:, 0]
    cell = build(keras, kind, sizes[-1], weights, x.shape, cell=True)
    output, theirs = cell(x.astype("float32"), [s.astype("float32") for s in states])
    mine = step(kind, x, states, cell.get_weights())
    assert near(mine[0], output)
    assert all(near(a, b) for a, b in zip(mine, theirs if isinstance(theirs, list | tuple) else [theirs], strict=True))


# Constant weights cannot tell one order of the gates from another: all gates then compute the same number, and swapping
# equal columns changes nothing. The last test of these three shows it. Hence random weights, biases included.


def reordered(weights: Any, order: tuple[int, ...]) -> list[Any]:
    return [np.concatenate([np.split(w, len(order), axis=-1)[gate] for gate in order], axis=-1) for w in weights]


def wrong_orders(kind: str) -> list[tuple[int, ...]]:
    return list(itertools.permutations(range(GATES[kind])))[1:]


@pytest.mark.parametrize(("kind", "count"), [(KINDS[0], 23), (KINDS[1], 5), (KINDS[2], 5)])
def test_every_wrong_order_of_the_gates_differs_from_keras(keras: Any, kind: str, count: int) -> None:
    data, weights, _ = arrays(kind, 2, 8, 2, 3)
    output = build(keras, kind, 3, weights, data.shape)(data.astype("float32"))[0]
    assert near(run(kind, data, weights).output, output)
    assert len(wrong_orders(kind)) == count
    for order in wrong_orders(kind):
        assert not near(run(kind, data, reordered(weights, order)).output, output, 1e-3), order


@pytest.mark.parametrize("kind", KINDS)
def test_every_wrong_order_of_one_array_differs(kind: str) -> None:
    data, weights, _ = arrays(kind, 2, 8, 2, 3)
    output = run(kind, data, weights).output
    for k, order in itertools.product(range(3), wrong_orders(kind)):
        mixed = [*weights[:k], *reordered([weights[k]], order), *weights[k + 1 :]]
        assert not near(run(kind, data, mixed).output, output, 1e-3), (k, order)


@pytest.mark.parametrize("kind", KINDS)
def test_constant_weights_cannot_tell_an_order(kind: str) -> None:
    data, weights, _ = arrays(kind, 2, 8, 2, 3)
    constant = [np.full(w.shape, value) for w, value in zip(weights, [0.4, -0.3, 0.2], strict=True)]
    output = run(kind, data, constant).output
    assert all(near(run(kind, data, reordered(constant, order)).output, output) for order in wrong_orders(kind))


# Against itself


def test_one_unit_by_hand() -> None:
    """All zeros: each gate is 1/2 and c̃ and h̃ are 0, so c halves, h is tanh(c) / 2, and the GRU's h halves."""
    x, four, three = np.zeros((1, 1)), np.zeros((1, 4)), np.zeros((1, 3))
    h, c = lstm_step(x, np.full((1, 1), 0.6), np.full((1, 1), 0.8), [four, four, np.zeros(4)])
    assert (h.item(), c.item()) == pytest.approx((np.tanh(0.4) / 2, 0.4), abs=1e-15)
    for reset_after, bias in [(True, np.zeros((2, 3))), (False, np.zeros(3))]:
        h = gru_step(x, np.full((1, 1), 0.6), [three, three, bias], reset_after)
        assert h.item() == pytest.approx(0.3, abs=1e-15)


def test_reset_after_is_the_default() -> None:
    data, weights, (h,) = arrays("GRU reset after", 2, 3, 2, 3)
    assert np.array_equal(gru(data, weights).output, gru(data, weights, reset_after=True).output)
    assert np.array_equal(gru_step(data[:, 0], h, weights), gru_step(data[:, 0], h, weights, reset_after=True))


def test_a_gru_takes_its_state_bare_or_in_a_list() -> None:
    data, weights, (h,) = arrays("GRU reset after", 2, 3, 2, 3)
    for state in ([h], (h,)):
        assert np.array_equal(gru(data, weights, state).output, gru(data, weights, h).output)
    assert not near(gru(data, weights).output, gru(data, weights, h).output, 1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_given_is_changed_or_handed_back(kind: str) -> None:
    data, weights, states = arrays(kind, 2, 3, 2, 3)
    before = [array.copy() for array in [data, *weights, *states]]
    result = run(kind, data, weights, states)
    for array in [result.output, *states_of(result)]:
        array[:] = 9
    assert all(np.array_equal(a, b) for a, b in zip(before, [data, *weights, *states], strict=True))


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "longdouble", "int8", "uint64"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_real_type_is_computed_in_float64(kind: str, dtype: str) -> None:
    data, weights, states = arrays(kind, 2, 3, 2, 3)
    given = [[np.abs(4 * array).astype(dtype) for array in group] for group in ([data], weights, states)]
    exact = [[array.astype("float64") for array in group] for group in given]
    result = run(kind, given[0][0], given[1], given[2])
    assert {array.dtype for array in [result.output, *states_of(result)]} == {np.dtype("float64")}
    assert np.array_equal(result.output, run(kind, exact[0][0], exact[1], exact[2]).output)


any_sizes = st.tuples(st.integers(1, 5), st.integers(2, 9), st.integers(1, 4), st.integers(1, 6))
any_seed = st.integers(0, 2**32 - 1)


@quick
@given(st.sampled_from(KINDS), any_sizes, any_seed)
def test_shapes_and_bounds(kind: str, sizes: tuple[int, int, int, int], seed: int) -> None:
    batch, timesteps, _, units = sizes
    data, weights, states = arrays(kind, *sizes, seed)
    result = run(kind, data, weights, states)
    assert result.output.shape == (batch, timesteps, units)
    assert [state.shape for state in states_of(result)] == [(batch, units)] * len(states)
    assert (result.c is None) == (kind != "LSTM")
    assert np.array_equal(result.output[:, -1], result.h)
    assert np.abs(result.output).max() < 1
    assert result.c is None or (np.abs(result.h) < np.abs(result.c)).all()


@quick
@given(st.sampled_from(KINDS), any_sizes, any_seed)
def test_step_by_step_equals_the_sequence(kind: str, sizes: tuple[int, int, int, int], seed: int) -> None:
    data, weights, states = arrays(kind, *sizes, seed)
    result = run(kind, data, weights, states)
    for t in range(data.shape[1]):
        states = step(kind, data[:, t], states, weights)
        assert near(states[0], result.output[:, t], 1e-12)
    assert all(near(a, b, 1e-12) for a, b in zip(states, states_of(result), strict=True))


@quick
@given(st.sampled_from(KINDS), any_sizes, any_seed, st.data())
def test_two_parts_equal_the_whole(kind: str, sizes: tuple[int, int, int, int], seed: int, draw: st.DataObject) -> None:
    data, weights, states = arrays(kind, *sizes, seed)
    cut = draw.draw(st.integers(1, data.shape[1] - 1), "cut")
    whole = run(kind, data, weights, states)
    first = run(kind, data[:, :cut], weights, states)
    second = run(kind, data[:, cut:], weights, states_of(first))
    assert near(np.concatenate([first.output, second.output], axis=1), whole.output, 1e-12)
    assert all(near(a, b, 1e-12) for a, b in zip(states_of(second), states_of(whole), strict=True))


@quick
@given(st.sampled_from(KINDS), any_sizes, any_seed)
def test_samples_do_not_see_each_other(kind: str, sizes: tuple[int, int, int, int], seed: int) -> None:
    data, weights, states = arrays(kind, *sizes, seed)
    whole = run(kind, data, weights, states).output
    for k in range(len(data)):
        alone = run(kind, data[k : k + 1], weights, [state[k : k + 1] for state in states]).output
        assert near(alone, whole[k : k + 1], 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_sees_no_later_step(kind: str) -> None:
    data, weights, _ = arrays(kind, 2, 8, 2, 3)
    changed = data.copy()
    changed[:, 5:] += 1
    one, other = run(kind, data, weights).output, run(kind, changed, weights).output
    assert np.array_equal(one[:, :5], other[:, :5])
    assert (np.abs(one[:, 5:] - other[:, 5:]).max(axis=(0, 2)) > 1e-3).all()


@quick
@given(st.sampled_from(KINDS), any_seed, st.floats(0, 38))
def test_large_values_saturate_without_a_warning(kind: str, seed: int, exponent: float) -> None:
    data, weights, states = arrays(kind, 2, 8, 2, 3, seed)
    large = 10.0**exponent
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        result = run(kind, data * large / 10, [w * large / 10 for w in weights], states)
    assert all(np.isfinite(array).all() for array in [result.output, *states_of(result)])
    assert np.abs(result.output).max() <= 1  # tanh(20) is 1 in float64


# Against what is not a well-made array

DATA, LSTM_WEIGHTS, (H, C) = arrays("LSTM", 4, 8, 2, 3)
GRU_WEIGHTS, GRU_BEFORE = (arrays(kind, 4, 8, 2, 3)[1] for kind in KINDS[1:])
X = DATA[:, 0]
NAN = "a value is NaN, infinite or beyond float32; finite numbers are needed."


def lstm_with(position: int, array: Any) -> Callable[[], Any]:
    return partial(lstm, DATA, [*LSTM_WEIGHTS[:position], array, *LSTM_WEIGHTS[position + 1 :]])


def gru_with(position: int, array: Any, reset_after: bool = True) -> Callable[[], Any]:
    weights = GRU_WEIGHTS if reset_after else GRU_BEFORE
    return partial(gru, DATA, [*weights[:position], array, *weights[position + 1 :]], None, reset_after)


def with_one(array: Any, value: float, dtype: str = "float64") -> Any:
    array = array.astype(dtype)
    array[..., -1] = value
    return array


SENTENCES: list[tuple[Callable[[], Any], str]] = [
    # type
    (partial(lstm, None, LSTM_WEIGHTS), "data: NoneType given; a NumPy array is needed."),
    (partial(lstm, DATA.tolist(), LSTM_WEIGHTS), "data: list given; a NumPy array is needed."),
    (partial(gru, ..., GRU_WEIGHTS), "data: ellipsis given; a NumPy array is needed."),
    (partial(gru, np.ma.array(DATA), GRU_WEIGHTS), "data: MaskedArray given; a NumPy array is needed."),
    (partial(gru_step, X.view(np.recarray), H, GRU_WEIGHTS), "x: recarray given; a NumPy array is needed."),
    (partial(lstm, DATA, LSTM_WEIGHTS, [H, 0.0]), "c: float given; a NumPy array is needed."),
    (partial(lstm_step, X, None, C, LSTM_WEIGHTS), "h: NoneType given; a NumPy array is needed."),
    (partial(gru_step, X, [H], GRU_WEIGHTS), "h: list given; a NumPy array is needed."),
    (lstm_with(0, "kernel"), "kernel: str given; a NumPy array is needed."),
    (lstm_with(1, {}), "recurrent_kernel: dict given; a NumPy array is needed."),
    (lstm_with(2, 1), "bias: int given; a NumPy array is needed."),
    # type of the values
    (partial(lstm, DATA.astype(object), LSTM_WEIGHTS), "data: values of type object; real numbers are needed."),
    (partial(lstm, DATA > 0, LSTM_WEIGHTS), "data: values of type bool; real numbers are needed."),
    (partial(gru, DATA + 0j, GRU_WEIGHTS), "data: values of type complex128; real numbers are needed."),
    (lstm_with(0, np.full((2, 12), "1")), "kernel: values of type str32; real numbers are needed."),
    (
        lstm_with(1, np.zeros((3, 12), "m8[s]")),
        "recurrent_kernel: values of type timedelta64[s]; real numbers are needed.",
    ),
    (gru_with(2, np.zeros((2, 9), [("a", "f8")])), "bias: values of type void64; real numbers are needed."),
    (partial(gru, DATA, GRU_WEIGHTS, H > 0), "h: values of type bool; real numbers are needed."),
    # number of arrays
    (partial(lstm, DATA, None), "weights: a list of 3 is needed: kernel, recurrent_kernel, bias."),
    (partial(lstm, DATA, LSTM_WEIGHTS[:2]), "weights: a list of 3 is needed: kernel, recurrent_kernel, bias."),
    (partial(lstm_step, X, H, C, LSTM_WEIGHTS * 2), "weights: a list of 3 is needed: kernel, recurrent_kernel, bias."),
    (partial(gru, DATA, np.zeros((3, 3, 9))), "weights: a list of 3 is needed: kernel, recurrent_kernel, bias."),
    (
        partial(gru_step, X, H, dict(enumerate("kub"))),
        "weights: a list of 3 is needed: kernel, recurrent_kernel, bias.",
    ),
    (partial(lstm, DATA, LSTM_WEIGHTS, H), "initial_state: a list of 2 is needed: h, c."),
    (partial(lstm, DATA, LSTM_WEIGHTS, [H]), "initial_state: a list of 2 is needed: h, c."),
    (partial(lstm, DATA, LSTM_WEIGHTS, np.stack([H, C])), "initial_state: a list of 2 is needed: h, c."),
    (partial(gru, DATA, GRU_WEIGHTS, [H, C]), "initial_state: a list of 1 is needed: h."),
    (partial(gru, DATA, GRU_WEIGHTS, []), "initial_state: a list of 1 is needed: h."),
    # number of axes
    (partial(lstm, DATA[0], LSTM_WEIGHTS), "data: 2 axes, (8, 2); 3 are needed: batch, timesteps, features."),
    (partial(gru, DATA[0, 0], GRU_WEIGHTS), "data: 1 axis, (2,); 3 are needed: batch, timesteps, features."),
    (partial(gru, np.array(1.0), GRU_WEIGHTS), "data: 0 axes, (); 3 are needed: batch, timesteps, features."),
    (partial(lstm_step, DATA, H, C, LSTM_WEIGHTS), "x: 3 axes, (4, 8, 2); 2 are needed: batch, features."),
    (partial(gru_step, X, H[0], GRU_WEIGHTS), "h: 1 axis, (3,); 2 are needed: batch, units."),
    (partial(lstm, DATA, LSTM_WEIGHTS, [H, C[0]]), "c: 1 axis, (3,); 2 are needed: batch, units."),
    (partial(gru, DATA, GRU_WEIGHTS, H[0]), "h: 1 axis, (3,); 2 are needed: batch, units."),
    (lstm_with(0, np.ones(12)), "kernel: 1 axis, (12,); 2 are needed: features, 4 × units."),
    (gru_with(1, np.ones((1, 3, 9))), "recurrent_kernel: 3 axes, (1, 3, 9); 2 are needed: units, 3 × units."),
    (lstm_with(2, np.ones((2, 12))), "bias: 2 axes, (2, 12); 1 is needed: 4 × units."),
    (gru_with(2, np.ones(9)), "bias: 1 axis, (9,); 2 are needed: biases, 3 × units."),
    (gru_with(2, np.ones((2, 9)), False), "bias: 2 axes, (2, 9); 1 is needed: 3 × units."),
    # axis by axis
    (partial(lstm, DATA[:0], LSTM_WEIGHTS), "data: 0 along batch; at least 1 is needed."),
    (partial(lstm, DATA[:, :0], LSTM_WEIGHTS), "data: 0 along timesteps; at least 1 is needed."),
    (partial(gru, DATA[..., :0], GRU_WEIGHTS), "data: 0 along features; at least 1 is needed."),
    (partial(gru_step, X[:0], H, GRU_WEIGHTS), "x: 0 along batch; at least 1 is needed."),
    (partial(lstm, DATA[..., :1], LSTM_WEIGHTS), "kernel: 2 along features; 1 is needed."),
    (lstm_with(0, np.ones((1, 12))), "kernel: 1 along features; 2 is needed."),
    (lstm_with(0, np.ones((2, 1))), "kernel: 1 along 4 × units; 12 is needed."),
    (lstm_with(1, np.ones((0, 0))), "recurrent_kernel: 0 along units; at least 1 is needed."),
    (lstm_with(1, np.ones((3, 0))), "recurrent_kernel: 0 along 4 × units; at least 1 is needed."),
    (lstm_with(1, np.ones((3, 9))), "recurrent_kernel: 9 along 4 × units; 12 is needed."),
    (gru_with(2, np.ones((1, 9))), "bias: 1 along biases; 2 is needed."),
    (gru_with(2, np.ones((2, 1))), "bias: 1 along 3 × units; 9 is needed."),
    (gru_with(2, np.ones(1), False), "bias: 1 along 3 × units; 9 is needed."),
    (partial(lstm, DATA, LSTM_WEIGHTS, [H[:1], C]), "h: 1 along batch; 4 is needed."),
    (partial(lstm, DATA, LSTM_WEIGHTS, [H, C[:, :1]]), "c: 1 along units; 3 is needed."),
    (partial(lstm_step, X, H, C[:1], LSTM_WEIGHTS), "c: 1 along batch; 4 is needed."),
    # values
    (partial(lstm, with_one(DATA, np.nan), LSTM_WEIGHTS), f"data: {NAN}"),
    (partial(gru, with_one(DATA, 1e39), GRU_WEIGHTS), f"data: {NAN}"),
    (partial(gru_step, with_one(X, -np.inf, "float16"), H, GRU_WEIGHTS), f"x: {NAN}"),
    (partial(lstm, DATA, LSTM_WEIGHTS, [H, with_one(C, -1e300, "longdouble")]), f"c: {NAN}"),
    (partial(gru, DATA, GRU_WEIGHTS, [with_one(H, np.inf)]), f"h: {NAN}"),
    (lstm_with(0, with_one(LSTM_WEIGHTS[0], np.inf)), f"kernel: {NAN}"),
    (lstm_with(1, with_one(LSTM_WEIGHTS[1], np.nan, "float32")), f"recurrent_kernel: {NAN}"),
    (gru_with(2, with_one(GRU_WEIGHTS[2], np.nan)), f"bias: {NAN}"),
]


@pytest.mark.parametrize(("call", "sentence"), SENTENCES, ids=[f"{k} {s}" for k, (_, s) in enumerate(SENTENCES)])
def test_sentence(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        call()


@pytest.mark.parametrize("kind", KINDS)
def test_no_array_is_broadcast(kind: str) -> None:
    """Every array, every axis: gone, one left, one less, one more, doubled, an axis dropped or added: no answer."""
    data, weights, states = arrays(kind, 4, 8, 2, 3)
    given = [data, *weights, *states]
    for k, array in enumerate(given):
        for axis in range(-1, array.ndim):
            for wrong in resized(array, axis):
                if k or axis != 1 or wrong.ndim != 3:  # timesteps may be any number
                    changed = [*given[:k], wrong, *given[k + 1 :]]
                    with pytest.raises(ValueError, match=r"needed"):
                        run(kind, changed[0], changed[1:4], changed[4:])


def resized(array: Any, axis: int) -> list[Any]:
    if axis == -1:
        return [array[None], array[..., None]]
    size = array.shape[axis]
    others = {0, 1, size - 1, size + 1, 2 * size} - {size}
    return [array.take(0, axis), *(array.take(np.arange(other) % size, axis) for other in others)]
