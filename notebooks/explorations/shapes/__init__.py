"""The helper of all notebooks: `check` an answer, take a `hint`, `draw` arrays, `compare` a guess, see your `progress`.

Everything looks at your own model and arrays. A check names the wrong axis and never the expected size. Keep the folder
`shapes` beside the notebooks, with all its files. None of them contains an answer.
"""

import html
import importlib
import importlib.util
import math
from contextlib import suppress
from typing import Any

FILES = "answers cells charts experiments flags forms hints layers output own pictures player practice record runs walk"
LATER = {"curves": "charts", "heat_map": "charts", "explore": "player", "draw_cell": "cells"}  # imported when used
UPLOAD = "Upload the whole folder as shapes.zip, and run this in a new cell: "
UPLOAD += 'import shutil; shutil.unpack_archive("shapes.zip")'
if missing := [f"{name}.py" for name in FILES.split() if importlib.util.find_spec(f"shapes.{name}") is None]:
    raise ImportError(f"Files are missing in the folder shapes: {', '.join(missing)}. {UPLOAD}")

import numpy as np
from shapes.hints import HINTS, STEPS
from shapes.answers import *  # noqa: F403  (the graders' tests import single steps from here)
from shapes.answers import ARRAYS, QUESTIONS, SIZES, Fault, Live, axes_in, axes_of, name_axes
from shapes.experiments import CONFIRMED
from shapes.layers import ChangedError, require_unchanged
from shapes.own import describe_sizes, sizes_of
from shapes.pictures import Box, drawing, drawn_rows, words, wrapping
from shapes.output import UNANSWERED, Shown, Verdict, coded, compare_values, grading, kind_of, note, unanswered
from shapes.output import value_fault, verdict
from shapes.record import (
    label,
    last_verdict,
    numbered,
    progress,
    remember,
    remember_guess,
    stopped_at,
    summary,
    watch_cells,
)

__all__ = ["check", "compare", "describe_sizes", "draw", "hint", "name_axes", "progress", "show", "sizes_of", "summary"]
OWN = ("model5", "output5")  # what the learner makes besides the answer, in Q5
MOST_AXES, MOST_SIZE = 4, 10**6  # of what is drawn
Place = tuple[str, tuple[int, ...]]  # an array's name, a row's index


def __getattr__(name: str) -> Any:
    if name in LATER:
        return getattr(importlib.import_module(f"shapes.{LATER[name]}"), name)
    raise AttributeError(f"module 'shapes' has no attribute {name!r}")


# --- show -----------------------------------------------------------------------------------------------------------


def show(name: str, array: Any, axes: str, **other: int) -> None:
    """Print an array's shape beside the names of its axes.

    Args:
        name: what to call the array.
        array: the array.
        axes: the names of its axes, such as "batch, 4·units".
        other: sizes for this line only.

    Raises:
        AssertionError: if an axis does not have the size that its name promises.
        KeyError: if a name is not among the sizes.
    """
    known = {**SIZES, **other}
    parts = [axis.split("·") for axis in axes.split(", ")]
    expected = tuple(math.prod(int(part) if part.isdecimal() else known[part] for part in axis) for axis in parts)
    shape = tuple(np.shape(array))
    comma = "," if len(shape) == 1 else ""
    assert shape == expected, f"{name}: its shape is {shape}, but ({axes}{comma}) means {expected}."
    print(f"{name:<18} {shape!s:<13} ({axes}{comma})")


# --- check ----------------------------------------------------------------------------------------------------------


def check(name: str, answer: Any, **live: Any) -> Verdict:
    """Check an answer against your own model and arrays.

    Args:
        name: the question's id, such as "q3", or any name for a prediction.
        answer: the answer.
        live: what the question is about, by name; for a prediction one value, the result.

    Returns:
        The verdict, which a notebook displays: right, not yet, or not answered.

    Raises:
        AssertionError: under nbgrader's Validate, if the answer is wrong or missing.
        TypeError: if the name is no question and there is not exactly one result.
    """
    if name not in QUESTIONS:
        with suppress(ModuleNotFoundError):
            QUESTIONS.update(importlib.import_module("shapes.practice").PRACTICE)
    if name not in QUESTIONS and len(live) != 1:
        raise TypeError(f"check({name!r}, ...): {name!r} is no question, so pass one result to compare with.")
    if name in numbered() and grading():
        text = f"{name}: the tests below check this answer."
        return Verdict(text, html.escape(text), name, "")
    kind, text, picture = _judged(name, answer, live)
    remember(name, kind)
    return verdict(name, kind, text, picture)


def _judged(name: str, answer: Any, live: Live) -> tuple[str, str, str]:
    """Return the verdict, its text and a picture."""
    names = [name]
    if name not in QUESTIONS and isinstance(answer, dict):  # each part of a prediction has a variable of that name
        names += [str(key) for key, value in answer.items() if value is ...]
    for given in names:
        if error := stopped_at(given):
            return "not yet", f"The cell that sets {given} stopped at an error: {error}. Fix it and run it again.", ""
    still = [key for key, value in live.items() if value is ...]
    if unanswered(answer) or still:
        return _open(name, answer, live, still)
    if name not in QUESTIONS:
        (observed,) = live.values()
        fault = _tried(lambda: value_fault(answer, observed), answer)
        return ("not yet", str(fault), "") if fault else ("right", "It matches the result.", "")
    fault = _fault(name, answer, live)
    if fault is None:
        return "right", CONFIRMED.get(name, "Your own arrays confirm it."), ""
    return "not yet", str(fault), fault.picture or _picture(fault.box)


def _open(name: str, answer: Any, live: Live, still: list[str]) -> tuple[str, str, str]:
    """Name the parts that are still `...`; half of an answer to Q7 may be wrong already."""
    if isinstance(answer, dict):
        parts = [str(key) for key, value in answer.items() if unanswered(value)]
        if name == "q7" and len(parts) == 1 and len(answer) > 1:
            if fault := _fault(name, answer, live):
                return "not yet", str(fault), fault.picture or _picture(fault.box)
            given = next(str(key) for key in answer if str(key) not in parts)
            return "not answered", f"{given} is right; {parts[0]} is unanswered. {UNANSWERED}", ""
        still = [*still, *parts] if still or len(parts) < len(answer) else []
    elif answer is ...:
        still = [*still, name] if still and any(key in live and live[key] is not ... for key in OWN) else []
    return "not answered", (f"Still unanswered: {', '.join(still)}. " if still else "") + UNANSWERED, ""


def _fault(name: str, answer: Any, live: Live) -> Fault | None:
    def judge() -> Fault | None:
        if name in numbered():
            require_unchanged(live)
        return QUESTIONS[name](answer, live)

    return _tried(judge, answer)


def _tried(judge: Any, answer: Any) -> Any:
    """Call a rule; a learner's session goes on whatever the answer is."""
    try:
        return judge()
    except ChangedError as changed:
        return Fault(str(changed), "")
    except Exception:
        look = 'Use the form that is given after "Answer with".'
        return Fault(f"You gave {kind_of(answer)} that cannot be compared.", look)


def _picture(box: Box | None) -> str:
    """The wrong shape as an SVG; "" for a shape that cannot be drawn."""
    if not box or len(box.shape or ()) > MOST_AXES or not all(0 <= size < MOST_SIZE for size in box.shape or ()):
        return ""
    given = box._replace(name=f"{box.name}, as you gave it")
    return drawing([[given]], f"{given.name} {given.shape}", words(given))


# --- hint, compare --------------------------------------------------------------------------------------------------


def hint(question: str) -> Shown:
    """Show the three hints of a question, closed: where to look, which tool to use, the form of the answer.

    Open one with a click, or with Tab and Enter. Hints cost no points.
    """
    if question not in HINTS:
        return note(f"There are no hints for {question!r}. The questions are {', '.join(numbered())}.")
    total = len(HINTS[question])
    lines = [f"{question}, hint {i} of {total}: {text}" for i, text in enumerate(HINTS[question], 1)]
    parts = [
        f"<details><summary>Hint {i}: {what}</summary><p>{coded(text)}</p></details>"
        for i, (what, text) in enumerate(zip(STEPS, HINTS[question], strict=True), 1)
    ]
    return Shown("\n".join(lines), f'<section aria-label="Hints for {question}">{"".join(parts)}</section>')


def compare(what: str, guess: Any, observed: Any) -> Shown:
    """Compare a guess with what was observed: one line, or a table for dicts.

    Args:
        what: the name of what was guessed.
        guess: one value, or a dict; `...` where there is no guess yet, for which nothing observed is shown.
        observed: one value, or a dict.

    Returns:
        What a cell shows or prints. The first guess of a session counts in the summary.
    """
    remember_guess(what, guess, observed)
    return compare_values(what, guess, observed)


# --- draw -----------------------------------------------------------------------------------------------------------


def draw(*unnamed: Any, after: str = "", **named: Any) -> Shown:
    """Draw arrays of up to 4 axes as boxes; rows with equal values share a letter.

    Args:
        unnamed: arrays without a name.
        after: a question whose last answer must be right first.
        named: arrays by name.

    Returns:
        The picture; a sentence instead where something cannot be drawn.
    """
    if after and last_verdict(after) != "right" and not grading():
        do = f"Get {label(after)} right" if last_verdict(after) == "not yet" else f"Answer {label(after)}"
        return note(f"{do} first. Then run this cell again to see the picture.")
    arrays = {f"array {i}": array for i, array in enumerate(unnamed, 1)} | named
    refused = [sentence for name, array in arrays.items() if (sentence := _refusal(name, array))]
    if refused or not arrays:
        return note(refused[0] if refused else "draw: pass an array by its name, such as draw(output=output).")
    live = {name: np.asarray(array) for name, array in arrays.items()}
    same = _same_rows(live)
    boxes = [_box(name, array, same) for name, array in live.items()]
    equal = [f"{mark} marks the same values: {_listed(places)}" for mark, places in same.items()]
    text = "\n".join([*map(words, boxes), *equal])
    return Shown(text, wrapping(boxes, "\n".join(equal)))


def _box(name: str, array: Any, same: dict[str, list[Place]]) -> Box:
    marks = {at: mark for mark, places in same.items() for other, at in places if other == name}
    axes = (axes_in(name, array) if name in ("data", *ARRAYS) else None) or axes_of(array)
    return Box(name, array.shape, tuple(axes), marks=marks, values=array)


def _listed(places: list[Place]) -> str:
    some = [f"{name}{list(at) if at else ''}" for name, at in places[:4]]
    return ", ".join(some) + (f" and {len(places) - 4} more" if len(places) > 4 else "")


def _refusal(name: str, array: Any) -> str:
    try:
        numbers = hasattr(array, "shape") and np.asarray(array).dtype.kind in "biufc"
    except Exception:  # such as a symbolic tensor, which has no numbers yet
        numbers = False
    if not numbers:
        return f"draw: {name} is not an array of numbers. Pass an array that predict returned."
    axes = np.ndim(array)
    return f"draw: {name} has {axes} axes; at most {MOST_AXES} can be drawn. Pass a slice." if axes > MOST_AXES else ""


def _same_rows(live: Live) -> dict[str, list[Place]]:
    """Return where rows have the same values, bit for bit, by letter; of big arrays only rows that are drawn."""
    seen: dict[tuple[Any, ...], list[Place]] = {}
    for name, array in live.items():
        for at in drawn_rows(array.shape):
            seen.setdefault(tuple(np.atleast_1d(array[at]).tolist()), []).append((name, at))
    alike = [places for row, places in seen.items() if len(places) > 1 and row]
    return {f"{chr(65 + i % 26)}{i // 26 or ''}": places for i, places in enumerate(alike)}


watch_cells()
