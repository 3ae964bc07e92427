"""Draw what is inside an LSTM cell and a GRU cell, with the letters of the course.

Gates are blue and rounded, candidates are orange and square, circles combine number by number. Colour is never the
only cue: a gate also has its σ, a candidate its tanh. Time runs to the right.
"""

import html
from collections.abc import Sequence
from typing import NamedTuple

from shapes.output import Shown, note
from shapes.pictures import ABOVE, BELOW, Drawn, svg_element

WIDE, HIGH = 440, 268  # px
TOP, MIDDLE, GATES, H_BUS, X_BUS = 66, 104, 150, 192, 210  # y of the lines and of the gates
LEFT, RIGHT, FLOOR = 60, 388, 228  # the cell's walls
Point = tuple[int, int]


class Part(NamedTuple):
    """A gate or a candidate: its letter, the range of its numbers, what it decides."""

    letter: str
    name: str
    numbers: str
    decides: str


LSTM = (
    Part("f", "forget gate", "0 … 1", "how much of each number of the old c stays"),
    Part("i", "input gate", "0 … 1", "how much of each candidate is added"),
    Part("c̃", "candidate", "−1 … 1", "what could be added to c"),
    Part("o", "output gate", "0 … 1", "how much of tanh(c) becomes h"),
)
GRU = (
    Part("z", "update gate", "0 … 1", "how much of each number of the old h stays"),
    Part("r", "reset gate", "0 … 1", "how much of the old h the candidate sees"),
    Part("h̃", "candidate", "−1 … 1", "what could replace the old h"),
)
EQUATIONS = {
    "LSTM": ("c_t = f · c_{t−1} + i · c̃", "h_t = o · tanh(c_t)"),
    "GRU": ("h_t = z · h_{t−1} + (1 − z) · h̃",),
}
TEXTS = {
    "LSTM": "An LSTM cell at one timestep. In go x_t, the hidden state h_{t−1} and the cell state c_{t−1}. "
    "Three gates f, i, o and the candidate c̃ are computed from x_t and h_{t−1}. The cell state is multiplied by f, "
    "then i times c̃ is added: this is c_t. The hidden state h_t is o times the tanh of c_t. Out go h_t and c_t.",
    "GRU": "A GRU cell at one timestep. In go x_t and the hidden state h_{t−1}; there is no cell state. Two gates z, r "
    "are computed from x_t and h_{t−1}; the candidate h̃ from x_t and the part of h_{t−1} that r lets through. "
    "h_t is z times h_{t−1} plus 1 − z times h̃. Out goes h_t.",
}


def draw_cell(cell: str = "LSTM") -> Shown:
    """Draw a cell at one timestep: what goes in, its gates and candidate, what comes out.

    Args:
        cell: "LSTM" or "GRU".

    Returns:
        The drawing, with a table of its letters; a sentence for another name.
    """
    kind = str(cell).upper()
    if kind not in EQUATIONS:
        return note(f'draw_cell: there is no drawing of {cell!r}. Pass "LSTM" or "GRU".')
    parts, inside = (LSTM, _lstm()) if kind == "LSTM" else (GRU, _gru())
    picture = svg_element(Drawn(inside, WIDE, HIGH), f"{kind} cell", TEXTS[kind], grow=1.4)
    lines = [f"{part.letter:3}{part.name:12}{part.numbers:8}{part.decides}" for part in parts]
    head = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in Part._fields)
    rows = "".join(f"<tr>{_row(part)}</tr>" for part in parts)
    equations = "<br>".join(_subscripts(line) for line in EQUATIONS[kind])
    table = f"<table><caption>Inside the {kind} cell</caption><tr>{head}</tr>{rows}</table>"
    text = "\n".join([TEXTS[kind], *lines, *EQUATIONS[kind]])
    return Shown(text, f'<div style="overflow-x:auto">{picture}</div><p>{equations}</p>{table}')


def _row(part: Part) -> str:
    first = f'<th scope="row" style="text-align:left">{part.letter}</th>'
    return first + "".join(f'<td style="text-align:left">{text}</td>' for text in part[1:])


def _lstm() -> str:
    f, i, candidate, o, end = 118, 180, 242, 304, 360
    middle = (i + candidate) // 2
    return "".join(
        [
            _walls("LSTM cell"),
            _line([(8, TOP), (f - 11, TOP)], 3) + _line([(f + 11, TOP), (middle - 11, TOP)], 3),
            _line([(middle + 11, TOP), (WIDE - 8, TOP)], 3),
            _line([(8, H_BUS), (o - 8, H_BUS)], arrow=False) + _line([(92, HIGH - 8), (92, X_BUS)], arrow=False),
            _line([(92, X_BUS), (o + 8, X_BUS)], arrow=False),
            *(_inputs(x) for x in (f, i, candidate, o)),
            _line([(f, GATES - 18), (f, TOP + 11)]),
            _line([(i, GATES - 18), (i, MIDDLE), (middle - 11, MIDDLE)]),
            _line([(candidate, GATES - 18), (candidate, MIDDLE), (middle + 11, MIDDLE)]),
            _line([(middle, MIDDLE - 11), (middle, TOP + 11)]),
            _line([(end, TOP), (end, MIDDLE - 12)]) + _dot(end, TOP) + _line([(end, MIDDLE + 11), (end, GATES - 11)]),
            _line([(o + 20, GATES), (end - 11, GATES)]),
            _line([(end, GATES + 11), (end, H_BUS), (WIDE - 8, H_BUS)]),
            _gate(f, "f", "σ") + _gate(i, "i", "σ") + _gate(candidate, "c̃", "tanh") + _gate(o, "o", "σ"),
            _operation(f, TOP, "×") + _operation(middle, TOP, "+") + _operation(middle, MIDDLE, "×"),
            _operation(end, MIDDLE, "tanh") + _operation(end, GATES, "×"),
            _letter(10, TOP - 10, "c", "t−1") + _letter(10, H_BUS - 10, "h", "t−1") + _letter(100, HIGH - 12, "x", "t"),
            _letter(402, TOP - 10, "c", "t") + _letter(402, H_BUS - 10, "h", "t"),
            _note(128, HIGH - 12, "data at timestep t"),
        ]
    )


def _gru() -> str:
    z, r, reset, candidate = 122, 202, 262, 326
    return "".join(
        [
            _walls("GRU cell"),
            _line([(8, TOP), (z - 11, TOP)], 3) + _line([(z + 11, TOP), (candidate - 11, TOP)], 3),
            _line([(candidate + 11, TOP), (WIDE - 8, TOP)], 3),
            _dot(84, TOP) + _line([(84, TOP), (84, H_BUS), (reset, H_BUS), (reset, GATES + 11)]),
            _line([(104, HIGH - 8), (104, X_BUS), (candidate, X_BUS), (candidate, GATES + 19)]),
            _inputs(z) + _inputs(r),
            _line([(z, GATES - 18), (z, TOP + 11)]),
            _dot(z, MIDDLE) + _line([(z, MIDDLE), (r - 16, MIDDLE)]),
            _line([(r + 15, MIDDLE), (candidate - 11, MIDDLE)]),
            _line([(r + 20, GATES), (reset - 11, GATES)]) + _line([(reset + 11, GATES), (candidate - 22, GATES)]),
            _line([(candidate, GATES - 18), (candidate, MIDDLE + 11)]),
            _line([(candidate, MIDDLE - 11), (candidate, TOP + 11)]),
            _gate(z, "z", "σ") + _gate(r, "r", "σ") + _gate(candidate, "h̃", "tanh"),
            _operation(z, TOP, "×") + _operation(candidate, TOP, "+") + _operation(candidate, MIDDLE, "×"),
            _operation(r, MIDDLE, "1 − z") + _operation(reset, GATES, "×"),
            _letter(10, TOP - 10, "h", "t−1") + _letter(402, TOP - 10, "h", "t"),
            _letter(112, HIGH - 12, "x", "t") + _note(140, HIGH - 12, "data at timestep t"),
        ]
    )


def _walls(name: str) -> str:
    size = f'width="{RIGHT - LEFT}" height="{FLOOR - 36}"'
    rect = f'<rect x="{LEFT}" y="36" {size} rx="14" fill="currentColor" fill-opacity=".05" {_stroke(1.5)}/>'
    return rect + f'<text x="{LEFT + 4}" y="26" font-weight="bold" font-size="14">{name}</text>'


def _inputs(x: int) -> str:
    """Draw the two arrows into a gate: from the old hidden state and from the data."""
    paths = _line([(x - 8, H_BUS), (x - 8, GATES + 19)]) + _line([(x + 8, X_BUS), (x + 8, GATES + 19)])
    return paths + _dot(x - 8, H_BUS) + _dot(x + 8, X_BUS)


def _gate(x: int, letter: str, function: str) -> str:
    """Draw a gate, or a candidate if its function is tanh: its letter, its function below."""
    colour, corner = (ABOVE, 2) if function == "tanh" else (BELOW, 12)
    place = f'x="{x - 21}" y="{GATES - 18}" width="42" height="36" rx="{corner}"'
    return (
        f'<rect {place} fill="{colour}" fill-opacity=".35" {_stroke(1.5)}/>'
        f'<text x="{x}" y="{GATES - 1}" text-anchor="middle" font-weight="bold" font-size="15">{letter}</text>'
        f'<text x="{x}" y="{GATES + 13}" text-anchor="middle" font-size="11">{function}</text>'
    )


def _operation(x: int, y: int, sign: str) -> str:
    """Draw a circle that combines two lines number by number; a pill around a longer sign."""
    half, size = (11, 17) if len(sign) == 1 else (16 if len(sign) > 4 else 15, 11)
    place = f'x="{x - half}" y="{y - 11}" width="{2 * half}" height="22" rx="11"'
    text = f'<text x="{x}" y="{y + (6 if len(sign) == 1 else 4)}" text-anchor="middle" font-size="{size}">{sign}</text>'
    return f'<rect {place} fill="none" {_stroke(1.5)}/>{text}'


def _line(points: Sequence[Point], width: float = 1.5, arrow: bool = True) -> str:
    """Draw a line through points, with an arrow's head at its end."""
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    svg = f'<path d="{path}" fill="none" {_stroke(width)}/>'
    if not arrow:
        return svg
    (x0, y0), (x, y) = points[-2:]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    back, side = 7, 4
    corners = [(x, y), *((x - back * dx + side * s * dy, y - back * dy + side * s * dx) for s in (1, -1))]
    return svg + f'<path d="M{"L".join(f"{a} {b}" for a, b in corners)}Z"/>'


def _dot(x: int, y: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="3"/>'


def _stroke(width: float) -> str:
    return f'stroke="currentColor" stroke-width="{width:g}"'


def _letter(x: int, y: int, letter: str, index: str) -> str:
    below = f'<tspan dy="4" font-size="12">{index}</tspan>'
    return f'<text x="{x}" y="{y}" font-size="16" font-weight="bold">{letter}{below}</text>'


def _note(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="11">{text}</text>'


def _subscripts(equation: str) -> str:
    """Write c_t and h_{t−1} with their index below."""
    text = html.escape(equation).replace("_{t−1}", "<sub>t−1</sub>")
    return text.replace("_t", "<sub>t</sub>")
