"""The helper of the graded notebooks: `check` an answer, take a `hint`, `draw` arrays, `compare` a guess, `summary`.

Everything looks at your own arrays. A check names the wrong axis and never the expected size. Its steps are in
ladder.py, the hints in hints.py, both in this folder. No file in this folder contains an answer.
"""

from typing import Any

import numpy as np
from hints import HINTS
from ladder import *  # noqa: F403  (the graders' tests import single steps from here)
from ladder import QUESTIONS, RECORDED, Fault, Live, axes_of, name_axes
from own import describe_sizes, sizes_of
from shape_boxes import Box, drawing, drawn_rows, words
from verdicts import MARKS, UNANSWERED, Shown, Verdict, note, plain, unanswered, verdict
from verdicts import compare as compare_values

__all__ = ["check", "compare", "describe_sizes", "draw", "hint", "name_axes", "sizes_of", "summary"]
FORM_IS_RIGHT = "The form of your answer is right. It is graded after you submit."
MOST_AXES, MOST_SIZE = 4, 10**6  # of what is drawn
ADVICE = {"right": "done", "recorded": "graded after you submit", "not yet": "read its message or take a hint"}
_verdicts: dict[str, str] = {}  # this and the next last for one session
_guesses: dict[str, bool] = {}
Place = tuple[str, tuple[int, ...]]  # an array's name, a row's index


# --- check ----------------------------------------------------------------------------------------------------------


def check(question: str, answer: Any, **live: Any) -> Verdict:
    """Check an answer against the live arrays.

    Args:
        question: the question's id, such as "q3".
        answer: the answer.
        live: the arrays that the question is about, by name.

    Returns:
        The verdict, which a notebook displays.

    Raises:
        AssertionError: under nbgrader's Validate, if the answer is wrong or missing.
    """
    kind, text, box = _found(question, answer, live)
    _verdicts[question] = kind
    return verdict(question, kind, text, _picture(box))


def _found(question: str, answer: Any, live: Live) -> tuple[str, str, Box | None]:
    if unanswered(answer) or any(value is ... for value in live.values()):
        return "not answered", UNANSWERED, None
    try:
        fault = QUESTIONS[question](answer, live)
    except Exception as error:  # a learner's session goes on whatever the answer is
        look = "Use strings, numbers, tuples or lists."
        fault = Fault(f"Your answer could not be read ({type(error).__name__}).", look)
    if fault:
        return "not yet", str(fault), fault.box
    if question in RECORDED:
        return "recorded", FORM_IS_RIGHT, None
    return "right", "Your own arrays confirm it.", None


def _picture(box: Box | None) -> str:
    """The wrong shape as an SVG; "" for a shape that cannot be drawn."""
    if not box or len(box.shape or ()) > MOST_AXES or not all(0 <= size < MOST_SIZE for size in box.shape or ()):
        return ""
    given = box._replace(name=f"{box.name}, as you gave it")
    return drawing([[given]], f"{given.name} {given.shape}", words(given))


# --- hint, compare, summary -----------------------------------------------------------------------------------------


def hint(question: str, step: int) -> Shown | None:
    """Show hint 1, 2 or 3 of a question: where to look, which tool to use, the form of the answer. 0 shows nothing.

    Hints cost no points.
    """
    steps = HINTS.get(question)
    if not steps:
        return note(f"There are no hints for {question!r}. The questions are {', '.join(QUESTIONS)}.")
    if step not in range(len(steps) + 1):
        return note(f"{question} has hints 1 to {len(steps)}; there is no hint {step!r}.")
    return note(f"{question}, hint {step} of {len(steps)}: {steps[step - 1]}") if step else None


def compare(what: str, guess: Any, observed: Any) -> str:
    """Compare a guess with what was observed, in one line. The first guess of a session counts in the summary."""
    if not unanswered(guess):
        _guesses.setdefault(what, _same(guess, observed))
    return compare_values(what, guess, observed, _same)


def _same(guess: Any, observed: Any) -> bool:
    return plain(guess) == plain(observed)


def summary(*questions: str) -> Shown:
    """Show your progress: each question's last verdict in this session, and your guesses. Shows no answer."""
    rows = []
    for question in questions:
        kind = _verdicts.get(question, "not answered")
        todo = ADVICE.get(kind, "replace its ..." if question in _verdicts else "run its check")
        rows.append((question, f"{MARKS[kind]} {kind}", todo))
    done = sum(_verdicts.get(question) in ("right", "recorded") for question in questions)
    text = f"{done} of {len(questions)} questions are done. Your instructor marks the answers in your own words."
    if _guesses:
        text += f" Correct guesses: {sum(_guesses.values())} of {len(_guesses)}."
    cells = (f'<tr><th scope="row">{q}</th><td>{kind}</td><td>{todo}</td></tr>' for q, kind, todo in rows)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("question", "last check", "what to do"))
    table = f"<table><caption>Your progress</caption><tr>{head}</tr>{''.join(cells)}</table><p>{text}</p>"
    return Shown("\n".join([*(f"{q:5}{kind:16}{todo}" for q, kind, todo in rows), text]), table)


# --- draw -----------------------------------------------------------------------------------------------------------


def draw(*unnamed: Any, after: str = "", **named: Any) -> Shown:
    """Draw arrays of up to 4 axes as boxes; rows with equal values share a letter.

    Args:
        unnamed: arrays without a name.
        after: a question that must be answered first.
        named: arrays by name.

    Returns:
        The picture; a sentence instead where something cannot be drawn.
    """
    if after and _verdicts.get(after) not in ("right", "recorded"):
        return note(f"Answer {after} first. Then run this cell again to see the picture.")
    arrays = {f"array {i}": array for i, array in enumerate(unnamed, 1)} | named
    refused = [sentence for name, array in arrays.items() if (sentence := _refusal(name, array))]
    if refused or not arrays:
        return note(refused[0] if refused else "draw: pass an array by its name, such as draw(output=output).")
    live = {name: np.asarray(array) for name, array in arrays.items()}
    same = _same_rows(live)
    boxes = [_box(name, array, same) for name, array in live.items()]
    equal = [f"{mark} marks the same values: {_listed(places)}" for mark, places in same.items()]
    text = "\n".join([*map(words, boxes), *equal])
    title = ", ".join(f"{box.name} {box.shape}" for box in boxes)
    return Shown(text, drawing([boxes], title, text))


def _box(name: str, array: Any, same: dict[str, list[Place]]) -> Box:
    marks = {at: mark for mark, places in same.items() for other, at in places if other == name}
    return Box(name, array.shape, tuple(axes_of(array)), marks=marks)


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
