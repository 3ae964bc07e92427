"""`draw`: boxes for arrays of up to four axes, a letter for rows with equal values, and the same in words."""

import re
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from autograder.tests.rnn.answers import OUTPUT, RNG, SEQUENCE, STATES
from autograder.tests.support import SOURCE

NO_ARRAY = "draw: x is not an array of numbers. Pass an array that predict returned."


def _svg(shown: Any) -> ElementTree.Element:
    """The picture in what is shown; raises where it is not well formed."""
    return _svgs(shown)[0]


def _svgs(shown: Any) -> list[ElementTree.Element]:
    found = re.findall(r"<svg.*?</svg>", shown._repr_html_(), re.DOTALL)
    assert found, shown
    return [ElementTree.fromstring(svg) for svg in found]


def _texts(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_equal_rows_share_a_letter(shapes: Any) -> None:
    shown = shapes.draw(**SEQUENCE)
    assert repr(shown) == (
        "output: batch: 1, timesteps: 8, units: 3\nh: batch: 1, units: 3\nc: batch: 1, units: 3\n"
        "A marks the same values: output[0, 7], h[0]"
    )
    output, h, c = _svgs(shown)
    assert [svg.findtext("{*}title") for svg in (output, h, c)] == ["output (1, 8, 3)", "h (1, 3)", "c (1, 3)"]
    assert h.findtext("{*}desc") == "h: batch: 1, units: 3\nA marks the same values: output[0, 7], h[0]"
    assert [_texts(svg).count("A") for svg in (output, h, c)] == [1, 1, 0]


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
    assert len([rect for rect in _svg(shown).findall(".//{*}rect") if rect.get("width") == "38"]) == cells


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
    waits = "first. Then run this cell again to see the picture."
    assert repr(shapes.draw(h=STATES["h"], after="q4")) == f"Answer Q4 {waits}"
    shapes.check("q4", ..., **STATES)
    assert repr(shapes.draw(h=STATES["h"], after="q4")) == f"Answer Q4 {waits}"
    shapes.check("q4", [("h", "c")], **STATES)
    assert repr(shapes.draw(h=STATES["h"], after="q4")) == f"Get Q4 right {waits}"
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
shown = [shapes.draw(output=output, h=output[:, -1], same=output[:, 2]), shapes.hint("q3")]
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
    assert said.pop().count(b"<svg") == 4
