"""The helper of the explorations: `show` names axes, `check` and `compare` look at a prediction, the rest draws.

`show` asserts that each axis has the size that its name promises. Pictures are grey: lines differ by dash and marker,
heat maps contain their numbers, and the numbers of each picture are printed below it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from verdicts import UNANSWERED, Verdict, kind_of, unanswered, verdict
from verdicts import compare as compare_values

STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))  # dash and marker of a line
POINTS = 20  # of a longer line only some values get a marker and are printed
LABEL = {"ha": "left", "va": "center", "xytext": (4, 0), "textcoords": "offset points"}  # right of the frame
TOLERANCE = 1e-5  # two runs of one layer differ in the last bits
_sizes: dict[str, int] = {}


def name_axes(**sizes: int) -> None:
    """Pass the sizes of this notebook: batch, timesteps, features, units."""
    _sizes.update(sizes)


def size(axis: str, **other: int) -> int:
    """Return the size that an axis name means, such as "units", "4·units" or "1"; raise KeyError on other words."""
    known = {**_sizes, **other}
    return math.prod(int(part) if part.isdecimal() else known[part] for part in axis.split("·"))


def show(name: str, array: Any, axes: str, **other: int) -> None:
    """Print an array's shape beside the names of its axes.

    Args:
        name: what to call the array.
        array: the array.
        axes: the names of its axes, such as "batch, 4·units".
        other: sizes for this line only.

    Raises:
        AssertionError: if an axis does not have the size that its name promises.
    """
    expected = tuple(size(axis, **other) for axis in axes.split(", "))
    shape = tuple(np.shape(array))
    comma = "," if len(shape) == 1 else ""
    assert shape == expected, f"{name}: its shape is {shape}, but ({axes}{comma}) means {expected}."
    print(f"{name:<18} {shape!s:<13} ({axes}{comma})")


def check(what: str, given: Any, observed: Any, axes: str = "") -> Verdict:
    """Check a prediction or an edit against the result.

    Args:
        what: the name of what is checked.
        given: the learner's value.
        observed: the result: a shape, a number, a string, an array, or a dict of them.
        axes: the names of the result's axes, such as "batch, units".

    Returns:
        The verdict, which a notebook displays.

    Raises:
        AssertionError: under nbgrader's Validate, if the value is wrong or missing.
    """
    if unanswered(given):
        return verdict(what, "not answered", UNANSWERED)
    mistake = _mistake(given, observed, axes)
    return verdict(what, "not yet", mistake) if mistake else verdict(what, "right", "It matches the result.")


def compare(what: str, given: Mapping[str, Any], observed: Mapping[str, Any]) -> Verdict:
    """Print a table of results and your predictions, `?` until there is one, and check them all."""
    print(compare_values(what, given, observed, lambda guess, result: not _mistake(guess, result)))
    return check(what, given, observed)


def _mistake(given: Any, observed: Any, axes: str = "") -> str:
    try:
        return fault(given, observed, axes)
    except Exception as error:  # a learner's session goes on whatever the answer is
        return f"Your answer could not be read ({type(error).__name__}). Use strings, numbers, tuples or arrays."


def fault(given: Any, observed: Any, axes: str = "") -> str:
    """Return the first mistake in a prediction, in a sentence that does not show the result; "" if there is none."""
    if isinstance(observed, Mapping):
        return _dict_fault(given, observed, axes)
    if isinstance(observed, np.ndarray):
        return _array_fault(given, observed, axes)
    if isinstance(observed, tuple) and all(isinstance(length, int) for length in observed):
        return _shape_fault(given, observed, axes)
    if isinstance(observed, tuple):
        wrong = not isinstance(given, list | tuple) or len(given) != len(observed)
        return f"Give {len(observed)} values." if wrong else next(filter(None, map(fault, given, observed)), "")
    same = isinstance(given, bool) == isinstance(observed, bool) and given == observed  # True is not 1
    return "" if same else f"{given!r} does not match the result."


def _dict_fault(given: Any, observed: Mapping[str, Any], axes: str) -> str:
    if not isinstance(given, Mapping) or set(given) != set(observed):
        return f"Give a dict with one value for each of: {', '.join(observed)}."
    faults = ((name, fault(given[name], value, axes)) for name, value in observed.items())
    return next((f"{name}: {mistake}" for name, mistake in faults if mistake), "")


def _shape_fault(given: Any, observed: tuple[int, ...], axes: str) -> str:
    if not (isinstance(given, list | tuple) or hasattr(given, "as_list")):  # TensorShape has as_list
        return f"{given!r} is not a shape. A shape is a tuple with one size for each axis."
    if len(given) != len(observed):
        count = "1 axis" if len(given) == 1 else f"{len(given)} axes"
        return f"You gave {count}, {tuple(given)}; the result has {len(observed)}."
    names = [f"the {name} axis" for name in axes.split(", ")]
    if len(names) != len(observed) or not axes:
        names = [f"axis {i}" for i in range(len(observed))]
    wrong = [name for name, length, right in zip(names, given, observed, strict=True) if length != right]
    return f"In {tuple(given)} {wrong[0]} has the wrong size." if wrong else ""


def _array_fault(given: Any, observed: np.ndarray, axes: str) -> str:
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return f"You gave {kind_of(given)}; an array of numbers is needed."
    if wrong := _shape_fault(array.shape, observed.shape, axes):
        return wrong
    return "" if np.allclose(array, observed, atol=TOLERANCE) else "The shape is right, but the values differ."


def heat_map(panels: Mapping[str, Any], title: str) -> None:
    """Draw arrays (units, timesteps) of numbers between 0 and 1 side by side, with each number in its square."""
    figure, places = plt.subplots(1, len(panels), figsize=(10, 4.6), sharey=True, layout="constrained", squeeze=False)
    for place, (name, array) in zip(places[0], panels.items(), strict=True):
        place.imshow(array, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        place.set(title=name, xlabel="timesteps", xticks=range(array.shape[1]), yticks=range(array.shape[0]))
        for (unit, step), value in np.ndenumerate(array):
            ink = "white" if value > 0.55 else "black"
            place.text(step, unit, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=9)
    places[0, 0].set_ylabel("units")
    figure.suptitle(title)
    plt.show()
    _as_text({f"{name}, mean over units": array.mean(axis=0) for name, array in panels.items()})


def curves(
    lines: Mapping[str, Sequence[float]],
    title: str,
    x: str,
    y: str,
    levels: Mapping[str, float] | None = None,
    log: bool = False,
) -> None:
    """Draw lines that differ by dash and marker, and named horizontal lines; `x` and `y` label the axes."""
    _, place = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    for (dash, marker), (name, values) in zip(STYLES, lines.items(), strict=False):
        every = math.ceil(len(values) / POINTS)
        place.plot(values, linestyle=dash, marker=marker, markevery=every, color="black", label=name, markersize=5)
    for name, level in (levels or {}).items():
        place.axhline(level, color="grey", linewidth=1)
        place.annotate(name, (1, level), xycoords=("axes fraction", "data"), **LABEL)
    place.set(title=title, xlabel=x, ylabel=y, yscale="log" if log else "linear")
    place.legend()
    place.xaxis.get_major_locator().set_params(integer=True)
    plt.show()
    _as_text(lines)


def _as_text(lines: Mapping[str, Sequence[float]]) -> None:
    """Print the numbers of a picture, for those who cannot see it."""
    for name, values in lines.items():
        every = math.ceil(len(values) / POINTS)
        each = f" (one value in {every})" if every > 1 else ""
        print(f"{name}{each}:", *(f"{value:.2f}" for value in list(values)[::every]))
