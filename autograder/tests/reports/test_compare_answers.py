"""An answer beside what is right, in parts, in pictures and in words."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.evidence.display import MAX_DISPLAYED, display, display_names, read_displayed
from autograder.reports.compare_answers import Pair, compare_answers, shape_of
from autograder.reports.shape_diagram import picture, words

AXES = {1: "batch", 8: "timesteps", 3: "units"}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, 3), "(1, 3)"),
        ((3,), "(3,)"),
        ((), "()"),
        ([1, True, None, ...], "[1, True, None, ...]"),
        ({"h": (1, 3)}, "{'h': (1, 3)}"),
        ({"b", "a"}, "{'a', 'b'}"),
        (frozenset({("output", "h")}), "{('output', 'h')}"),
        (set(), "set()"),
        (np.zeros((1, 3)), "array of shape (1, 3)"),
        ([np.zeros(2)], "[array of shape (2,)]"),
        pytest.param(10**5000, "a very large number", id="a very large number"),
        ("\ud800\x00", r"'\ud800\x00'"),
        ("x" * 1000, "'" + "x" * (MAX_DISPLAYED - 2) + "…"),
    ],
)
def test_a_value_has_one_spelling(value: object, text: str) -> None:
    assert display(value) == text


def test_several_values_bear_their_names() -> None:
    assert display_names({"q5": "h"}) == "'h'"
    assert display_names({"q5": "h", "output5": np.ones(3)}) == "q5 = 'h'; output5 = array of shape (3,)"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_a_displayed_value_is_read_again(value: object) -> None:
    text = display(value)
    if len(text) < MAX_DISPLAYED:
        assert read_displayed(text) == value


@pytest.mark.parametrize("text", ["array of shape (1, 3)", "a very large number", "[1, 2, …", "", "'a'; b = 1"])
def test_a_text_without_the_value_reads_as_none(text: str) -> None:
    assert read_displayed(text) is None


@given(PLAIN)
def test_what_is_right_is_the_same_in_all_its_parts(value: object) -> None:
    text = display(value)
    assert all(pair.is_same for pair in compare_answers(text, text))
    assert picture(compare_answers(text, text), {}) == ""


@given(st.text(), st.text())
def test_any_two_texts_can_stand_side_by_side(mine: str, right: str) -> None:
    assert compare_answers(mine, right)[0].is_same == (mine == right)


def test_a_dict_is_compared_entry_by_entry() -> None:
    pairs = compare_answers("{'output': (1, 3), 'h': (3,), 'state': 1}", "{'output': (1, 3), 'h': (1, 3), 'c': (1, 3)}")
    assert [(pair.name, pair.given, pair.expected, pair.is_same) for pair in pairs] == [
        ("output", "(1, 3)", "(1, 3)", True),
        ("h", "(3,)", "(1, 3)", False),
        ("c", "", "(1, 3)", False),
        ("state", "1", "", False),
    ]


def test_one_shape_stands_for_all_and_anything_else_for_itself() -> None:
    expected = "{'h': (1, 3), 'c': (1, 3)}"
    assert [(pair.name, pair.given) for pair in compare_answers("(3,)", expected)] == [("h", "(3,)"), ("c", "(3,)")]
    assert compare_answers("'text'", expected) == (Pair("", "'text'", expected),)
    assert compare_answers("array of shape (1, 3)", "'h'") == (Pair("", "array of shape (1, 3)", "'h'"),)


@pytest.mark.parametrize("value", [(), (1, 2, 3, 4, 5), (None, 3), (True, 3), (1.0,), (-1,), (10**9,), "ab", 3, {1, 2}])
def test_what_is_no_shape(value: object) -> None:
    assert shape_of(value) is None


@pytest.mark.parametrize(
    "given_text", ["(3,)", "(8, 3)", "(1, 8, 3)", "(2, 1, 8, 3)", "(0, 3)", "(500, 900)", "'<b>'", ""]
)
def test_a_picture_is_plain_svg_with_a_text_twin(given_text: str) -> None:
    pairs = compare_answers(f"{{'h': {given_text}}}" if given_text else "{}", "{'h': (1, 3)}")
    tree = ET.fromstring(picture(pairs, AXES))
    assert tree.get("aria-label") == tree.findtext(f"{SVG}title") == words(pairs, AXES)
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} <= {"svg", "title", "desc", "rect", "g", "text"}
    assert float(tree.get("width", "0")) < 900
    assert float(tree.get("height", "0")) < 500
    texts = [element.text for element in tree.iter(f"{SVG}text")]
    assert f"✗ h you gave: {given_text or 'nothing'}" in texts
    assert "✓ h right: (1, 3)" in texts


@pytest.mark.parametrize(
    ("given_text", "said"),
    [
        ("(3,)", "you gave (units: 3); right is (batch: 1, units: 3)"),
        ("(1, 5)", "you gave (batch: 1, 5); right is (batch: 1, units: 3)"),
        ("'(1, 3)'", "you gave '(1, 3)'; right is (batch: 1, units: 3)"),
    ],
)
def test_the_picture_in_words(given_text: str, said: str) -> None:
    assert words(compare_answers(given_text, "(1, 3)"), AXES) == said
    assert words(compare_answers(f"{{'h': {given_text}}}", "{'h': (1, 3)}"), AXES) == f"h: {said}"


def test_the_cells_of_a_picture_are_the_array() -> None:
    tree = ET.fromstring(picture(compare_answers("(8, 3)", "(1, 3)"), AXES))
    cells = [element for element in tree.iter(f"{SVG}rect") if element.get("width") == "22"]
    assert len(cells) == 8 * 3 + 1 * 3
    texts = [element.text for element in tree.iter(f"{SVG}text")]
    assert {"timesteps: 8", "batch: 1", "units: 3"} <= set(texts)


def _texts_of(given_text: str) -> list[str | None]:
    drawn = picture(compare_answers(given_text, "(1, 3)"), {})
    return [element.text for element in ET.fromstring(drawn).iter(f"{SVG}text")]


def test_a_long_axis_is_cut_and_keeps_its_size() -> None:
    texts = _texts_of("(20, 30)")
    assert {"20", "30", "19"} <= set(texts)
    assert texts.count("⋯") == 7 + 8, "a gap in each of 7 rows, and a row of gaps"


def test_a_fourth_axis_is_a_frame_around_frames() -> None:
    column = ["1", "3", "8", *map(str, range(8))]
    assert _texts_of("(2, 1, 8, 3)")[1 : 2 + 2 * len(column)] == ["2", *column, *column]


def test_right_parts_are_not_drawn() -> None:
    pairs = compare_answers("{'output': (1, 3), 'h': (3,)}", "{'output': (1, 3), 'h': (1, 3)}")
    assert "output" not in picture(pairs, AXES)
    assert picture(compare_answers("'a'", "'b'"), AXES) == ""


def test_of_several_named_answers_the_one_of_the_same_type_is_compared() -> None:
    given = "model5 = an object; output5 = array of shape (1, 3); q5 = 'a'"
    assert compare_answers(given, "'last'") == (Pair("", "'a'", "'last'"),)
    two = "a = 'x'; b = 'y'"
    assert compare_answers(two, "'last'") == (Pair("", two, "'last'"),)
    assert compare_answers("'x = 1; y'", "'last'") == (Pair("", "'x = 1; y'", "'last'"),)


def test_what_a_partly_right_answer_did_not_lose_is_right() -> None:
    given, expected = "{'a': 1, 'b': 2}", "{'b': 3}"
    assert compare_answers(given, expected, partly=True) == (Pair("a", "1", "1"), Pair("b", "2", "3"))
    assert compare_answers(given, expected)[1] == Pair("a", "1", "")
