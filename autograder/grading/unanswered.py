"""Find answer cells that are as released, and the tests that only such cells belong to: these are not answered.

This is decided by the text of the cells, not by what they do.
"""

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.grading.notebook_grader import NotebookGrader
from autograder.model import Outcome, Reason, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.source import added, answered


def tests_of_stubs(notebook: NotebookNode, grader: NotebookGrader) -> set[str]:
    """Return the tests whose answer cells, those since the test before, are all as released."""
    stubs, answers, tests = untouched(notebook, grader), list[str](), set[str]()
    for cell in grader.source_notebook.cells:
        if is_solution(cell):
            answers.append(grade_id(cell))
        elif is_grade(cell):
            tests |= {grade_id(cell)} if answers and stubs.issuperset(answers) else set()
            answers = []
    return tests


def as_unanswered(verdict: Verdict) -> Verdict:
    """Return the verdict of a test whose answer is an untouched stub: what the stub raises is nobody's answer."""
    failed = verdict.outcome is Outcome.FAILED and not verdict.reason
    is_of_the_stub = failed or verdict.reason in (Reason.MISSING, Reason.RAISED)
    if not is_of_the_stub or verdict.points:
        return verdict
    return Verdict(verdict.cell, Outcome.NOT_ATTEMPTED, 0.0, "not answered.")


def untouched(notebook: NotebookNode, grader: NotebookGrader) -> frozenset[str]:
    """Return the answer cells of a notebook that are as released, also if that was in an older wording."""
    stubs = {grade_id(cell): cell for cell in grader.source_notebook.cells if is_solution(cell)}
    older = dict(grader.assignment.wordings)
    return frozenset(
        name
        for cell in notebook.cells
        if (name := grade_id(cell)) in stubs
        and is_unanswered(cell.source, (stubs[name].source, *older.get((grader.name, name), ())), stubs[name].cell_type)
    )


def is_unanswered(source: str, wordings: tuple[str, ...], cell_type: str) -> bool:
    """Return whether a cell is still a stub as released, in one of its wordings, with nothing added."""
    if cell_type == "code":
        return any(not answered(source, stub) for stub in wordings)
    return not added(source, "\n".join(wordings))
