"""The learner's helper: every sentence it can say, its pictures and their text twins, hints, guesses, the summary."""

import ast
import importlib
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from autograder.rnn.sample_answers import SAMPLES
from autograder.tests.support import HELPERS, ROOT, SOURCE

RNG = np.random.default_rng(7)
OUTPUT = RNG.normal(size=(1, 8, 3)).astype("float32")
STATES = {"output": OUTPUT[:, -1], "h": OUTPUT[:, -1], "c": RNG.normal(size=(1, 3)).astype("float32")}
SEQUENCE = STATES | {"output": OUTPUT}
PAIR, LAST = {name: STATES[name] for name in ("output", "h")}, {name: SEQUENCE[name] for name in ("output", "h")}
LIVE: dict[str, dict[str, Any]] = {
    "q1": {"data": RNG.normal(size=(1, 8, 2))},
    "q2": {},
    "q3": STATES,
    "q4": STATES,
    "q5": {"output5": STATES["h"], "output": STATES["h"]},
    "q6": SEQUENCE,
    "q7": {"output": OUTPUT},
    "q8": {},
    "q9": PAIR,
    "q10": PAIR,
    "q11": LAST,
    "q12": LAST,
}
LOOK = "Print h.shape and read it from left to right."
CHOICES = "The choices are: all hidden states; last hidden state; all cell states; last cell state; "
CHOICES += "a prediction for each unit; summary of the last step only."
ONE = {"output": (1, 3), "h": (1, 3), "c": (1, 3)}
TUPLE = "A shape is a tuple with one size for each axis."
NO_ARRAY = "draw: x is not an array of numbers. Pass an array that predict returned."
SAYS: list[tuple[str, Any, str]] = [
    ("q3", ONE | {"h": (3, 1)}, f"h: the sizes in (3, 1) are in the wrong order, from the batch axis on. {LOOK}"),
    ("q3", ONE | {"h": (8, 3)}, f"h: the batch axis does not have size 8. {LOOK}"),
    ("q3", ONE | {"h": (1, 4)}, f"h: the units axis does not have size 4. {LOOK}"),
    ("q3", ONE | {"h": (1, 8, 3, 3)}, "h: you gave 4 axes, (1, 8, 3, 3); h has 2. Print h.ndim to count the axes."),
    (
        "q3",
        ONE | {"h": (3,)},
        "h: you gave 1 axis, (3,); h has 2: the batch axis is missing. A batch of size 1 is still an axis.",
    ),
    (
        "q3",
        ONE | {"h": (1, 8, 3)},
        "h: you gave 3 axes, (1, 8, 3); h has 2: the axis of size 8 is one too many. Does h hold all steps, or one?",
    ),
    ("q3", ONE | {"h": "(1, 3)"}, "h: '(1, 3)' is a string, not a shape. Leave out the quotation marks."),
    (
        "q3",
        ONE | {"h": 3},
        f"h: you gave the number 3; a shape is needed. {TUPLE}",
    ),
    ("q3", ONE | {"h": {3}}, f"h: you gave a set; a shape is needed. {TUPLE}"),
    (
        "q3",
        ONE | {"h": (None, 3)},
        f"h: None is what a summary prints for the batch axis; this array has a size there. {LOOK}",
    ),
    ("q3", ONE | {"h": (1.0, 3)}, f"h: the size 1.0 is not a whole number. {LOOK}"),
    ("q3", {"output": (1, 3), "c": (1, 3)}, "h is missing. Give one shape for each of: output, h, c."),
    ("q3", ONE | {"state": (1, 3)}, "'state' was not asked for. Give one shape for each of: output, h, c."),
    ("q2", "last hidden state", "You gave a string; a dict is needed. Give one choice for each of: output, h, c."),
    ("q2", dict.fromkeys(ONE, "learned"), f"output: 'learned' is not one of the choices. {CHOICES}"),
    ("q1", "8 rows", "You gave a string; a tuple of names is needed. Name each axis of data, from first to last."),
    (
        "q1",
        ("sample", "rows", "features"),
        "'sample' is not an axis name. The four names are: batch, timesteps, features, units.",
    ),
    (
        "q1",
        ("timesteps", "features"),
        "You named 2 axes; data has 3: the batch axis is missing. Look at data.shape.",
    ),
    ("q1", ("batch", "features"), "You named 2 axes; data has 3. Look at data.shape."),
    (
        "q1",
        ("batch", "features", "timesteps"),
        "Axis 1 of data is not features. Which of your sizes is data.shape[1]?",
    ),
    (
        "q7",
        {"holds": "all hidden states", "axes": ("batch", "timesteps", "features")},
        "features is an axis of the input, not of output. Which size did the layer get when it was made?",
    ),
    ("q4", "output and h", "You gave a string; a list of pairs is needed. Write two names in brackets for each pair."),
    (
        "q4",
        [("output", "h", "c")],
        "('output', 'h', 'c') is not a pair. A pair has two names. Put each pair in its own brackets.",
    ),
    ("q4", [("output", "state")], "'state' is not one of the arrays. The names are: output, h, c."),
    ("q4", ("h", "h"), "An array always equals itself. Which two different arrays have the same values?"),
    ("q4", [("h", "c")], "c and h have different values. Print both and compare them number by number."),
    (
        "q4",
        [],
        "A pair of arrays with the same values is missing. Compare every two arrays with np.array_equal.",
    ),
    ("q8", {"LSTM": 2, "GRU": 1}, "LSTM: 2 is not a list of states. Use the names output, h, c."),
    (
        "q12",
        {"axis": "features", "index": -1},
        "'features' is not an axis of output. The axes are: batch, timesteps, units.",
    ),
    (
        "q12",
        {"axis": "timesteps", "index": "-1"},
        "The index '-1' is not a whole number. Indices start at 0; −1 is the last.",
    ),
    (
        "q12",
        {"axis": "timesteps", "index": 8},
        "Index 8 is out of range for the timesteps axis. Indices start at 0; −1 is the last.",
    ),
    (
        "q12",
        {"axis": "units", "index": -1},
        "One place along units keeps the axes batch, timesteps; h has different axes. "
        "Along which axis do you pick one place to get h?",
    ),
    (
        "q12",
        {"axis": "timesteps", "index": 0},
        "The slice at timesteps 0 has different values from h. After which step does the layer return h?",
    ),
    ("q3", ONE | {"h": [[]]}, f"h: the size [] is not a whole number. {LOOK}"),
    (
        "q8",
        {"LSTM": [[]], "GRU": []},
        "Your answer could not be read (TypeError). Use strings, numbers, tuples or lists.",
    ),
]


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The helper as a new session has it."""
    monkeypatch.setattr(sys, "path", [str(SOURCE), *sys.path])
    for name in ("shapes", "ladder", "hints", "own", "shape_boxes", "verdicts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("shapes")
    module.name_axes(batch=1, timesteps=8, features=2, units=3)
    yield module
    for name in ("shapes", "ladder", "hints", "own", "shape_boxes", "verdicts"):
        del sys.modules[name]


def _svg(shown: Any) -> ElementTree.Element:
    """The picture in what is shown; raises where it is not well formed."""
    found = re.search(r"<svg.*</svg>", shown._repr_html_(), re.DOTALL)
    assert found, shown
    return ElementTree.fromstring(found[0])


def _texts(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("{http://www.w3.org/2000/svg}text")]


# --- check ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "answer", "text"), SAYS)
def test_a_wrong_answer_meets_its_sentence(shapes: Any, question: str, answer: Any, text: str) -> None:
    said = shapes.check(question, answer, **LIVE[question])
    assert repr(said) == f"✗ {question}: not yet. {text}"
    html = said._repr_html_()
    assert html.startswith('<div role="status"')
    assert f"<strong>✗ {question}: not yet.</strong> " in html
    assert ElementTree.fromstring(html).find("strong") is not None, "HTML that is well formed"


def test_every_fault_of_the_ladder_has_its_sentence_above(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder, said = sys.modules["ladder"], set[int]()
    fault = vars(ladder)["Fault"]

    def noted(*parts: Any) -> Any:
        said.add(sys._getframe(1).f_lineno)
        return fault(*parts)

    monkeypatch.setattr(ladder, "Fault", noted)
    for question, answer, _ in SAYS:
        shapes.check(question, answer, **LIVE[question])
    shapes.check("q5", "last hidden state", output5=[1, 2, 3], output=STATES["h"])
    tree = ast.parse((SOURCE / "ladder.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Fault"]
    unsaid = [ast.unparse(node) for node in calls if not said & set(range(node.lineno, (node.end_lineno or 0) + 1))]
    assert len(calls) > 25
    assert unsaid == []


def test_a_model_that_still_returns_its_states(shapes: Any) -> None:
    said = shapes.check("q5", "last hidden state", output5=[1, 2, 3], output=STATES["h"])
    look = "Which argument makes the layer return its states too?"
    assert repr(said) == f"✗ q5: not yet. output5: you gave 3 arrays; one is needed. {look}"


def test_the_other_three_verdicts_have_their_sentences(shapes: Any) -> None:
    right, open_ = shapes.check("q3", ONE, **STATES), shapes.check("q3", {**ONE, "h": ...}, **STATES)
    recorded = shapes.check("q2", {"output": HOLDS, "h": HOLDS, "c": HOLDS})
    assert repr(right) == "✓ q3: right. Your own arrays confirm it."
    assert (
        repr(open_) == "○ q3: not answered. Replace the ... in the cell above, run that cell, then run this cell again."
    )
    assert repr(recorded) == "● q2: recorded. The form of your answer is right. It is graded after you submit."
    assert "<svg" not in right.html + open_.html + recorded.html


HOLDS = "all cell states"


def test_a_recorded_answer_is_shown_alike_whether_right_or_wrong(shapes: Any) -> None:
    right = {"output": "last hidden state", "h": "last hidden state", "c": "last cell state"}
    shown = {shapes.check("q2", answer)._repr_html_() for answer in (right, dict.fromkeys(right, HOLDS))}
    assert len(shown) == 1


@pytest.mark.parametrize(
    ("question", "answer", "title", "edges"),
    [
        ("q3", ONE | {"h": (3,)}, "h, as you gave it (3,)", ["✗ batch missing", "units: 3"]),
        ("q3", ONE | {"h": (8, 3)}, "h, as you gave it (8, 3)", ["units: 3", "✗ batch: 8"]),
        ("q3", ONE | {"h": (1, 8, 3)}, "h, as you gave it (1, 8, 3)", ["axis 0: 1", "axis 2: 3", "✗ axis 1: 8"]),
        ("q6", SEQUENCE | {"output": (1, 3, 8)}, None, ["batch: 1", "units: 8", "✗ timesteps: 3"]),
        ("q6", SEQUENCE | {"output": (1, 8, 2)}, None, ["batch: 1", "✗ units: 2", "timesteps: 8"]),
        ("q6", SEQUENCE | {"output": (2, 8, 3)}, None, ["✗ batch: 2", "units: 3", "timesteps: 8"]),
        ("q1", ("batch", "features", "timesteps"), None, ["batch: 1", "timesteps: 2", "✗ features: 8"]),
        ("q12", {"axis": "timesteps", "index": -2}, None, ["batch: 1", "units: 3", "timesteps: 8"]),
        ("q12", {"axis": "units", "index": 0}, None, ["batch: 1", "✗ units: 3", "timesteps: 8"]),
    ],
)
def test_a_wrong_answer_is_drawn_as_given_with_the_axis_at_fault_marked(
    shapes: Any, question: str, answer: Any, title: str | None, edges: list[str]
) -> None:
    if question == "q6":
        answer = {name: part if isinstance(part, tuple) else part.shape for name, part in answer.items()}
    svg = _svg(shapes.check(question, answer, **LIVE[question]))
    texts = _texts(svg)
    assert texts[0].endswith(", as you gave it")
    assert [text for text in texts if ":" in text or "missing" in text][: len(edges)] == edges
    assert title in (None, svg.findtext("{*}title"))
    assert ("stroke-dasharray" in ElementTree.tostring(svg, "unicode")) == any("✗" in edge for edge in edges)


def test_the_slice_that_was_taken_is_marked(shapes: Any) -> None:
    texts = _texts(_svg(shapes.check("q12", {"axis": "timesteps", "index": -2}, **LAST)))
    assert texts[texts.index("yours") - 1] == "6"


@pytest.mark.parametrize("shape", [(-1, 3), (10**12, 3), (1, 2, 3, 4, 5)])
def test_a_shape_that_cannot_be_drawn_is_only_told(shapes: Any, shape: tuple[int, ...]) -> None:
    said = shapes.check("q3", ONE | {"h": shape}, **STATES)
    assert said.verdict == "not yet"
    assert "<svg" not in said.html


@pytest.mark.parametrize("question", ["q3", "q6", "q9", "q11"])
def test_no_picture_of_a_wrong_answer_shows_what_was_expected(shapes: Any, question: str) -> None:
    for sample in SAMPLES[question]:
        if sample.points:
            continue
        namespace: dict[str, Any] = {}
        exec(sample.code, namespace)
        said = shapes.check(question, namespace[question], **LIVE[question])
        given = namespace[question] if isinstance(namespace[question], dict) else {"output": namespace[question]}
        shown = re.sub(r"<(?!title|desc|text)[^>]*>", "", said._repr_html_())
        for name, array in LIVE[question].items():
            assert str(array.shape) not in shown or str(array.shape) in str(given), (name, sample)


# --- draw -----------------------------------------------------------------------------------------------------------


def test_equal_rows_share_a_letter(shapes: Any) -> None:
    shown = shapes.draw(**SEQUENCE)
    assert repr(shown) == (
        "output: batch: 1, timesteps: 8, units: 3\nh: batch: 1, units: 3\nc: batch: 1, units: 3\n"
        "A marks the same values: output[0, 7], h[0]"
    )
    svg = _svg(shown)
    assert svg.findtext("{*}title") == "output (1, 8, 3), h (1, 3), c (1, 3)"
    assert svg.findtext("{*}desc") == repr(shown)
    assert (svg.get("role"), _texts(svg).count("A")) == ("img", 2)
    tinted = [rect for rect in svg.findall(".//{*}rect") if rect.get("fill-opacity")]
    assert len(tinted) == 2 * 3


def test_every_sample_has_its_own_letter(shapes: Any) -> None:
    output = RNG.normal(size=(3, 5, 4))
    assert repr(shapes.draw(output=output, h=output[:, -1])).splitlines()[2:] == [
        "A marks the same values: output[0, 4], h[0]",
        "B marks the same values: output[1, 4], h[1]",
        "C marks the same values: output[2, 4], h[2]",
    ]


@pytest.mark.parametrize(
    ("array", "twin", "cells"),
    [
        (np.float32(2), "x: a single number", 1),
        (np.arange(3.0), "x: units: 3", 3),
        (np.arange(6.0).reshape(2, 3), "x: features: 2, units: 3", 6),
        (np.arange(16.0).reshape(1, 8, 2), "x: batch: 1, timesteps: 8, features: 2", 16),
        (np.arange(48.0).reshape(1, 3, 8, 2), "x: batch: 1, units: 3, timesteps: 8, features: 2", 48),
        (np.arange(9.0).reshape(3, 3), "x: axis 0: 3, axis 1: 3", 9),
        (np.zeros((0, 3)), "x: axis 0: 0, units: 3", 0),
    ],
)
def test_arrays_of_no_to_four_axes(shapes: Any, array: Any, twin: str, cells: int) -> None:
    shown = shapes.draw(x=array)
    assert repr(shown).splitlines()[0] == twin
    assert len([rect for rect in _svg(shown).findall(".//{*}rect") if rect.get("width") == "22"]) == cells


def test_a_big_array_is_elided(shapes: Any) -> None:
    big = np.broadcast_to(np.float32(0), (50, 40, 30_000, 1_000))
    shown = shapes.draw(big=big)
    assert repr(shown) == (
        "big: axis 0: 50, axis 1: 40, axis 2: 30000, axis 3: 1000\n"
        "A marks the same values: big[0, 0, 0], big[0, 0, 1], big[0, 0, 2], big[0, 0, 3] and 24 more"
    )
    svg = _svg(shown)
    assert "⋯" in _texts(svg)
    assert int(svg.get("width", 0)) < 1000
    assert len(shown.html) < 60_000


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        ([1, 2], NO_ARRAY),
        (..., NO_ARRAY),
        ("abc", NO_ARRAY),
        (np.array(["a"]), NO_ARRAY),
        (np.array([{}]), NO_ARRAY),
        (np.zeros((1,) * 5), "draw: x has 5 axes; at most 4 can be drawn. Pass a slice."),
    ],
)
def test_what_is_no_array_is_refused_in_one_sentence(shapes: Any, array: Any, sentence: str) -> None:
    assert repr(shapes.draw(x=array)) == sentence
    assert "<svg" not in shapes.draw(x=array).html


def test_draw_without_arrays_and_without_names(shapes: Any) -> None:
    assert repr(shapes.draw()) == "draw: pass an array by its name, such as draw(output=output)."
    assert repr(shapes.draw(OUTPUT[0, 0])) == "array 1: units: 3"


def test_a_tensor_is_drawn_and_a_symbol_is_refused(shapes: Any) -> None:
    class Symbol:
        shape = (None, 3)

        def __array__(self, *options: Any) -> Any:
            raise ValueError("no numbers yet")

    assert repr(shapes.draw(x=Symbol())) == NO_ARRAY


def test_a_picture_waits_for_its_question(shapes: Any) -> None:
    waits = "Answer q4 first. Then run this cell again to see the picture."
    assert repr(shapes.draw(h=STATES["h"], after="q4")) == waits
    shapes.check("q4", [("h", "c")], **STATES)
    assert repr(shapes.draw(h=STATES["h"], after="q4")) == waits
    shapes.check("q4", [("h", "output")], **STATES)
    assert repr(shapes.draw(h=STATES["h"], after="q4")) == "h: batch: 1, units: 3"


def test_names_are_shown_as_text(shapes: Any) -> None:
    shown = shapes.draw(**{"<script>": OUTPUT})
    assert "<script>" not in shown._repr_html_()
    assert _svg(shown).findtext("{*}title") == "<script> (1, 8, 3)"


SCRIPT = """
import numpy as np, shapes
shapes.name_axes(batch=1, timesteps=8, features=2, units=3)
output = np.arange(24.0).reshape(1, 8, 3)
shown = [shapes.draw(output=output, h=output[:, -1], same=output[:, 2]), shapes.hint("q3", 2)]
pairs = {frozenset(("output", "h")), frozenset(("h", "c"))}
shown += [shapes.check("q4", pairs, output=output, h=output, c=output + 1)]
shown += [shapes.check("q3", {"output": (8, 3), "h": (1, 3)}, output=output, h=output[:, -1]), shapes.summary("q3")]
print(*(part._repr_html_() + repr(part) for part in shown), sep="\\n")
"""


def test_the_same_bytes_each_time() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=SOURCE,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
    assert said.pop().count(b"<svg") == 2


# --- hint, compare, summary -----------------------------------------------------------------------------------------

HINTS: dict[str, tuple[str, ...]] = runpy.run_path(str(SOURCE / "hints.py"))["HINTS"]


@pytest.mark.parametrize("question", list(SAMPLES))
def test_each_question_has_three_short_hints(shapes: Any, question: str) -> None:
    assert len(HINTS[question]) == 3
    for step, text in enumerate(HINTS[question], 1):
        assert len(text.split()) <= 46
        shown = shapes.hint(question, step)
        assert repr(shown) == f"{question}, hint {step} of 3: {text}"
        assert "`" not in shown._repr_html_()
    assert shapes.hint(question, 0) is None


@pytest.mark.parametrize("question", list(SAMPLES))
def test_no_hint_is_an_answer(shapes: Any, question: str) -> None:
    """The frame that the last hint gives is no answer yet, and no right answer stands in any hint."""
    (frame,) = re.findall(rf"`({question} = .*?)`", HINTS[question][2])
    namespace: dict[str, Any] = {}
    exec(frame, namespace)
    assert shapes.check(question, namespace[question], **LIVE[question]).verdict in ("not answered", "not yet")
    together = " ".join(HINTS[question])
    for sample in SAMPLES[question]:
        right = sample.code.split("=", 1)[1].strip()
        assert sample.points < 2 or right not in together
    assert not [text for text in sys.modules["ladder"].HOLDS if text in together]
    assert not re.search(r"\(1, (8, )?3\)|\[:, -1\]|index\": -?\d", together)


def test_hints_that_there_are_not(shapes: Any) -> None:
    assert repr(shapes.hint("q3", 4)) == "q3 has hints 1 to 3; there is no hint 4."
    assert repr(shapes.hint("q3", "one")) == "q3 has hints 1 to 3; there is no hint 'one'."
    assert repr(shapes.hint("q13", 1)) == (
        "There are no hints for 'q13'. The questions are q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12."
    )


@pytest.mark.parametrize(
    ("guess", "observed", "text"),
    [
        (3, 3, "arrays: You guessed 3: correct."),
        ("3", 3, "arrays: You guessed 3: correct."),
        (3.0, 3, "arrays: You guessed 3: correct."),
        (2, 3, "arrays: You guessed 2; it is 3."),
        (..., 3, "arrays: no guess yet; it is 3."),
        ("Output", ["output"], "arrays: You guessed output: correct."),
        (["output", "h"], ["output"], "arrays: You guessed output, h; it is output."),
        ("output and h", ["output", "h"], "arrays: You guessed output, h: correct."),
        ((3, 2), (2, 3), "arrays: You guessed 3, 2; it is 2, 3."),
        (np.arange(99), 1, "arrays: You guessed 0, 1, 2, 3, 4, 5, 6, 7; it is 1."),
    ],
)
def test_a_guess_is_compared_with_what_was_observed(shapes: Any, guess: Any, observed: Any, text: str) -> None:
    assert shapes.compare("arrays", guess, observed) == text


def test_the_first_guess_of_a_session_counts(shapes: Any) -> None:
    for what, guess in (("arrays", ...), ("arrays", 2), ("arrays", 3), ("rows", 1)):
        shapes.compare(what, guess, {"arrays": 3, "rows": 1}[what])
    assert repr(shapes.summary()).endswith("Correct guesses: 1 of 2.")


def test_the_summary_says_what_is_right_and_what_is_open(shapes: Any) -> None:
    shapes.check("q1", ("batch", "timesteps", "features"), **LIVE["q1"])
    shapes.check("q2", dict.fromkeys(ONE, HOLDS))
    shapes.check("q3", (3,), **STATES)
    shapes.check("q4", ..., **STATES)
    shown = shapes.summary("q1", "q2", "q3", "q4", "q5")
    assert repr(shown).splitlines() == [
        "q1   ✓ right         done",
        "q2   ● recorded      graded after you submit",
        "q3   ✗ not yet       read its message or take a hint",
        "q4   ○ not answered  replace its ...",
        "q5   ○ not answered  run its check",
        "2 of 5 questions are done. Your instructor marks the answers in your own words.",
    ]
    table = ElementTree.fromstring(shown._repr_html_())
    assert [cell.text for cell in table.iter("th")][3:] == ["q1", "q2", "q3", "q4", "q5"]
    assert {cell.get("scope") for cell in table.iter("th")} == {"col", "row"}
    assert table.findtext(".//caption") == "Your progress"
    assert [cell.text for cell in table.iter("td")][:2] == ["✓ right", "done"]


def test_the_summary_shows_the_last_verdict(shapes: Any) -> None:
    shapes.check("q3", (3,), **STATES)
    shapes.check("q3", ONE, **STATES)
    assert repr(shapes.summary("q3")).startswith("q3   ✓ right         done\n1 of 1 questions are done.")


# --- the files ------------------------------------------------------------------------------------------------------


def test_the_helper_is_small_and_needs_numpy_alone() -> None:
    for name in HELPERS:
        text = (SOURCE / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) < 300
        trees = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in trees if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in trees if isinstance(node, ast.ImportFrom)}
        assert {name.split(".")[0] for name in names} <= {
            "numpy",
            *(name.removesuffix(".py") for name in HELPERS),
            *sys.stdlib_module_names,
        }


def test_every_folder_has_the_same_helper() -> None:
    for shapes in (*ROOT.glob("solutions/*/shapes.py"), *ROOT.glob("notebooks/*/shapes.py")):
        for name in HELPERS:
            assert (shapes.parent / name).read_bytes() == (SOURCE / name).read_bytes(), shapes.parent


@pytest.mark.parametrize("folder", ["solutions/explorations", "notebooks/explorations"])
def test_both_assignments_have_the_same_check_and_compare(folder: str) -> None:
    assert (ROOT / folder / "verdicts.py").read_bytes() == (SOURCE / "verdicts.py").read_bytes()


def test_the_notebooks_and_the_reports_have_the_same_drawing() -> None:
    theirs = ROOT / "autograder" / "reports" / "shape_boxes.py"
    assert theirs.read_bytes() == (SOURCE / "shape_boxes.py").read_bytes()
