"""What a hidden test expects: assertions that climb the same ladder as the learner's check, and show what is right.

Used by the masters' hidden tests only. Arrays are held to the recurrence before an answer about them is read, so that
data made constant, borrowed arrays or arrays made up by hand earn nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.evidence.display import display
from autograder.rnn.oracle import Run, gru, lstm

Sizes = Mapping[str, int]  # axis name -> size, for all four axes

GATES: dict[object, tuple[str, ...]] = {lstm: ("i", "f", "c̃", "o"), gru: ("z", "r", "h̃")}
TOLERANCE = 1e-5  # two runs of one layer differ in the last bits of float32

# What is said of arrays that no layer made; the class report lists who met it.
REPEATED = "numbers repeat; it was drawn at random, every number its own."
NOT_COMPUTED = "the numbers are not what this layer's weights make of data."


def answered(name: str, answer: Any) -> None:
    """Raise AssertionError where the answer, or a part of it, is still `...`."""
    parts = list(answer.values()) if isinstance(answer, dict) else answer
    if isinstance(parts, list | tuple | set | frozenset):
        for part in parts:
            answered(name, part)
    assert answer is not ..., f"{name}: not answered."


class WrongAnswerError(AssertionError):
    """A test did not hold; says what is so, one thing to look at ("" where there is none), and what is right."""

    def __init__(self, fault: object, expected: object, whole: object = None) -> None:
        super().__init__(f"{fault} Right: {expected!r}")
        self.mistake = str(getattr(fault, "rationale", fault))
        self.help = str(getattr(fault, "help", ""))
        self.expected = display(expected if whole is None else whole)


def right(fault: object, expected: object, whole: object = None) -> None:
    """Raise WrongAnswerError with the fault (anything but None) and what is right: of a part, or of the `whole`."""
    if fault is not None:
        raise WrongAnswerError(fault, expected, whole)


def choice_fault(name: str, given: str, correct: str, because: Mapping[str, str]) -> str | None:
    """What is wrong with a chosen text; `because` has a reason for each tempting one."""
    chosen = given.strip().lower()
    return None if chosen == correct else f"{name}: {because.get(chosen, f'it does not hold {chosen!r}.')}"


def words(given: Mapping[str, str], expected: Mapping[str, str], because: Mapping[str, str]) -> None:
    """Hold each chosen text to the right one, and show what is right."""
    whole = expected if len(expected) > 1 else None
    for name, text in expected.items():
        right(choice_fault(name, given[name], text, because), text, whole)


def array(name: str, given: Any, expected: Sequence[int], axes: Sequence[str]) -> None:
    """Hold one array to its axes: an array, of numbers, as many axes, each as long, nothing but finite numbers."""
    assert isinstance(given, np.ndarray), f"{name}: a {type(given).__name__} is not an array."
    assert given.dtype.kind == "f", f"{name}: the array holds {given.dtype}, not decimal numbers."
    assert given.ndim == len(expected), f"{name}: {given.ndim} axes, {given.shape}; it has {len(expected)}."
    for axis, size, wanted in zip(axes, given.shape, expected, strict=True):
        assert size == wanted, f"{name}: the {axis} axis is {size} long; it has {wanted}."
    assert np.isfinite(given).all(), f"{name}: not every number is finite."


def recurrence(
    layer: Callable[..., Run], data: Any, weights: Any, sizes: Sizes, sequences: bool = False, **arrays: Any
) -> None:
    """Hold a layer's arrays to the oracle's equations on the learner's own data and weights.

    `layer` is `oracle.lstm` or `oracle.gru`; `data` (batch, timesteps, features); `weights` as Keras' `get_weights()`
    gives them; `sequences` says whether `output` (the first of `arrays`) holds every step. Raises AssertionError with
    the first array and axis at fault; arrays must agree to 1e-5.
    """
    batch, timesteps, features, units = (sizes[axis] for axis in ("batch", "timesteps", "features", "units"))
    array("data", data, (batch, timesteps, features), ("batch", "timesteps", "features"))
    assert np.unique(data).size == data.size, f"data: {REPEATED}"
    assert isinstance(weights, list | tuple), f"weights: a {type(weights).__name__} is not a list of them."
    assert len(weights) == 3, f"weights: {len(weights)} arrays; a recurrent layer has three."
    gates = len(GATES[layer])
    array("weights: kernel", weights[0], (features, gates * units), ("features", "units"))
    array("weights: recurrent kernel", weights[1], (units, gates * units), ("units", "units"))
    for name, kernel in (("kernel", weights[0]), ("recurrent kernel", weights[1])):
        assert np.unique(kernel).size > 1, f"weights: the {name} is constant; no layer starts like that."
    truth = layer(data, weights)
    for i, (name, given) in enumerate(arrays.items()):
        wanted: Any = truth.c if name == "c" else truth.output if i == 0 and sequences else truth.h
        axes = ("batch", "timesteps", "units") if np.ndim(wanted) == 3 else ("batch", "units")
        array(name, given, np.shape(wanted), axes)
        close = np.allclose(given, wanted, rtol=0, atol=TOLERANCE)
        assert close, f"{name}: {NOT_COMPUTED}"
