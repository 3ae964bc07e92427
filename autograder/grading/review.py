"""Compare what marks depended on before with what they depend on now, and find the marks that change.

Marks depend on *parts*: the test, points or wording of every cell of the source notebooks, and the limits, helpers and
packages. The ledger stores the parts with each submission's fingerprint. An instructor's mark counts, if there is one.
Everything here is data; `describe` returns the text for it.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from autograder.course.limits import Limits
from autograder.files import digest
from autograder.grading.fingerprint import versions
from autograder.model import Result, Submission, Verdict
from autograder.notebook.cells import grade_id

Key = tuple[str, str]  # notebook, grade_id
SHORT = 12  # characters of a digest that are stored


class Kind(StrEnum):
    """The kind of a part that marks depend on. Its value is the text shown to users."""

    POINTS = "points"
    TEST = "test"
    PROOF = "proof"  # of a test: where the solution's run met objects
    CODE = "code"
    WORDING = "wording"
    HELPERS = "helpers"
    LIMITS = "limits"
    PACKAGE = "package"
    SUBMISSION = "the submission"
    GRADER = "the grader"  # a version of it that stored no parts


OF_A_CELL = (Kind.POINTS, Kind.TEST, Kind.PROOF, Kind.CODE, Kind.WORDING)
PLAIN_VALUE = (Kind.POINTS, Kind.PACKAGE)  # their values are shown to users; the others are digests


@dataclass(frozen=True)
class Part:
    """One thing that marks depend on. `name` is a cell's grade_id or a package's name."""

    kind: Kind
    notebook: str = ""
    name: str = ""


@dataclass(frozen=True)
class Change(Part):
    """A part whose value has changed. The value of a part that did not exist is ""."""

    old: str = ""
    new: str = ""


Parts = Mapping[Part, str]  # the value of each part
StoredParts = Sequence[Sequence[str]]  # as the ledger stores them


@dataclass(frozen=True)
class MarkChange:
    """A mark that grading again would change. None means not marked. `why` lists the changes that affect it."""

    student: str
    question: Key
    old: float | None
    new: float | None
    verdict: Verdict | None  # None: no test decides this mark
    why: tuple[Change, ...]


@dataclass(frozen=True)
class Review:
    """What grading again would change."""

    moves: tuple[MarkChange, ...]
    same: tuple[str, ...]  # students who keep all marks
    first: tuple[str, ...]  # students who are graded for the first time
    changed: tuple[Change, ...]  # everything that has changed, in the order of the course
    names: Mapping[Key, str] = field(default_factory=dict, compare=False)  # of the questions


def parts_of(
    notebooks: Mapping[str, NotebookNode],
    helpers: Mapping[str, bytes],
    limits: Limits,
    proofs: Mapping[Key, str] = MappingProxyType({}),
) -> Parts:
    """Return the parts that the marks of a whole class depend on.

    Args:
        notebooks: The unanswered versions of the source notebooks, by name.
        helpers: The other files of the source folder, by name.
        limits: The limits of each notebook.
        proofs: The proofs of the tests, by (notebook, grade_id).
    """
    parts: dict[Part, str] = {}
    for notebook, copy in notebooks.items():
        for cell in copy.cells:
            name = grade_id(cell) or cell.id
            graded = is_grade(cell) or is_task(cell)
            if graded:
                parts[Part(Kind.POINTS, notebook, name)] = f"{float(cell.metadata.nbgrader.points):g}"
            is_test = graded and not is_solution(cell)
            kind = Kind.TEST if is_test else Kind.CODE if cell.cell_type == "code" else Kind.WORDING
            parts[Part(kind, notebook, name)] = _short(cell.source)
    parts |= {Part(Kind.PROOF, *test): _short(proof) for test, proof in proofs.items()}
    parts[Part(Kind.HELPERS)] = _short(*(part for file in helpers.items() for part in file))
    parts[Part(Kind.LIMITS)] = _short(json.dumps(dataclasses.asdict(limits), sort_keys=True, default=str))
    return parts | {Part(Kind.PACKAGE, name=name): version for name, version in versions(limits.preload).items()}


def part_of_submission(submission: Submission) -> dict[Part, str]:
    """Return what one student handed in, as a part."""
    files = sorted(submission.files.items())
    return {Part(Kind.SUBMISSION): _short(*(part for file in files for part in file))}


def _short(*parts: str | bytes) -> str:
    return digest(*parts)[:SHORT]


def cells_of_questions(notebooks: Mapping[str, NotebookNode]) -> dict[Key, frozenset[str]]:
    """Return the cells of each graded cell's question: itself, the answers before it, and the text before them.

    If two tests follow the same answers, both have these answers and this text.
    """
    questions: dict[Key, frozenset[str]] = {}
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
                questions[notebook, name] = frozenset({name, *own})
    return questions


def changes(old: Parts, new: Parts) -> tuple[Change, ...]:
    """Return the parts whose values have changed. If `old` is empty, return one change of kind GRADER.

    A new proof is named only where the test is the same.
    """
    if not old:
        return (Change(Kind.GRADER),)
    parts = [*new, *(part for part in old if part not in new)]
    changed = {part: None for part in parts if old.get(part) != new.get(part)}
    return tuple(
        Change(part.kind, part.notebook, part.name, old.get(part, ""), new.get(part, ""))
        for part in changed
        if part.kind is not Kind.PROOF or replace(part, kind=Kind.TEST) not in changed
    )


def concerning(changed: tuple[Change, ...], question: Key, cells: frozenset[str]) -> tuple[Change, ...]:
    """Return the changes that affect one question.

    Args:
        changed: All changes.
        question: The notebook and the graded cell.
        cells: The question's cells.

    Returns:
        The change of the submission, if any, then the changes of the question's test, points and wording. If the latter
        have not changed, the changes that affect all questions of the notebook instead.
    """
    notebook, _ = question
    submission = tuple(change for change in changed if change.kind is Kind.SUBMISSION)
    own = tuple(change for change in changed if change.notebook == notebook and change.name in cells)
    return submission + (own or tuple(change for change in changed if _is_common(change, notebook)))


def _is_common(change: Change, notebook: str) -> bool:
    """Return whether a change can affect every question of a notebook."""
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
    """Return the marks of one submission that change, and why."""
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


# --- as the ledger stores it --------------------------------------------------------------------------------------


def to_ledger(parts: Parts) -> StoredParts:
    """Return parts as JSON can store them: [kind, notebook, name, value] for each."""
    return [[part.kind, part.notebook, part.name, value] for part, value in parts.items()]


def from_ledger(stored: StoredParts | Mapping[str, str]) -> dict[Part, str]:
    """Return the parts that `to_ledger` was given; also those that older versions stored, as values by a text."""
    if isinstance(stored, Mapping):
        return {_old_key(key): value for key, value in stored.items()}
    return {Part(Kind(kind), notebook, name): value for kind, notebook, name, value in stored}


def _old_key(key: str) -> Part:
    """Decode a key of the older format: `KIND of NOTEBOOK/CELL`, a kind without a place, or a package's name."""
    kind, _, place = key.partition(" of ")
    if kind in OF_A_CELL:
        notebook, _, name = place.partition("/")
        return Part(Kind(kind), notebook, name)
    return Part(Kind(key)) if key in list(Kind) else Part(Kind.PACKAGE, name=key)


# --- as users read it ---------------------------------------------------------------------------------------------


def describe(change: Change, notebook: str = "") -> str:
    """Describe a change, such as `points of one/x-test (2 → 3)`. The name of `notebook` is left out."""
    cell = change.name if change.notebook == notebook else f"{change.notebook}/{change.name}"
    what = change.name if change.kind is Kind.PACKAGE else str(change.kind)
    if change.kind in OF_A_CELL:
        what = f"{change.kind} of {cell}"
    return f"{what} ({change.old or 'none'} → {change.new or 'none'})" if change.kind in PLAIN_VALUE else what


def describe_mark(change: MarkChange) -> str:
    """Describe where a new mark comes from: a verdict, or why there is none."""
    if change.verdict is None:
        return "unanswered" if change.new == 0 else "not marked yet" if change.new is None else ""
    rationale = f": {change.verdict.rationale}" if change.verdict.rationale else ""
    return f"{change.verdict.outcome}{rationale}"
