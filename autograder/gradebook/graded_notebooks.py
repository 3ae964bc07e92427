"""What is known of each answer beyond its mark: verdicts, kept in the autograded notebooks, and predictions.

`keep` writes a verdict into the metadata of its test cell; `read` gives all of a student's, as they were when graded.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.course.course import Course
from autograder.evidence.display import MAX_DISPLAYED
from autograder.model import Outcome, Reason, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.personalize import Values
from autograder.notebook.source import assigned, bindings

KEY = "autograder"
MAX_OBSERVED = 120  # characters of what a run then showed


@dataclass(frozen=True)
class Prediction:
    """What a learner guessed before running a cell, and the first line that the run then printed."""

    notebook: str
    name: str
    guess: str
    observed: str


@dataclass(frozen=True)
class GradedAnswers:
    """One student's verdicts by (notebook, grade_id of the test), and predictions."""

    verdicts: Mapping[tuple[str, str], Verdict]
    predictions: tuple[Prediction, ...] = ()
    axes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)  # by notebook, of own sizes the names


def keep(cell: NotebookNode, verdict: Verdict) -> None:
    """Write a verdict into its test cell's metadata."""
    kept = asdict(verdict)
    del kept["cell"], kept["traceback"]  # the grader's own paths are for its log file
    cell.metadata[KEY] = kept


def keep_sizes(notebook: NotebookNode, sizes: Values | None) -> None:
    """Write into a notebook's metadata the sizes it was held to, where they are a student's own."""
    if sizes:
        notebook.metadata[KEY] = {"sizes": dict(sizes)}


def sizes_kept(notebook: Mapping[str, Any]) -> dict[int, str]:
    """Names of axes by size, where a notebook was held to a student's own sizes."""
    found = notebook.get("metadata", {}).get(KEY, {}).get("sizes", {})
    return {size: axis for axis, size in found.items()}


def kept(cell: Mapping[str, Any]) -> Verdict | None:
    """The verdict kept in a cell, if there is one."""
    found = cell.get("metadata", {}).get(KEY)
    name = grade_id(cell)
    known = {one.name for one in fields(Verdict)} - {"cell"}
    return _verdict(name, {key: value for key, value in found.items() if key in known}) if found else None


def _verdict(name: str, kept: dict[str, Any]) -> Verdict:
    outcome, reason, detail = Outcome(kept.pop("outcome")), Reason(kept.pop("reason")), tuple(kept.pop("detail", ()))
    return Verdict(name, outcome, reason=reason, detail=detail, **kept)


class Reader:
    """Reads the facts of one assignment, a student at a time."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.course, self.assignment = course, assignment

    def read(self, student: str) -> GradedAnswers:
        """All that is kept of one student; nothing where nothing was graded."""
        verdicts: dict[tuple[str, str], Verdict] = {}
        predictions: list[Prediction] = []
        axes: dict[str, Mapping[int, str]] = {}
        for path in sorted(self.course.folder("autograded", self.assignment, student).glob("*.ipynb")):
            notebook = self._notebook(path)
            cells, axes[path.stem] = notebook["cells"], sizes_kept(notebook)
            verdicts |= {(path.stem, verdict.cell): verdict for cell in cells if (verdict := kept(cell))}
            predictions += self._predictions(path.stem, cells)
        return GradedAnswers(verdicts, tuple(predictions), axes)

    def written(self, student: str) -> dict[tuple[str, str], str]:
        """One student's answers that a reader marks, by (notebook, grade_id), as the autograded copies have them."""
        found = {}
        for path in sorted(self.course.folder("autograded", self.assignment, student).glob("*.ipynb")):
            for cell in self._notebook(path)["cells"]:
                about = cell.get("metadata", {}).get("nbgrader", {})
                if about.get("grade") and about.get("solution"):
                    found[path.stem, grade_id(cell)] = "".join(cell.get("source", ""))
        return found

    def _notebook(self, path: Path) -> dict[str, Any]:
        """Plain JSON: nbformat's validation would cost more than all the rest."""
        try:
            found = json.loads(path.read_bytes())
            return {"cells": list(found["cells"]), "metadata": dict(found["metadata"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {"cells": [], "metadata": {}}

    def _predictions(self, notebook: str, cells: list[dict[str, Any]]) -> Iterator[Prediction]:
        asked = self._asked.get(notebook, {})
        for place, cell in enumerate(cells):
            for name in asked.get(cell.get("id", ""), ()):
                guess = assigned("".join(cell.get("source", "")), name)[:MAX_DISPLAYED]
                if guess:
                    yield Prediction(notebook, name, guess, _first_line(cells[place + 1 :]))

    @cached_property
    def _asked(self) -> dict[str, dict[str, list[str]]]:
        """By notebook and cell id the names that ungraded cells of the master leave open for a guess."""
        found: dict[str, dict[str, list[str]]] = {}
        for path in self.course.masters(self.assignment):
            for cell in nbformat.read(path, 4).cells:
                if cell.cell_type == "code" and not (is_locked(cell) or is_solution(cell) or is_grade(cell)):
                    names = [name for name, full in (bindings(cell.source) or {}).items() if not full]
                    found.setdefault(path.stem, {})[cell.get("id", "")] = names
        return found


def _first_line(cells: list[dict[str, Any]]) -> str:
    code = next((cell for cell in cells if cell.get("cell_type") == "code"), {})
    texts = ["".join(output.get("text", "")) for output in code.get("outputs", [])]
    return next((line.strip()[:MAX_OBSERVED] for text in texts for line in text.splitlines() if line.strip()), "")
