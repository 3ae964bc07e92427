"""Draw arrays as boxes: SVG that is legible without colour, with a description in words.

The last axis runs to the right, the axis before it down. A third axis is a frame around blocks side by side; a fourth
is a frame around blocks one below the other. Of a long axis the first positions and the last are drawn.

The notebooks and the grader's reports each keep a copy of this file, so that neither needs the other.
"""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDE, HIGH, LETTER, GAP = 22, 18, 7, 8  # px: a cell, a character, the space around
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")  # always beside a letter: no cue is a colour alone
MOST_CELLS, MOST_BLOCKS = 8, 3  # positions of an axis that are drawn


class Box(NamedTuple):
    """An array to draw: its name, its shape (None: draw the name only) and a label for each axis.

    `fault` is the number of the wrong axis, `missing` the name of an axis that should be there. `marks` are letters
    beside rows; a row runs along the last axis, and its key is its index on the axes before.
    """

    name: str
    shape: tuple[int, ...] | None = None
    labels: tuple[str, ...] = ()
    fault: int | None = None
    missing: str = ""
    marks: Mapping[tuple[int, ...], str] = {}


class Drawn(NamedTuple):
    """A piece of SVG and its size in px."""

    svg: str
    width: int
    height: int


def words(box: Box) -> str:
    """Describe a box in words, such as "h: rows: 1, columns: 3"."""
    edges = [_label(box, axis) for axis in range(len(box.shape or ()))]
    edges += [f"✗ {box.missing} missing"] * bool(box.missing)
    return f"{box.name}: {', '.join(edges) or 'a single number'}"


def drawn_rows(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """List the rows that a picture of this shape shows, by their index on all axes but the last."""
    found: list[tuple[int, ...]] = [()]
    for axis, size in enumerate(shape[:-1]):
        shown = _shown(size, MOST_CELLS if axis == len(shape) - 2 else MOST_BLOCKS)
        found = [(*at, i) for at in found for i in shown if i is not None]
    return found


def drawing(rows: Sequence[Sequence[Box]], title: str, text: str = "", paper: str = "") -> str:
    """Return an SVG of boxes in rows and columns, with a title and a description for screen readers.

    `paper` is a background colour, for pages that may be dark; without it the picture takes the page's text colour.
    """
    pieces = [[_titled(box) for box in row] for row in rows]
    widths = [max(piece.width for piece in column) + 2 * GAP for column in zip(*pieces, strict=True)]
    svg, y = "", 0
    for row in pieces:
        for column, piece in enumerate(row):
            svg += f'<g transform="translate({GAP + sum(widths[:column])},{y})">{piece.svg}</g>'
        y += max(piece.height for piece in row) + GAP
    width, title = GAP + sum(widths), html.escape(title)
    back = f'<rect width="100%" height="100%" fill="{paper}"/>' if paper else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" width="{width}" height="{y}" '
        f'viewBox="0 0 {width} {y}" style="display:block;max-width:100%;height:auto" '
        f'{_ink(paper)}font-family="sans-serif" font-size="12" fill="currentColor"><title>{title}</title>'
        f"{f'<desc>{html.escape(text)}</desc>' if text else ''}{back}{svg}</svg>"
    )


def _ink(paper: str) -> str:
    return 'color="black" ' if paper else ""


def _titled(box: Box) -> Drawn:
    head, top = _text(0, 14, box.name, ' font-weight="bold"'), HIGH + 4
    width = LETTER * len(box.name)
    if box.shape is None:
        return Drawn(head, width, top)
    inner = _block(box, (), GAP * bool(box.missing), 2 * HIGH if box.missing else top)
    if box.missing:
        inner = _frame(f"✗ {box.missing} missing", inner, 0, top, dashed=True)
    return Drawn(head + inner.svg, max(inner.width, width), top + inner.height)


def _shown(size: int, most: int) -> list[int | None]:
    """Which positions of an axis are drawn; None is a gap."""
    return list(range(size)) if size <= most else [*range(most - 2), None, size - 1]


def _block(box: Box, at: tuple[int, ...], x: int, y: int) -> Drawn:
    """Draw what is at an index of the outer axes: cells, or a frame with a block for each position inside."""
    assert box.shape is not None
    axis, depth = len(at), len(box.shape) - len(at)
    if depth <= 2:
        return _cells(box, box.shape, at, x, y)
    inner, wide, high = "", 0, 0
    for i in _shown(box.shape[axis], MOST_BLOCKS):
        place = (x + GAP + wide, y + HIGH) if depth == 3 else (x + GAP, y + HIGH + high)
        gap = Drawn(_text(place[0], place[1] + 14, "⋯"), WIDE, HIGH)
        svg, w, h = gap if i is None else _block(box, (*at, i), *place)
        inner, wide, high = inner + svg, *((wide + w, max(high, h)) if depth == 3 else (max(wide, w), high + h))
    return _frame(_label(box, axis), Drawn(inner, wide, high), x, y, axis == box.fault)


def _frame(label: str, inside: Drawn, x: int, y: int, dashed: bool) -> Drawn:
    wide, high = max(inside.width, LETTER * len(label)) + 2 * GAP, inside.height + HIGH + GAP
    rect = f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" rx="4" fill="none" {_line(dashed)}/>'
    return Drawn(rect + _text(x + GAP, y + 14, label) + inside.svg, wide + GAP, high + GAP)


def _cells(box: Box, shape: tuple[int, ...], at: tuple[int, ...], x: int, y: int) -> Drawn:
    """Draw the last two axes, or fewer: rows and columns of cells, each axis' label on its edge."""
    last, depth = len(shape) - 1, len(shape) - len(at)
    columns = _shown(shape[last], MOST_CELLS) if depth else [0]
    rows = [None if i is None else (*at, i) for i in _shown(shape[-2], MOST_CELLS)] if depth == 2 else [at]
    side, above = (_label(box, last - 1) if depth == 2 else ""), (_label(box, last) if depth else "")
    left = x + LETTER * len(side) + (4 * LETTER if side else 0)
    svg = _text(left, y + 14, above) + _text(x, y + HIGH + 14, side)
    for r, row in enumerate(rows):
        svg += _row(box, row, columns, left, y + HIGH * (r + 1), bool(side))
    wide, high = WIDE * len(columns), HIGH * len(rows)
    if box.fault == last:
        svg += f'<path d="M{left} {y + HIGH}h{wide}" {_line(True)}/>'
    if side and box.fault == last - 1:
        svg += f'<path d="M{left} {y + HIGH}v{high}" {_line(True)}/>'
    marks = LETTER * max(map(len, box.marks.values()), default=0)
    return Drawn(svg, left - x + max(wide, LETTER * len(above)) + marks + GAP, HIGH + high + GAP)


def _row(
    box: Box, row: tuple[int, ...] | None, columns: Sequence[int | None], left: int, top: int, numbered: bool
) -> str:
    mark = box.marks.get(row, "") if row is not None else ""
    fill = f'fill="{COLOURS[ord(mark[0]) % 4]}" fill-opacity=".35" ' if mark else 'fill="none" '
    svg = ""
    for k, column in enumerate(columns):
        cell = f'<rect x="{left + WIDE * k}" y="{top}" width="{WIDE}" height="{HIGH}" {fill}{_line()}/>'
        svg += _text(left + WIDE * k + 5, top + 13, "⋯") if None in (row, column) else cell
    number = str(row[-1]) if numbered and row else ""
    svg += _text(left - LETTER * len(number) - 4, top + 14, number)
    return svg + _text(left + WIDE * len(columns) + 4, top + 14, mark)


def _label(box: Box, axis: int) -> str:
    assert box.shape is not None
    name = f"{box.labels[axis]}: " if box.labels[axis] else ""
    return f"{'✗ ' if axis == box.fault else ''}{name}{box.shape[axis]}"


def _line(fault: bool = False) -> str:
    style = 'stroke-width="3" stroke-dasharray="5 3"' if fault else 'stroke-opacity=".6"'
    return f'stroke="currentColor" {style}'


def _text(x: int, y: int, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{style}>{html.escape(text)}</text>' if text else ""
