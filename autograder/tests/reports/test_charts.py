"""Charts of a small class with long names: whole numbers, short labels, and legends that cover nothing."""

import re
from typing import TYPE_CHECKING

import pytest

from autograder.gradebook.queries import Row, Table
from autograder.model import Status
from autograder.reports import charts
from autograder.reports.class_statistics import ClassReport, class_report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("sum_of_squares_uses_squares_1", "sum_of_squares_uses_squares_2", "cell-938593c4a215c6cc", "part-a")


@pytest.fixture(scope="module")
def report() -> ClassReport:
    """A class of two."""
    marks = {"ann": dict.fromkeys(NAMES, 1.0), "bob": dict.fromkeys(NAMES, 0.0)}
    rows = tuple(Row(student, own, sum(own.values()), 4.0, Status.GRADED, "", ()) for student, own in marks.items())
    return class_report(Table("ps1", dict.fromkeys(NAMES, 1.0), rows, {name: ("one", name) for name in NAMES}), {})


def test_long_names_are_cut_in_the_middle() -> None:
    labels = [charts.label(name) for name in NAMES]
    assert labels == ["sum_of_sq…quares_1", "sum_of_sq…quares_2", "cell-9385…a215c6cc", "part-a"]


@pytest.mark.parametrize("width", [charts.WIDE, charts.NARROW])
def test_a_chart_of_two_students_is_whole(report: ClassReport, width: float, monkeypatch: pytest.MonkeyPatch) -> None:
    write = charts._svg

    def checked(figure: "Figure") -> str:
        text = write(figure)  # the layout is known now
        whole = figure.bbox
        for legend in figure.legends:
            assert not legend.get_window_extent().overlaps(figure.axes[0].get_window_extent())
            for name in legend.get_texts():
                assert whole.x0 <= name.get_window_extent().x0 < name.get_window_extent().x1 <= whole.x1
        return text

    monkeypatch.setattr(charts, "_svg", checked)
    drawn = (
        charts.distribution([line.score or 0.0 for line in report.lines], 4.0, width),
        charts.outcomes(report.questions, width),
        charts.heat(report.lines, NAMES, width),
    )
    for svg in drawn:
        assert not re.search(r">\d+\.\d+</text>", svg), "an axis counts parts of a student"
    assert all(charts.label(name) in svg for name in NAMES for svg in drawn[1:])
