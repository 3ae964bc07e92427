"""Rows, tables and verdicts of a class that are written by hand."""

from autograder.gradebook.graded_notebooks import GradedAnswers
from autograder.gradebook.queries import Row, Table
from autograder.model import Outcome, Reason, Status, Verdict

CELLS = {"q1": ("one", "q1-test"), "q2": ("one", "q2-test"), "q2-why": ("one", "q2-why")}
POINTS = {"q1": 2.0, "q2": 2.0, "q2-why": 1.0}


def make_row(student: str, *marks: float | None, status: Status = Status.GRADED, repairs: tuple[str, ...] = ()) -> Row:
    score = sum(mark or 0.0 for mark in marks) if marks else None
    return Row(student, dict(zip(POINTS, marks or (None,) * 3, strict=True)), score, 5.0, status, "", repairs)


def make_table(*rows: Row) -> Table:
    return Table("ps1", POINTS, rows, CELLS)


def make_answers(*verdicts: Verdict) -> GradedAnswers:
    return GradedAnswers({("one", verdict.cell): verdict for verdict in verdicts})


def make_failed(cell: str, mistake: str, given: str = "(3,)", points: float = 0.0) -> Verdict:
    return Verdict(cell, Outcome.FAILED, points, f"{mistake} Look. Right: 1", Reason.NONE, mistake, "Look.", "1", given)
