"""Shapes as boxes: SVG with a text twin, legible without colour. Each axis bears its name where its size tells it.

The last axis runs to the right, the one before it down; an axis more is a frame around, and one more is said in words.
"""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from autograder.reports.compare_answers import Pair, Shape

CELL, LINE, LETTER, GAP = 16, 18, 7, 10  # px
MOST = 8  # cells of an axis that are drawn


class Drawn(NamedTuple):
    """A piece of SVG and its size in px."""

    svg: str
    width: int
    height: int


def picture(pairs: Sequence[Pair], names: Mapping[int, str]) -> str:
    """What was given beside what is right, a row a wrong part; "" where no shape is. `names` are axes by size."""
    rows = _wrong_shapes(pairs)
    if not rows:
        return ""
    svg, right, y = "", 0, 0
    sides = [[_side(pair, names, given) for given in (True, False)] for pair in rows]
    middle = max(side[0].width for side in sides) + 3 * GAP
    for left, other in sides:
        svg += f'<g transform="translate({GAP},{y})">{left.svg}</g>'
        svg += f'<g transform="translate({middle},{y})">{other.svg}</g>'
        y += max(left.height, other.height) + GAP
        right = max(right, middle + other.width + GAP)
    said = html.escape(words(rows, names))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{said}" width="{right}" height="{y}" '
        f'viewBox="0 0 {right} {y}" font-family="sans-serif" font-size="12"><title>{said}</title>'
        f'<rect width="100%" height="100%" fill="white"/>{svg}</svg>'
    )


def words(pairs: Sequence[Pair], names: Mapping[int, str]) -> str:
    """The picture in words."""
    parts = []
    for pair in _wrong_shapes(pairs):
        given = pair.given if pair.given_shape is None else _axes(pair.given_shape, names)
        name = f"{pair.name}: " if pair.name else ""
        parts.append(f"{name}you gave {given or 'nothing'}; right is {_axes(pair.expected_shape or (), names)}")
    return ". ".join(parts)


def _wrong_shapes(pairs: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.expected_shape is not None and not pair.is_same]


def _side(pair: Pair, names: Mapping[int, str], given: bool) -> Drawn:
    shape = pair.given_shape if given else pair.expected_shape
    head = f"✗ {pair.name} you gave" if given else f"✓ {pair.name} right"
    text = (pair.given if given else pair.expected) or "nothing"
    title = _text(0, 13, " ".join(f"{head}: {text}".split())[:60], bold=True)
    width = LETTER * min(len(f"{head}: {text}"), 60) + GAP
    if shape is None:
        return Drawn(title, width, LINE)
    body = _block(shape, names)
    svg = f'{title}<g transform="translate(0,{LINE})">{body.svg}</g>'
    return Drawn(svg, max(width, body.width), LINE + body.height)


def _block(shape: Shape, names: Mapping[int, str]) -> Drawn:
    if len(shape) <= 2:
        return _grid(shape, names)
    inner = _block(shape[1:], names)
    if len(shape) == 4:
        said = _text(0, 13, f"{_label(shape[0], names)}: as many of these")
        return Drawn(f'{said}<g transform="translate(0,{LINE})">{inner.svg}</g>', inner.width, inner.height + LINE)
    label = _label(shape[0], names)
    width, height = max(inner.width, LETTER * len(label)) + 2 * GAP, inner.height + LINE + GAP
    frame = f'<rect x="1" y="1" width="{width - 2}" height="{height - 2}" fill="none" stroke="#555"/>'
    svg = f'{frame}{_text(GAP, 14, label)}<g transform="translate({GAP},{LINE})">{inner.svg}</g>'
    return Drawn(svg, width, height)


def _grid(shape: Shape, names: Mapping[int, str]) -> Drawn:
    """One or two axes: rows and columns of cells, with a gap where some are left out."""
    columns, rows = _shown(shape[-1]), _shown(shape[0]) if len(shape) == 2 else 1
    side = _label(shape[0], names) if len(shape) == 2 else ""
    left, top = LETTER * len(side) + (4 if side else 0), LINE
    svg = _text(left, 13, _label(shape[-1], names) + _more(shape[-1])) + _text(0, top + 12, side)
    for row in range(rows):
        for column in range(columns):
            svg += f'<rect x="{left + CELL * column}" y="{top + CELL * row}" width="{CELL}" height="{CELL}" {_CELL}/>'
    below = _more(shape[0]) if len(shape) == 2 else ""
    svg += _text(left, top + CELL * rows + 13, below.strip())
    width = left + max(CELL * columns, LETTER * len(_label(shape[-1], names) + _more(shape[-1]))) + GAP
    return Drawn(svg, width, top + CELL * rows + (LINE if below else 0) + 4)


_CELL = 'fill="#eee" stroke="#333"'


def _shown(size: int) -> int:
    return min(size, MOST)


def _more(size: int) -> str:
    return f" ({MOST} of {size} drawn)" if size > MOST else ""


def _label(size: int, names: Mapping[int, str]) -> str:
    return f"{names[size]}: {size}" if size in names else str(size)


def _axes(shape: Shape, names: Mapping[int, str]) -> str:
    return f"({', '.join(_label(size, names) for size in shape)})"


def _text(x: int, y: int, words: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}"{weight}>{html.escape(words)}</text>' if words else ""
