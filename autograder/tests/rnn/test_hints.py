"""Hints and guesses: three short hints for each question, none of them an answer; an open guess shows nothing."""

import re
import runpy
import sys
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from autograder.rnn.sample_answers import SAMPLES
from autograder.tests.rnn.answers import LIVE, STATES
from autograder.tests.support import SOURCE

HINTS: dict[str, tuple[str, ...]] = runpy.run_path(str(SOURCE / "shapes/hints.py"))["HINTS"]
NOTHING = "no guess yet. Type one above, run that cell, then this one."


@pytest.mark.parametrize("question", list(SAMPLES))
def test_each_question_has_three_short_hints_that_a_key_opens(shapes: Any, question: str) -> None:
    assert all(len(text.split()) <= 46 for text in HINTS[question])
    shown = shapes.hint(question)
    assert repr(shown) == "\n".join(f"{question}, hint {i} of 3: {text}" for i, text in enumerate(HINTS[question], 1))
    tree = ElementTree.fromstring(shown._repr_html_())
    assert [part.text for part in tree.iter("summary")] == [
        "Hint 1: where to look",
        "Hint 2: which tool to use",
        "Hint 3: the form of the answer",
    ]
    closed = list(tree.iter("details"))
    assert len(closed) == 3
    assert not [part for part in closed if part.get("open")]
    assert "`" not in shown._repr_html_()
    assert tree.find("section") is not None
    assert "".join(tree.find("section").attrib.values()) == f"Hints for {question}"  # type: ignore[union-attr]


@pytest.mark.parametrize("question", list(SAMPLES))
def test_no_hint_is_an_answer(shapes: Any, question: str) -> None:
    """The frame that the last hint shows is no answer yet, and no right answer is in any hint."""
    (frame,) = re.findall(rf"`({question} = .*?)`", HINTS[question][2]) or ["q5 = ..."]
    namespace: dict[str, Any] = {}
    exec(frame, namespace)
    live = LIVE.get(question, {"model5": ..., "output5": ..., "data": ...})
    assert shapes.check(question, namespace[question], **live).verdict in ("not answered", "not yet")
    together = " ".join(HINTS[question])
    for sample in SAMPLES[question]:
        right = sample.code.split("=", 1)[1].strip()
        assert sample.points < 2 or right not in together
    assert not [text for text in sys.modules["shapes.answers"].HOLDS if text in together]
    assert not re.search(r"\(1, (8, )?3\)|\[:, -1\]|index\": -?\d", together)


def test_hints_for_an_unknown_question(shapes: Any) -> None:
    questions = "q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12"
    assert repr(shapes.hint("q13")) == f"There are no hints for 'q13'. The questions are {questions}."


@pytest.mark.parametrize(
    ("guess", "observed", "text"),
    [
        (3, 3, "arrays: You guessed 3: correct."),
        ("3", 3, "arrays: You guessed 3: correct."),
        (3.0, 3, "arrays: You guessed 3: correct."),
        (2, 3, "arrays: You guessed 2; it is 3."),
        (..., 3, f"arrays: {NOTHING}"),
        ([...], ["output"], f"arrays: {NOTHING}"),
        ("Output", ["output"], "arrays: You guessed output: correct."),
        (["output", "h"], ["output"], "arrays: You guessed output, h; it is output."),
        ("output and h", ["output", "h"], "arrays: You guessed output, h: correct."),
        ((3, 2), (2, 3), "arrays: You guessed 3, 2; it is 2, 3."),
        (np.arange(99), 1, "arrays: You guessed 0, 1, 2, 3, 4, 5, 6, 7; it is 1."),
        ([0.5, 1], np.array([0.5, 1.000001]), "arrays: You guessed 0.5, 1: correct."),
    ],
)
def test_a_guess_is_compared_with_what_was_observed(shapes: Any, guess: Any, observed: Any, text: str) -> None:
    shown = shapes.compare("arrays", guess, observed)
    assert (repr(shown), shown.text) == (text, text)
    assert ElementTree.fromstring(shown._repr_html_()).get("role") == "status"


def test_a_table_of_guesses_hides_what_was_not_guessed(shapes: Any) -> None:
    observed = {"neither": (1, 2), "return_state": (3, 2), "both": (3, 3)}
    shown = shapes.compare("flags", {"neither": (1, 2), "return_state": (2, 2), "both": ...}, observed)
    assert repr(shown).splitlines() == [
        "                result                your prediction",
        "✓ neither       (1, 2)                (1, 2)",
        "✗ return_state  (3, 2)                (2, 2)",
        "○ both          ?                     ...",
        f"○ {NOTHING}",
    ]
    table = ElementTree.fromstring(shown._repr_html_())
    assert [cell.text for cell in table.iter("th")] == [None, "flags", "result", "your prediction", *observed]
    assert [cell.text for cell in table.iter("td")][-3:] == ["○", "?", "..."]
    assert "(3, 3)" not in repr(shown) + shown.html
    nothing = shapes.compare("flags", ..., observed)
    assert not [value for value in observed.values() if str(value) in repr(nothing) + nothing.html]


def test_guesses_that_are_shown_are_text(shapes: Any) -> None:
    for shown in (shapes.compare("<b>", "<i>", "x"), shapes.compare("<b>", {"<u>": "<i>"}, {"<u>": 1})):
        assert not re.search("<[bui]>", shown.html)
    assert "<b>" not in shapes.check("q3", {"<b>": 1}, **STATES).html
