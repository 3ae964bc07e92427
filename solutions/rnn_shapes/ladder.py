"""Find the first mistake in an answer: each `..._fault` function returns a Fault, or None where it finds none.

A check looks at the type first, then at the number of axes, at each axis, and last at the values. A fault names the
wrong axis and never the right size. This file contains no answers: the caller passes what is right.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from shape_boxes import Box
from verdicts import GROUPS, kind_of

Axes = Mapping[str, int]  # axis name -> size, in the order of the axes
Live = Mapping[str, Any]  # the learner's own arrays by name
AXIS_NAMES = ("batch", "timesteps", "features", "units")
SPELLINGS = {"batch_size": "batch", "timestep": "timesteps", "time_steps": "timesteps", "time_step": "timesteps"}
HOLDS = (
    "all hidden states",
    "last hidden state",
    "all cell states",
    "last cell state",
    "a prediction for each unit",
    "summary of the last step only",
)
ARRAYS = ("output", "h", "c")
_sizes: dict[str, int] = {}  # of this notebook


class Fault(NamedTuple):
    """A mistake in an answer: what is wrong, what to look at next, and the given array to draw."""

    rationale: str
    help: str
    box: Box | None = None

    def __str__(self) -> str:
        return f"{self.rationale} {self.help}"


def name_axes(**sizes: int) -> None:
    """Pass the sizes of this notebook, so that messages can call an axis by its name."""
    _sizes.update(sizes)


def axes_of(array: Any) -> dict[str, int]:
    """Return an array's axes as {name: size}. An axis whose size is unknown or occurs twice is named by its number."""
    names, shape = {size: name for name, size in _sizes.items()}, tuple(np.shape(array))
    found = [names.get(size, "") if shape.count(size) == 1 else "" for size in shape]
    return {name or f"axis {i}": size for i, (name, size) in enumerate(zip(found, shape, strict=True))}


def shape_fault(name: str, given: Any, axes: Axes) -> Fault | None:
    """Find the first mistake in one shape: its type, its sizes, the number of axes, then axis by axis."""
    look = f"Print {name}.shape and read it from left to right."
    if isinstance(given, str):
        return Fault(f"{name}: {given!r} is a string, not a shape.", "Leave out the quotation marks.")
    if not (isinstance(given, list | tuple) or hasattr(given, "as_list")):  # TensorShape has as_list
        look = "A shape is a tuple with one size for each axis."
        return Fault(f"{name}: you gave {kind_of(given)}; a shape is needed.", look)
    for size in given:
        if size is None:
            return Fault(
                f"{name}: None is what a summary prints for the batch axis; this array has a size there.", look
            )
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            return Fault(f"{name}: the size {size!r} is not a whole number.", look)
    shape, sizes = tuple(int(size) for size in given), tuple(axes.values())
    if len(shape) != len(sizes):
        return _count_fault(name, shape, axes)
    wrong = [i for i, size in enumerate(shape) if size != sizes[i]]
    if not wrong:
        return None
    axis = tuple(axes)[wrong[0]]
    swapped = sorted(shape) == sorted(sizes)
    mistake = f"the sizes in {shape} are in the wrong order, from {_called(axis)} on"
    mistake = mistake if swapped else f"{_called(axis)} does not have size {shape[wrong[0]]}"
    return Fault(f"{name}: {mistake}.", look, Box(name, shape, tuple(axes), wrong[0]))


def _called(axis: str) -> str:
    return axis if axis.startswith("axis ") else f"the {axis} axis"


def _count_fault(name: str, shape: tuple[int, ...], axes: Axes) -> Fault:
    sizes, numbers = tuple(axes.values()), tuple(f"axis {i}" for i in range(len(shape)))
    count = f"{len(shape)} {'axis' if len(shape) == 1 else 'axes'}"
    mistake = f"{name}: you gave {count}, {shape}; {name} has {len(sizes)}"
    for i, axis in enumerate(axes):
        if sizes[:i] + sizes[i + 1 :] == shape:
            rest = tuple(other for other in axes if other != axis)
            look = _MISSING.get(axis, "Print {0}.shape and read it from left to right.").format(name)
            return Fault(f"{mistake}: {_called(axis)} is missing.", look, Box(name, shape, rest, missing=axis))
    for i, size in enumerate(shape):
        if shape[:i] + shape[i + 1 :] == sizes:
            look, box = f"Does {name} hold all steps, or one?", Box(name, shape, numbers, i)
            return Fault(f"{mistake}: the axis of size {size} is one too many.", look, box)
    return Fault(f"{mistake}.", f"Print {name}.ndim to count the axes.", Box(name, shape, numbers))


_MISSING = {
    "batch": "A batch of size 1 is still an axis.",
    "timesteps": "Does {0} have one row, or one row for each step?",
}


def key_fault(given: Any, keys: Iterable[str], what: str) -> Fault | None:
    """Find a key that is missing or was not asked for."""
    keys = tuple(keys)
    look = f"Give one {what} for each of: {', '.join(keys)}."
    if not isinstance(given, Mapping):
        return Fault(f"You gave {kind_of(given)}; a dict is needed.", look)
    unknown = [f"{key!r} was not asked for." for key in given if key not in keys]
    missing = [f"{key} is missing." for key in keys if key not in given]
    return next((Fault(rationale, look) for rationale in unknown + missing), None)


def shapes_fault(given: Any, expected: Mapping[str, Axes]) -> Fault | None:
    """Find the first mistake in several shapes; if all are equal, one bare shape may be given for all."""
    if not isinstance(given, Mapping) and len({tuple(axes.items()) for axes in expected.values()}) == 1:
        given = dict.fromkeys(expected, given)
    faults = (shape_fault(name, given[name], axes) for name, axes in expected.items())
    return key_fault(given, expected, "shape") or next(filter(None, faults), None)


def axis_name(word: Any) -> Any:
    """Return the axis name for a spelling such as "Time steps"; return any other value unchanged."""
    if not isinstance(word, str):
        return word
    word = re.sub("[ -]", "_", word.strip().lower())
    return SPELLINGS.get(word, word)


def names_fault(name: str, given: Any, axes: Axes) -> Fault | None:
    """Find the first mistake in the names of an array's axes, in order."""
    if not isinstance(given, list | tuple):
        look = f"Name each axis of {name}, from first to last."
        return Fault(f"You gave {kind_of(given)}; a tuple of names is needed.", look)
    words = tuple(axis_name(word) for word in given)
    for word in words:
        if word not in AXIS_NAMES:
            return Fault(f"{word!r} is not an axis name.", f"The four names are: {', '.join(AXIS_NAMES)}.")
    if len(words) != len(axes):
        lost = "" if "batch" in words else ": the batch axis is missing"
        return Fault(f"You named {len(words)} axes; {name} has {len(axes)}{lost}.", f"Look at {name}.shape.")
    for i, (word, axis) in enumerate(zip(words, axes, strict=True)):
        box = Box(name, tuple(axes.values()), words, i)
        if word == "features" and "features" not in axes:
            look = "Which size did the layer get when it was made?"
            return Fault(f"features is an axis of the input, not of {name}.", look, box)
        if word != axis:
            look = f"Which of your sizes is {name}.shape[{i}]?"
            return Fault(f"Axis {i} of {name} is not {word}.", look, box)
    return None


def pairs_fault(given: Any, names: Iterable[str], same: Iterable[Iterable[str]]) -> Fault | None:
    """Find the first mistake in the pairs of equal arrays; a bare pair counts as a list with one pair."""
    names = tuple(names)
    if not isinstance(given, GROUPS):
        look = "Write two names in brackets for each pair."
        return Fault(f"You gave {kind_of(given)}; a list of pairs is needed.", look)
    pairs = [given] if given and all(isinstance(name, str) for name in given) else list(given)
    for pair in pairs:
        if not isinstance(pair, GROUPS) or len(pair) != 2:
            return Fault(f"{pair!r} is not a pair.", "A pair has two names. Put each pair in its own brackets.")
        for name in pair:
            if name not in names:
                return Fault(f"{name!r} is not one of the arrays.", f"The names are: {', '.join(names)}.")
        if len(set(pair)) == 1:
            return Fault("An array always equals itself.", "Which two different arrays have the same values?")
    found, right = {frozenset(pair) for pair in pairs}, {frozenset(pair) for pair in same}
    for pair in sorted(map(sorted, found - right)):
        return Fault(f"{pair[0]} and {pair[1]} have different values.", "Print both and compare them number by number.")
    look = "Compare every two arrays with np.array_equal."
    return Fault("A pair of arrays with the same values is missing.", look) if right - found else None


def word_fault(name: str, given: Any, choices: Iterable[str]) -> Fault | None:
    """Find out whether this is one of the choices; case and outer spaces do not matter."""
    choices = tuple(choices)
    if isinstance(given, str) and given.strip().lower() in choices:
        return None
    return Fault(f"{name}: {given!r} is not one of the choices.", f"The choices are: {'; '.join(choices)}.")


def words_fault(given: Any) -> Fault | None:
    """Find the first array without one of the choices."""
    faults = (word_fault(name, given[name], HOLDS) for name in ARRAYS)
    return key_fault(given, ARRAYS, "choice") or next(filter(None, faults), None)


def place_fault(given: Any, whole: Any, part: Any, axes: Axes) -> Fault | None:
    """Find out why the slice of `whole` at this axis and index is not `part`, bit for bit."""
    if fault := key_fault(given, ("axis", "index"), "value"):
        return fault
    axis, index = axis_name(given["axis"]), given["index"]
    if axis not in axes:
        return Fault(f"{axis!r} is not an axis of output.", f"The axes are: {', '.join(axes)}.")
    if isinstance(index, bool) or not isinstance(index, int | np.integer):
        return Fault(f"The index {index!r} is not a whole number.", "Indices start at 0; −1 is the last.")
    place, names, shape = list(axes).index(axis), tuple(axes), tuple(axes.values())
    if not -axes[axis] <= index < axes[axis]:
        look = "Indices start at 0; −1 is the last."
        return Fault(f"Index {index} is out of range for the {axis} axis.", look, Box("output", shape, names, place))
    taken = np.take(whole, index, axis=place)
    if taken.shape != np.shape(part):
        left, box = ", ".join(name for name in axes if name != axis), Box("output", shape, names, place)
        look = "Along which axis do you pick one place to get h?"
        return Fault(f"One place along {axis} keeps the axes {left}; h has different axes.", look, box)
    if not np.array_equal(taken, part):
        marks = {at: "yours" for at in np.ndindex(shape[:-1]) if at[place] == index % axes[axis]}
        look, box = "After which step does the layer return h?", Box("output", shape, names, marks=marks)
        return Fault(f"The slice at {axis} {index} has different values from h.", look, box)
    return None


def states_fault(given: Any) -> Fault | None:
    """Find a mistake in the form of Q8: for each layer, the names of the states that it carries."""
    for layer, states in given.items() if isinstance(given, Mapping) else ():
        names = {states} if isinstance(states, str) else states
        if not isinstance(names, GROUPS) or not set(names) <= set(ARRAYS):
            return Fault(f"{layer}: {states!r} is not a list of states.", f"Use the names {', '.join(ARRAYS)}.")
    return key_fault(given, ("LSTM", "GRU"), "list of states")


# --- what each question checks ---


def _shapes(given: Any, live: Live) -> Fault | None:
    return shapes_fault(given, {name: axes_of(array) for name, array in live.items()})


def _pairs(given: Any, live: Live) -> Fault | None:
    pairs = itertools.combinations(live, 2)
    return pairs_fault(given, live, [(a, b) for a, b in pairs if np.array_equal(live[a], live[b])])


def _one_array(given: Any, live: Live) -> Fault | None:
    output5 = live["output5"]
    if isinstance(output5, list | tuple):
        look = "Which argument makes the layer return its states too?"
        return Fault(f"output5: you gave {len(output5)} arrays; one is needed.", look)
    return shape_fault("output5", np.shape(output5), axes_of(live["output"])) or word_fault("q5", given, HOLDS)


def _holds(given: Any, live: Live) -> Fault | None:
    wrong = key_fault(given, ("holds", "axes"), "value") or word_fault("holds", given["holds"], HOLDS)
    return wrong or names_fault("output", given["axes"], axes_of(live["output"]))


QUESTIONS: dict[str, Callable[[Any, Live], Fault | None]] = {
    "q1": lambda given, live: names_fault("data", given, axes_of(live["data"])),
    "q2": lambda given, live: words_fault(given),
    "q3": _shapes,
    "q4": _pairs,
    "q5": _one_array,
    "q6": _shapes,
    "q7": _holds,
    "q8": lambda given, live: states_fault(given),
    "q9": _shapes,
    "q10": _pairs,
    "q11": _shapes,
    "q12": lambda given, live: place_fault(given, live["output"], live["h"], axes_of(live["output"])),
}
RECORDED = ("q2", "q5", "q7", "q8")  # questions of meaning: here only the form is checked; the grader checks the rest
