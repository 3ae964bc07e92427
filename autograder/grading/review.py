"""What a class was graded by, in parts; what of it has changed since; and whose marks move for that.

A ledger keeps the parts with each submission's fingerprint: of every cell of the masters its test, points or wording,
and the limits, helpers and packages. Marks are those that count: a reader's where there is one.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import nbformat
from nbgrader.utils import is_grade, is_solution, is_task

from autograder.course.limits import Limits
from autograder.grading.fingerprint import versions
from autograder.model import Assignment, Result, Submission, Verdict
from autograder.notebook.cells import grade_id

Key = tuple[str, str]  # notebook, grade_id
Parts = Mapping[str, str]  # of what a class is graded by: "test of q3" → a digest, "numpy" → its version
OLDER = "the grader"  # since versions that kept no parts
ANSWER = "the submission"


@dataclass(frozen=True)
class MarkChange:
    """A mark that another grading changes; None is an open mark. `why` names what has changed and bears on it."""

    student: str
    question: Key
    old: float | None
    new: float | None
    says: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """What grading anew would do: marks that move, who is graded again with the same marks, who for the first time."""

    moves: tuple[MarkChange, ...]
    same: tuple[str, ...]
    first: tuple[str, ...]
    changed: tuple[str, ...]  # all that has changed, in the order of the course
    names: Mapping[Key, str] = field(default_factory=dict)  # of the questions


def parts_of(masters: Assignment, limits: Limits) -> Parts:
    """What a whole class is graded by, in parts that have names."""
    found: dict[str, str] = {}
    for notebook, content in masters.notebooks:
        for cell in nbformat.reads(content.decode(), 4).cells:
            name = f"{notebook}/{grade_id(cell) or cell.id}"
            graded = is_grade(cell) or is_task(cell)
            if graded:
                found[f"points of {name}"] = f"{float(cell.metadata.nbgrader.points):g}"
            kind = "test" if graded and not is_solution(cell) else "code" if cell.cell_type == "code" else "wording"
            found[f"{kind} of {name}"] = _digest(cell.source)
    found["helpers"] = _digest(*(part for name, text in masters.helpers for part in (name, text)))
    found["limits"] = _digest(json.dumps(dataclasses.asdict(limits), sort_keys=True, default=str))
    return found | dict(versions(limits.preload))


def submission_digest(submission: Submission) -> str:
    """A digest of what one student handed in."""
    return _digest(*(part for name in sorted(submission.files) for part in (name, submission.files[name])))


def changed(old: Parts, new: Parts) -> tuple[str, ...]:
    """The parts that differ, each with its old and new value where they say something."""
    if not old:
        return (OLDER,)
    names = [*new, *(name for name in old if name not in new)]
    return tuple(_said(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))


def bearing(what: tuple[str, ...], question: Key, answer: str) -> tuple[str, ...]:
    """Of all that has changed what bears on one question: its own test, points and wording; else what is common."""
    notebook, cell = question
    stem = cell.removesuffix("-test")
    own = [one for one in what if any(one.split(" (")[0].endswith(f" of {notebook}/{name}") for name in (cell, stem))]
    own += [one for one in what if one.startswith(("test of ", "wording of ")) and f" {notebook}/{stem}-" in f" {one}"]
    common = [one for one in what if " of " not in one or one.startswith(f"code of {notebook}/")]
    mine = list(dict.fromkeys(one.replace(f"{notebook}/", "") for one in own))
    return (*([answer] if answer else []), *(mine or [one.replace(f"{notebook}/", "") for one in common]))


def moves(
    result: Result,
    old: Mapping[Key, float | None],
    new: Mapping[Key, float | None],
    what: tuple[str, ...],
    answer: str,
) -> tuple[MarkChange, ...]:
    """Whose marks of one submission move, and why."""
    verdicts = {(notebook.name, v.cell): v for notebook in result.notebooks for v in notebook.verdicts}
    return tuple(
        MarkChange(result.student, key, old.get(key), mark, _says(verdicts.get(key), mark), bearing(what, key, answer))
        for key, mark in new.items()
        if old.get(key) != mark
    )


def _says(verdict: Verdict | None, mark: float | None) -> str:
    if verdict is None:
        return "left open" if mark == 0 else "waits for a reader" if mark is None else ""
    return verdict.outcome + (f": {verdict.rationale}" if verdict.rationale else "")


def _said(name: str, old: str | None, new: str | None) -> str:
    tells = name.startswith("points of ") or not (" of " in name or name in ("helpers", "limits"))
    return f"{name} ({old or 'none'} → {new or 'none'})" if tells else name


def _digest(*parts: str | bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()[:12]
