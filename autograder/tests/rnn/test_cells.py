"""The drawings of the LSTM cell and the GRU cell: their letters, their words, their lines."""

import importlib
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from autograder.tests.support import SOURCE

LETTERS = {"LSTM": {"f", "i", "c̃", "o"}, "GRU": {"z", "r", "h̃"}}
SMALLEST = 10  # px


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the drawings."""
    monkeypatch.syspath_prepend(str(SOURCE))
    return importlib.import_module("shapes.cells")


def _svg(shown: Any) -> ElementTree.Element:
    html = shown._repr_html_()
    (svg,) = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_cell_has_the_letters_of_the_course_and_no_others(cells: Any, kind: str) -> None:
    svg = _svg(cells.draw_cell(kind))
    bold = {text.text for text in svg.findall(".//{*}text") if text.get("font-weight") == "bold"}
    states = {"x", "h", "c"} if kind == "LSTM" else {"x", "h"}
    assert bold == {f"{kind} cell", *LETTERS[kind], *states}
    assert {tspan.text for tspan in svg.findall(".//{*}tspan")} == {"t", "t−1"}


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_and_candidate_are_told_apart_by_shape_and_function_not_only_by_colour(cells: Any, kind: str) -> None:
    svg = _svg(cells.draw_cell(kind))
    boxes = [rect for rect in svg.findall(".//{*}rect") if rect.get("height") == "36"]
    corners = sorted(str(rect.get("rx")) for rect in boxes)
    assert corners == ["12"] * (len(boxes) - 1) + ["2"]
    texts = [text.text for text in svg.findall(".//{*}text")]
    assert texts.count("σ") == len(boxes) - 1 == len(LETTERS[kind]) - 1


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_screen_reader_gets_a_name_and_how_the_states_are_made(cells: Any, kind: str) -> None:
    svg = _svg(cells.draw_cell(kind))
    assert (svg.get("role"), svg.get("aria-label"), svg.findtext("{*}title")) == ("img", f"{kind} cell", f"{kind} cell")
    description = svg.find("{*}desc")
    assert description is not None
    assert svg.get("aria-describedby") == description.get("id")
    for letter in LETTERS[kind]:
        assert letter in str(description.text)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_text_is_never_small_and_stays_inside(cells: Any, kind: str) -> None:
    svg = _svg(cells.draw_cell(kind))
    width, height = int(svg.get("width", 0)), int(svg.get("height", 0))
    assert f"min-width:{width}px" in str(svg.get("style"))
    assert width <= 440
    assert min(int(element.get("font-size", 12)) for element in svg.iter()) > SMALLEST
    for text in svg.findall(".//{*}text"):
        assert 0 <= int(text.get("x", -1)) <= width
        assert 0 <= int(text.get("y", -1)) <= height


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_table_says_what_each_letter_decides(cells: Any, kind: str) -> None:
    shown = cells.draw_cell(kind)
    table = ElementTree.fromstring(re.findall(r"<table.*</table>", shown.html)[0])
    assert {head.text for head in table.iter("th") if head.get("scope") == "row"} == LETTERS[kind]
    candidate = next(row for row in table.iter("tr") if row.findtext("td") == "candidate")
    assert candidate.findall("td")[1].text == "−1 … 1"
    for letter in LETTERS[kind]:
        assert f"\n{letter}" in repr(shown)


def test_the_equations_are_those_of_keras(cells: Any) -> None:
    assert "h_t = z · h_{t−1} + (1 − z) · h̃" in repr(cells.draw_cell("GRU"))
    assert "c_t = f · c_{t−1} + i · c̃\nh_t = o · tanh(c_t)" in repr(cells.draw_cell())


def test_any_case_is_understood_and_another_name_gets_a_sentence(cells: Any) -> None:
    assert cells.draw_cell("gru").text == cells.draw_cell("GRU").text
    shown = cells.draw_cell("RNN")
    assert repr(shown) == 'draw_cell: there is no drawing of \'RNN\'. Pass "LSTM" or "GRU".'
    assert "<svg" not in shown.html
