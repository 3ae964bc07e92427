"""Draw arrays as boxes: SVG that is legible without colour, with a description in words.

The last axis runs to the right, the axis before it down. A third axis is a frame around blocks side by side; a fourth
is a frame around blocks one below the other. Of a long axis the first positions and the last are drawn.

With `values`, a cell is shaded: the larger the number, the darker; blue below 0 and orange above. The number is
written where it fits. All shades are pale enough for the text of a light and of a dark page (4.5 : 1 or more).

The notebooks and the grader's reports each keep a copy of this file, so that neither needs the other.
"""

import html
import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

WIDE, HIGH, LETTER, GAP = 22, 18, 7, 8  # px: a cell, a character, the space around
NUMBER_WIDE, NUMBER_LETTERS = 38, 5  # px and characters: a cell with a number in it
MOST_WIDE = 440  # px: what a window of 620 px has room for; blocks of a frame wrap there
BELOW, ABOVE = "#0072B2", "#E69F00"  # the shades of numbers below and above 0
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")  # always beside a letter: no cue is a colour alone
MOST_CELLS, MOST_BLOCKS = 8, 4  # positions of an axis that are drawn


class Box(NamedTuple):
    """An array to draw: its name, its shape (None: draw the name only) and a label for each axis.

    `fault` is the number of the wrong axis, `missing` the name of an axis that should be there. `marks` are letters
    beside rows; a row runs along the last axis, and its key is its index on the axes before. `values` is the array
    itself, for cells with shades and numbers; `most` is the number with the darkest shade.
    """

    name: str
    shape: tuple[int, ...] | None = None
    labels: tuple[str, ...] = ()
    fault: int | None = None
    missing: str = ""
    marks: Mapping[tuple[int, ...], str] = {}
    values: Any = None
    most: float = 1.0


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
        shown = _shown(size) if axis == len(shape) - 2 else _blocks(size)
        found = [(*at, i) for at in found for i in shown if i is not None]
    return found


def drawing(rows: Sequence[Sequence[Box]], title: str, text: str = "", paper: str = "") -> str:
    """Return one SVG of boxes in rows and columns, with a title and a description for screen readers.

    Args:
        rows: the boxes.
        title: the picture's name.
        text: what the picture shows, in words; without it, the words of each box.
        paper: a background colour, for pages that may be dark; without it the picture takes the page's text colour.
    """
    pieces = [[_titled(box) for box in row] for row in rows]
    widths = [max(piece.width for piece in column) + 2 * GAP for column in zip(*pieces, strict=True)]
    svg, y = "", 0
    for row in pieces:
        for column, piece in enumerate(row):
            svg += f'<g transform="translate({GAP + sum(widths[:column])},{y})">{piece.svg}</g>'
        y += max(piece.height for piece in row) + GAP
    text = text or "\n".join(words(box) for row in rows for box in row)
    return svg_element(Drawn(svg, GAP + sum(widths), y), title, text, paper)


def wrapping(boxes: Sequence[Box], text: str = "") -> str:
    """Return HTML with an SVG for each box, side by side; in a narrow window they wrap.

    Args:
        boxes: the boxes. Those with values share one scale of shades.
        text: a sentence about all of them, which ends the description of each.
    """
    most = max((_largest(box) for box in boxes), default=0) or 1.0
    svg = ""
    for box in boxes:
        piece = _titled(box._replace(most=most))
        svg += svg_element(piece, f"{box.name} {box.shape}", "\n".join(filter(None, (words(box), text))))
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px 24px;align-items:flex-start;overflow-x:auto">{svg}</div>'


def svg_element(drawn: Drawn, title: str, text: str, paper: str = "", grow: float = 1.0) -> str:
    """Return an <svg> that screen readers announce: an image with a name and a description.

    Args:
        drawn: what is in it, and its size.
        title: its name.
        text: its description.
        paper: a background colour.
        grow: how many times wider than drawn it becomes in a wide window. It never shrinks: its text stays legible.
    """
    key = f"shape-{zlib.crc32(f'{title}{text}{drawn.svg}'.encode()):08x}"
    if not paper:  # a picture on paper is a separate file
        _drawn[key] += 1
        key += f"-{_drawn[key]}" if _drawn[key] > 1 else ""
    size = f"width:{drawn.width}px" if grow == 1 else f"width:100%;max-width:{round(grow * drawn.width)}px"
    title, back = html.escape(title), f'<rect width="100%" height="100%" fill="{paper}"/>' if paper else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" aria-describedby="{key}" '
        f'width="{drawn.width}" height="{drawn.height}" viewBox="0 0 {drawn.width} {drawn.height}" '
        f'style="display:block;flex:none;{size};min-width:{drawn.width}px;height:auto" '
        f'{_ink(paper)}font-family="sans-serif" font-size="12" fill="currentColor"><title>{title}</title>'
        f'<desc id="{key}">{html.escape(text)}</desc>{back}{drawn.svg}</svg>'
    )


def shade(value: float, most: float = 1.0) -> str:
    """Return the attributes that shade a number: blue below 0, orange above, darker for larger numbers up to `most`."""
    part = min(abs(value) / most, 1.0) if math.isfinite(value) else 0.0
    return f'fill="{BELOW if value < 0 else ABOVE}" fill-opacity="{0.05 + 0.5 * math.sqrt(part) if part else 0:.2f}"'


def number(value: float) -> str:
    """Write a number in at most 5 characters; "" if it does not fit."""
    if not math.isfinite(value):
        return str(value).replace("-", "−")
    texts = [f"{value:z.0f}"] if float(value).is_integer() else [f"{value:z.{digits}f}" for digits in (2, 1, 0)]
    texts = [text.replace("-", "−") for text in [*texts, f"{value + 0.0:.0e}"]]
    return next((text for text in texts if len(text) <= NUMBER_LETTERS), "")


_drawn: Counter[str] = Counter()  # pictures of this session, so that no two have the same id


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


def _shown(size: int) -> list[int | None]:
    """Return which rows or columns are drawn; None is a gap."""
    return list(range(size)) if size <= MOST_CELLS else [*range(MOST_CELLS - 2), None, size - 1]


def _blocks(size: int) -> list[int | None]:
    """Return which blocks of an outer axis are drawn; None is a gap."""
    return list(range(size)) if size <= MOST_BLOCKS else [0, None, size - 1]


def _block(box: Box, at: tuple[int, ...], x: int, y: int) -> Drawn:
    """Draw what is at an index of the outer axes: cells, or a frame with a block for each position inside."""
    assert box.shape is not None
    axis, depth = len(at), len(box.shape) - len(at)
    if depth <= 2:
        return _cells(box, box.shape, at, x, y)
    inner, left, top, wide, high = "", 0, 0, 0, 0  # the next block's place; the size of all
    for i in _blocks(box.shape[axis]):
        block = _part(box, at, i, x + GAP + left, y + HIGH + top)
        if left and (depth == 4 or x + left + block.width > MOST_WIDE):
            left, top = 0, high
            block = _part(box, at, i, x + GAP, y + HIGH + top)
        inner, left = inner + block.svg, left + block.width
        wide, high = max(wide, left), max(high, top + block.height)
    return _frame(_label(box, axis), Drawn(inner, wide, high), x, y, axis == box.fault)


def _part(box: Box, at: tuple[int, ...], i: int | None, x: int, y: int) -> Drawn:
    return Drawn(_text(x, y + 14, "⋯"), WIDE, HIGH) if i is None else _block(box, (*at, i), x, y)


def _frame(label: str, inside: Drawn, x: int, y: int, dashed: bool) -> Drawn:
    wide, high = max(inside.width, LETTER * len(label)) + 2 * GAP, inside.height + HIGH + GAP
    rect = f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" rx="4" fill="none" {_line(dashed)}/>'
    return Drawn(rect + _text(x + GAP, y + 14, label) + inside.svg, wide + GAP, high + GAP)


def _cells(box: Box, shape: tuple[int, ...], at: tuple[int, ...], x: int, y: int) -> Drawn:
    """Draw the last two axes, or fewer: rows and columns of cells, each axis' label on its edge."""
    last, depth = len(shape) - 1, len(shape) - len(at)
    columns = _shown(shape[last]) if depth else [0]
    rows = [None if i is None else (*at, i) for i in _shown(shape[-2])] if depth == 2 else [at]
    side, above = (_label(box, last - 1) if depth == 2 else ""), (_label(box, last) if depth else "")
    left = x + LETTER * len(side) + (4 * LETTER if side else 0)
    svg = _text(left, y + 14, above) + _text(x, y + HIGH + 14, side)
    for r, row in enumerate(rows):
        svg += _row(box, row, columns, left, y + HIGH * (r + 1), bool(side))
    wide, high = _cell(box) * len(columns), HIGH * len(rows)
    if box.fault == last:
        svg += f'<path d="M{left} {y + HIGH}h{wide}" {_line(True)}/>'
    if side and box.fault == last - 1:
        svg += f'<path d="M{left} {y + HIGH}v{high}" {_line(True)}/>'
    marks = LETTER * max(map(len, box.marks.values()), default=-1) + LETTER
    return Drawn(svg, left - x + max(wide, LETTER * len(above)) + marks + GAP, HIGH + high + GAP)


def _row(
    box: Box, row: tuple[int, ...] | None, columns: Sequence[int | None], left: int, top: int, numbered: bool
) -> str:
    mark, wide = box.marks.get(row, "") if row is not None else "", _cell(box)
    colour = COLOURS[ord(mark[0]) % 4] if mark else ""
    svg = ""
    for k, column in enumerate(columns):
        if row is None or column is None:
            svg += _text(left + wide * k + wide // 2 - 6, top + 13, "⋯")
            continue
        x, text = left + wide * k, ""
        fill = f'fill="{colour}" fill-opacity=".35"' if mark else 'fill="none"'
        if box.values is not None:
            value = box.values[(*row, column) if box.shape else ()].item()
            fill, text = shade(value, box.most), number(value)
        svg += f'<rect x="{x}" y="{top}" width="{wide}" height="{HIGH}" {fill} {_line()}/>'
        svg += _text(x + wide // 2, top + 13, text, ' text-anchor="middle" font-size="11"')
    index = str(row[-1]) if numbered and row else ""
    svg += _text(left - LETTER * len(index) - 4, top + 14, index)
    return svg + _badge(mark, colour, left, wide * len(columns), top, box.values is not None)


def _badge(mark: str, colour: str, left: int, wide: int, top: int, outlined: bool) -> str:
    """A row's letter; where its cells are shaded by value, an outline of the row and a tint behind the letter."""
    if not mark or not outlined:
        return _text(left + wide + 4, top + 14, mark)
    tag = LETTER * len(mark) + 6
    return (
        f'<rect x="{left}" y="{top}" width="{wide}" height="{HIGH}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        f'<rect x="{left + wide}" y="{top}" width="{tag}" height="{HIGH}" fill="{colour}" fill-opacity=".35"/>'
        + _text(left + wide + tag // 2, top + 13, mark, ' text-anchor="middle" font-weight="bold"')
    )


def _cell(box: Box) -> int:
    return WIDE if box.values is None else NUMBER_WIDE


def _largest(box: Box) -> float:
    """The largest number of a box, of those that are drawn, without its sign."""
    if box.values is None or box.shape is None:
        return 0.0
    cells = [box.values[at] for at in drawn_rows(box.shape)]
    numbers = [abs(value) for row in cells for value in (row.ravel().tolist() if box.shape else [row.item()])]
    return max(filter(math.isfinite, numbers), default=0.0)


def _label(box: Box, axis: int) -> str:
    assert box.shape is not None
    name = f"{box.labels[axis]}: " if box.labels[axis] else ""
    return f"{'✗ ' if axis == box.fault else ''}{name}{box.shape[axis]}"


def _line(fault: bool = False) -> str:
    style = 'stroke-width="3" stroke-dasharray="5 3"' if fault else 'stroke-opacity=".6"'
    return f'stroke="currentColor" {style}'


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{style}>{html.escape(text)}</text>' if text else ""
