"""Cells run in a real kernel, and what their tests would get as evidence."""

import nbformat

from autograder.course.limits import Limits
from autograder.evidence.decoder import decode_all
from autograder.execution.runner import Ran, run
from autograder.model import TestPlan

LIMITS = Limits(cell_seconds=3, notebook_seconds=60, cell_output=100_000, notebook_output=300_000)


def _notebook(*cells: str) -> nbformat.NotebookNode:
    """Cells of code; one that is a name ending in -test is a test cell."""
    made = []
    for source in cells:
        made.append(nbformat.v4.new_code_cell("raise SystemExit" if source.endswith("-test") else source))
        if source.endswith("-test"):
            made[-1].metadata["nbgrader"] = {"grade_id": source, "grade": True, "solution": False, "points": 1}
    notebook: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=made)
    return notebook


def run_cells(*cells: str, limits: Limits = LIMITS, **evidence: str) -> Ran:
    """Run cells of code; `evidence` are the expressions of each test."""
    tests = [cell for cell in cells if cell.endswith("-test")]
    plans = [TestPlan(test, 1.0, (test.removesuffix("-test"),), tuple(evidence.items()), "", "") for test in tests]
    return run(_notebook(*cells), plans, {}, limits)


def values(ran: Ran, test: str) -> dict[str, object]:
    """Return the evidence for a test, decoded."""
    text = ran.evidence[test]
    assert isinstance(text, str), text
    return {name: found.sentence or found.value for name, found in decode_all(text).items()}
