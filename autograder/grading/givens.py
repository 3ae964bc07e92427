"""Have the course's own values computed: those that locked cells set and that no answer has a part in.

Theory of operation. `judging.givens` names the candidates from the code. Where there are any, experiments decide:

  * the notebook runs twice without its answers, at different moments. The second time, random numbers are drawn in
    place of each answer, and after each cell that is not locked, so that a value that hangs on these cells' draws or
    seeds differs;
  * it runs with the solution. At each test the value must still be what it was after its cell, and what it was without
    the answers.

The proof of a test keeps the names that pass, never their values. These are computed where a submission is graded, by
the first two runs, once for a class or, where the course has numbers for each student, once for each student. If the
two runs differ there, the test judges nobody there.
"""

import json
import threading
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.course.limits import Limits
from autograder.execution.runner import run
from autograder.judging.givens import Candidate, candidates
from autograder.model import Fault, NoEvidence, TestPlan
from autograder.notebook.cells import grade_id

AFTER = " (after)"  # at the end of the name of a cell that reads values: no grade_id has a space
DRAWS = """exec('''import random, sys
random.random()
numpy = sys.modules.get("numpy.random")
numpy and numpy.random()''', {})"""
REJECTED = "the solution does not pass the test with the value that the locked cell computes"
DIFFERS = ""  # in place of a value
MANY = 64  # classes and students whose values are kept

Files = tuple[tuple[str, bytes], ...]
Values = Mapping[tuple[str, str], str]  # evidence text by cell and name
_Wanted = frozenset[tuple[str, str]]  # cell, name


@dataclass(frozen=True)
class Givens:
    """What the experiments with a notebook have shown.

    Attributes:
        candidates: The names that its locked cells compute, each with the reason why it must come from the student.
        values: The values of the others on this machine.
    """

    candidates: tuple[Candidate, ...]
    values: Values

    def cells(self, test: str) -> dict[str, str]:
        """Return the names whose values are the course's own in a test, and the cells that set them."""
        return {one.name: one.cell for one in self.candidates if one.test == test and not one.why}

    def plan(self, plan: TestPlan) -> TestPlan:
        """Return a test's plan with the course's own values."""
        return _with_values(plan, {name: self.values[cell, name] for name, cell in self.cells(plan.cell).items()})

    def without(self, tests: Collection[str]) -> "Givens":
        """Return the same for tests that the solution does not pass with the course's values."""
        candidates = (replace(one, why=one.why or REJECTED * (one.test in tests)) for one in self.candidates)
        return replace(self, candidates=tuple(candidates))


def examine(
    solution: NotebookNode,
    unanswered: NotebookNode,
    plans: Sequence[TestPlan],
    helpers: Files,
    edited: Mapping[str, bytes],
    limits: Limits,
) -> Givens:
    """Find which values of locked cells are the course's own; run nothing if the code shows that none is.

    Args:
        solution: The notebook with its solutions, as it is graded.
        unanswered: The same notebook without them.
        plans: The plans of its tests.
        helpers: The files of the course beside it.
        edited: The files that students edit.
        limits: The limits of a notebook.
    """
    every = candidates(solution, plans, dict(helpers), edited)
    sound = [one for one in every if not one.why]
    if not sound:
        return Givens(every, {})
    wanted = frozenset((one.cell, one.name) for one in sound)
    alone = values_of(unanswered, wanted, plans, helpers, limits)
    solved: Values = {}
    if any(value != DIFFERS for value in alone.values()):
        at_tests = frozenset((one.test, one.name) for one in sound)
        solved = _run(solution, wanted, plans, {**dict(helpers), **edited}, limits, at_tests)
    return Givens(tuple(replace(one, why=one.why or _why(one, alone, solved)) for one in every), alone)


def _why(one: Candidate, alone: Values, solved: Values) -> str:
    """Return what an experiment shows against a candidate; "" if nothing does."""
    value = alone.get((one.cell, one.name))
    if value is None:
        return "it is no plain data, or cannot be computed without the answers"
    if value == DIFFERS:
        return "it differs each time it is computed"
    if value != solved.get((one.cell, one.name)):
        return "it differs when the answers are left out"
    if value != solved.get((one.test, one.name)):
        return "it changes after its cell"
    return ""


def with_givens(
    plans: Sequence[TestPlan], unanswered: NotebookNode, helpers: Files, limits: Limits | None
) -> tuple[TestPlan, ...]:
    """Return the plans with the course's own values where their proofs name some; they are computed here, and kept.

    A test judges nobody here if one of them cannot be computed. KernelError: no kernel starts.
    """
    asked = {plan.cell: plan.proved_givens for plan in plans if not plan.givens}
    wanted = frozenset((cell, name) for names in asked.values() for name, cell in names.items())
    if not wanted:
        return tuple(plans)
    values = values_of(unanswered, wanted, plans, helpers, limits or Limits())
    return tuple(_given(plan, asked.get(plan.cell, {}), values) for plan in plans)


def _given(plan: TestPlan, cells: Mapping[str, str], values: Values) -> TestPlan:
    lost = [(name, cell) for name, cell in cells.items() if values.get((cell, name), DIFFERS) == DIFFERS]
    if not lost:
        return _with_values(plan, {name: values[cell, name] for name, cell in cells.items()})
    what = "`{}`, which cell {} computes, was not the same in two runs without the answers"
    faults = [Fault(0, what.format(*one), "grade again") for one in lost]
    return replace(plan, proof="", faults=tuple(faults))


def _with_values(plan: TestPlan, values: Mapping[str, str]) -> TestPlan:
    answers = tuple(name for name in plan.answers if name not in values)
    return replace(plan, answers=answers, givens=tuple(values.items())) if values else plan


# --- runs -----------------------------------------------------------------------------------------------------------


def values_of(
    unanswered: NotebookNode, wanted: _Wanted, plans: Sequence[TestPlan], helpers: Files, limits: Limits
) -> Values:
    """Return the values that locked cells set without the answers, if these are plain data.

    DIFFERS is in place of a value that is not the same in both runs. What is known is not computed again.
    """
    shown = tuple((plan.cell, plan.visible) for plan in plans if plan.visible)
    known = _known(nbformat.writes(unanswered), shown, helpers, limits)
    with known.lock:  # threads that grade the same class wait for one computation
        if not known.asked.issuperset(wanted):
            known.asked.update(wanted)
            known.values.update(_twice(unanswered, wanted, plans, dict(helpers), limits))
        return dict(known.values)


@dataclass
class _Known:
    """What is known of a notebook, as long as this process runs."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: set[tuple[str, str]] = field(default_factory=set)  # cell, name
    values: dict[tuple[str, str], str] = field(default_factory=dict)


@lru_cache(maxsize=MANY)
def _known(text: str, shown: tuple[tuple[str, tuple[str, ...]], ...], helpers: Files, limits: Limits) -> _Known:
    return _Known()


def _twice(
    unanswered: NotebookNode, wanted: _Wanted, plans: Sequence[TestPlan], files: Mapping[str, bytes], limits: Limits
) -> Values:
    """Run a notebook without its answers, and then with random draws in their places."""
    runs = [_run(_without_answers(unanswered, instead), wanted, plans, files, limits) for instead in ("", DRAWS)]
    return {place: value if runs[1].get(place) == value else DIFFERS for place, value in runs[0].items()}


def _without_answers(notebook: NotebookNode, instead: str) -> NotebookNode:
    """Return a notebook with other code in place of its answers, and after each other cell that is not locked."""
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        if cell.cell_type != "code" or not is_solution(cell):
            cells.append(cell)
        if cell.cell_type == "code" and not is_locked(cell):
            cells.append(nbformat.v4.new_code_cell(instead))
    copy: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
    return copy


def _run(
    notebook: NotebookNode,
    wanted: _Wanted,
    plans: Sequence[TestPlan],
    files: Mapping[str, bytes],
    limits: Limits,
    at_tests: _Wanted = frozenset(),
) -> Values:
    """Run a notebook as far as needed; return the values after these cells, and in place of these tests."""
    names, at = _by_cell(wanted), _by_cell(at_tests)
    reading = [TestPlan(f"{cell}{AFTER}", 0.0, names[cell], (), "", "") for cell in names]
    reading += [TestPlan(plan.cell, 0.0, at.get(plan.cell, ()), (), "", "", visible=plan.visible) for plan in plans]
    copy = _reading(notebook, names, {plan.cell for plan in reading}, at)
    for _ in range(2):  # a busy machine may stop a run
        taken = run(copy, reading, files, limits).evidence
        if not any(isinstance(taken[f"{cell}{AFTER}"], NoEvidence) for cell in names):
            break
    return {(cell.removesuffix(AFTER), name): text for cell in taken for name, text in _plain(taken[cell]).items()}


def _by_cell(wanted: _Wanted) -> dict[str, tuple[str, ...]]:
    return {cell: tuple(sorted(name for place, name in wanted if place == cell)) for cell in sorted(dict(wanted))}


def _reading(
    notebook: NotebookNode, after: Container[str], tests: Container[str], last: Container[str]
) -> NotebookNode:
    """Return a notebook that reads values after some cells and at its tests; what follows the last of them is left out.

    Args:
        notebook: The notebook.
        after: The cells after which a cell reads values.
        tests: The tests to keep; others are left out.
        last: The tests at which values are needed.
    """
    cells: list[NotebookNode] = []
    end = 0
    for cell in notebook.cells:
        name = grade_id(cell)
        if name in tests or not is_grade(cell) or is_solution(cell):
            cells.append(cell)
        if name in after:
            about = {"nbgrader": {"grade_id": f"{name}{AFTER}", "schema_version": 3}}
            cells.append(nbformat.v4.new_code_cell(metadata=about))
        if name in after or name in last:
            end = len(cells)
    reading: NotebookNode = nbformat.v4.new_notebook(cells=cells[:end], metadata=notebook.metadata)
    return reading


def _plain(taken: str | NoEvidence) -> dict[str, str]:
    """Return the names that are plain data, with their values as evidence text."""
    entries = {} if isinstance(taken, NoEvidence) else json.loads(taken)
    return {name: entry["value"] for name, entry in entries.items() if "value" in entry}
