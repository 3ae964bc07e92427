"""The charts of the explorations: curves, and heat maps of gates.

Charts are grey on white paper; in a dark theme they are inverted. Lines differ by dash and marker, heat maps contain
their numbers. The numbers of each chart are also below it as text, and its title is its alternative text.
"""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from shapes.output import Shown

STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))  # dash and marker of a line
POINTS = 20  # of a longer line only some values get a marker and are printed
LABEL = {"ha": "left", "va": "center", "xytext": (4, 0), "textcoords": "offset points"}  # right of the frame
DARK = ("[data-jp-theme-light=false]", ".vscode-dark", "html[theme=dark]", "[data-md-color-scheme=slate]")
INVERTED = f"<style>{','.join(f'{theme} .shapes-chart' for theme in DARK)}{{filter:invert(.93)}}</style>"
WRAP = "white-space:pre-wrap;word-break:normal"  # between numbers, not within them
ROW = "display:flex;flex-wrap:wrap;gap:8px 16px"
PALE = 2.2  # the number that would be black: all shades up to 1 are pale enough for black text, inverted too
DPI, CSS_DPI = 144, 96  # dots an inch of the image, and of a browser's pixels


def heat_map(panels: Mapping[str, Any], title: str) -> Shown:
    """Draw arrays (units, timesteps) of numbers between 0 and 1 side by side, with each number in its square.

    Args:
        panels: the arrays by name.
        title: what the picture shows, in one sentence.

    Returns:
        The picture; its text contains each array's mean over the units.
    """
    figures = {f"{title}: {name}": _panel(name, array) for name, array in panels.items()}
    return _shown(figures, title, {f"{name}, mean over units": array.mean(axis=0) for name, array in panels.items()})


def _panel(name: str, array: Any) -> Figure:
    """Draw one heat map. Each is a picture of its own, so that they wrap in a narrow window."""
    units, steps = array.shape
    with style.context("default"):  # white paper, whatever style the learner has set
        figure = Figure(figsize=(max(3.2, 0.5 * steps + 0.8), 0.4 * units + 1.2), layout="constrained")
        place = figure.subplots()
        place.imshow(array, cmap="Greys", vmin=0, vmax=PALE, aspect="auto")
        place.set(title=name, xlabel="timesteps", ylabel="units", xticks=range(steps), yticks=range(units))
        for (unit, step), value in np.ndenumerate(array):
            place.text(step, unit, f"{value:.2f}", ha="center", va="center", fontsize=9)
    return figure


def curves(
    lines: Mapping[str, Sequence[float]],
    title: str,
    x: str,
    y: str,
    levels: Mapping[str, float] | None = None,
    log: bool = False,
) -> Shown:
    """Draw lines that differ by dash and marker, and named horizontal lines.

    Args:
        lines: the lines by name, at most four.
        title: what the picture shows, in one sentence.
        x: the label of the axis that runs to the right.
        y: the label of the axis that runs upwards.
        levels: horizontal lines by name.
        log: whether y has a logarithmic scale.

    Returns:
        The picture; its text contains the numbers.
    """
    with style.context("default"):  # white paper, whatever style the learner has set
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        place = figure.subplots()
        for (dash, marker), (name, values) in zip(STYLES, lines.items(), strict=False):
            every = math.ceil(len(values) / POINTS)
            place.plot(values, linestyle=dash, marker=marker, markevery=every, color="black", label=name, markersize=5)
        for name, level in (levels or {}).items():
            place.axhline(level, color="dimgrey", linewidth=1)
            place.annotate(name, (1, level), xycoords=("axes fraction", "data"), **LABEL)
        place.set(title=title, xlabel=x, ylabel=y, yscale="log" if log else "linear")
        place.legend()
        place.xaxis.get_major_locator().set_params(integer=True)
    return _shown({title: figure}, title, {**lines, **{name: [level] for name, level in (levels or {}).items()}})


def _shown(figures: Mapping[str, Figure], title: str, lines: Mapping[str, Sequence[float]]) -> Shown:
    """Return figures as images that a screen reader reads out, with their numbers as text below."""
    numbers = "\n".join(_numbers(name, values) for name, values in lines.items())
    head = f"<p>{html.escape(title)}</p>" if len(figures) > 1 else ""
    pictures = f'<div style="{ROW}">{"".join(_image(*one) for one in figures.items())}</div>'
    shown = f'{INVERTED}{head}{pictures}<pre style="{WRAP}">{html.escape(numbers)}</pre>'
    return Shown(f"{title}\n{numbers}", shown)


def _image(name: str, figure: Figure) -> str:
    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
        image = base64.b64encode(file.getvalue()).decode()
    alt = html.escape(f"Chart: {name}. Its numbers are below.")
    size = f'class="shapes-chart" style="width:{round(figure.get_figwidth() * CSS_DPI)}px;max-width:100%"'
    return f'<img alt="{alt}" src="data:image/png;base64,{image}" {size}>'


def _numbers(name: str, values: Sequence[float]) -> str:
    every = math.ceil(len(values) / POINTS)
    each = f" (one value in {every})" if every > 1 else ""
    return f"{name}{each}: " + " ".join(f"{value:.2f}" for value in list(values)[::every])
