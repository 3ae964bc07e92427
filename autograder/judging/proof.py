"""What is wrong with a test: on the solution it must give all its points, and on the unanswered notebook none.

`grading.proving` runs both; this room reads the verdicts and says which cell is at fault and what to write instead.
"""

import ast
import re
from collections.abc import Iterator

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.execution.failures import DEATHS
from autograder.model import NotebookResult, Outcome, Reason, TestPlan, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.source import bindings, parse

MAX_SAID = 300  # characters of what a test or a cell says
LINE = "on a line that ends in `# evidence`, such as"
CALLED = "a function, a method, a builtin_function_or_method, a partial, an ufunc, a _lru_cache_wrapper".split(", ")
CURES = {
    "the test ends in": "end it in an assert, or in a number of points",
    "the test's own preparation": "what locked cells import must be installed or lie beside the source notebooks",
    "": "`autograder doctor` says what is missing",
}


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
            yield f"{plan.cell} cannot be judged on an unanswered notebook: {_said(nothing)}; {_cure(_said(nothing))}"


def _fault(plan: TestPlan, verdict: Verdict, cells: list[NotebookNode]) -> str:
    said = _said(verdict)
    name, _, why = said.partition(": ")
    if verdict.outcome == Outcome.FAILED:
        given = f"gives the solution {verdict.points:g} of {plan.points:g} points"
        return f"{given}{f' ({said})' if said else ''}; mend the test or the solution"
    if verdict.outcome == Outcome.NOT_ATTEMPTED:
        return f"finds `...` in the solution, in {' or '.join(f'`{name}`' for name in plan.answers)}; answer it"
    if verdict.outcome == Outcome.GRADER_ERROR:
        return f"cannot be judged: {said}; {_cure(said)}"
    if ": no such name;" in verdict.rationale:
        lost = (
            _lost(name, cells) or "which neither an answer nor a locked cell assigns; assign or import it in this test"
        )
        return f"needs `{name}`, {lost}"
    if verdict.reason is Reason.RAISED:
        return f"has a line `{name} = …  # evidence` that raises {why}{_unseen(why, cells)}"
    if verdict.reason is Reason.NOT_PLAIN_DATA:
        return _refused(plan, name, why, cells)
    return f"has nothing to judge: {said}; mend the solution"


def _unseen(why: str, cells: list[NotebookNode]) -> str:
    """What to do about a line of evidence that raises."""
    unknown = re.fullmatch(r"NameError: name '(\w+)' is not defined", why)
    if unknown is None:
        return "; mend it or the solution"
    if lost := _lost(unknown[1], cells):
        return f", {lost}"
    return "; of its test such a line sees only the lines above that end in `# evidence`, too"


def _lost(name: str, cells: list[NotebookNode]) -> str:
    """Which cell should have bound the name, and what became of it; empty where none did."""
    for cell in cells:
        for output in cell.outputs if name in (bindings(cell.source) or {}) else []:
            if output.output_type == "error":
                raised = f"cell {_name(cell)} raises {output.ename}: {output.evalue}".removesuffix(": ")
                said = output.evalue if output.ename in DEATHS else raised
                return f"which is not there since {_short(said)}; mend that cell"
    return ""


def _refused(plan: TestPlan, name: str, why: str, cells: list[NotebookNode]) -> str:
    """What to do about a value that cannot cross."""
    found = re.fullmatch(r"(.+) is not plain data; .+", why)
    if found is None:
        return f"needs `{name}`: {why}"
    kind = re.sub(r"^(an? \w+) object$", r"\1", found[1])
    what = f"needs `{name}`, {kind}, which is not plain data"
    if name in dict(plan.evidence):
        return f"{what}; let its `# evidence` line give numbers, texts, lists or arrays"
    if kind == "a module":
        return f"{what}; import it in this test or in a locked cell"
    if any(name in (bindings(cell.source) or {}) and not is_locked(cell) and not is_solution(cell) for cell in cells):
        return f"{what}; if it is no answer, lock the cell that makes it"
    if kind in CALLED:
        return f"{what}; call it {LINE} `got = [{name}(x) for x in inputs]  # evidence`, and test `got`"
    made = f"{name}(…)" if kind == "a type" else name
    return f"{what}; ask it for data {LINE} `got = {made}.method()  # evidence`, and test `got`"


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


def _cure(said: str) -> str:
    return next(cure for start, cure in CURES.items() if said.startswith(start))


def _said(verdict: Verdict) -> str:
    return _short(verdict.rationale.rstrip(". \n"))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SAID else f"{line[:MAX_SAID]}…"
