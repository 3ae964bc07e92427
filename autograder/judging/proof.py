"""What is wrong with a test: on the solution it must give all its points, and on the unanswered notebook none.

`grading.proving` runs both; this room reads the verdicts and says which cell is at fault and what to write instead.
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

MAX_SAID = 300  # characters of what a test or a cell says
LINE = "on a line that ends in `# evidence`, such as"
CALLED = "function method builtin_function_or_method partial ufunc _lru_cache_wrapper".split()  # types
CURES = {
    Reason.LAST_VALUE: "end it in an assert, or in a number of points",
    Reason.PREPARATION: "what locked cells import must be installed or lie beside the source notebooks",
}
UNASSIGNED = "which neither an answer nor a locked cell assigns; assign or import it in this test"
NO_KERNEL = "`autograder doctor` says what is missing"


def notebook_faults(plans: tuple[TestPlan, ...], solved: NotebookResult, unanswered: NotebookResult) -> Iterator[str]:
    """Yield a fault for each test that does not give the solution all points and the stub none, by its cell."""
    whole = nbformat.reads(solved.content.decode(), 4).cells
    cells = [cell for cell in whole if cell.cell_type == "code" and (is_solution(cell) or not is_grade(cell))]
    for plan, right, nothing in zip(plans, solved.verdicts, unanswered.verdicts, strict=True):
        if right.outcome != Outcome.PASSED:
            yield f"{plan.cell} {_fault(plan, right, cells)}{_shadowed(plan, cells)}"
        elif nothing.points:
            earns = f"gives {nothing.points:g} points for an unanswered notebook"
            yield f"{plan.cell} {earns}; let it fail where the answer is missing{_shadowed(plan, cells)}"
        elif nothing.points is None:
            yield f"{plan.cell} cannot be judged on an unanswered notebook: {_said(nothing)}; {_cure(nothing)}"


def _fault(plan: TestPlan, verdict: Verdict, cells: list[NotebookNode]) -> str:
    said, name = _said(verdict), verdict.subject
    if verdict.outcome is Outcome.FAILED:
        given = f"gives the solution {verdict.points:g} of {plan.points:g} points"
        return f"{given}{f' ({said})' if said else ''}; mend the test or the solution"
    if verdict.outcome is Outcome.NOT_ATTEMPTED:
        return f"finds `...` in the solution, in {' or '.join(f'`{name}`' for name in plan.answers)}; answer it"
    if verdict.outcome is Outcome.GRADER_ERROR:
        return f"cannot be judged: {said}; {_cure(verdict)}"
    if verdict.is_unbound:
        return f"needs `{name}`, {_lost(name, cells) or UNASSIGNED}"
    if verdict.reason is Reason.RAISED:
        return f"has a line `{name} = …  # evidence` that raises {_raised(verdict.detail, cells)}"
    if verdict.reason is Reason.NOT_PLAIN_DATA:
        return f"needs `{name}`{_refused(plan, verdict, cells)}"
    return f"has nothing to judge: {said}; mend the solution"


def _raised(detail: tuple[str, ...], cells: list[NotebookNode]) -> str:
    """What a line of evidence raises, and what to do about it."""
    raised, lacking = exception(detail).rstrip(". \n"), detail[2]
    if not lacking:
        return f"{raised}; mend it or the solution"
    if lost := _lost(lacking, cells):
        return f"{raised}, {lost}"
    return f"{raised}; of its test such a line sees only the lines above that end in `# evidence`, too"


def _lost(name: str, cells: list[NotebookNode]) -> str:
    """Which cell should have bound the name, and what became of it; empty where none did."""
    for cell in cells:
        for output in cell.outputs if name in (bindings(cell.source) or {}) else []:
            if output.output_type == "error":
                raised = f"cell {_name(cell)} raises {exception((output.ename, output.evalue))}"
                said = output.evalue if output.ename in DEATHS else raised
                return f"which is not there since {_short(said)}; mend that cell"
    return ""


def _refused(plan: TestPlan, verdict: Verdict, cells: list[NotebookNode]) -> str:
    """What to do about a value that cannot cross."""
    name, (refusal, of) = verdict.subject, verdict.detail
    if refusal in TOO_MUCH:
        return f": {refused(verdict.detail)}"
    kind = f"{article(of)} {of}" if refusal == Refusal.OBJECT else what(verdict.detail)
    return f", {kind}, which is not plain data; {_instead(plan, name, of, cells)}"


def _instead(plan: TestPlan, name: str, kind: str, cells: list[NotebookNode]) -> str:
    if name in dict(plan.evidence):
        return "let its `# evidence` line give numbers, texts, lists or arrays"
    if kind == "module":
        return "import it in this test or in a locked cell"
    if any(name in (bindings(cell.source) or {}) and not is_locked(cell) and not is_solution(cell) for cell in cells):
        return "if it is no answer, lock the cell that makes it"
    if kind in CALLED:
        return f"call it {LINE} `got = [{name}(x) for x in inputs]  # evidence`, and test `got`"
    made = f"{name}(…)" if kind == "type" else name
    return f"ask it for data {LINE} `got = {made}.method()  # evidence`, and test `got`"


def _shadowed(plan: TestPlan, cells: list[NotebookNode]) -> str:
    """Of a name that the judge has from a locked cell, though an answer assigns it, which its stub does not show."""
    own = [node for node in parse(plan.prelude).body if not isinstance(node, ast.Import | ast.ImportFrom)]
    locked = {name for node in own for name in bindings(ast.unparse(node)) or {}}
    answers = {name for cell in cells if is_solution(cell) for name in bindings(cell.source) or {}}
    both = " and ".join(f"`{name}`" for name in sorted(locked & answers))
    return f" (it takes {both} from a locked cell, though an answer assigns it; give one of them another name)" * bool(
        both
    )


def _name(cell: NotebookNode) -> str:
    return grade_id(cell) or str(cell.id)


def _cure(verdict: Verdict) -> str:
    return CURES.get(verdict.reason, NO_KERNEL)


def _said(verdict: Verdict) -> str:
    return _short(verdict.rationale.rstrip(". \n"))


def _short(text: str) -> str:
    return shorten(normalize_whitespace(text), MAX_SAID)
