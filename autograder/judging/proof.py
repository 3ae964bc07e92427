"""Before a release: on the solution every test gives all its points, and on the unanswered notebook none.

Each source notebook goes the way of a submission twice, with its solutions and as students get it. So a test that
cannot be judged across the trust line is found here, and what fails later, on a student's data, is that student's.
"""

import ast
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.execution.failures import DEATHS
from autograder.execution.sandbox import sandbox_if_any
from autograder.grading.class_run import masters_of
from autograder.grading.pipeline import NotebookGrader, grade_notebook
from autograder.judging.judge import Verdict
from autograder.judging.test_plan import TestPlan
from autograder.model import NotebookResult
from autograder.notebook.source import bindings
from autograder.notebook.syntax import parse

NAMED = 3  # faults that one sentence names
MAX_SAID = 300  # characters of what a test or a cell says
LINE = "on a line that ends in `# evidence`, such as"
CALLED = "a function, a method, a builtin_function_or_method, a partial, an ufunc, a _lru_cache_wrapper".split(", ")
CURES = {
    "the test ends in": "end it in an assert, or in a number of points",
    "the test's own preparation": "what locked cells import must be installed or lie beside the source notebooks",
    "": "`make doctor` says what is missing",
}


def prove(course: Course, assignment: str, limits: Limits | None = None) -> None:
    """Judge the solution and the unanswered notebooks; raise CourseError naming the cells at fault and what to do."""
    found = faults(course, assignment, limits)
    if found:
        more = [f"And {len(found) - NAMED} more."] if len(found) > NAMED else []
        raise CourseError(" ".join([*found[:NAMED], *more]))


def faults(course: Course, assignment: str, limits: Limits | None = None) -> list[str]:
    """A sentence for each test cell at fault, in the order of the course."""
    masters, sources = masters_of(course, assignment), course.masters(assignment)
    limits = limits or replace(course.limits, sandbox=sandbox_if_any())  # one's own notebooks run without one, too
    teaching = {name: (content, nbformat.reads(content.decode(), 4)) for name, content in masters.notebooks}
    graders = {name: NotebookGrader.of(name, master, masters) for name, (_, master) in teaching.items()}
    contents = {path.stem: (path.read_bytes(), teaching[path.stem][0]) for path in sources if graders[path.stem].plans}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = {
            name: [pool.submit(grade_notebook, graders[name], content, {}, limits) for content in both]
            for name, both in contents.items()
        }
    return [
        f"{assignment}/{name}.ipynb: cell {fault}."
        for name, (solved, unanswered) in results.items()
        for fault in _faults(graders[name].plans, solved.result(), unanswered.result())
    ]


def _faults(plans: tuple[TestPlan, ...], solved: NotebookResult, unanswered: NotebookResult) -> Iterator[str]:
    whole = nbformat.reads(solved.content.decode(), 4).cells
    cells = [cell for cell in whole if cell.cell_type == "code" and (is_solution(cell) or not is_grade(cell))]
    for plan, right, nothing in zip(plans, solved.verdicts, unanswered.verdicts, strict=True):
        if right.word != "passed":
            yield f"{plan.cell} {_fault(plan, right, cells)}{_shadowed(plan, cells)}"
        elif nothing.points:
            earns = f"gives {nothing.points:g} points for an unanswered notebook"
            yield f"{plan.cell} {earns}; let it fail where the answer is missing{_shadowed(plan, cells)}"
        elif nothing.points is None:
            yield f"{plan.cell} cannot be judged on an unanswered notebook: {_said(nothing)}; {_cure(_said(nothing))}"


def _fault(plan: TestPlan, verdict: Verdict, cells: list[NotebookNode]) -> str:
    said = _said(verdict)
    name, _, why = said.partition(": ")
    if verdict.word == "failed":
        given = f"gives the solution {verdict.points:g} of {plan.points:g} points"
        return f"{given}{f' ({said})' if said else ''}; mend the test or the solution"
    if verdict.word == "not attempted":
        return f"finds `...` in the solution, in {' or '.join(f'`{name}`' for name in plan.answers)}; answer it"
    if verdict.word == "grader error":
        return f"cannot be judged: {said}; {_cure(said)}"
    if ": no such name;" in verdict.rationale:
        lost = (
            _lost(name, cells) or "which neither an answer nor a locked cell assigns; assign or import it in this test"
        )
        return f"needs `{name}`, {lost}"
    if verdict.reason == "raised":
        return f"has a line `{name} = …  # evidence` that raises {why}{_unseen(why, cells)}"
    if verdict.reason == "not plain data":
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
    return str(cell.metadata.get("nbgrader", {}).get("grade_id") or cell.id)


def _cure(said: str) -> str:
    return next(cure for start, cure in CURES.items() if said.startswith(start))


def _said(verdict: Verdict) -> str:
    return _short(verdict.rationale.rstrip(". \n"))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SAID else f"{line[:MAX_SAID]}…"
