"""Helper of the explorations: `show` names axes, `check` and `compare` look at a prediction, the rest draws.

`show` asserts that each axis has the size its name stands for. Pictures are in grey: lines differ by dash and marker,
heat maps carry their numbers, and below each picture its numbers stand as text.
"""

import html
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

AXIS_NAMES = ("batch", "timesteps", "features", "units")
MARKS = {"right": "✓", "not yet": "✗", "not answered": "○"}
STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))  # dash and marker of a line
POINTS = 20  # a line with more values than this has markers, and numbers in its text, at some of them only
LABEL = {"ha": "left", "va": "center", "xytext": (4, 0), "textcoords": "offset points"}  # right of the frame
TOLERANCE = 1e-5  # two runs of one layer differ in the last bits
_sizes: dict[str, int] = {}


def name_axes(**sizes: int) -> None:
    """Tell this helper the sizes of this notebook: batch, timesteps, features, units."""
    _sizes.update(sizes)


def size(axis: str, **other: int) -> int:
    """What an axis name stands for, such as "units", "4·units" or "1"; KeyError where a word is no axis name."""
    known = {**_sizes, **other}
    return math.prod(int(part) if part.isdecimal() else known[part] for part in axis.split("·"))


def show(name: str, array: Any, axes: str, **other: int) -> None:
    """Print an array's shape beside the names of its axes, as in "batch, 4·units".

    AssertionError where an axis has another size than its name stands for; `other` are sizes for this line only.
    """
    wanted = tuple(size(axis, **other) for axis in axes.split(", "))
    shape = tuple(np.shape(array))
    comma = "," if len(shape) == 1 else ""
    assert shape == wanted, f"{name}: its shape is {shape}, and ({axes}{comma}) stands for {wanted}."
    print(f"{name:<18} {shape!s:<13} ({axes}{comma})")


@dataclass(frozen=True)
class Verdict:
    """What `check` found; a notebook shows it as HTML, a terminal as text."""

    what: str
    verdict: str  # "right", "not yet" or "not answered"
    text: str

    def __repr__(self) -> str:
        return f"{MARKS[self.verdict]} {self.what}: {self.verdict}. {self.text}"

    def _repr_html_(self) -> str:
        mark = f"<strong>{MARKS[self.verdict]} {html.escape(self.what)}: {self.verdict}.</strong>"
        style = "border-left:4px solid currentColor;padding:.2em .8em"
        return f'<div role="status" style="{style}">{mark} {html.escape(self.text)}</div>'


def check(what: str, given: Any, came: Any, axes: str = "") -> Verdict:
    """Hold a prediction or an edit to what came out: a shape, a number, a text, an array, or a dict of them.

    `axes` names the axes of what came. Raises under nbgrader's Validate alone, where it says what is open.
    """
    if unanswered(given):
        verdict = Verdict(what, "not answered", "Replace the ... in the cell above and run it, then this cell again.")
    elif wrong := _said(given, came, axes):
        verdict = Verdict(what, "not yet", wrong)
    else:
        verdict = Verdict(what, "right", "That is what came out.")
    if os.environ.get("NBGRADER_EXECUTION") == "validate" and verdict.verdict != "right":
        raise AssertionError(repr(verdict))
    return verdict


def compare(what: str, given: Mapping[str, Any], came: Mapping[str, Any]) -> Verdict:
    """Print a table of what came out beside what you predicted, `?` until you have, and hold the one to the other."""
    width = max(map(len, came))
    print(f"{'':2}{'':{width}}  {'came':<22}you predicted")
    for case, found in came.items():
        guess = given.get(case, ...) if isinstance(given, Mapping) else ...
        mark = "○" if unanswered(guess) else "✗" if _said(guess, found) else "✓"
        shown, said = ("?", "...") if mark == "○" else (str(found), str(guess))
        print(f"{mark} {case:{width}}  {shown:<22}{said}")
    return check(what, given, came)


def unanswered(answer: Any) -> bool:
    """Is the answer, or any part of it, still `...`?"""
    parts = list(answer.values()) if isinstance(answer, Mapping) else answer
    if isinstance(parts, list | tuple | set | frozenset):
        return any(unanswered(part) for part in parts)
    return answer is ...


def _said(given: Any, came: Any, axes: str = "") -> str:
    try:
        return fault(given, came, axes)
    except Exception as error:  # a learner's session goes on whatever the answer is
        return f"The answer cannot be read ({type(error).__name__}): write text, numbers, tuples or arrays."


def fault(given: Any, came: Any, axes: str = "") -> str:
    """What is wrong with a prediction, in one sentence that does not tell what came; empty where nothing is."""
    if isinstance(came, Mapping):
        return _dict_fault(given, came, axes)
    if isinstance(came, np.ndarray):
        return _array_fault(given, came, axes)
    if isinstance(came, tuple) and all(isinstance(length, int) for length in came):
        return _shape_fault(given, came, axes)
    if isinstance(came, tuple):
        wrong = not isinstance(given, list | tuple) or len(given) != len(came)
        return f"Give {len(came)} values." if wrong else next(filter(None, map(fault, given, came)), "")
    same = isinstance(given, bool) == isinstance(came, bool) and given == came  # True is not 1
    return "" if same else f"{given!r} is not what came out."


def _dict_fault(given: Any, came: Mapping[str, Any], axes: str) -> str:
    if not isinstance(given, Mapping) or set(given) != set(came):
        return f"Give a dict with one value for each of: {', '.join(came)}."
    faults = ((name, fault(given[name], value, axes)) for name, value in came.items())
    return next((f"{name}: {said}" for name, said in faults if said), "")


def _shape_fault(given: Any, came: tuple[int, ...], axes: str) -> str:
    if not (isinstance(given, list | tuple) or hasattr(given, "as_list")):  # TensorShape has as_list
        return f"{given!r} is not a shape: a shape is a tuple with one size for each axis."
    if len(given) != len(came):
        count = "1 axis" if len(given) == 1 else f"{len(given)} axes"
        return f"You gave {count}, {tuple(given)}; there are {len(came)}."
    names = axes.split(", ")
    if len(names) != len(came) or not axes:
        names = [f"number {i}" for i in range(len(came))]
    wrong = [name for name, length, right in zip(names, given, came, strict=True) if length != right]
    return f"In {tuple(given)} the axis {wrong[0]} has another size." if wrong else ""


def _array_fault(given: Any, came: np.ndarray, axes: str) -> str:
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return f"A {type(given).__name__} is not an array of numbers."
    wrong = _shape_fault(array.shape, came.shape, axes)
    return wrong or ("" if np.allclose(array, came, atol=TOLERANCE) else "The shape is right, the numbers are others.")


def heat_map(panels: Mapping[str, Any], title: str) -> None:
    """Draw arrays (units, timesteps) of numbers between 0 and 1 side by side, each number written into its square."""
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
    """Draw lines, each with its own dash and marker, and level lines with their names; `x` and `y` name the axes."""
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
    """The picture in numbers, for those who do not see it."""
    for name, values in lines.items():
        every = math.ceil(len(values) / POINTS)
        each = f" (one value in {every})" if every > 1 else ""
        print(f"{name}{each}:", *(f"{value:.2f}" for value in list(values)[::every]))
