"""Draw charts of a class with matplotlib, as self-contained SVG that is readable without colour.

Greys show amounts and hatches show kinds. For each chart, a table or sentence on the page says the same. Names of
students are not drawn: fonts may lack characters, and a picture cannot be searched.
"""

import io
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograder.reports.class_statistics import OUTCOMES, Question, StudentRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

Amounts = npt.NDArray[np.float64]

WIDTH = 9.0  # inches
STYLE = {  # grey and hatch of each outcome
    "right": ("0.25", ""),
    "partly right": ("0.6", "///"),
    "wrong": ("1.0", ""),
    "not answered": ("1.0", "\\\\\\\\"),
    "no evidence": ("0.8", "xxx"),
    "open": ("1.0", "---"),
}
AMOUNT = {"right": 1.0, "partly right": 0.5, "wrong": 0.0, "not answered": 0.0, "no evidence": 0.0}
MOST_BARS = 40
MOST_ROWS = 300  # a screen cannot show more rows separately
NOTHING_KNOWN = float("nan")


def distribution(scores: Sequence[float], most: float) -> str:
    """Draw a histogram of the scores, from 0 to `most`."""
    from matplotlib.ticker import MaxNLocator

    with _figure(2.6) as figure:
        axes = figure.add_subplot()
        points = round(most) if round(most) in range(1, MOST_BARS) else MOST_BARS
        half = most / points / 2  # a bar is centred on its score
        axes.hist(scores, bins=points + 1, range=(-half, most + half), color="0.55", edgecolor="black")
        if len(scores):
            axes.axvline(float(np.median(scores)), color="black", linestyle="--", label="median")
            axes.legend(frameon=False, loc="upper left")
        axes.set_xlabel("score")
        axes.set_ylabel("students")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        return _svg(figure)


def outcomes(questions: Sequence[Question]) -> str:
    """Draw one bar for each question, top to bottom: the share of each outcome."""
    words = [word for word in OUTCOMES if word in STYLE]
    with _figure(0.8 + 0.26 * len(questions)) as figure:
        axes = figure.add_subplot()
        left = np.zeros(len(questions))
        totals = np.array([max(sum(question.outcomes[word] for word in words), 1) for question in questions])
        for word in words:
            shares = np.array([question.outcomes[word] for question in questions]) / totals * 100
            grey, hatch = STYLE[word]
            places = range(len(questions))
            axes.barh(places, shares, left=left, color=grey, hatch=hatch, edgecolor="black", linewidth=0.6, label=word)
            left += shares
        axes.set_yticks(range(len(questions)), [question.name for question in questions])
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("% of those who handed in")
        axes.legend(frameon=False, ncols=len(words), loc="lower left", bbox_to_anchor=(0, 1), fontsize="small")
        return _svg(figure)


def heat(lines: Sequence[StudentRow], names: Sequence[str]) -> str:
    """Draw students, best first, against questions: dark is right, white is wrong, hatched is not marked yet."""
    amounts = _thinned(np.array([[AMOUNT.get(word, NOTHING_KNOWN) for word in line.outcomes] for line in lines]))
    with _figure(5.0) as figure:
        axes = figure.add_subplot()
        extent = (-0.5, len(names) - 0.5, len(lines) + 0.5, 0.5)
        axes.axvspan(-0.5, len(names) - 0.5, facecolor="1.0", edgecolor="0.4", hatch="////", linewidth=0, zorder=-1)
        image = axes.imshow(amounts, "Greys", vmin=0, vmax=1.15, aspect="auto", extent=extent, interpolation="nearest")
        axes.set_xticks(range(len(names)), list(names), rotation=60, ha="right", rotation_mode="anchor")
        axes.set_ylabel("students, best first")
        bar = figure.colorbar(image, ticks=[0, 0.5, 1], boundaries=np.linspace(0, 1, 64), pad=0.02)
        bar.ax.set_yticklabels(["nothing", "half", "right"])
        return _svg(figure)


def _thinned(amounts: Amounts) -> Amounts:
    """Return at most `MOST_ROWS` rows, each the mean of neighbouring rows; NaN if none of them is known."""
    groups = np.array_split(amounts, min(len(amounts), MOST_ROWS))
    known = np.array([(~np.isnan(group)).sum(axis=0) for group in groups])
    sums = np.array([np.nansum(group, axis=0) for group in groups])
    means: Amounts = np.divide(sums, known, out=np.full(sums.shape, NOTHING_KNOWN), where=known > 0)
    return means


@contextmanager
def _figure(height: float) -> "Iterator[Figure]":
    import matplotlib as mpl  # here: the import takes half a second, and other commands do not need it
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "autograder",
        "text.parse_math": False,
        "hatch.linewidth": 0.5,
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser has other fonts
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def _svg(figure: "Figure") -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return text.getvalue()
