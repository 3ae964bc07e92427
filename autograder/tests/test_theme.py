"""The mark and the colours: readable in both themes, and the same wherever they are used."""

import re
import xml.etree.ElementTree as ET

import pytest

from autograder import theme
from autograder.reports.html import engine
from autograder.tests.support import ROOT

READABLE = 4.5  # WCAG 2.1, level AA, for text


def _luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_that_of_the_guidelines_examples() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "note", "main", "warm"])
@pytest.mark.parametrize("background", ["paper", "soft"])
def test_text_can_be_read_in_both_themes(colours: theme.Theme, text: str, background: str) -> None:
    assert _contrast(getattr(colours, text), getattr(colours, background)) >= READABLE


def test_the_marks_own_colours_can_be_told_apart() -> None:
    assert _contrast(theme.ON_MAIN, theme.MAIN) >= READABLE
    assert _contrast(theme.WARM, theme.MAIN) >= READABLE


def test_the_mark_is_a_small_picture_that_loads_nothing() -> None:
    assert len(theme.mark()) < 1000
    root = ET.fromstring(theme.mark())
    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert tags == {"svg", "rect", "g", "path"}
    assert root.get("aria-label")
    assert set(re.findall("#[0-9a-f]+", theme.mark())) == {theme.MAIN, theme.WARM, theme.ON_MAIN}


def test_readme_and_docs_show_this_mark() -> None:
    """If this fails: write `autograder.theme.mark()` to the file."""
    path = "autograder/docs/pages/assets/mark.svg"
    assert (ROOT / path).read_text(encoding="utf-8") == theme.mark()
    assert f'src="{path}"' in (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / "autograder/docs/mkdocs.yml").read_text(encoding="utf-8").count("assets/mark.svg") == 2


@pytest.mark.parametrize("name", ["report.html", "feedback.html"])
def test_no_page_template_chooses_a_colour_itself(name: str) -> None:
    """A colour in a template is a variable of the theme, but for white paper and black on grey in pictures."""
    source = "".join(
        (ROOT / "autograder/reports/templates" / part).read_text(encoding="utf-8") for part in ("base.html", name)
    )
    assert set(re.findall(r"#[0-9a-f]{3,6}\b(?=[;} ])", source)) <= {"#fff", "#bbb", "#ddd", "#000"}
    assert set(re.findall(r"var\(--(\w+)\)", source)) <= set(theme.Theme.__dataclass_fields__)


def test_a_page_has_the_mark_and_both_themes() -> None:
    page = engine().get_template("base.html").render()
    assert theme.mark() in page
    assert page.index(theme.css_variables(theme.LIGHT)) < page.index("prefers-color-scheme: dark")
    assert page.index("prefers-color-scheme: dark") < page.index(theme.css_variables(theme.DARK))
