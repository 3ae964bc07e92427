"""Draw a wrong shape next to the right one, for feedback pages: as SVG and in words."""

from collections.abc import Mapping, Sequence

from autograder.reports.compare_answers import Pair, Shape
from autograder.reports.shape_boxes import Box, drawing

MOST_LETTERS = 60  # of a title


def picture(pairs: Sequence[Pair], names: Mapping[int, str]) -> str:
    """Return an SVG with a row for each wrong part: what was given, and what is right.

    Args:
        pairs: the parts of an answer.
        names: the axis names by size.

    Returns:
        The SVG; "" if no wrong part has a shape as its right answer.
    """
    wrong = _wrong_shapes(pairs)
    rows = [[_box(pair, names, given) for given in (True, False)] for pair in wrong]
    return drawing(rows, words(wrong, names), paper="white") if rows else ""


def words(pairs: Sequence[Pair], names: Mapping[int, str]) -> str:
    """Describe the picture in words."""
    parts = []
    for pair in _wrong_shapes(pairs):
        given = pair.given if pair.given_shape is None else _axes(pair.given_shape, names)
        name = f"{pair.name}: " if pair.name else ""
        parts.append(f"{name}you gave {given or 'nothing'}; right is {_axes(pair.expected_shape or (), names)}")
    return ". ".join(parts)


def _wrong_shapes(pairs: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.expected_shape is not None and not pair.is_same]


def _box(pair: Pair, names: Mapping[int, str], given: bool) -> Box:
    shape = pair.given_shape if given else pair.expected_shape
    head = f"✗ {pair.name} you gave" if given else f"✓ {pair.name} right"
    text = (pair.given if given else pair.expected) or "nothing"
    title = " ".join(f"{head}: {text}".split())[:MOST_LETTERS]
    return Box(title, shape, tuple(names.get(size, "") for size in shape or ()))


def _axes(shape: Shape, names: Mapping[int, str]) -> str:
    return f"({', '.join(f'{names[size]}: {size}' if size in names else str(size) for size in shape)})"
