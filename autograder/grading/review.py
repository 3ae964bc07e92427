"""What a class was graded by, in parts; which of them have changed since; and whose marks change for that.

The ledger keeps the parts with each submission's fingerprint: of every cell of the source notebooks its test, points or
wording, and the limits, helpers and packages. Marks are those that count: an instructor's where there is one.
Everything here is data; `describe` makes the words of it.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from autograder.course.limits import Limits
from autograder.files import digest
from autograder.grading.fingerprint import versions
from autograder.model import Result, Submission, Verdict
from autograder.notebook.cells import grade_id

Key = tuple[str, str]  # notebook, grade_id
SHORT = 12  # characters of a digest that are kept


class Kind(StrEnum):
    """What a part of the grounds of a mark is; its value is what it is called."""

    POINTS = "points"
    TEST = "test"
    CODE = "code"
    WORDING = "wording"
    HELPERS = "helpers"
    LIMITS = "limits"
    PACKAGE = "package"
    SUBMISSION = "the submission"
    GRADER = "the grader"  # by a version of it that kept no parts


OF_A_CELL = (Kind.POINTS, Kind.TEST, Kind.CODE, Kind.WORDING)
PLAIN_VALUE = (Kind.POINTS, Kind.PACKAGE)  # their values are for people; of the others there are digests


@dataclass(frozen=True)
class Part:
    """One thing that marks depend on; `name` is a cell's grade_id, or a package's name."""

    kind: Kind
    notebook: str = ""
    name: str = ""


@dataclass(frozen=True)
class Change(Part):
    """A part with another value than before; an empty value is of a part that was not there."""

    old: str = ""
    new: str = ""


Parts = Mapping[Part, str]  # the value of each part


@dataclass(frozen=True)
class MarkChange:
    """A mark that another grading changes; None is an open mark. `why` names what has changed and concerns it."""

    student: str
    question: Key
    old: float | None
    new: float | None
    verdict: Verdict | None  # None: no test gives this mark
    why: tuple[Change, ...]


@dataclass(frozen=True)
class Review:
    """What grading again would do: marks that change, who keeps all marks, and who is graded for the first time."""

    moves: tuple[MarkChange, ...]
    same: tuple[str, ...]
    first: tuple[str, ...]
    changed: tuple[Change, ...]  # all that has changed, in the order of the course
    names: Mapping[Key, str] = field(default_factory=dict, compare=False)  # of the questions


def parts_of(notebooks: Mapping[str, NotebookNode], helpers: Mapping[str, bytes], limits: Limits) -> Parts:
    """Return what a whole class is graded by.

    Args:
        notebooks: The teaching copies of the source notebooks, by name.
        helpers: The files beside them, by name.
        limits: What each notebook may use.
    """
    found: dict[Part, str] = {}
    for notebook, copy in notebooks.items():
        for cell in copy.cells:
            name = grade_id(cell) or cell.id
            graded = is_grade(cell) or is_task(cell)
            if graded:
                found[Part(Kind.POINTS, notebook, name)] = f"{float(cell.metadata.nbgrader.points):g}"
            is_test = graded and not is_solution(cell)
            kind = Kind.TEST if is_test else Kind.CODE if cell.cell_type == "code" else Kind.WORDING
            found[Part(kind, notebook, name)] = _short(cell.source)
    found[Part(Kind.HELPERS)] = _short(*(part for file in helpers.items() for part in file))
    found[Part(Kind.LIMITS)] = _short(json.dumps(dataclasses.asdict(limits), sort_keys=True, default=str))
    return found | {Part(Kind.PACKAGE, name=name): version for name, version in versions(limits.preload).items()}


def part_of_submission(submission: Submission) -> dict[Part, str]:
    """Return what one student handed in, as a part."""
    files = sorted(submission.files.items())
    return {Part(Kind.SUBMISSION): _short(*(part for file in files for part in file))}


def _short(*parts: str | bytes) -> str:
    return digest(*parts)[:SHORT]


def cells_of_questions(notebooks: Mapping[str, NotebookNode]) -> dict[Key, frozenset[str]]:
    """Return for each graded cell the cells of its question: itself, the answers before it, the text before these.

    A second test of the same answers has these as well.
    """
    found: dict[Key, frozenset[str]] = {}
    for notebook, copy in notebooks.items():
        text, own, new = "", set[str](), set[str]()
        for cell in copy.cells:
            name = grade_id(cell) or cell.id
            graded = is_grade(cell) or is_task(cell)
            if is_solution(cell) or is_task(cell):
                new |= {name, text} if not new else {name}
            elif not graded and cell.cell_type == "markdown":
                text = name
            if graded:
                own, new = new or own, set()
                found[notebook, name] = frozenset({name, *own})
    return found


def changes(old: Parts, new: Parts) -> tuple[Change, ...]:
    """Return the parts with other values than before; one change of the grader where nothing is known of before."""
    if not old:
        return (Change(Kind.GRADER),)
    parts = [*new, *(part for part in old if part not in new)]
    return tuple(
        Change(part.kind, part.notebook, part.name, old.get(part, ""), new.get(part, ""))
        for part in parts
        if old.get(part) != new.get(part)
    )


def concerning(changed: tuple[Change, ...], question: Key, cells: frozenset[str]) -> tuple[Change, ...]:
    """Return those of the changes that concern one question.

    Args:
        changed: All that has changed.
        question: The notebook and the graded cell.
        cells: The question's cells.

    Returns:
        What the student handed in, then the question's own test, points and wording; without any of these, what all
        questions of the notebook have in common.
    """
    notebook, _ = question
    submission = tuple(change for change in changed if change.kind is Kind.SUBMISSION)
    own = tuple(change for change in changed if change.notebook == notebook and change.name in cells)
    return submission + (own or tuple(change for change in changed if _is_common(change, notebook)))


def _is_common(change: Change, notebook: str) -> bool:
    """Does a change concern each question of a notebook, as far as is known?"""
    if change.kind in OF_A_CELL:
        return change.kind is Kind.CODE and change.notebook == notebook
    return change.kind is not Kind.SUBMISSION


def mark_changes(
    result: Result,
    old: Mapping[Key, float | None],
    new: Mapping[Key, float | None],
    changed: tuple[Change, ...],
    cells: Mapping[Key, frozenset[str]],
) -> tuple[MarkChange, ...]:
    """Return whose marks of one submission change, and why."""
    verdicts = {(notebook.name, v.cell): v for notebook in result.notebooks for v in notebook.verdicts}
    return tuple(
        MarkChange(
            result.student,
            key,
            old.get(key),
            mark,
            verdicts.get(key),
            concerning(changed, key, cells.get(key, frozenset({key[1]}))),
        )
        for key, mark in new.items()
        if old.get(key) != mark
    )


# --- as the ledger keeps it ---------------------------------------------------------------------------------------


def to_ledger(parts: Parts) -> dict[str, str]:
    """Return parts with keys of JSON: `test of NOTEBOOK/CELL`, a package's name, or the kind."""
    return {_key(part): value for part, value in parts.items()}


def from_ledger(kept: Mapping[str, str]) -> dict[Part, str]:
    """Return the parts that `to_ledger` made keys of."""
    return {_part(key): value for key, value in kept.items()}


def _key(part: Part) -> str:
    if part.kind is Kind.PACKAGE:
        return part.name
    return f"{part.kind} of {part.notebook}/{part.name}" if part.kind in OF_A_CELL else str(part.kind)


def _part(key: str) -> Part:
    kind, _, place = key.partition(" of ")
    if kind in OF_A_CELL:
        notebook, _, name = place.partition("/")
        return Part(Kind(kind), notebook, name)
    return Part(Kind(key)) if key in list(Kind) else Part(Kind.PACKAGE, name=key)


# --- as people read it --------------------------------------------------------------------------------------------


def describe(change: Change, notebook: str = "") -> str:
    """Return a change in words: `points of one/x-test (2 → 3)`, without the notebook where that is said already."""
    cell = change.name if change.notebook == notebook else f"{change.notebook}/{change.name}"
    what = change.name if change.kind is Kind.PACKAGE else str(change.kind)
    if change.kind in OF_A_CELL:
        what = f"{change.kind} of {cell}"
    return f"{what} ({change.old or 'none'} → {change.new or 'none'})" if change.kind in PLAIN_VALUE else what


def describe_mark(change: MarkChange) -> str:
    """Return where a new mark is from, in words: a verdict, or that nobody has given one."""
    if change.verdict is None:
        return "left open" if change.new == 0 else "waits for a reader" if change.new is None else ""
    rationale = f": {change.verdict.rationale}" if change.verdict.rationale else ""
    return f"{change.verdict.outcome}{rationale}"
