"""The boxes: their shades, their numbers, how they wrap, what a screen reader gets of them."""

import importlib
import re
import sys
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from autograder.tests.support import SOURCE

TEXT_ON_PAPER = {  # JupyterLab's themes: the text of outputs, with its opacity, and what is behind it
    "light": ((0, 0, 0), 0.87, (255, 255, 255)),
    "dark": ((255, 255, 255), 1.0, (17, 17, 17)),
}
LEGIBLE = 4.5
RNG = np.random.default_rng(5)


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, as a new session has it."""
    monkeypatch.syspath_prepend(str(SOURCE))
    monkeypatch.delitem(sys.modules, "shapes.pictures", raising=False)
    return importlib.import_module("shapes.pictures")


def _box(pictures: Any, name: str, values: Any, **more: Any) -> Any:
    return pictures.Box(name, values.shape, ("",) * values.ndim, values=values, **more)


def _svgs(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


def _cells(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return [rect for rect in svg.findall(".//{*}rect") if rect.get("width") == "38"]


def _texts(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.findall(".//{*}text")]


def _luminance(colour: tuple[float, ...]) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def _over(colour: tuple[float, ...], opacity: float, below: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(opacity * a + (1 - opacity) * b for a, b in zip(colour, below, strict=True))


@pytest.mark.parametrize("theme", TEXT_ON_PAPER)
@pytest.mark.parametrize("value", [-5.0, -1.0, -0.4, -0.01, 0.0, 0.01, 0.4, 1.0, 5.0])
def test_a_number_can_be_read_on_its_shade_in_both_themes(pictures: Any, theme: str, value: float) -> None:
    shade = re.fullmatch(r'fill="#(\w\w)(\w\w)(\w\w)" fill-opacity="([\d.]+)"', pictures.shade(value))
    assert shade
    colour, opacity = tuple(int(part, 16) for part in shade.groups()[:3]), float(shade[4])
    ink, ink_opacity, paper = TEXT_ON_PAPER[theme]
    behind = _over(colour, opacity, paper)
    lights = sorted(_luminance(part) for part in (behind, _over(ink, ink_opacity, behind)))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= LEGIBLE


def test_larger_numbers_are_darker_and_the_sign_has_its_own_colour(pictures: Any) -> None:
    shades = [pictures.shade(value, 2.0) for value in (0.0, 0.1, 0.5, 1.0, 2.0)]
    strengths = [float(shade.split('"')[3]) for shade in shades]
    assert strengths[0] == 0
    assert all(low < high for low, high in pairwise(strengths))
    assert pictures.shade(9.0, 2.0) == shades[-1], "what is beyond the scale is as dark as its end"
    assert pictures.shade(-0.5).split('"')[1] != pictures.shade(0.5).split('"')[1]
    assert 'fill-opacity="0.00"' in pictures.shade(float("nan"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "0.12"),
        (-0.126, "−0.13"),
        (0.0, "0"),
        (3.0, "3"),
        (7, "7"),
        (-0.004, "0.00"),
        (True, "1"),
        (-12.34, "−12.3"),
        (123.456, "123.5"),
        (1234.5, "1234"),
        (98765, "98765"),
        (123456, "1e+05"),
        (-123456, ""),
        (float("nan"), "nan"),
        (float("-inf"), "−inf"),
    ],
)
def test_a_number_is_written_in_five_characters_or_not_at_all(pictures: Any, value: float, text: str) -> None:
    assert pictures.number(value) == text


def test_cells_have_their_numbers_and_equal_rows_keep_their_letter(pictures: Any) -> None:
    values = np.array([[0.5, -0.25], [0.75, 0.0]])
    (svg,) = _svgs(pictures.wrapping([_box(pictures, "h", values, marks={(1,): "A"})]))
    assert [text for text in _texts(svg) if "." in text or text == "0"] == ["0.50", "−0.25", "0", "0.75", "0"]
    assert "A" in _texts(svg)
    assert len(_cells(svg)) == 4
    outlines = [rect for rect in svg.findall(".//{*}rect") if rect.get("stroke-width") == "2.5"]
    assert [rect.get("width") for rect in outlines] == ["76"], "the whole row has one outline"


def test_boxes_of_one_picture_share_a_scale(pictures: Any) -> None:
    small, large = np.array([[1.0]]), np.array([[4.0]])
    alone = _cells(_svgs(pictures.wrapping([_box(pictures, "a", small)]))[0])[0]
    beside = _cells(_svgs(pictures.wrapping([_box(pictures, "a", small), _box(pictures, "b", large)]))[0])[0]
    assert float(alone.get("fill-opacity", 0)) > float(beside.get("fill-opacity", 0)) > 0


def test_without_values_a_box_is_as_before(pictures: Any) -> None:
    svg = ElementTree.fromstring(pictures.drawing([[pictures.Box("h", (1, 3), ("batch", "units"))]], "h (1, 3)"))
    fills = [rect.get("fill") for rect in svg.findall(".//{*}rect") if rect.get("width") == "22"]
    assert fills == ["none"] * 3


def test_every_svg_is_an_image_with_a_name_and_a_description_of_its_own(pictures: Any) -> None:
    values = RNG.normal(size=(1, 8, 3))
    html = "".join(pictures.wrapping([_box(pictures, "output", values)], "A marks the last row.") for _ in range(3))
    html += pictures.wrapping([_box(pictures, "h", values[:, -1])])
    svgs = _svgs(html)
    for svg in svgs:
        description = svg.find("{*}desc")
        assert description is not None
        assert svg.get("aria-describedby") == description.get("id")
        assert svg.get("role") == "img"
        assert svg.get("aria-label") == svg.findtext("{*}title") != ""
    assert len({svg.get("aria-describedby") for svg in svgs}) == len(svgs) == 4
    assert svgs[0].findtext("{*}desc") == "output: 1, 8, 3\nA marks the last row."


def test_a_new_session_gives_the_same_ids(pictures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pictures.wrapping([_box(pictures, "h", np.zeros((1, 3)))])
    monkeypatch.delitem(sys.modules, "shapes.pictures")
    again = importlib.import_module("shapes.pictures")
    assert again.wrapping([_box(again, "h", np.zeros((1, 3)))]) == first


@pytest.mark.parametrize("shape", [(3,), (4, 3), (1, 8, 8), (4, 8, 3), (3, 4, 8, 8), (70, 60, 50)])
def test_no_picture_is_wider_than_a_small_window(pictures: Any, shape: tuple[int, ...]) -> None:
    labels = ("batch", "timesteps", "features", "units")[-len(shape) :]
    box = pictures.Box("output", shape, labels, values=RNG.normal(size=shape))
    html = pictures.wrapping([box])
    assert "flex-wrap:wrap" in html
    (svg,) = _svgs(html)
    assert int(svg.get("width", 0)) <= 480
    assert f"min-width:{svg.get('width')}px" in str(svg.get("style")), "its text never shrinks"
    assert min(int(element.get("font-size", 12)) for element in svg.iter()) >= 11


def test_all_samples_of_a_batch_of_four_are_drawn(pictures: Any) -> None:
    (svg,) = _svgs(pictures.wrapping([_box(pictures, "output", RNG.normal(size=(4, 8, 3)))]))
    assert len(_cells(svg)) == 4 * 8 * 3
    assert "⋯" not in _texts(svg)
