"""Match students of the gradebook with rows of a learning platform's roster.

A student is identified by the id that names their folder and by their e-mail address; a row by its cells, the surest
first. Matching takes three steps, and a step never changes a match of an earlier one: the same text; the same apart
from case, spaces and the encoding of accents; the part of an address before the @. A student who fits several rows is
matched with none of them.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Matched:
    """The row of each student, and why the others have none."""

    rows: Mapping[str, int]
    unmatched: Mapping[str, str]


NOT_THERE = "this id is not in the roster"


def match(students: Mapping[str, Sequence[str]], rows: Sequence[Sequence[str]]) -> Matched:
    """Find each student's row. `students` maps each to its possible names; `rows` are the cells that identify a row."""
    found: dict[str, int] = {}
    why = dict.fromkeys(students, NOT_THERE)
    for spell in RUNGS:
        index = _index(rows, spell)
        for student, names in students.items():
            places = set() if student in found else {place for name in names for place in index.get(spell(name), ())}
            taken = {other for other, place in found.items() if place in places}
            if taken:
                why[student] = f"the row that fits belongs to {min(taken)}"
            elif len(places) > 1:
                why[student] = f"{len(places)} rows of the roster fit"
            elif places:
                found[student] = places.pop()
    return Matched(found, {student: why[student] for student in students if student not in found})


def _index(rows: Sequence[Sequence[str]], spell: Callable[[str], str]) -> Mapping[str, set[int]]:
    index: dict[str, set[int]] = defaultdict(set)
    for place, cells in enumerate(rows):
        for cell in cells:
            if spell(cell):
                index[spell(cell)].add(place)
    return index


def _alike(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _local(text: str) -> str:
    return _alike(text).partition("@")[0]


RUNGS: tuple[Callable[[str], str], ...] = (str, _alike, _local)
