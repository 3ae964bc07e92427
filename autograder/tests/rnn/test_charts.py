"""The charts of the explorations: their text, their alternative text, their colours."""

import base64
import importlib
import io
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib import image, style

from autograder.tests.support import SOURCE

LINES = {"h": np.arange(30) / 30, "c": np.arange(30) / 15}
GATES = {"forget gate f": np.array([[0.25, 1.0], [0.75, 0.0]])}


@pytest.fixture(scope="module")
def charts() -> Iterator[Any]:
    """The module with the charts."""
    sys.path.insert(0, str(SOURCE))
    yield importlib.import_module("shapes.charts")
    sys.path.remove(str(SOURCE))


@pytest.fixture
def drawn(charts: Any) -> list[Any]:
    """Both kinds of chart."""
    return [
        charts.curves(LINES, "c exceeds <1>", "timesteps", "one of the units", {"one": 1.0}),
        charts.heat_map(GATES, "Gates open and close"),
    ]


def pixels(chart: Any) -> Any:
    found = re.search(r"base64,([^\"]+)", chart.html)
    assert found
    return image.imread(io.BytesIO(base64.b64decode(found[1])))


def test_the_numbers_of_a_chart_are_printed(drawn: list[Any]) -> None:
    assert repr(drawn[0]).splitlines() == [
        "c exceeds <1>",
        "h (one value in 2): 0.00 0.07 0.13 0.20 0.27 0.33 0.40 0.47 0.53 0.60 0.67 0.73 0.80 0.87 0.93",
        "c (one value in 2): 0.00 0.13 0.27 0.40 0.53 0.67 0.80 0.93 1.07 1.20 1.33 1.47 1.60 1.73 1.87",
        "one: 1.00",
    ]
    assert repr(drawn[1]).splitlines() == ["Gates open and close", "forget gate f, mean over units: 0.50 0.50"]


def test_a_screen_reader_hears_the_title_and_the_numbers(drawn: list[Any]) -> None:
    assert '<img alt="Chart: c exceeds &lt;1&gt;. Its numbers are below."' in drawn[0].html
    assert 'word-break:normal">h (one value in 2): 0.00' in drawn[0].html
    assert '<img alt="Chart: Gates open and close: forget gate f. Its numbers are below."' in drawn[1].html
    assert 'word-break:normal">forget gate f, mean over units: 0.50 0.50</pre>' in drawn[1].html


def test_charts_are_grey_on_white_paper(drawn: list[Any]) -> None:
    for chart in drawn:
        red, green, blue, opacity = np.moveaxis(pixels(chart), -1, 0)
        assert np.array_equal(red, green)
        assert np.array_equal(green, blue)
        assert (opacity == 1).all()  # no dark page shines through
        assert red[0, 0] == 1
        assert red.min() == 0


def test_a_dark_theme_inverts_a_chart(drawn: list[Any]) -> None:
    for chart in drawn:
        assert "[data-jp-theme-light=false] .shapes-chart," in chart.html
        assert "{filter:invert(.93)}</style>" in chart.html
        assert 'class="shapes-chart"' in chart.html


def test_a_chart_is_the_same_each_time_and_in_every_style(charts: Any, drawn: list[Any]) -> None:
    with style.context("dark_background"):
        again = charts.curves(LINES, "c exceeds <1>", "timesteps", "one of the units", {"one": 1.0})
    assert again == drawn[0]
    assert charts.heat_map(GATES, "Gates open and close") == drawn[1]


def test_a_chart_with_a_logarithmic_scale_is_another_picture(charts: Any) -> None:
    positive = {"loss": [8.0, 4.0, 2.0, 1.0]}
    plain, log = (charts.curves(positive, "title", "epochs", "loss", log=log) for log in (False, True))
    assert repr(plain) == repr(log)
    assert plain.html != log.html
