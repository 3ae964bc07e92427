"""A walk through one recurrent cell: the numbers of a real Keras layer, and a picture of each step.

In a picture the rows of `data` are on the left, the cell is in the middle, the rows of `output` are on the right, each
beside the timestep that it belongs to. What the layer computes but does not return has dashed lines.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from shapes.pictures import Drawn, number, shade, svg_element

CELL, ROW, LINE = 34, 22, 20  # px: a cell's width, the distance of two rows, a row's height
DATA_X, TOP, BOX = 24, 42, 52  # px: where data begins, where rows begin, the height of the box of the cell
SEED = 11
MOST = {"batch": 4, "timesteps": 8, "features": 2, "units": 4}
DATA_SCALE = 2.0  # the number with the darkest shade


class Walk(NamedTuple):
    """The numbers of a layer: data (batch, timesteps, features), the states h and c after each timestep.

    `h` and `c` have the axes (batch, timesteps, units); a GRU has no c.
    """

    kind: str
    data: Any
    h: Any
    c: Any

    def returned(self, sequences: bool, state: bool) -> dict[str, Any]:
        """Return what the layer returns with these flags, by name."""
        arrays = {"output": self.h if sequences else self.h[:, -1]}
        states = {"h": self.h[:, -1]} | ({} if self.c is None else {"c": self.c[:, -1]})
        return arrays | (states if state else {})


class View(NamedTuple):
    """What a picture shows: a walk, one sample of it, how many steps are done, the flags."""

    walk: Walk
    sample: int
    done: int
    sequences: bool
    state: bool


@lru_cache(maxsize=64)
def walk(kind: str, batch: int, timesteps: int, units: int) -> Walk:
    """Compute the states of a Keras layer at each timestep. Its weights and data are the same in every session.

    Neither the session's random numbers nor the names of its layers change.

    Args:
        kind: "LSTM" or "GRU".
        batch: the number of samples, 1 to 4.
        timesteps: the number of timesteps, 1 to 8.
        units: the number of units.
    """
    import keras

    sizes = (MOST["batch"], MOST["timesteps"], MOST["features"])
    data = np.random.default_rng(SEED).normal(size=sizes).round(1).astype("float32")[:batch, :timesteps]
    layer = getattr(keras.layers, kind)(
        units,
        name="explored",
        seed=SEED,
        kernel_initializer=keras.initializers.GlorotUniform(seed=SEED),
        recurrent_initializer=keras.initializers.Orthogonal(seed=SEED),
    )
    layer.build(data.shape)
    state = [keras.ops.zeros((batch, units)) for _ in range(2 if kind == "LSTM" else 1)]
    states = []
    for step in range(timesteps):
        _, state = layer.cell(data[:, step], state)
        states.append(np.stack([keras.ops.convert_to_numpy(part) for part in state]))
    h, *c = np.stack(states, axis=2)  # (states, batch, timesteps, units)
    return Walk(kind, data, h, c[0] if c else None)


def frame(view: View) -> str:
    """Return the picture of one sample at one step as an SVG, with a description in words."""
    return svg_element(_Frame(view).drawn(), _title(view), describe(view), grow=1.35)


def describe(view: View) -> str:
    """Describe a picture in words: what went in, what came out, what the layer returns."""
    walk, step, steps = view.walk, view.done - 1, view.walk.h.shape[1]
    if step < 0:
        return "No timestep is read yet. The state starts at zeros."
    numbers = ", ".join(map(number, walk.h[view.sample, step].tolist()))
    here = f"In sample {view.sample} the" if len(walk.data) > 1 else "The"
    text = f"{here} cell has read data[{view.sample}, {step}] and the state before it. The new h is {numbers}."
    if view.done < steps:
        kept = f"It is row {step} of output." if view.sequences else "The next step replaces it."
        return f"{text} {kept}"
    text += f" It is the last row of output; {steps} rows are returned." if view.sequences else " It is output."
    return text + (" The returned h has the same numbers." if view.state else "")


def _title(view: View) -> str:
    return f"{view.walk.kind}, sample {view.sample}, after {view.done} of {view.walk.h.shape[1]} timesteps"


class _Frame:
    """The parts of a picture and their places."""

    def __init__(self, view: View) -> None:
        self.view, self.walk = view, view.walk
        self.h, self.c = view.walk.h[view.sample], None if view.walk.c is None else view.walk.c[view.sample]
        self.steps, self.units = self.h.shape
        self.wide = CELL * self.units
        self.cell_x = DATA_X + CELL * MOST["features"] + 30
        self.states_x = self.cell_x + 34
        self.cell_wide = self.wide + 42
        self.output_x = self.cell_x + self.cell_wide + 30
        self.index = f"[{view.sample}]" if len(view.walk.data) > 1 else ""
        self.names = ["h"] if self.c is None else ["h", "c"]
        self.box_y = TOP + ROW * len(self.names) + 18
        self.out_y = self.box_y + BOX + 18
        self.floor = max(TOP + ROW * self.steps, self.out_y + ROW * len(self.names)) + 12
        self.most = max(float(np.abs(part).max()) for part in (self.h, self.c) if part is not None)

    def drawn(self) -> Drawn:
        """Draw everything."""
        parts = [self._heads(), self._data(), self._cell(), self._output(), self._returned()]
        height = self.floor + 16 + ROW * len(self.names)
        return Drawn("".join(parts), self.output_x + max(self.wide, 2 * CELL) + 26, height)

    def _heads(self) -> str:
        return (
            _text(DATA_X, 14, "data" + self.index, bold=True)
            + _text(DATA_X, 32, "features →")
            + _text(self.cell_x, 14, f"one {self.walk.kind} cell", bold=True)
            + _text(self.cell_x, 32, "the state before")
            + _text(self.output_x, 14, "output" + self.index, bold=True)
            + _text(self.output_x, 32, "units →")
        )

    def _data(self) -> str:
        svg = ""
        for step, row in enumerate(self.walk.data[self.view.sample].tolist()):
            y = TOP + ROW * step
            svg += _letter(2, y + 15, "x", str(step)) + _row(DATA_X, y, row, DATA_SCALE, step == self.view.done - 1)
        if self.view.done:
            step = self.view.done - 1
            row = self.walk.data[self.view.sample, step].tolist()
            move = (self.cell_x - DATA_X - 20, self.box_y + 16 - TOP - ROW * step)
            token = _paper(DATA_X, TOP + ROW * step, len(row)) + _row(DATA_X, TOP + ROW * step, row, DATA_SCALE, True)
            svg += _moving(token, "in", move)
            x, y = DATA_X + CELL * len(row), TOP + ROW * step + LINE // 2
            svg += _arrow([(x, y), (x + 14, y), (x + 14, self.box_y + 26), (self.cell_x, self.box_y + 26)])
        return svg

    def _cell(self) -> str:
        """Draw the state before, the box of the cell, the state after, and the way back for the next step."""
        x, middle = self.cell_x, self.cell_x + self.cell_wide // 2
        box = f'<rect x="{x}" y="{self.box_y}" width="{self.cell_wide}" height="{BOX}" rx="12" '
        box += 'fill="#0072B2" fill-opacity=".22" stroke="currentColor" stroke-width="2"/>'
        step = self.view.done - 1
        at = f"timestep {step}" if step >= 0 else "not started"
        svg = box + _text(middle, self.box_y + 23, self.walk.kind, bold=True, anchor="middle", size=15)
        svg += _text(middle, self.box_y + 41, at, anchor="middle")
        svg += _arrow([(middle, self.box_y - 16), (middle, self.box_y)])
        svg += _arrow([(middle, self.box_y + BOX), (middle, self.out_y - 2)])
        low = self.out_y + ROW * len(self.names) - 12
        back = [(x + 10, low), (x - 6, low), (x - 6, TOP + 10), (x + 10, TOP + 10)]
        svg += _arrow(back, dashed=True)
        travel = self.out_y - TOP
        for k, name in enumerate(self.names):
            y = TOP + ROW * k
            before = self._state(name, step - 1) if step > 0 else [0.0] * self.units
            after = self._state(name, step) if step >= 0 else None
            moved = "back" if step > 0 else ""
            label = _letter(x + 12, y + 15, name, str(max(step, 0) - 1).replace("-", "−"))
            svg += label + _moving(_row(self.states_x, y, before, self.most), moved, (0, travel))
            svg += _letter(x + 12, y + travel + 15, name, str(max(step, 0)))
            svg += _moving(_row(self.states_x, y + travel, after or [None] * self.units, self.most), "new", (0, -30))
        return svg

    def _state(self, name: str, step: int) -> list[float]:
        part = self.h if name == "h" else self.c
        return [float(value) for value in part[step]]

    def _output(self) -> str:
        svg, last = "", self.steps - 1
        for step in range(self.steps):
            kept, now = self.view.sequences or step == last, step == self.view.done - 1
            seen = step < self.view.done and (kept or now)
            row = _row(
                self.output_x,
                TOP + ROW * step,
                self._state("h", step) if seen else [None] * self.units,
                self.most,
                now,
                not kept,
            )
            svg += _moving(row, "out", (self.states_x - self.output_x, self.out_y - TOP - ROW * step)) if now else row
        if self.view.done:
            x, y = self.states_x + self.wide, TOP + ROW * (self.view.done - 1) + LINE // 2
            svg += _arrow([(x, self.out_y + 10), (x + 22, self.out_y + 10), (x + 22, y), (self.output_x, y)])
        return svg

    def _returned(self) -> str:
        """Draw the returned states below output, column under column; at the end, that h equals the last row."""
        svg, done = "", self.view.done == self.steps
        right = self.output_x + self.wide
        for k, name in enumerate(self.names):
            y = self.floor + ROW * k
            row = self._state(name, self.steps - 1) if done and self.view.state else [None] * self.units
            label = f"{name}{self.index}" if self.view.state else f"{name}: not returned"
            svg += _text(self.output_x - 8, y + 14, label, bold=self.view.state, anchor="end")
            svg += _moving(_row(self.output_x, y, row, self.most, False, not self.view.state), "late" * done, (0, -ROW))
        if done and self.view.state:
            top, low = TOP + ROW * (self.steps - 1) + LINE // 2, self.floor + LINE // 2
            bracket = f'<path d="M{right + 2} {top}h8V{low}h-8" fill="none" stroke="currentColor" stroke-width="2"/>'
            bracket += _text(right + 13, (top + low) // 2 + 5, "=", bold=True, size=15)
            svg += _moving(bracket, "late", (0, 0))
        return svg


def _row(x: int, y: int, row: list[Any], most: float, strong: bool = False, dashed: bool = False) -> str:
    """Draw a row of numbers; None is an empty cell."""
    svg = ""
    line = 'stroke-dasharray="3 3" stroke-opacity=".6"' if dashed else 'stroke-opacity=".6"'
    for k, value in enumerate(row):
        fill = 'fill="none"' if value is None else shade(value, most)
        place = f'x="{x + CELL * k}" y="{y}" width="{CELL}" height="{LINE}"'
        svg += f'<rect {place} {fill} stroke="currentColor" {line}/>'
        if value is not None:
            svg += _text(x + CELL * k + CELL // 2, y + 14, number(value), anchor="middle")
    if strong:
        place = f'x="{x - 1}" y="{y - 1}" width="{CELL * len(row) + 2}" height="{LINE + 2}" rx="3"'
        svg += f'<rect {place} fill="none" stroke="currentColor" stroke-width="2.5"/>'
    return svg


def _paper(x: int, y: int, cells: int) -> str:
    """Draw what is behind a row that moves, so that it hides what it passes."""
    size = f'width="{CELL * cells}" height="{LINE}"'
    return f'<rect x="{x}" y="{y}" {size} style="fill:var(--jp-layout-color0,white)"/>'


def _moving(svg: str, how: str, start: tuple[int, int]) -> str:
    """Let a part move from a place (or, with "in", to one) relative to its own; without `how` it stands still."""
    if not how:
        return svg
    hidden = ' opacity="0"' if how == "in" else ""
    return f'<g class="shapes-{how}"{hidden} style="--x:{start[0]}px;--y:{start[1]}px">{svg}</g>'


def _arrow(points: list[tuple[int, int]], dashed: bool = False) -> str:
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    (x0, y0), (x, y) = points[-2:]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    head = f"M{x} {y}L{x - 6 * dx + 4 * dy} {y - 6 * dy + 4 * dx}L{x - 6 * dx - 4 * dy} {y - 6 * dy - 4 * dx}Z"
    style = 'stroke-dasharray="4 3"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.5" {style}/><path d="{head}"/>'


def _letter(x: int, y: int, letter: str, index: str) -> str:
    below = f'<tspan dy="3" font-size="11">{index}</tspan>'
    return f'<text x="{x}" y="{y}" font-size="13" font-weight="bold">{letter}{below}</text>'


def _text(x: int, y: int, text: str, *, bold: bool = False, anchor: str = "start", size: int = 11) -> str:
    weight = ' font-weight="bold"' if bold else ""
    size = 13 if bold and size == 11 else size
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}"{weight}>{text}</text>'
