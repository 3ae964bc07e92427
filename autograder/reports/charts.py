"""Draw charts of a class with matplotlib, as self-contained SVG that is readable without colour.

Dark and light show amounts, and hatches show kinds. For each chart, a table or sentence on the page says the same.
Names of students are not drawn: fonts may lack characters, and a picture cannot be searched. Lines and text have the
page's colour, light or dark. Each chart can be drawn narrow, for a telephone. Long names of questions are cut in the
middle: a chart has room for its bars only if its labels are short, and the tables have the whole names.
"""

import io
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograder import theme
from autograder.reports.class_statistics import Question, StudentRow
from autograder.reports.outcomes import QuestionOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

Amounts = npt.NDArray[np.float64]

WIDE, NARROW = 9.0, 3.9  # inches
INK = "#010203"  # stands for the page's colour of text until the SVG is written
STYLE = {  # fill and hatch of each outcome, in the order of the bars
    QuestionOutcome.RIGHT: (theme.MAIN, ""),
    QuestionOutcome.PARTLY_RIGHT: ("0.6", "///"),
    QuestionOutcome.WRONG: ("1.0", ""),
    QuestionOutcome.NOT_ANSWERED: ("1.0", "\\\\\\\\"),
    QuestionOutcome.NOT_JUDGED: ("0.8", "xxx"),
    QuestionOutcome.NOT_MARKED: ("1.0", "---"),
}
AMOUNT = {
    QuestionOutcome.RIGHT: 1.0,
    QuestionOutcome.PARTLY_RIGHT: 0.5,
    QuestionOutcome.WRONG: 0.0,
    QuestionOutcome.NOT_ANSWERED: 0.0,
    QuestionOutcome.NOT_JUDGED: 0.0,
}
LONGEST_LABEL = 18  # characters of a question's name
LETTER = 0.085  # inches, of a label
MOST_BARS = 40
MOST_ROWS = 300  # a screen cannot show more rows separately
NOTHING_KNOWN = float("nan")


def distribution(scores: Sequence[float], most: float, width: float = WIDE) -> str:
    """Draw a histogram of the scores, from 0 to `most`."""
    with _figure(2.6, width) as figure:
        axes = figure.add_subplot()
        points = round(most) if round(most) in range(1, MOST_BARS) else MOST_BARS
        half = most / points / 2  # a bar is centred on its score
        axes.hist(scores, bins=points + 1, range=(-half, most + half), color="0.55", edgecolor=INK)
        if len(scores):
            axes.axvline(float(np.median(scores)), color=INK, linestyle="--", label="median")
            _legend(figure)
        axes.set_xlabel("score")
        axes.set_ylabel("students")
        if most > 2:
            axes.xaxis.set_major_locator(_whole_numbers())
        axes.yaxis.set_major_locator(_whole_numbers())
        return _svg(figure)


def outcomes(questions: Sequence[Question], width: float = WIDE) -> str:
    """Draw one bar for each question, top to bottom: the share of each outcome."""
    columns = len(STYLE) if width == WIDE else 2
    with _figure(0.6 + 0.2 * len(STYLE) / columns + 0.26 * len(questions), width) as figure:
        axes = figure.add_subplot()
        left = np.zeros(len(questions))
        totals = np.array([max(sum(question.outcomes[word] for word in STYLE), 1) for question in questions])
        for word, (fill, hatch) in STYLE.items():
            shares = np.array([question.outcomes[word] for question in questions]) / totals * 100
            places = range(len(questions))
            look: Any = {"color": fill, "hatch": hatch, "hatchcolor": "black", "edgecolor": INK, "linewidth": 0.6}
            axes.barh(places, shares, left=left, label=str(word), **look)
            left += shares
        axes.set_yticks(range(len(questions)), [label(question.name) for question in questions])
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("% of those who handed in")
        _legend(figure, columns)
        return _svg(figure)


def heat(lines: Sequence[StudentRow], names: Sequence[str], width: float = WIDE) -> str:
    """Draw students, best first, against questions: dark is right, white is wrong, hatched is not marked yet."""
    from matplotlib.colors import LinearSegmentedColormap

    amounts = _thinned(np.array([[AMOUNT.get(word, NOTHING_KNOWN) for word in line.outcomes] for line in lines]))
    labels = [label(name) for name in names]
    with _figure(min(5.0, 1.1 + 0.12 * len(lines)) + LETTER * max(map(len, labels), default=0), width) as figure:
        axes = figure.add_subplot()
        extent = (-0.5, len(names) - 0.5, len(lines) + 0.5, 0.5)
        axes.axvspan(-0.5, len(names) - 0.5, facecolor="1.0", edgecolor="0.4", hatch="////", linewidth=0, zorder=-1)
        shades = LinearSegmentedColormap.from_list("amounts", [theme.LIGHT.paper, theme.MAIN])
        image = axes.imshow(amounts, shades, vmin=0, vmax=1, aspect="auto", extent=extent, interpolation="nearest")
        turned: Any = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
        narrow: Any = {"rotation": 90, "fontsize": "x-small"}
        axes.set_xticks(range(len(names)), labels, **(turned if width == WIDE else narrow))
        axes.yaxis.set_major_locator(_whole_numbers())
        axes.set_ylabel("students, best first")
        bar = figure.colorbar(image, ticks=[0, 0.5, 1], boundaries=np.linspace(0, 1, 64), pad=0.02)
        bar.ax.set_yticklabels(["nothing", "half", "right"])
        return _svg(figure)


def label(name: str) -> str:
    """Return a question's name, cut in the middle if it is long: names often differ only at their ends."""
    half = LONGEST_LABEL // 2
    return name if len(name) <= LONGEST_LABEL else f"{name[:half]}…{name[1 - half :]}"


def _whole_numbers() -> "MaxNLocator":
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True, min_n_ticks=1)  # with more ticks, it would count halves of a student


def _legend(figure: "Figure", columns: int = 1) -> None:
    """Add a legend above everything else, where it covers nothing and has the whole width."""
    figure.legend(frameon=False, ncols=columns, loc="outside upper left", fontsize="small")


def _thinned(amounts: Amounts) -> Amounts:
    """Return at most `MOST_ROWS` rows, each the mean of neighbouring rows; NaN if none of them is known."""
    groups = np.array_split(amounts, min(len(amounts), MOST_ROWS))
    known = np.array([(~np.isnan(group)).sum(axis=0) for group in groups])
    sums = np.array([np.nansum(group, axis=0) for group in groups])
    means: Amounts = np.divide(sums, known, out=np.full(sums.shape, NOTHING_KNOWN), where=known > 0)
    return means


@contextmanager
def _figure(height: float, width: float) -> "Iterator[Figure]":
    import matplotlib as mpl  # here: the import takes half a second, and other commands do not need it
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "autograder",
        "text.parse_math": False,
        "hatch.linewidth": 0.5,
        "savefig.transparent": True,
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser has other fonts
        yield Figure(figsize=(width, height), layout="constrained")


def _svg(figure: "Figure") -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    themes = "<style>svg { color: #111 } @media (prefers-color-scheme: dark) { svg { color: #eee } }</style>"
    return text.getvalue().replace(INK, "currentColor").replace("<defs>", f"{themes}<defs>", 1)
