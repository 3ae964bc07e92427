"""Store verdicts in the autograded notebooks, and read them back together with students' predictions.

`keep` writes a verdict into the metadata of its test cell. `Reader.read` returns all verdicts of a student, as they
were when the notebooks were graded.
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
MAX_OBSERVED = 120  # characters kept of the printed line that follows a prediction


@dataclass(frozen=True)
class Prediction:
    """What a student predicted before running a cell, and the first line that the run then printed."""

    notebook: str
    name: str
    guess: str
    observed: str


@dataclass(frozen=True)
class GradedAnswers:
    """One student's verdicts, by (notebook, grade_id of the test), and predictions."""

    verdicts: Mapping[tuple[str, str], Verdict]
    predictions: tuple[Prediction, ...] = ()
    axes: Mapping[str, Mapping[int, str]] = field(
        default_factory=dict
    )  # notebook → size → axis name, for personal sizes


def keep(cell: NotebookNode, verdict: Verdict) -> None:
    """Write a verdict into its test cell's metadata."""
    kept = asdict(verdict)
    del kept["cell"], kept["traceback"]  # a traceback has paths of the grader's machine; it goes to the log file
    cell.metadata[KEY] = kept


def keep_sizes(notebook: NotebookNode, sizes: Values | None) -> None:
    """Write a student's personal sizes, if any, into the metadata of the notebook that was graded with them."""
    if sizes:
        notebook.metadata[KEY] = {"sizes": dict(sizes)}


def sizes_kept(notebook: Mapping[str, Any]) -> dict[int, str]:
    """Return axis names by size if a notebook was graded with a student's personal sizes; else an empty dict."""
    sizes = notebook.get("metadata", {}).get(KEY, {}).get("sizes", {})
    return {size: axis for axis, size in sizes.items()}


def kept(cell: Mapping[str, Any]) -> Verdict | None:
    """Return the verdict stored in a cell, or None."""
    stored = cell.get("metadata", {}).get(KEY)
    name = grade_id(cell)
    known = {one.name for one in fields(Verdict)} - {"cell"}
    return _verdict(name, {key: value for key, value in stored.items() if key in known}) if stored else None


def _verdict(name: str, kept: dict[str, Any]) -> Verdict:
    outcome, reason, detail = Outcome(kept.pop("outcome")), Reason(kept.pop("reason")), tuple(kept.pop("detail", ()))
    return Verdict(name, outcome, reason=reason, detail=detail, **kept)


class Reader:
    """Read the autograded notebooks of one assignment, one student at a time."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.course, self.assignment = course, assignment

    def read(self, student: str) -> GradedAnswers:
        """Return one student's verdicts and predictions; empty if nothing was graded."""
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
        """Return one student's written answers, by (notebook, grade_id), from the autograded notebooks."""
        answers = {}
        for path in sorted(self.course.folder("autograded", self.assignment, student).glob("*.ipynb")):
            for cell in self._notebook(path)["cells"]:
                about = cell.get("metadata", {}).get("nbgrader", {})
                if about.get("grade") and about.get("solution"):
                    answers[path.stem, grade_id(cell)] = "".join(cell.get("source", ""))
        return answers

    def _notebook(self, path: Path) -> dict[str, Any]:
        """Read a notebook as plain JSON: nbformat's validation would take longer than everything else here."""
        try:
            notebook = json.loads(path.read_bytes())
            return {"cells": list(notebook["cells"]), "metadata": dict(notebook["metadata"])}
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
        """Return, by notebook and cell id, the names that students fill in in ungraded cells of the source notebook."""
        asked: dict[str, dict[str, list[str]]] = {}
        for path in self.course.masters(self.assignment):
            for cell in nbformat.read(path, 4).cells:
                if cell.cell_type == "code" and not (is_locked(cell) or is_solution(cell) or is_grade(cell)):
                    names = [name for name, full in (bindings(cell.source) or {}).items() if not full]
                    asked.setdefault(path.stem, {})[cell.get("id", "")] = names
        return asked


def _first_line(cells: list[dict[str, Any]]) -> str:
    code = next((cell for cell in cells if cell.get("cell_type") == "code"), {})
    texts = ["".join(output.get("text", "")) for output in code.get("outputs", [])]
    return next((line.strip()[:MAX_OBSERVED] for text in texts for line in text.splitlines() if line.strip()), "")
