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

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.course.course import Course
from autograder.evidence.display import MAX_DISPLAYED
from autograder.model import Check, Outcome, Reason, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.landmarks import parsed
from autograder.notebook.personalize import Values
from autograder.notebook.sanitize import typed_text
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
    del kept["cell"], kept["proof"], kept["empty"]  # these are of the solution's run
    del kept["traceback"]  # it has paths of the grader's machine; it goes to the log file
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
    return Verdict(name, outcome, reason=reason, detail=detail, check=Check.read(kept.pop("check", None)), **kept)


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
        """Return one student's written answers as typed, by (notebook, grade_id), from the autograded notebooks."""
        return {key: typed_text(cell) for key, cell in self.written_cells(student).items()}

    def written_cells(self, student: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the cells of one student's written answers, by (notebook, grade_id)."""
        answers = {}
        for path in sorted(self.course.folder("autograded", self.assignment, student).glob("*.ipynb")):
            for cell in self._notebook(path)["cells"]:
                about = cell.get("metadata", {}).get("nbgrader", {})
                if about.get("grade") and about.get("solution"):
                    answers[path.stem, grade_id(cell)] = cell
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
    def sources(self) -> dict[str, NotebookNode]:
        """Return the source notebooks, by name. They are read when they are first needed; do not modify them."""
        return {path.stem: parsed(path.read_bytes()) for path in self.course.source_notebooks(self.assignment)}

    @cached_property
    def _asked(self) -> dict[str, dict[str, list[str]]]:
        """Return, by notebook and cell id, the names that students fill in in ungraded cells of the source notebook."""
        asked: dict[str, dict[str, list[str]]] = {}
        for name, notebook in self.sources.items():
            for cell in notebook.cells:
                if cell.cell_type == "code" and not (is_locked(cell) or is_solution(cell) or is_grade(cell)):
                    names = [asked_for for asked_for, full in (bindings(cell.source) or {}).items() if not full]
                    asked.setdefault(name, {})[cell.get("id", "")] = names
        return asked


def _first_line(cells: list[dict[str, Any]]) -> str:
    code = next((cell for cell in cells if cell.get("cell_type") == "code"), {})
    texts = ["".join(output.get("text", "")) for output in code.get("outputs", [])]
    return next((line.strip()[:MAX_OBSERVED] for text in texts for line in text.splitlines() if line.strip()), "")
