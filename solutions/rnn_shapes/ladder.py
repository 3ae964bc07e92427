"""The ladder that a check climbs: each `..._fault` gives the first wrong rung of an answer, or None.

Answered, type, number of axes, axis by axis, values: a fault names the axis at fault, never the size that belongs
there, and carries a picture's worth of what was given. No answers here: what is right comes from the caller.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

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
GROUPS = (list, tuple, set, frozenset)
_sizes: dict[str, int] = {}  # of this notebook


class Box(NamedTuple):
    """An array as it was given: its axes' labels, the axis at fault, the axis that is missing, marks of its rows.

    A row is what runs along the last axis; `marks` knows it by its index on the axes before.
    """

    name: str
    shape: tuple[int, ...]
    labels: tuple[str, ...]
    fault: int | None = None
    missing: str = ""
    marks: Mapping[tuple[int, ...], str] = {}


class Fault(NamedTuple):
    """The first wrong rung: what is so, one thing to look at, and what was given, to be drawn."""

    rationale: str
    help: str
    box: Box | None = None

    def __str__(self) -> str:
        return f"{self.rationale} {self.help}"


def name_axes(**sizes: int) -> None:
    """Tell this helper the sizes of this notebook, so that it can call an axis by its name."""
    _sizes.update(sizes)


def axes_of(array: Any) -> dict[str, int]:
    """The axes of a live array by name, found by their sizes; by number where two are of one size."""
    names, shape = {size: name for name, size in _sizes.items()}, tuple(np.shape(array))
    found = [names.get(size, "") if shape.count(size) == 1 else "" for size in shape]
    return {name or f"number {i}": size for i, (name, size) in enumerate(zip(found, shape, strict=True))}


def shape_fault(name: str, given: Any, axes: Axes) -> Fault | None:
    """Climb the ladder for one shape: type, sizes, number of axes, axis by axis."""
    look = f"Print {name}.shape and read it from left to right."
    if isinstance(given, str):
        return Fault(f"{name}: {given!r} is text, not a shape.", "Leave out the quotation marks.")
    if not (isinstance(given, list | tuple) or hasattr(given, "as_list")):  # TensorShape has as_list
        what = f"the number {given!r}" if isinstance(given, int | float | np.number) else f"a {type(given).__name__}"
        return Fault(f"{name}: {what} is not a shape.", "A shape is a tuple: one size for each axis.")
    for size in given:
        if size is None:
            return Fault(f"{name}: None is the open batch axis of a summary; this array has a size there.", look)
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
    said = f"in {shape} the sizes stand in another order; {axis} is misplaced"
    said = said if swapped else f"the {axis} axis is not {shape[wrong[0]]} long"
    return Fault(f"{name}: {said}.", look, Box(name, shape, tuple(axes), wrong[0]))


def _count_fault(name: str, shape: tuple[int, ...], axes: Axes) -> Fault:
    sizes, numbers = tuple(axes.values()), tuple(f"axis {i}" for i in range(len(shape)))
    said = f"{name}: you gave {len(shape)} {'axis' if len(shape) == 1 else 'axes'}, {shape}; it has {len(sizes)}"
    for i, axis in enumerate(axes):
        if sizes[:i] + sizes[i + 1 :] == shape:
            rest = tuple(other for other in axes if other != axis)
            box = Box(name, shape, rest, missing=axis)
            return Fault(f"{said}: the {axis} axis is missing.", f"Even a {axis} of size 1 is an axis.", box)
    for i, size in enumerate(shape):
        if shape[:i] + shape[i + 1 :] == sizes:
            box = Box(name, shape, numbers, i)
            return Fault(f"{said}: the axis of size {size} is too many.", f"Does {name} hold all steps, or one?", box)
    return Fault(f"{said}.", f"Count the axes: {name}.ndim.", Box(name, shape, numbers))


def key_fault(given: Any, keys: Iterable[str], what: str) -> Fault | None:
    """Does the answer give one `what` for each of the keys, and nothing else?"""
    keys = tuple(keys)
    look = f"Give one {what} for each of: {', '.join(keys)}."
    if not isinstance(given, Mapping):
        return Fault(f"A {type(given).__name__} is not a dict.", look)
    unknown = [f"{key!r} is not asked for." for key in given if key not in keys]
    missing = [f"{key} is missing." for key in keys if key not in given]
    return next((Fault(rationale, look) for rationale in unknown + missing), None)


def shapes_fault(given: Any, expected: Mapping[str, Axes]) -> Fault | None:
    """Climb the ladder for several arrays; where all shapes are equal, one bare shape stands for all."""
    if not isinstance(given, Mapping) and len({tuple(axes.items()) for axes in expected.values()}) == 1:
        given = dict.fromkeys(expected, given)
    faults = (shape_fault(name, given[name], axes) for name, axes in expected.items())
    return key_fault(given, expected, "shape") or next(filter(None, faults), None)


def axis_name(word: Any) -> Any:
    """`"Time steps"` -> `"timesteps"`; what is no axis name comes back as it is."""
    if not isinstance(word, str):
        return word
    word = re.sub("[ -]", "_", word.strip().lower())
    return SPELLINGS.get(word, word)


def names_fault(name: str, given: Any, axes: Axes) -> Fault | None:
    """Are these the names of the array's axes, in their order?"""
    if not isinstance(given, list | tuple):
        return Fault(f"A {type(given).__name__} is not a tuple of names.", f"Name each axis of {name}, first to last.")
    words = tuple(axis_name(word) for word in given)
    for word in words:
        if word not in AXIS_NAMES:
            return Fault(f"{word!r} is not an axis name.", f"The four names are: {', '.join(AXIS_NAMES)}.")
    if len(words) != len(axes):
        lost = "the batch axis is missing" if "batch" not in words else f"count {name}.ndim"
        return Fault(f"You named {len(words)} axes; {name} has {len(axes)}: {lost}.", f"Look at {name}.shape.")
    for i, (word, axis) in enumerate(zip(words, axes, strict=True)):
        box = Box(name, tuple(axes.values()), words, i)
        if word == "features" and "features" not in axes:
            return Fault(
                f"features is an axis of the input, not of {name}.", "What does the layer have of its own?", box
            )
        if word != axis:
            look = f"Which of your sizes stands at {name}.shape[{i}]?"
            return Fault(f"Axis {i} of {name} is not {word}.", look, box)
    return None


def pairs_fault(given: Any, names: Iterable[str], same: Iterable[Iterable[str]]) -> Fault | None:
    """Are these the pairs of arrays that hold the same values? A bare pair stands for a list of one."""
    names = tuple(names)
    if not isinstance(given, GROUPS):
        return Fault(f"A {type(given).__name__} is not a list of pairs.", "Write pairs of names, each in brackets.")
    pairs = [given] if given and all(isinstance(name, str) for name in given) else list(given)
    for pair in pairs:
        if not isinstance(pair, GROUPS) or len(pair) != 2:
            return Fault(f"{pair!r} is not a pair.", "A pair has two names; write one pair after the other.")
        for name in pair:
            if name not in names:
                return Fault(f"{name!r} is none of the arrays.", f"The names are: {', '.join(names)}.")
        if len(set(pair)) == 1:
            return Fault("An array always equals itself.", "Which two different names hold the same values?")
    found, right = {frozenset(pair) for pair in pairs}, {frozenset(pair) for pair in same}
    for pair in sorted(map(sorted, found - right)):
        return Fault(f"{pair[0]} and {pair[1]} hold different values.", "Print both and compare number by number.")
    look = "Compare each array with each other: np.array_equal."
    return Fault("A pair that holds the same values is missing.", look) if right - found else None


def word_fault(name: str, given: Any, choices: Iterable[str]) -> Fault | None:
    """Is this one of the offered texts? Case and outer spaces are forgiven."""
    choices = tuple(choices)
    if isinstance(given, str) and given.strip().lower() in choices:
        return None
    return Fault(f"{name}: {given!r} is none of the choices.", f"The choices are: {'; '.join(choices)}.")


def words_fault(given: Any) -> Fault | None:
    """Is each of the three arrays given one of the offered texts?"""
    faults = (word_fault(name, given[name], HOLDS) for name in ARRAYS)
    return key_fault(given, ARRAYS, "choice") or next(filter(None, faults), None)


def place_fault(given: Any, whole: Any, part: Any, axes: Axes) -> Fault | None:
    """Does the slice of `whole` at this axis and index hold `part`, bit for bit?"""
    if fault := key_fault(given, ("axis", "index"), "value"):
        return fault
    axis, index = axis_name(given["axis"]), given["index"]
    if axis not in axes:
        return Fault(f"{axis!r} is not an axis of output.", f"The axes are: {', '.join(axes)}.")
    if isinstance(index, bool) or not isinstance(index, int | np.integer):
        return Fault(f"The index {index!r} is not a whole number.", "Indices count from 0; −1 is the last.")
    place, names, shape = list(axes).index(axis), tuple(axes), tuple(axes.values())
    if not -axes[axis] <= index < axes[axis]:
        look = "Indices count from 0; −1 is the last."
        return Fault(f"Index {index} lies outside the {axis} axis.", look, Box("output", shape, names, place))
    taken = np.take(whole, index, axis=place)
    if taken.shape != np.shape(part):
        left, box = ", ".join(name for name in axes if name != axis), Box("output", shape, names, place)
        look = "Along which axis does h lie still?"
        return Fault(f"A slice along {axis} keeps the axes {left}; h has others.", look, box)
    if not np.array_equal(taken, part):
        marks = {at: "yours" for at in np.ndindex(shape[:-1]) if at[place] == index % axes[axis]}
        look, box = "After which step is h handed back?", Box("output", shape, names, marks=marks)
        return Fault(f"The slice at {axis} {index} holds other values than h.", look, box)
    return None


def states_fault(given: Any) -> Fault | None:
    """Q8's form: for each layer the names of the states it carries."""
    for layer, states in given.items() if isinstance(given, Mapping) else ():
        names = {states} if isinstance(states, str) else states
        if not isinstance(names, GROUPS) or not set(names) <= set(ARRAYS):
            return Fault(f"{layer}: {states!r} is not a list of states.", f"Use the names {', '.join(ARRAYS)}.")
    return key_fault(given, ("LSTM", "GRU"), "list of states")


# --- which ladder belongs to which question ---


def _shapes(given: Any, live: Live) -> Fault | None:
    return shapes_fault(given, {name: axes_of(array) for name, array in live.items()})


def _pairs(given: Any, live: Live) -> Fault | None:
    pairs = itertools.combinations(live, 2)
    return pairs_fault(given, live, [(a, b) for a, b in pairs if np.array_equal(live[a], live[b])])


def _one_array(given: Any, live: Live) -> Fault | None:
    output5 = live["output5"]
    if isinstance(output5, list | tuple):
        return Fault(f"output5: {len(output5)} values, not one array.", "Which argument asks for the states as well?")
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
RECORDED = ("q2", "q5", "q7", "q8")  # questions of meaning: form is checked here, the rest after handing in
