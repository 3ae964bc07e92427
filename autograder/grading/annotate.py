"""Make the autograded notebook: what formgrader shows the instructor, and feedback the student.

The verdicts are the outputs of the test cells. Repairs and remarks are a cell at the top.
"""

from collections.abc import Sequence

import nbformat
from nbformat import NotebookNode

from autograder.gradebook.graded_notebooks import keep
from autograder.model import Outcome, Verdict, Words
from autograder.notebook.cells import grade_id
from autograder.notebook.sanitize import inert, inert_sentence, new_output


def annotated(
    notebook: NotebookNode, source: NotebookNode, verdicts: Sequence[Verdict], repairs: Sequence[str] = ()
) -> NotebookNode:
    """Return a copy of a notebook with its verdicts and repairs, and without unsafe HTML and scripts.

    Args:
        notebook: The notebook with its outputs.
        source: The source notebook, whose own HTML is safe.
        verdicts: The verdicts on its tests.
        repairs: What was repaired before it was run, and remarks on it.
    """
    shown, by_cell = inert(notebook, source), {verdict.cell: verdict for verdict in verdicts}
    for cell in shown.cells:
        if verdict := by_cell.get(grade_id(cell)):
            cell.outputs = show_verdict(verdict)
            keep(cell, verdict)
    shown.cells[:0] = _show_repairs(repairs)
    return shown


def _show_repairs(repairs: Sequence[str]) -> list[NotebookNode]:
    """Return a first cell with repairs and remarks. Formgrader shows it to the instructor, feedback to the student."""
    lines = "\n".join(f"* {inert_sentence(repair)}" for repair in repairs)
    return (
        [nbformat.v4.new_markdown_cell(f"**What we repaired before running this notebook:**\n\n{lines}")]
        if lines
        else []
    )


def show_verdict(verdict: Verdict) -> list[NotebookNode]:
    """Return a verdict as the output of its test cell: text if it passed, else an error with the reason."""
    if verdict.outcome == Outcome.PASSED:
        return [new_output("stream", name="stdout", text=f"passed: {verdict.points:g} points\n")]
    points = f" ({verdict.points:g} points)" if verdict.points else ""
    rationale, *check = _show_check(verdict)
    text = [f"{verdict.outcome}{points}: {rationale}", *check]
    return [new_output("error", ename=verdict.outcome, evalue=verdict.rationale, traceback=text)]


def _show_check(verdict: Verdict) -> list[str]:
    """Return the lines that tell the instructor why and where a test failed, and with which values."""
    check = verdict.check
    if check is None:
        return [verdict.rationale]
    place = f"line {check.line}{' (hidden)' if check.is_hidden else ''}: {check.source}"
    values = [f"    {one.expression} is {one.value}" for one in check.values]
    return [place, *values] if check.words is Words.NONE else [verdict.rationale, place, *values]
