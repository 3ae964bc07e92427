"""Check a test's verdicts: the solution must get all its points, and the unanswered notebook none.

`grading.proving` runs both notebooks. This module reads the verdicts, names the cell and the line, and suggests a fix.
A test that is wrong stops a release. One that only this grader cannot judge stays open: the instructor marks it.
"""

import ast
import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.distribution import own_command
from autograder.evidence.refusals import exception, refused
from autograder.execution.failures import REASONS
from autograder.judging.givens import Candidate
from autograder.model import NotebookResult, Outcome, Reason, TestPlan, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.source import bindings, parse
from autograder.text import normalize_whitespace, shorten

MAX_QUOTED = 300  # characters quoted from a test's or a cell's message
FIXES = {
    Reason.LAST_VALUE: "end the test with an assert, or with a number of points",
    Reason.NOT_SUPPORTED: "compare data instead",
    Reason.PREPARATION: "modules that locked cells import must be installed, or be next to the source notebooks",
}
UNASSIGNED = "which neither an answer nor a locked cell assigns; assign or import it in this test"


class Kind(StrEnum):
    """What a remark on a test is about."""

    WRONG = "wrong"  # the test gives wrong marks; a release is refused
    OPEN = "open"  # the test judges nobody; the instructor marks its answers
    DECIDED = "decided"  # an object of the student decides an assertion
    EMPTY = "empty"  # the test passes for empty answers, too
    STUDENTS = "student's"  # the test reads what the course computes from the student's notebook


JUDGES_NOBODY = (Kind.WRONG, Kind.OPEN)


@dataclass(frozen=True)
class Remark:
    """What an instructor should know of a test. `text` begins with the cell's name, and has no full stop."""

    kind: Kind
    cell: str
    text: str


def notebook_remarks(
    plans: tuple[TestPlan, ...], solved: NotebookResult, unanswered: NotebookResult, free: Container[str] = ()
) -> Iterator[Remark]:
    """Yield a remark for each test that does not prove itself, and for what is weak in the others.

    Args:
        plans: The plans of the notebook's tests.
        solved: The result of the solution.
        unanswered: The result of the notebook as students get it.
        free: The tests that may give points for the unanswered notebook.
    """
    whole = nbformat.reads(solved.content.decode(), 4).cells
    cells = [cell for cell in whole if cell.cell_type == "code" and (is_solution(cell) or not is_grade(cell))]
    for plan, right, nothing in zip(plans, solved.verdicts, unanswered.verdicts, strict=True):
        faults = _faults(plan, right, nothing, cells, free)
        yield from faults or _weaknesses(plan, right, is_free=plan.cell in free)


def givens_remarks(candidates: Iterable[Candidate]) -> Iterator[Remark]:
    """Yield a remark for each name of the course's cells whose value comes from the student's notebook."""
    tests: dict[tuple[str, str, str], list[str]] = {}
    for one in candidates:
        if one.why:
            tests.setdefault((one.name, one.cell, one.why), []).append(one.test)
    for (name, _, why), (first, *others) in tests.items():
        also = f"; so {'does' if len(others) == 1 else 'do'} {', '.join(others)}" * bool(others)
        yield Remark(Kind.STUDENTS, first, f"{first} reads `{name}` from the student's notebook, because {why}{also}")


def _faults(
    plan: TestPlan, right: Verdict, nothing: Verdict, cells: list[NotebookNode], free: Container[str]
) -> list[Remark]:
    """Return why a test cannot judge anybody."""

    def wrong(text: str) -> list[Remark]:
        return [Remark(Kind.WRONG, plan.cell, f"{plan.cell} {text}{_shadowed(plan, cells)}")]

    if plan.faults:
        return [
            Remark(Kind.OPEN if fault.unsupported else Kind.WRONG, plan.cell, fault.of(plan.cell))
            for fault in plan.faults
        ]
    if right.outcome is Outcome.OPEN:
        return [Remark(Kind.OPEN, plan.cell, f"{_place(plan, right.line)}: {_rationale(right)}; {_fix(right)}")]
    if right.outcome != Outcome.PASSED:
        return wrong(_fault(plan, right, cells))
    if nothing.points and plan.cell not in free:
        earns = f"gives {nothing.points:g} points for an unanswered notebook"
        return wrong(f"{earns}; make it fail when there is no answer")
    unmarked = nothing.points is None and nothing.outcome is not Outcome.OPEN
    if unmarked or nothing.reason is Reason.LAST_VALUE:
        return wrong(f"cannot be judged on an unanswered notebook: {_rationale(nothing)}; {_fix(nothing)}")
    return []


def _weaknesses(plan: TestPlan, right: Verdict, is_free: bool) -> Iterator[Remark]:
    """Yield where a student's own object decides a proved test, and for which empty answers it passes."""
    proof: Mapping[str, list[int]] = json.loads(right.proof or "{}")
    for line in proof.get("decided", ()):
        what = "an object of the student decides this assertion; compare data, such as `v.x == 4`"
        yield Remark(Kind.DECIDED, plan.cell, f"{_place(plan, line)}: {what}")
    if right.empty and not is_free:
        what = f"the test also passes if {', or if '.join(right.empty)}; compare the answer with a value"
        yield Remark(Kind.EMPTY, plan.cell, f"{plan.cell}: {what}")


def _place(plan: TestPlan, line: int) -> str:
    return f"{plan.cell}, line {line}" if line else plan.cell


def _fault(plan: TestPlan, verdict: Verdict, cells: list[NotebookNode]) -> str:
    rationale, name = _rationale(verdict), verdict.subject
    if verdict.outcome is Outcome.FAILED:
        given = f"gives the solution {verdict.points:g} of {plan.points:g} points"
        return f"{given}{f' ({rationale})' if rationale else ''}; fix the test or the solution"
    if verdict.outcome is Outcome.NOT_ATTEMPTED:
        names = " or ".join(f"`{name}`" for name in plan.answers)
        return f"finds `...` in the solution, in {names}; write the answer there"
    if verdict.outcome is Outcome.GRADER_ERROR:
        return f"cannot be judged: {rationale}; {_fix(verdict)}"
    if verdict.is_unbound:
        return f"needs `{name}`, {_lost(name, cells) or UNASSIGNED}"
    if verdict.reason is Reason.RAISED:
        return f"has a line `{name} = …  # evidence` that raises {_raised(verdict.detail, cells)}"
    if verdict.reason is Reason.NOT_PLAIN_DATA:
        return f"needs `{name}`: {refused(verdict.detail)}"
    return f"has nothing to judge: {rationale}; fix the solution"


def _raised(detail: tuple[str, ...], cells: list[NotebookNode]) -> str:
    """Return what an `# evidence` line raises, and how to fix it."""
    raised, lacking = exception(detail).rstrip(". \n"), detail[2]
    if not lacking:
        return f"{raised}; fix that line or the solution"
    if lost := _lost(lacking, cells):
        return f"{raised}, {lost}"
    return f"{raised}; from its own test, such a line can use only names that earlier `# evidence` lines assign"


def _lost(name: str, cells: list[NotebookNode]) -> str:
    """Return which cell should have assigned the name, and how that cell failed; empty if there is none."""
    for cell in cells:
        for output in cell.outputs if name in (bindings(cell.source) or {}) else []:
            if output.output_type == "error":
                raised = f"cell {_name(cell)} raises {exception((output.ename, output.evalue))}"
                cause = output.evalue if output.ename in REASONS else raised
                return f"which is not defined because {_short(cause)}; fix that cell"
    return ""


def _shadowed(plan: TestPlan, cells: list[NotebookNode]) -> str:
    """Return a remark on names that a locked cell and an answer both assign: the test uses the locked cell's value."""
    own = [node for node in parse(plan.prelude).body if not isinstance(node, ast.Import | ast.ImportFrom)]
    locked = {name for node in own for name in bindings(ast.unparse(node)) or {}}
    answers = {name for cell in cells if is_solution(cell) for name in bindings(cell.source) or {}}
    both = " and ".join(f"`{name}`" for name in sorted(locked & answers))
    return f" (the test uses {both} from a locked cell, but an answer also assigns it; rename one of them)" * bool(both)


def _name(cell: NotebookNode) -> str:
    return grade_id(cell) or str(cell.id)


def _fix(verdict: Verdict) -> str:
    return verdict.help or FIXES.get(verdict.reason) or f"run `{own_command()} doctor` to see what is missing"


def _rationale(verdict: Verdict) -> str:
    return _short(verdict.rationale.rstrip(". \n"))


def _short(text: str) -> str:
    return shorten(normalize_whitespace(text), MAX_QUOTED)
