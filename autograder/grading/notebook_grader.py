"""Prepare to grade one notebook of an assignment: the plans of its tests, for a student's sizes, with their givens.

All that a class shares is prepared once. What depends on a student is derived from that.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked

from autograder.course.limits import Limits
from autograder.execution.runner import Ahead
from autograder.grading import checkpoints
from autograder.grading.givens import with_givens
from autograder.judging.hidden import with_hidden
from autograder.judging.test_plan import plans, with_visible
from autograder.model import Assignment, TestPlan
from autograder.notebook.cells import grade_id
from autograder.notebook.personalize import Personalization, Values, personalization
from autograder.submissions.matching import CourseCell, course_cells


@dataclass(frozen=True)
class NotebookGrader:
    """What is needed to grade one notebook of an assignment."""

    name: str
    source_notebook: NotebookNode
    plans: tuple[TestPlan, ...]
    assignment: Assignment
    student: str = ""  # the student whose sizes the plans use; "" if all students share them
    sizes: Values | None = None
    proving: bool = False  # whether this is the solution's run, which later runs are held to
    _given: dict[Limits | None, "NotebookGrader"] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, name: str, source_notebook: NotebookNode, assignment: Assignment) -> "NotebookGrader":
        planned = personalization(assignment.personalization).with_defaults(source_notebook)
        proofs, visible = dict(assignment.proofs), dict(assignment.visible)
        complete = tuple(
            with_visible(replace(plan, proof=proofs.get((name, plan.cell), "")), visible.get((name, plan.cell), ""))
            for plan in plans(
                planned, assignment.edited, dict(assignment.bound).get(name, ()), dict(assignment.read).get(name, ())
            )
        )
        lines = {cell: hidden for (notebook, cell), hidden in assignment.hidden if notebook == name}
        sources = {grade_id(cell): cell.source for cell in source_notebook.cells}
        return cls(name, source_notebook, with_hidden(complete, lines, sources), assignment)

    def sized_for(self, student: str) -> "NotebookGrader":
        """Return a grader that uses a student's personal sizes, if the source notebook has any; else this grader."""
        sizes = self.hook.values_for(self.source_notebook, self.helpers, student)
        if sizes is None:
            return self
        plans = tuple(replace(plan, prelude=self.hook.with_values(plan.prelude, sizes)) for plan in self.plans)
        sized = replace(self, plans=plans, student=student, sizes=sizes)
        vars(sized)["cells"] = self.cells  # the same for the whole class
        return sized

    @cached_property
    def cells(self) -> tuple[CourseCell, ...]:
        """Return the cells of the source notebook, for `restore`."""
        return course_cells(self.source_notebook)

    @property
    def unanswered(self) -> NotebookNode:
        """Return the source notebook with the student's sizes in its locked cells, or with the usual sizes."""
        planned = self.hook.with_defaults(self.source_notebook)
        if self.sizes is None:
            return planned
        copy: NotebookNode = nbformat.from_dict(planned)
        for cell in copy.cells:
            if cell.cell_type == "code" and is_locked(cell):
                cell.source = self.hook.with_values(cell.source, self.sizes)
        return copy

    def with_givens(self, limits: Limits | None) -> "NotebookGrader":
        """Return a grader whose tests have the course's own values; KernelError: no kernel starts to compute them."""
        if self.lacks_givens(limits):
            plans = with_givens(self.plans, self.unanswered, self.assignment.helpers, limits)
            self._given[limits] = replace(self, plans=plans)
        return self._given.get(limits, self)

    def lacks_givens(self, limits: Limits | None) -> bool:
        """Return whether values of the course's own cells are still to be computed."""
        return limits not in self._given and any(plan.proof and plan.proved_givens for plan in self.plans)

    def ahead(self, notebook: NotebookNode, others: Iterable[str], limits: Limits) -> Ahead | None:
        """Return what has run ahead of a restored submission."""
        shared = checkpoints.Notebook(self.name, self.source_notebook, self.plans, self.helpers, limits)
        return checkpoints.ahead_of(self.key(limits), shared, notebook, others)

    def key(self, limits: Limits) -> object:
        """Return what stands for the notebook in its class."""
        return self.name, self.assignment, limits

    @property
    def hook(self) -> Personalization:
        """Return the hook by which the course changes its notebooks for each student."""
        return personalization(self.assignment.personalization)

    @property
    def helpers(self) -> dict[str, bytes]:
        """Return the files that the assignment's notebooks import."""
        return dict(self.assignment.helpers)


def find_givens(graders: Iterable[NotebookGrader], limits: Limits | None) -> None:
    """Compute the course's own values for several notebooks side by side: nothing can be judged before.

    Where each student has other values, they are computed notebook by notebook, as submissions are graded side by side.
    What fails is not reported: it fails again where the values are needed.
    """
    lacking = [grader for grader in graders if grader.sizes is None and grader.lacks_givens(limits)]
    if len(lacking) > 1:
        with ThreadPoolExecutor(min(len(lacking), os.cpu_count() or 1)) as threads:
            for grader in lacking:
                threads.submit(grader.with_givens, limits)


@lru_cache(maxsize=4)
def notebook_graders(assignment: Assignment) -> tuple[NotebookGrader, ...]:
    """Return a grader for each notebook of an assignment. They are shared by a whole class: do not modify them."""
    notebooks = [(name, nbformat.reads(content.decode(), 4)) for name, content in assignment.notebooks]
    return tuple(NotebookGrader.of(name, source_notebook, assignment) for name, source_notebook in notebooks)
