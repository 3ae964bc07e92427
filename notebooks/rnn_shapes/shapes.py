"""The learner's helper: `check` an answer, take a `hint`, `draw` arrays, `compare` a guess, read the `summary`.

All of it looks at your own live arrays. A check names the axis at fault and never what was expected; the steps it
climbs stand in ladder.py, the hints in hints.py, both beside this file. Nothing here knows an answer.
"""

import html
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hints import HINTS
from ladder import *  # noqa: F403  (graders' tests take the single steps from here)
from ladder import GROUPS, QUESTIONS, RECORDED, Box, Fault, Live, axes_of, name_axes
from own import sizes_of, whose

__all__ = ["check", "compare", "draw", "hint", "name_axes", "sizes_of", "summary", "whose"]
MARKS = {"right": "✓", "not yet": "✗", "not answered": "○", "recorded": "●"}
OPEN = "Replace the ... in the cell above and run it, then this cell again."
TAKEN = "The form fits; your answer is recorded and graded after you hand in."
_verdicts: dict[str, str] = {}  # this and the next are what one session remembers
_guesses: dict[str, bool] = {}


@dataclass(frozen=True)
class Shown:
    """What a cell shows: a text, and HTML that says the same in a notebook."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'<div role="status" style="border-left:4px solid currentColor;padding:.2em .8em">{self.html}</div>'


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """What `check` found: "right", "not yet", "not answered" or "recorded"; `text` says why."""

    question: str
    verdict: str

    def __repr__(self) -> str:
        return f"{self.question} {MARKS[self.verdict]} {self.verdict}: {self.text}"


def _note(text: str) -> Shown:
    return Shown(text, re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text)))


# --- check ----------------------------------------------------------------------------------------------------------


def check(question: str, answer: Any, **live: Any) -> Verdict:
    """Hold an answer to the live arrays; raises only under nbgrader's Validate, where it says what is open."""
    said = _verdict(question, answer, live)
    _verdicts[question] = said.verdict
    if os.environ.get("NBGRADER_EXECUTION") == "validate" and said.verdict in ("not yet", "not answered"):
        raise AssertionError(repr(said))
    return said


def _verdict(question: str, answer: Any, live: Live) -> Verdict:
    if _unanswered(answer) or any(value is ... for value in live.values()):
        return _said(question, "not answered", OPEN)
    try:
        fault = QUESTIONS[question](answer, live)
    except Exception as error:  # a learner's session goes on whatever the answer is
        fault = Fault(f"The answer cannot be read ({type(error).__name__}).", "Write text, numbers, tuples or lists.")
    if fault:
        return _said(question, "not yet", str(fault), fault.box)
    if question in RECORDED:
        return _said(question, "recorded", TAKEN)
    return _said(question, "right", "That is what your own arrays show.")


def _unanswered(answer: Any) -> bool:
    """Is the answer, or any part of it, still `...`?"""
    parts = list(answer.values()) if isinstance(answer, Mapping) else answer
    if isinstance(parts, GROUPS):
        return any(map(_unanswered, parts))
    return answer is ...


def _said(question: str, verdict: str, text: str, box: Box | None = None) -> Verdict:
    shown = f"<strong>{MARKS[verdict]} {question}: {verdict}.</strong> {html.escape(text)}"
    if box and len(box.shape) <= 4 and all(0 <= size < 10**6 for size in box.shape):
        given = box._replace(name=f"{box.name}, as you gave it")
        shown += _svg([given], _words(given))
    return Verdict(text, shown, question, verdict)


# --- hint, compare, summary -----------------------------------------------------------------------------------------


def hint(question: str, step: int) -> Shown | None:
    """Hint 1, 2 or 3 of a question: where to look, by which means, the answer's frame. 0: none. They cost nothing."""
    steps = HINTS.get(question)
    if not steps:
        return _note(f"There are no hints for {question!r}; the questions are {', '.join(QUESTIONS)}.")
    if step not in range(len(steps) + 1):
        return _note(f"{question} has hints 1 to {len(steps)}, and no hint {step!r}.")
    return _note(f"{question}, hint {step} of {len(steps)}: {steps[step - 1]}") if step else None


def compare(what: str, guess: Any, came: Any) -> str:
    """Hold a guess to what came, in one line; the first guess of a session counts in the summary."""
    if _unanswered(guess):
        return f"{what}: no guess yet; it is {_plain(came)}."
    hit = _plain(guess) == _plain(came)
    _guesses.setdefault(what, hit)
    return f"{what}: you guessed {_plain(guess)}; it is {_plain(came)}: {'just so' if hit else 'not as you thought'}."


def _plain(value: Any) -> str:
    """`"output"`, `["Output"]` and `("output",)` are one guess, and so are 3, 3.0 and `"3"`."""
    words = re.findall(r"[\w.-]+", str(value).lower())[:8]
    return ", ".join(word.removesuffix(".0") for word in words if word != "and")


def summary(*questions: str) -> Shown:
    """Where the learner stands: each question's last verdict in this session, and the guesses. Shows no answer."""
    advice = {"right": "done", "recorded": "graded after you hand in", "not yet": "read its check, or take a hint"}
    rows = []
    for question in questions:
        verdict = _verdicts.get(question, "not answered")
        todo = advice.get(verdict, "replace its ..." if question in _verdicts else "run its check")
        rows.append((question, f"{MARKS[verdict]} {verdict}", todo))
    done = sum(_verdicts.get(question) in ("right", "recorded") for question in questions)
    said = f"{done} of {len(questions)} questions are done; what you wrote in your own words is read by a person."
    if _guesses:
        said += f" Guesses that came true: {sum(_guesses.values())} of {len(_guesses)}."
    cells = (f'<tr><th scope="row">{q}</th><td>{verdict}</td><td>{todo}</td></tr>' for q, verdict, todo in rows)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("question", "last check", "what to do"))
    table = f"<table><caption>Where you stand</caption><tr>{head}</tr>{''.join(cells)}</table><p>{said}</p>"
    return Shown("\n".join([*(f"{q:5}{verdict:16}{todo}" for q, verdict, todo in rows), said]), table)


# --- draw -----------------------------------------------------------------------------------------------------------

WIDE, HIGH, LETTER, GAP = 22, 18, 7, 8  # px: a cell, a character, the space around
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")  # beside a letter: no cue is a colour alone
Drawn = tuple[str, int, int]  # SVG, width, height
Place = tuple[str, tuple[int, ...]]  # an array's name, a row's index


def draw(*unnamed: Any, after: str = "", **named: Any) -> Shown:
    """Draw arrays of up to 4 axes as boxes; rows of the same values bear the same letter.

    `after` is a question to be answered first. What cannot be drawn is refused in one sentence.
    """
    if after and _verdicts.get(after) not in ("right", "recorded"):
        return _note(f"Answer {after} first; then run this cell again, and it draws what you found.")
    arrays = {f"array {i}": array for i, array in enumerate(unnamed, 1)} | named
    refused = [said for name, array in arrays.items() if (said := _refusal(name, array))]
    if refused or not arrays:
        return _note(refused[0] if refused else "draw: give an array by its name, such as draw(output=output).")
    live = {name: np.asarray(array) for name, array in arrays.items()}
    boxes, same = [], _same_rows(live)
    for name, array in live.items():
        labels = tuple(axis.replace("number", "axis") for axis in axes_of(array))
        marks = {at: mark for mark, places in same.items() for other, at in places if other == name}
        boxes.append(Box(name, array.shape, labels, marks=marks))
    said = [f"{mark} marks the same values: {_listed(places)}" for mark, places in same.items()]
    text = "\n".join([*map(_words, boxes), *said])
    return Shown(text, _svg(boxes, text))


def _listed(places: list[Place]) -> str:
    some = [f"{name}{list(at) if at else ''}" for name, at in places[:4]]
    return ", ".join(some) + (f" and {len(places) - 4} more" if len(places) > 4 else "")


def _refusal(name: str, array: Any) -> str:
    try:
        numbers = hasattr(array, "shape") and np.asarray(array).dtype.kind in "biufc"
    except Exception:  # such as a symbolic tensor, which has no numbers yet
        numbers = False
    if not numbers:
        return f"draw: {name} is a {type(array).__name__}, not an array of numbers; give what predict returned."
    axes = np.ndim(array)
    return f"draw: {name} has {axes} axes; a picture shows 4 at most, so draw a slice of it." if axes > 4 else ""


def _same_rows(live: Live) -> dict[str, list[Place]]:
    """Letter -> where rows of the same values are seen, bit for bit; of big arrays only rows that are drawn."""
    seen: dict[tuple[Any, ...], list[Place]] = {}
    for name, array in live.items():
        for at in _indices(array.shape):
            seen.setdefault(tuple(np.atleast_1d(array[at]).tolist()), []).append((name, at))
    alike = [places for row, places in seen.items() if len(places) > 1 and row]
    return {f"{chr(65 + i % 26)}{i // 26 or ''}": places for i, places in enumerate(alike)}


def _indices(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """The rows that a picture shows, by their index on all axes but the last."""
    found: list[tuple[int, ...]] = [()]
    for axis, size in enumerate(shape[:-1]):
        shown = _shown(size, 8 if axis == len(shape) - 2 else 3)
        found = [(*at, i) for at in found for i in shown if i is not None]
    return found


def _shown(size: int, most: int) -> list[int | None]:
    """Which positions of an axis are drawn; None is a gap."""
    return list(range(size)) if size <= most else [*range(most - 2), None, size - 1]


def _words(box: Box) -> str:
    edges = [_label(box, axis) for axis in range(len(box.shape))] + [f"✗ {box.missing} missing"] * bool(box.missing)
    return f"{box.name}: {', '.join(edges) or 'a single number'}"


def _svg(boxes: Sequence[Box], text: str) -> str:
    """The boxes side by side, with a title and a description for those who do not see them."""
    drawn, x, height = "", GAP, 0
    for box in boxes:
        inner, wide, high = _block(box, (), x + GAP * bool(box.missing), 2 * HIGH if box.missing else HIGH + 4)
        if box.missing:
            inner, wide, high = _frame(f"✗ {box.missing} missing", (inner, wide, high), x, HIGH + 4, dashed=True)
        drawn += _text(x, 14, box.name, ' font-weight="bold"') + inner
        x, height = x + max(wide, LETTER * len(box.name)) + 3 * GAP, max(height, HIGH + 4 + high + GAP)
    title = html.escape(", ".join(f"{box.name} {box.shape}" for box in boxes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{x}" height="{height}" viewBox="0 0 {x} {height}" '
        'style="display:block;max-width:100%;height:auto" font-family="sans-serif" font-size="12" fill="currentColor">'
        f"<title>{title}</title><desc>{html.escape(text)}</desc>{drawn}</svg>"
    )


def _block(box: Box, at: tuple[int, ...], x: int, y: int) -> Drawn:
    """What lies at an index of the outer axes: a grid of cells, or a frame with one block for each position inside."""
    axis, depth = len(at), len(box.shape) - len(at)
    if depth <= 2:
        return _cells(box, at, x, y)
    inner, wide, high = "", 0, 0
    for i in _shown(box.shape[axis], 3):
        place = (x + GAP + wide, y + HIGH) if depth == 3 else (x + GAP, y + HIGH + high)
        drawn, w, h = (_text(place[0], place[1] + 14, "⋯"), WIDE, HIGH) if i is None else _block(box, (*at, i), *place)
        inner, wide, high = inner + drawn, *((wide + w, max(high, h)) if depth == 3 else (max(wide, w), high + h))
    return _frame(_label(box, axis), (inner, wide, high), x, y, axis == box.fault)


def _frame(label: str, inside: Drawn, x: int, y: int, dashed: bool) -> Drawn:
    wide, high = max(inside[1], LETTER * len(label)) + 2 * GAP, inside[2] + HIGH + GAP
    rect = f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" rx="4" fill="none" {_line(dashed)}/>'
    return rect + _text(x + GAP, y + 14, label) + inside[0], wide + GAP, high + GAP


def _cells(box: Box, at: tuple[int, ...], x: int, y: int) -> Drawn:
    """The last two axes, or fewer: rows and columns of cells, each axis' label on its edge."""
    last, depth = len(box.shape) - 1, len(box.shape) - len(at)
    columns = _shown(box.shape[last], 8) if depth else [0]
    rows = [None if i is None else (*at, i) for i in _shown(box.shape[-2], 8)] if depth == 2 else [at]
    side, above = (_label(box, last - 1) if depth == 2 else ""), (_label(box, last) if depth else "")
    left = x + LETTER * len(side) + (4 * LETTER if side else 0)
    drawn = _text(left, y + 14, above) + _text(x, y + HIGH + 14, side)
    for r, row in enumerate(rows):
        line = y + HIGH * (r + 1)
        mark = box.marks.get(row, "") if row is not None else ""
        fill = f'fill="{COLOURS[ord(mark[0]) % 4]}" fill-opacity=".35" ' if mark else 'fill="none" '
        for k, column in enumerate(columns):
            cell = f'<rect x="{left + WIDE * k}" y="{line}" width="{WIDE}" height="{HIGH}" {fill}{_line()}/>'
            drawn += _text(left + WIDE * k + 5, line + 13, "⋯") if None in (row, column) else cell
        number = str(row[-1]) if side and row else ""
        drawn += _text(left - LETTER * len(number) - 4, line + 14, number)
        drawn += _text(left + WIDE * len(columns) + 4, line + 14, mark)
    wide, high = WIDE * len(columns), HIGH * len(rows)
    if box.fault == last:
        drawn += f'<path d="M{left} {y + HIGH}h{wide}" {_line(True)}/>'
    if side and box.fault == last - 1:
        drawn += f'<path d="M{left} {y + HIGH}v{high}" {_line(True)}/>'
    marks = LETTER * max(map(len, box.marks.values()), default=0)
    return drawn, left - x + max(wide, LETTER * len(above)) + marks + GAP, HIGH + high + GAP


def _label(box: Box, axis: int) -> str:
    return f"{'✗ ' if axis == box.fault else ''}{box.labels[axis]}: {box.shape[axis]}"


def _line(fault: bool = False) -> str:
    style = 'stroke-width="3" stroke-dasharray="5 3"' if fault else 'stroke-opacity=".6"'
    return f'stroke="currentColor" {style}'


def _text(x: int, y: int, words: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{style}>{html.escape(words)}</text>' if words else ""
