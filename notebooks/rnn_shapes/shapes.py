"""The learner's helper: `check` holds an answer to your own live arrays and says what it sees.

A check climbs a ladder and stops at the first wrong rung: answered, type, number of axes, axis by axis,
values. It names the axis at fault, never the size that belongs there. No answers are kept in this file.
"""

import html
import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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
_sizes: dict[str, int] = {}


class Fault(NamedTuple):
    """The first wrong rung: what is so, and one thing to look at."""

    rationale: str
    help: str

    def __str__(self) -> str:
        return f"{self.rationale} {self.help}"


@dataclass(frozen=True)
class Verdict:
    """What `check` found; a notebook shows it as HTML, a terminal as text."""

    question: str
    verdict: str  # "right", "not yet", "not answered" or "recorded"
    text: str

    def __repr__(self) -> str:
        return f"{self.question} {MARKS[self.verdict]} {self.verdict}: {self.text}"

    def _repr_html_(self) -> str:
        mark = f"<strong>{MARKS[self.verdict]} {self.question}: {self.verdict}.</strong>"
        style = "border-left:4px solid currentColor;padding:.2em .8em"
        return f'<div role="status" style="{style}">{mark} {html.escape(self.text)}</div>'


MARKS = {"right": "✓", "not yet": "✗", "not answered": "○", "recorded": "●"}


def name_axes(**sizes: int) -> None:
    """Tell this helper the sizes of this notebook, so that it can call an axis by its name."""
    _sizes.update(sizes)


def axes_of(array: Any) -> dict[str, int]:
    """The axes of a live array by name, found by their sizes (which are all different)."""
    names = {size: name for name, size in _sizes.items()}
    return {names.get(size, f"number {i}"): size for i, size in enumerate(np.shape(array))}


def unanswered(answer: Any) -> bool:
    """Is the answer, or any part of it, still `...`?"""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, list | tuple | set | frozenset):
        return any(unanswered(part) for part in answer)
    return answer is ...


def shape_fault(name: str, given: Any, axes: Axes) -> Fault | None:
    """Climb the ladder for one shape: type, sizes, number of axes, axis by axis."""
    look = f"Print {name}.shape and read it from left to right."
    if isinstance(given, str):
        return Fault(f"{name}: {given!r} is text, not a shape.", "Leave out the quotation marks.")
    if not (isinstance(given, list | tuple) or hasattr(given, "as_list")):  # TensorShape has as_list
        what = f"the number {given!r}" if isinstance(given, int | float | np.number) else f"a {type(given).__name__}"
        return Fault(f"{name}: {what} is not a shape.", "A shape is a tuple: one size for each axis.")
    given = tuple(given)
    for size in given:
        if size is None:
            return Fault(f"{name}: None is the open batch axis of a summary; this array has a size there.", look)
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            return Fault(f"{name}: the size {size!r} is not a whole number.", look)
    given = tuple(int(size) for size in given)
    return _count_fault(name, given, axes) or _axis_fault(name, given, axes)


def _count_fault(name: str, given: tuple[int, ...], axes: Axes) -> Fault | None:
    sizes = tuple(axes.values())
    if len(given) == len(sizes):
        return None
    count = "1 axis" if len(given) == 1 else f"{len(given)} axes"
    said = f"{name}: you gave {count}, {given}; it has {len(sizes)}"
    for i, axis in enumerate(axes):
        if sizes[:i] + sizes[i + 1 :] == given:
            return Fault(f"{said}: the {axis} axis is missing.", f"Even a {axis} of size 1 is an axis.")
    for i, size in enumerate(given):
        if given[:i] + given[i + 1 :] == sizes:
            return Fault(f"{said}: the axis of size {size} is too many.", f"Does {name} hold all steps, or one?")
    return Fault(f"{said}.", f"Count the axes: {name}.ndim.")


def _axis_fault(name: str, given: tuple[int, ...], axes: Axes) -> Fault | None:
    look = f"Print {name}.shape and read it from left to right."
    for axis, size in zip(axes, given, strict=True):
        if size != axes[axis] and sorted(given) == sorted(axes.values()):
            return Fault(f"{name}: in {given} the sizes stand in another order; {axis} is misplaced.", look)
        if size != axes[axis]:
            return Fault(f"{name}: the {axis} axis is not {size} long.", look)
    return None


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
    return key_fault(given, expected, "shape") or _first(faults)


def axis_name(word: Any) -> Any:
    """`"Time steps"` -> `"timesteps"`; what is no axis name comes back as it is."""
    if not isinstance(word, str):
        return word
    word = word.strip().lower().replace(" ", "_").replace("-", "_")
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
        if word == "features" and "features" not in axes:
            return Fault(f"features is an axis of the input, not of {name}.", "What does the layer have of its own?")
        if word != axis:
            return Fault(f"Axis {i} of {name} is not {word}.", f"Which of your sizes stands at {name}.shape[{i}]?")
    return None


def pairs_fault(given: Any, names: Iterable[str], same: Iterable[Iterable[str]]) -> Fault | None:
    """Are these the pairs of arrays that hold the same values? A bare pair stands for a list of one."""
    names = tuple(names)
    if not isinstance(given, list | tuple | set | frozenset):
        return Fault(f"A {type(given).__name__} is not a list of pairs.", "Write pairs of names, each in brackets.")
    pairs = [given] if given and all(isinstance(name, str) for name in given) else list(given)
    for pair in pairs:
        if not isinstance(pair, list | tuple | set | frozenset) or len(pair) != 2:
            return Fault(f"{pair!r} is not a pair.", "A pair has two names; write one pair after the other.")
        for name in pair:
            if name not in names:
                return Fault(f"{name!r} is none of the arrays.", f"The names are: {', '.join(names)}.")
        if len(set(pair)) == 1:
            return Fault("An array always equals itself.", "Which two different names hold the same values?")
    found, right = {frozenset(pair) for pair in pairs}, {frozenset(pair) for pair in same}
    for pair in sorted(map(sorted, found - right)):
        return Fault(f"{pair[0]} and {pair[1]} hold different values.", "Print both and compare number by number.")
    if right - found:
        return Fault(
            "A pair that holds the same values is missing.", "Compare each array with each other: np.array_equal."
        )
    return None


def word_fault(name: str, given: Any, choices: Iterable[str]) -> Fault | None:
    """Is this one of the offered texts? Case and outer spaces are forgiven."""
    choices = tuple(choices)
    if not isinstance(given, str) or given.strip().lower() not in choices:
        return Fault(f"{name}: {given!r} is none of the choices.", f"The choices are: {'; '.join(choices)}.")
    return None


def words_fault(given: Any) -> Fault | None:
    """Is each of the three arrays given one of the offered texts?"""
    return key_fault(given, ARRAYS, "choice") or _first(word_fault(name, given[name], HOLDS) for name in ARRAYS)


def place_fault(given: Any, whole: Any, part: Any, axes: Axes) -> Fault | None:
    """Does the slice of `whole` at this axis and index hold `part`, bit for bit?"""
    if fault := key_fault(given, ("axis", "index"), "value"):
        return fault
    axis, index = axis_name(given["axis"]), given["index"]
    if axis not in axes:
        return Fault(f"{axis!r} is not an axis of output.", f"The axes are: {', '.join(axes)}.")
    if isinstance(index, bool) or not isinstance(index, int | np.integer):
        return Fault(f"The index {index!r} is not a whole number.", "Indices count from 0; −1 is the last.")
    if not -axes[axis] <= index < axes[axis]:
        return Fault(f"Index {index} lies outside the {axis} axis.", "Indices count from 0; −1 is the last.")
    taken = np.take(whole, index, axis=list(axes).index(axis))
    if taken.shape != np.shape(part):
        left = ", ".join(name for name in axes if name != axis)
        return Fault(f"A slice along {axis} keeps the axes {left}; h has others.", "Along which axis does h lie still?")
    if not np.array_equal(taken, part):
        return Fault(f"The slice at {axis} {index} holds other values than h.", "After which step is h handed back?")
    return None


def states_fault(given: Any) -> Fault | None:
    """Q8's form: for each layer the names of the states it carries."""
    for layer, states in given.items() if isinstance(given, Mapping) else ():
        names = {states} if isinstance(states, str) else states
        if not isinstance(names, list | tuple | set | frozenset) or not set(names) <= set(ARRAYS):
            return Fault(f"{layer}: {states!r} is not a list of states.", f"Use the names {', '.join(ARRAYS)}.")
    return key_fault(given, ("LSTM", "GRU"), "list of states")


def _first(faults: Iterable[Fault | None]) -> Fault | None:
    return next((fault for fault in faults if fault), None)


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


def check(question: str, answer: Any, **live: Any) -> Verdict:
    """Hold an answer to the live arrays; raises only under nbgrader's Validate, where it says what is open."""
    verdict = _verdict(question, answer, live)
    if os.environ.get("NBGRADER_EXECUTION") == "validate" and verdict.verdict in ("not yet", "not answered"):
        raise AssertionError(repr(verdict))
    return verdict


def _verdict(question: str, answer: Any, live: Live) -> Verdict:
    if unanswered(answer) or any(value is ... for value in live.values()):
        return Verdict(question, "not answered", "Replace the ... in the cell above and run it, then this cell again.")
    try:
        fault = QUESTIONS[question](answer, live)
    except Exception as error:  # a learner's session goes on whatever the answer is
        fault = Fault(f"The answer cannot be read ({type(error).__name__}).", "Write text, numbers, tuples or lists.")
    if fault:
        return Verdict(question, "not yet", str(fault))
    if question in RECORDED:
        return Verdict(question, "recorded", "The form fits; your answer is recorded and graded after you hand in.")
    return Verdict(question, "right", "That is what your own arrays show.")
