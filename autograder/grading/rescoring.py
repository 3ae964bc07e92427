"""Give the verdicts of an earlier run other points, where only the points of tests have changed since: nothing is run.

A verdict depends on its test's points only if the test gives a part of them, or returns a number of points. A
submission with such a verdict is graded again.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade

from autograder.gradebook.graded_notebooks import keep, kept
from autograder.grading.annotate import show_verdict
from autograder.grading.notebook_grader import NotebookGrader, notebook_graders
from autograder.grading.unanswered import untouched
from autograder.model import Assignment, NotebookResult, Outcome, Result, Status, TestPlan, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.sanitize import typed_text
from autograder.notebook.source import parse

OF_NO_RUN = (Status.MISSING, Status.DAMAGED)


def rescored(student: str, assignment: Assignment, folder: Path, facts: Mapping[str, Any]) -> Result | None:
    """Return a submission's earlier result with the points that its tests have now; None if it must be graded again.

    Args:
        student: The student.
        assignment: The assignment, which differs in points only from what the result was made with.
        folder: The student's autograded notebooks.
        facts: What the ledger has of the student.
    """
    notebooks = []
    for grader in notebook_graders(assignment):
        about = facts.get("notebooks", {}).get(grader.name)
        notebook = _read(folder / f"{grader.name}.ipynb")
        result = _notebook(grader, notebook, about) if about and notebook else None
        if result is None:
            return None
        notebooks.append(result)
    return Result(student, tuple(notebooks), tuple(facts.get("repairs", ())))


def _read(path: Path) -> NotebookNode | None:
    """Return an autograded notebook; None if it is missing or damaged. We wrote it, so it needs no validation."""
    try:
        notebook: NotebookNode = nbformat.from_dict(json.loads(path.read_bytes()))
        for cell in notebook.cells:
            cell.source = "".join(cell.source)
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return notebook


def _notebook(grader: NotebookGrader, notebook: NotebookNode, about: Mapping[str, Any]) -> NotebookResult | None:
    plans = {plan.cell: plan for plan in grader.plans}
    abouts = {grade_id(cell): cell.metadata.nbgrader for cell in grader.source_notebook.cells if is_grade(cell)}
    verdicts: dict[str, Verdict] = {}
    for cell in notebook.cells:
        name = grade_id(cell)
        if name not in abouts or not is_grade(cell):
            continue
        before, cell.metadata.nbgrader = cell.metadata.nbgrader.get("points"), abouts[name]
        if plan := plans.get(name):
            earlier = kept(cell)
            verdict = earlier and _verdict(earlier, plan, is_same=before == abouts[name].points)
            if verdict is None:
                return None
            verdicts[name] = verdict
            cell.outputs = show_verdict(verdict)
            keep(cell, verdict)
    if verdicts.keys() != plans.keys():
        return None
    status = Status(about["status"])
    return NotebookResult(
        name=grader.name,
        content=nbformat.writes(notebook).encode(),
        verdicts=tuple(verdicts[cell] for cell in plans),
        untouched=untouched(_as_typed(notebook), grader),
        repairs=tuple(about["repairs"]),
        status=status,
        ran=status not in OF_NO_RUN,
    )


def _as_typed(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of an autograded notebook with the texts that the student typed."""
    copy: NotebookNode = nbformat.from_dict(notebook)
    for cell in copy.cells:
        cell.source = typed_text(cell)
    return copy


def _verdict(verdict: Verdict, plan: TestPlan, is_same: bool) -> Verdict | None:
    """Return a verdict with the points of its test; None if only another run can tell."""
    if is_same or verdict.points is None:
        return verdict
    if verdict.outcome is Outcome.PASSED:
        return None if _returns_value(plan) else replace(verdict, points=plan.points)
    is_certain = verdict.outcome is not Outcome.NOT_ATTEMPTED or not _returns_value(plan)
    return verdict if verdict.points == 0 and is_certain else None


def _returns_value(plan: TestPlan) -> bool:
    """Return whether the test's last line has a value, which may be a number of points."""
    body = parse(plan.test).body
    return bool(body) and isinstance(body[-1], ast.Expr)
