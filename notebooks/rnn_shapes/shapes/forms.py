"""Find the first mistake in the parts that many answers have: words, keys of a dict, shapes.

A check looks at the type first, then at the number of axes, at each axis, and last at the values. A fault names the
wrong axis and never the right size. This file contains no answers: the caller passes what is right.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from shapes.pictures import Box
from shapes.output import GROUPS, is_array, kind_of, quoted

Axes = Mapping[str, int]  # axis name -> size, in the order of the axes
AXIS_NAMES = ("batch", "timesteps", "features", "units")
SPELLINGS = {  # what else an axis is called
    "batch": ("batch size", "batches", "sample", "samples"),
    "timesteps": ("timestep", "time step", "time steps", "time", "step", "steps", "t", "seq size", "sequence length"),
    "features": ("feature", "d", "input dim"),
    "units": ("unit", "node", "nodes", "hidden size", "hidden dim", "hidden units", "m"),
}
HOLDS = (
    "all hidden states",
    "last hidden state",
    "all cell states",
    "last cell state",
    "a prediction for each unit",
    "summary of the last step only",
)
ARRAYS = ("output", "h", "c")


class Fault(NamedTuple):
    """A mistake in an answer: what is wrong, what to look at next, and the given array to draw, or a picture."""

    rationale: str
    help: str
    box: Box | None = None
    picture: str = ""

    def __str__(self) -> str:
        return f"{self.rationale} {self.help}".strip()


# --- words and keys -------------------------------------------------------------------------------------------------


def normal(word: str) -> str:
    """Return a word in one spelling: lower case, single spaces, no underscores, no full stop."""
    return re.sub(r"[\s_-]+", " ", word).strip().rstrip(".").strip().lower()


def axis_name(word: Any) -> Any:
    """Return the axis name for a spelling such as "Time steps"; return any other value unchanged."""
    if not isinstance(word, str):
        return word
    meant = normal(word)
    return next((axis for axis, others in SPELLINGS.items() if meant == axis or meant in others), word)


def word_of(given: Any, choices: Iterable[str] = HOLDS) -> str | None:
    """Return the choice that was given; None if it is none of the choices."""
    return normal(given) if isinstance(given, str) and normal(given) in choices else None


def word_fault(name: str, given: Any, choices: Iterable[str] = HOLDS) -> Fault | None:
    """Find out whether this is one of the choices; case, spaces, underscores and a full stop do not matter."""
    if word_of(given, choices):
        return None
    return Fault(f"{name}: {quoted(given)} is not one of the choices.", f"The choices are: {'; '.join(choices)}.")


def words_fault(given: Any) -> Fault | None:
    """Find the first array without one of the choices."""
    if fault := key_fault(given, ARRAYS, "choice"):
        return fault
    given = keyed(given, ARRAYS)
    return next(filter(None, (word_fault(name, given[name]) for name in ARRAYS)), None)


def keyed(given: Mapping[Any, Any], keys: Iterable[str]) -> dict[Any, Any]:
    """Return an answer with the keys that were asked for, however they are spelled."""
    names = {normal(key): key for key in keys}
    return {names.get(normal(key), key) if isinstance(key, str) else key: value for key, value in given.items()}


def key_fault(given: Any, keys: Iterable[str], what: str) -> Fault | None:
    """Find a key that is missing or was not asked for."""
    keys = tuple(keys)
    look = f"Give one {what} for each of: {', '.join(keys)}."
    if not isinstance(given, Mapping):
        return Fault(f"You gave {kind_of(given)}; a dict is needed.", look)
    found = keyed(given, keys)
    unknown = [f"{quoted(key)} was not asked for." for key in found if key not in keys]
    missing = [f"{key} is missing." for key in keys if key not in found]
    return next((Fault(rationale, look) for rationale in unknown + missing), None)


# --- shapes ---------------------------------------------------------------------------------------------------------


def shape_fault(name: str, given: Any, axes: Axes) -> Fault | None:
    """Find the first mistake in one shape: its type, its sizes, the number of axes, then axis by axis."""
    if isinstance(given, str):
        look = "Leave out the quotation marks." if re.fullmatch(r"[\s\d,()[\]]+", given) else _TUPLE
        return Fault(f"{name}: {quoted(given)} is a string, not a shape.", look)
    if not _is_shape(given):
        look = f"Print {name}.shape." if is_array(given) else _TUPLE
        return Fault(f"{name}: you gave {kind_of(given)}; a shape is needed.", look)
    given = tuple(given)
    if fault := next(filter(None, (_size_fault(name, size, given) for size in given)), None):
        return fault
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
    look = f"Print {name}.shape and read it from left to right."
    return Fault(f"{name}: {mistake}.", look, Box(name, shape, tuple(axes), wrong[0]))


_TUPLE = "A shape is a tuple with one size for each axis."


def _is_shape(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return given.ndim == 1 and given.dtype.kind in "iu"
    return isinstance(given, list | tuple) or hasattr(given, "as_list")  # TensorShape has as_list


def _size_fault(name: str, size: Any, given: tuple[Any, ...]) -> Fault | None:
    if isinstance(size, int | np.integer) and not isinstance(size, bool):
        return None
    if size is None:
        look = f"Print {name}.shape and read it from left to right."
        return Fault(f"{name}: None is what a summary prints for the batch axis; this array has a size there.", look)
    if isinstance(size, float | np.floating):
        return Fault(f"{name}: the size {size} has a decimal point.", "A size is a whole number, such as 5.")
    if isinstance(size, GROUPS) or is_array(size):
        look = f"Write the sizes of {name} in one pair of brackets."
        return Fault(f"{name}: {quoted(given)} has brackets inside brackets.", look)
    look = "Leave out the quotation marks." if isinstance(size, str) else "A size is a whole number, such as 5."
    return Fault(f"{name}: {quoted(size)} is not a size.", look)


def _called(axis: str) -> str:
    return axis if axis.startswith("axis ") else f"the {axis} axis"


def _count_fault(name: str, shape: tuple[int, ...], axes: Axes) -> Fault:
    sizes, numbers = tuple(axes.values()), tuple(f"axis {i}" for i in range(len(shape)))
    count = f"{len(shape)} {'axis' if len(shape) == 1 else 'axes'}"
    mistake = f"{name}: you gave {count}, {quoted(shape)}; {name} has {len(sizes)}"
    for i, axis in enumerate(axes):
        if sizes[:i] + sizes[i + 1 :] == shape:
            rest = tuple(other for other in axes if other != axis)
            look = _missing(name, axis, sizes[i])
            return Fault(f"{mistake}: {_called(axis)} is missing.", look, Box(name, shape, rest, missing=axis))
    for i, size in enumerate(shape if len(shape) == len(sizes) + 1 else ()):
        if shape[:i] + shape[i + 1 :] == sizes:
            look, box = f"Does {name} hold all steps, or one?", Box(name, shape, numbers, i)
            look = look if i == 1 and len(sizes) == 2 else f"Print {name}.ndim to count the axes."
            return Fault(f"{mistake}: the axis of size {size} is one too many.", look, box)
    return Fault(f"{mistake}.", f"Print {name}.ndim to count the axes.", Box(name, shape, numbers))


def _missing(name: str, axis: str, size: int) -> str:
    if axis == "batch":
        return "Even a batch of 1 is an axis." if size == 1 else "Each sample of the batch has its own numbers."
    if axis == "timesteps":
        return f"Does {name} hold one state, or one for each of the {size} steps?"
    return f"Print {name}.shape and read it from left to right."


def shapes_fault(given: Any, expected: Mapping[str, Axes]) -> Fault | None:
    """Find the first mistake in several shapes: a dict, the shapes in order, or one bare shape where all are equal."""
    if not isinstance(given, Mapping):
        parts = list(given) if isinstance(given, list | tuple) or is_array(given) else []
        alike = len({tuple(axes.values()) for axes in expected.values()}) == 1
        look = f"Give one shape for each of: {', '.join(expected)}."
        if parts and all(map(_is_shape, parts)):
            if len(parts) != len(expected):
                return Fault(f"You gave {len(parts)} shape{'s' * (len(parts) > 1)}, not {len(expected)}.", look)
            given = dict(zip(expected, parts, strict=True))
        elif any(map(is_array, parts)):
            return Fault("You gave arrays; their shapes are needed.", look)
        elif alike:
            given = dict.fromkeys(expected, given)
        elif parts and not any(map(_is_shape, parts)):
            return Fault(f"You gave one shape, {quoted(given)}, for {len(expected)} arrays.", look)
    if fault := key_fault(given, expected, "shape"):
        return fault
    given = keyed(given, expected)
    return next(filter(None, (shape_fault(name, given[name], axes) for name, axes in expected.items())), None)
