"""Check a test's verdicts: the solution must get all its points, and the unanswered notebook none.

`grading.proving` runs both notebooks. This module reads the verdicts, names the cell at fault and suggests a fix.
"""

import ast
from collections.abc import Iterator

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.evidence.refusals import TOO_MUCH, Refusal, article, exception, refused, what
from autograder.execution.failures import DEATHS
from autograder.model import NotebookResult, Outcome, Reason, TestPlan, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.source import bindings, parse
from autograder.text import normalize_whitespace, shorten

MAX_QUOTED = 300  # characters quoted from a test's or a cell's message
LINE = "on a line that ends in `# evidence`, such as"
CALLED = "function method builtin_function_or_method partial ufunc _lru_cache_wrapper".split()  # types
FIXES = {
    Reason.LAST_VALUE: "end the test with an assert, or with a number of points",
    Reason.PREPARATION: "modules that locked cells import must be installed, or be next to the source notebooks",
}
UNASSIGNED = "which neither an answer nor a locked cell assigns; assign or import it in this test"
NO_KERNEL = "run `autograder doctor` to see what is missing"


def notebook_faults(plans: tuple[TestPlan, ...], solved: NotebookResult, unanswered: NotebookResult) -> Iterator[str]:
    """Yield a sentence for each test that does not give the solution all points, or that gives the stub some."""
    whole = nbformat.reads(solved.content.decode(), 4).cells
    cells = [cell for cell in whole if cell.cell_type == "code" and (is_solution(cell) or not is_grade(cell))]
    for plan, right, nothing in zip(plans, solved.verdicts, unanswered.verdicts, strict=True):
        if right.outcome != Outcome.PASSED:
            yield f"{plan.cell} {_fault(plan, right, cells)}{_shadowed(plan, cells)}"
        elif nothing.points:
            earns = f"gives {nothing.points:g} points for an unanswered notebook"
            yield f"{plan.cell} {earns}; make it fail when there is no answer{_shadowed(plan, cells)}"
        elif nothing.points is None:
            yield f"{plan.cell} cannot be judged on an unanswered notebook: {_rationale(nothing)}; {_fix(nothing)}"


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
        return f"needs `{name}`{_refused(plan, verdict, cells)}"
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
                cause = output.evalue if output.ename in DEATHS else raised
                return f"which is not defined because {_short(cause)}; fix that cell"
    return ""


def _refused(plan: TestPlan, verdict: Verdict, cells: list[NotebookNode]) -> str:
    """Return why a value was refused, and what to do about it."""
    name, (refusal, of) = verdict.subject, verdict.detail
    if refusal in TOO_MUCH:
        return f": {refused(verdict.detail)}"
    kind = f"{article(of)} {of}" if refusal == Refusal.OBJECT else what(verdict.detail)
    return f", {kind}, which is not plain data; {_instead(plan, name, of, cells)}"


def _instead(plan: TestPlan, name: str, kind: str, cells: list[NotebookNode]) -> str:
    if name in dict(plan.evidence):
        return "make its `# evidence` line return numbers, strings, lists or arrays"
    if kind == "module":
        return "import it in this test or in a locked cell"
    if any(name in (bindings(cell.source) or {}) and not is_locked(cell) and not is_solution(cell) for cell in cells):
        return "if it is not an answer, lock the cell that defines it"
    if kind in CALLED:
        return f"call it {LINE} `got = [{name}(x) for x in inputs]  # evidence`, and test `got`"
    made = f"{name}(…)" if kind == "type" else name
    return f"get data from it {LINE} `got = {made}.method()  # evidence`, and test `got`"


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
    return FIXES.get(verdict.reason, NO_KERNEL)


def _rationale(verdict: Verdict) -> str:
    return _short(verdict.rationale.rstrip(". \n"))


def _short(text: str) -> str:
    return shorten(normalize_whitespace(text), MAX_QUOTED)
