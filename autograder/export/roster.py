"""Who is who: students of the gradebook and rows of a learning platform's roster.

A student is known by what nbgrader has of them (the id that names their folder, the e-mail address), a row by its
cells, the surest first. Matching climbs three rungs and no rung takes what an earlier one has matched: the same text;
the same but for case, spaces and the way accents are coded; the part of an address before the @. What fits several
rows is matched to none of them.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Matched:
    """Rows by student, and why others have none."""

    rows: Mapping[str, int]
    unmatched: Mapping[str, str]


NOT_THERE = "nobody in the roster has this id"


def match(students: Mapping[str, Sequence[str]], rows: Sequence[Sequence[str]]) -> Matched:
    """Find each student's row: `students` gives what each may be called, `rows` the cells that name a row."""
    found: dict[str, int] = {}
    why = dict.fromkeys(students, NOT_THERE)
    for spell in RUNGS:
        index = _index(rows, spell)
        for student, names in students.items():
            places = set() if student in found else {place for name in names for place in index.get(spell(name), ())}
            taken = {other for other, place in found.items() if place in places}
            if taken:
                why[student] = f"the row that fits is taken by {min(taken)}"
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
