"""Find the first mistake in an answer: each `..._fault` function returns a Fault, or None where it finds none.

forms.py has the parts that many answers have, experiments.py the questions of meaning. This file contains no answers:
the caller passes what is right.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from shapes.forms import ARRAYS, AXIS_NAMES, Axes, Fault, axis_name, key_fault, keyed, normal, shapes_fault
from shapes.forms import HOLDS, shape_fault, word_fault, word_of, words_fault  # noqa: F401  (tests import these from here)
from shapes.pictures import Box
from shapes.output import GROUPS, is_array, kind_of, quoted

SIZES: dict[str, int] = {}  # of this notebook
Live = Mapping[str, Any]  # the learner's own model and arrays by name
IN_QUOTES = 'Put the names in quotation marks, such as ("a", "b").'


def names_fault(name: str, given: Any, axes: Axes) -> Fault | None:
    """Find the first mistake in the names of an array's axes, in order."""
    if not isinstance(given, list | tuple):
        look = f"Name each axis of {name}, from first to last."
        return Fault(f"You gave {kind_of(given)}; a tuple of names is needed.", look)
    words = tuple(axis_name(word) for word in given)
    if words and all(isinstance(word, int | np.integer) for word in words):
        return Fault("You gave sizes; names are needed.", "Put each name in quotation marks.")
    for word, typed in zip(words, given, strict=True):
        if not isinstance(word, str) or word not in AXIS_NAMES:
            return Fault(f"{quoted(typed)} is not an axis name.", f"The four names are: {', '.join(AXIS_NAMES)}.")
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
            return Fault(f"Axis {i} of {name} (axes count from 0) is not {word}.", look, box)
    return None


def pairs_fault(given: Any, names: Iterable[str], same: Iterable[Iterable[str]]) -> Fault | None:
    """Find the first mistake in the pairs of equal arrays; a bare pair counts as a list with one pair."""
    names, right = tuple(names), {frozenset(pair) for pair in same}
    if any(map(is_array, _flat(given))):
        return Fault("You gave arrays.", IN_QUOTES)
    if not isinstance(given, GROUPS):
        look = "Write two names in brackets for each pair."
        return Fault(f"You gave {kind_of(given)}; a list of pairs is needed.", look)
    found = set()
    for pair in [given] if given and all(isinstance(name, str) for name in given) else list(given):
        if not isinstance(pair, GROUPS) or len(pair) != 2:
            look = "A pair has two names. Put each pair in its own brackets."
            joined = isinstance(pair, GROUPS) and any(len(_names_in(name, names)) > 1 for name in pair)
            return Fault(f"{quoted(pair)} is not a pair.", _SINGLY if joined else look)
        for name in pair:
            if not isinstance(name, str) or normal(name) not in names:
                return Fault(f"{quoted(name)} is not one of the arrays.", f"The names are: {', '.join(names)}.")
        found.add(frozenset(map(normal, pair)))
    if any(len(pair) == 1 for pair in found):
        return Fault("An array always equals itself.", "Which two different arrays have the same values?")
    for pair in sorted(map(sorted, found - right)):
        return Fault(f"{pair[0]} and {pair[1]} have different values.", "Print both and compare them number by number.")
    look = "Compare every two arrays with np.array_equal."
    if right and not found:
        return Fault("An empty list says that no two arrays have the same values.", look)
    return Fault("A pair of arrays with the same values is missing.", look) if right - found else None


_SINGLY = "Put each name in its own quotation marks."


def _names_in(text: Any, names: Iterable[str]) -> list[str]:
    """Return which of the names are words of a text, such as "output, h"."""
    words = re.findall(r"\w+", normal(text)) if isinstance(text, str) else []
    return [name for name in names if name in words]


def _flat(given: Any) -> Iterator[Any]:
    for part in given.values() if isinstance(given, Mapping) else given if isinstance(given, GROUPS) else ():
        yield from _flat(part)
    yield given


def place_fault(given: Any, whole: Any, part: Any, axes: Axes) -> Fault | None:
    """Find out why the slice of `whole` at this axis and index is not `part`, bit for bit."""
    if given is None:
        return Fault("None says that no slice of output equals h.", "Compare slices with h: use np.array_equal.")
    if is_array(given):
        return _given_slice_fault(np.asarray(given), np.asarray(part))
    if fault := key_fault(given, ("axis", "index"), "value"):
        return fault
    given, names = keyed(given, ("axis", "index")), tuple(axes)
    axis, index = axis_name(given["axis"]), given["index"]
    if isinstance(axis, int | np.integer) and not isinstance(axis, bool):
        if not -len(names) <= axis < len(names):
            return Fault(f"output has the axes 0 to {len(names) - 1}, and no axis {axis}.", _axes_are(names))
        axis = names[axis]
    if not isinstance(axis, str) or axis not in axes:
        return Fault(f"{quoted(given['axis'])} is not an axis of output.", _axes_are(names))
    return _index_fault(index, axes[axis], axis) or _slice_fault(whole, part, axes, axis, int(index))


def _given_slice_fault(given: Any, part: Any) -> Fault:
    """Return what is wrong with a slice that was given instead of its axis and index."""
    look = "Answer with its axis and its index."
    if given.dtype.kind == "b":
        return Fault("You gave the result of a comparison; a dict is needed.", look)
    if given.size != part.size or not np.array_equal(given.ravel(), part.ravel()):
        return Fault("That slice does not equal h.", look)
    if given.shape == part.shape:
        return Fault("Yes, that slice: which axis, which index?", look)
    return Fault(f"That slice has the numbers of h, but the shape {given.shape}; h has {part.shape}.", look)


def _axes_are(names: tuple[str, ...]) -> str:
    return f"The axes are: {', '.join(names)}."


def _index_fault(index: Any, size: int, axis: str) -> Fault | None:
    look = "Indices start at 0; −1 is the last."
    if isinstance(index, bool) or not isinstance(index, int | np.integer):
        if isinstance(index, str) and re.fullmatch(r"\s*[-+]?\d+\s*", index):
            look = "Leave out the quotation marks."
        return Fault(f"The index is {kind_of(index)}; a whole number is needed.", look)
    if not -size <= index < size:
        return Fault(f"Index {index} is out of range for the {axis} axis.", look)
    return None


def _slice_fault(whole: Any, part: Any, axes: Axes, axis: str, index: int) -> Fault | None:
    place, names, shape = list(axes).index(axis), tuple(axes), tuple(axes.values())
    taken = np.take(np.asarray(whole), index, axis=place)
    if taken.shape != np.shape(part):
        left, box = ", ".join(name for name in axes if name != axis), Box("output", shape, names, place)
        look = "Along which axis do you pick one place to get h?"
        return Fault(f"One place along {axis} keeps the axes {left}; h has different axes.", look, box)
    if not np.array_equal(taken, part):
        marks = {at: "yours" for at in np.ndindex(shape[:-1]) if at[place] == index % axes[axis]}
        look, box = "After which step does the layer return h?", Box("output", shape, names, marks=marks)
        return Fault(f"The slice at {axis} {index} has different values from h.", look, box)
    return None


def states_of(given: Any) -> set[str]:
    """Return the names of the states in one entry of Q8; a bare name counts as a list with one name."""
    return {normal(name) for name in ([given] if isinstance(given, str) else given)}


def states_fault(given: Any, expected: Mapping[str, Iterable[str]] | None = None) -> Fault | None:
    """Find the first mistake in Q8: for each layer, the names of the states that it carries from step to step.

    Args:
        given: the answer.
        expected: the states of each layer; without it only the form is looked at.
    """
    if fault := key_fault(given, ("LSTM", "GRU"), "list of states"):
        return fault
    for layer, states in keyed(given, ("LSTM", "GRU")).items():
        if any(map(is_array, _flat(states))):
            return Fault(f"{layer}: you gave arrays.", 'Put the names in quotation marks, such as ["a"].')
        if not isinstance(states, GROUPS) and not isinstance(states, str):
            return Fault(f"{layer}: you gave {kind_of(states)}; a list of names is needed.", _STATES)
        for name in [states] if isinstance(states, str) else states:
            if not isinstance(name, str) or normal(name) not in ARRAYS:
                look = _SINGLY if len(_names_in(name, ARRAYS)) > 1 else _STATES
                return Fault(f"{layer}: {quoted(name)} is not one of the names.", look)
    for layer, states in (expected or {}).items():
        if fault := _carried_fault(layer, states_of(keyed(given, ("LSTM", "GRU"))[layer]), set(states)):
            return fault
    return None


_STATES = f"Use the names {', '.join(ARRAYS)}."


def _carried_fault(layer: str, given: set[str], right: set[str]) -> Fault | None:
    if "output" in given - right:
        return Fault(f"{layer}: output equals h; it is not a further state.", "Name each state once, as h or c.")
    if extra := given - right:
        return Fault(f"{layer}: it has no {min(extra)}.", "Which states did predict return, after the output?")
    return Fault(f"{layer}: a state is missing.", "Which states go into the next step?") if right - given else None


# --- what each question checks; experiments.py adds the questions of meaning ------------------------------------------


def name_axes(**sizes: int) -> None:
    """Pass the sizes of this notebook, so that messages and pictures can call an axis by its name."""
    SIZES.update(sizes)


def axes_of(array: Any) -> dict[str, int]:
    """Return an array's axes as {name: size}. An axis whose size is unknown or occurs twice is named by its number."""
    names, shape = {size: name for name, size in SIZES.items()}, tuple(np.shape(array))
    found = [names.get(size, "") if shape.count(size) == 1 else "" for size in shape]
    return {name or f"axis {i}": size for i, (name, size) in enumerate(zip(found, shape, strict=True))}


def axes_in(name: str, array: Any) -> dict[str, int] | None:
    """Return the axes of the input or of what a layer returned; None if the array does not have the notebook's sizes.

    Axes keep the order in which `name_axes` got their sizes, and all arrays have the first one, so two axes of one size
    keep their names. The input has no axis of the layer's units; what the layer returned has none of the features.
    """
    shape, other = tuple(np.shape(array)), "units" if name == "data" else "features"
    known = [axis for axis in SIZES if axis != other]
    fits = [
        some
        for some in itertools.combinations(known, len(shape))
        if some[:1] == tuple(known[:1]) and shape == tuple(SIZES[axis] for axis in some)
    ]
    return dict(zip(max(fits, key=lambda some: known.index(some[-1])), shape, strict=True)) if fits else None


def arrays_in(live: Live) -> dict[str, Any]:
    """Return the arrays that the layer returned: output, h and c, as far as a check passes them."""
    return {name: live[name] for name in ARRAYS if name in live}


def _shapes(given: Any, live: Live) -> Fault | None:
    return shapes_fault(
        given, {name: axes_in(name, array) or axes_of(array) for name, array in arrays_in(live).items()}
    )


def _pairs(given: Any, live: Live) -> Fault | None:
    arrays = arrays_in(live)
    pairs = itertools.combinations(arrays, 2)
    return pairs_fault(given, arrays, [(a, b) for a, b in pairs if np.array_equal(arrays[a], arrays[b])])


def _place(given: Any, live: Live) -> Fault | None:
    return place_fault(given, live["output"], live["h"], axes_in("output", live["output"]) or axes_of(live["output"]))


Rule = Callable[[Any, Live], Fault | None]
QUESTIONS: dict[str, Rule] = {
    "q1": lambda given, live: names_fault("data", given, axes_in("data", live["data"]) or {}),
    **dict.fromkeys(("q3", "q6", "q9", "q11"), _shapes),
    **dict.fromkeys(("q4", "q10"), _pairs),
    "q12": _place,
}
