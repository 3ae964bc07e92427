"""Find the values that a locked cell computes and that no answer can have a part in: these are the course's own.

A test that reads `data = rng.normal(size=10)` from the student's notebook believes what the student made of it. Such a
name is a *candidate* if its last assignment before the test is in a locked cell. It can be the course's if everything
that goes into it is the course's, too. This module follows the code: all statements before the end of that cell that
assign a name, or that could change its value in place, and the names that these read, and so on. It gives up where

  * an answer, or a cell that is not locked, assigns or mentions one of these names: what is mentioned can be changed.
    Not changed are modules, numbers and texts, and functions that read nothing else;
  * the code depends on the machine, the time or the person, or on a file that students edit.

The module only reads code, with `machine_dependence` and `course_files`. `grading.givens` then runs the notebook,
because code can do more than it shows.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.judging.course_files import CourseFiles, modules_of
from autograder.judging.machine_dependence import dependence
from autograder.judging.names import BUILTINS, Definition, Import, bound_names, changed_names, free_names, statements_of
from autograder.model import TestPlan
from autograder.notebook.cells import grade_id

FRESH = frozenset(  # methods whose result has nothing in common with the object
    "normal standard_normal uniform random rand randn randint integers randrange gauss poisson binomial exponential "
    "gamma beta lognormal multivariate_normal permutation mean sum std var min max round copy tolist".split()
)
NUMBERS = frozenset("len int float str bool round".split())  # builtins whose result nobody can change


class _Owner(Enum):
    COURSE = "a locked cell"
    ANSWER = "an answer"
    STUDENT = "a cell that is not locked"


@dataclass(frozen=True)
class Candidate:
    """A name of a test that a locked cell sets.

    Attributes:
        test: The test's cell.
        name: The name.
        cell: The cell that sets it last; "" if that cell is not locked and has no name.
        why: Why the value must be the student's, as the end of a sentence; "" if it may be the course's.
    """

    test: str
    name: str
    cell: str
    why: str = ""


@dataclass(frozen=True, eq=False)
class _Step:
    """A top-level statement that runs in the kernel, with the names that it sets and those that it reads."""

    node: ast.stmt
    cell: str
    owner: _Owner
    sets: frozenset[str]
    reads: frozenset[str]

    @cached_property
    def machine(self) -> str:
        """Return a name in it whose value depends on the machine, the time or the process; "" if there is none."""
        return dependence(self.node, notebook=True)

    @cached_property
    def changed(self) -> frozenset[str]:
        """Return the names whose values a statement of a locked cell plainly changes in place."""
        plainly = self.owner is _Owner.COURSE and not isinstance(self.node, Definition)
        return frozenset(changed_names(self.node)) if plainly else frozenset()


def candidates(
    notebook: NotebookNode, plans: Iterable[TestPlan], helpers: Mapping[str, bytes], edited: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """Return the candidates of all tests of a notebook, in order.

    Args:
        notebook: The notebook with its solutions.
        plans: The plans of its tests.
        helpers: The files of the course beside it, by name.
        edited: The names of the files that students edit.
    """
    code = _Code(notebook, helpers, edited)
    return tuple(found for plan in plans for name in plan.answers if (found := code.candidate(plan.cell, name)))


class _Code:
    """The statements of a notebook, in the order in which they run."""

    def __init__(self, notebook: NotebookNode, helpers: Mapping[str, bytes], edited: Collection[str]) -> None:
        self.files = CourseFiles(helpers, edited)
        self.steps: list[_Step] = []
        self.places: dict[str, int] = {}  # of a cell's end, in `steps`
        for cell in notebook.cells:
            if cell.cell_type == "code":
                self.steps += _steps(cell)
                self.places[grade_id(cell)] = len(self.steps)

    def candidate(self, test: str, name: str) -> Candidate | None:
        """Return the name as a candidate; None if an answer sets it, or nothing that computes."""
        setting = [step for step in self.steps[: self.places[test]] if name in step.sets | step.changed]
        if not setting or setting[-1].owner is _Owner.ANSWER or isinstance(setting[-1].node, Import | Definition):
            return None
        last = setting[-1]
        if last.owner is _Owner.STUDENT:
            return Candidate(test, name, last.cell, "the cell that sets it is not locked")
        return Candidate(test, name, last.cell, self.why(name, self.places[last.cell]))

    def why(self, name: str, end: int) -> str:
        """Return why a value at the end of the first `end` statements may not be the course's; "" if it may."""
        steps, todo, seen = self.steps[:end], [name], set[str]()
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            setting = [step for step in steps if one in step.sets]
            reason = self._unlocked(one, setting, steps) or self._imported(one, setting, steps)
            if reason:
                return reason
            using = [*setting, *self._changing(one, setting, steps)]
            for step in using:
                if step.owner is not _Owner.COURSE and not isinstance(step.node, Import):
                    return f"{step.owner.value} can change `{one}`"
                if step.machine:
                    return f"`{step.machine}` differs from run to run, or from machine to machine"
                if step in setting:
                    todo += sorted(step.reads)
                else:  # a number or a text that a student passes on changes nothing; what is made of a value can
                    todo += sorted(name for name in step.reads if not self._is_number_of_students(name, steps))
                    todo += sorted(_made_of(step, one))
        return ""

    def _unlocked(self, name: str, setting: list[_Step], steps: list[_Step]) -> str:
        """Return which cell other than a locked one sets a name; an import may be in any cell except an answer."""
        ours = [_targets(step.node, name) for step in setting if step.owner is not _Owner.ANSWER]
        for step in setting:
            again = step.owner is _Owner.STUDENT or _targets(step.node, name) in ours  # the same import once more
            if step.owner is not _Owner.COURSE and not (isinstance(step.node, Import) and again):
                return f"{step.owner.value} sets `{name}`"
        starred = any(isinstance(step.node, ast.ImportFrom) and step.node.names[0].name == "*" for step in steps)
        if not setting and name not in BUILTINS and not starred:
            return f"no locked cell sets `{name}`"
        return ""

    def _imported(self, name: str, setting: list[_Step], steps: list[_Step]) -> str:
        """Return what speaks against a name that is imported from a file of the course."""
        for module in {module for step in setting for module in modules_of(step.node)}:
            reached = self.files.reached(module)
            if reached & self.files.edited:
                return f"`{name}` comes from a file that students edit"
            sources = {one: self.files.helpers[one] for one in sorted(reached & self.files.helpers.keys())}
            for one, file in sources.items():
                if file.machine:
                    where = self.files.names[one]
                    return f"`{file.machine}` in {where} differs from run to run, or from machine to machine"
            mentioned = [step for step in steps if step.owner is not _Owner.COURSE and name in step.reads]
            if mentioned and any(file.has_state for file in sources.values()):
                return f"{mentioned[0].owner.value} can change what `{name}` keeps"
        return ""

    def _changing(self, name: str, setting: list[_Step], steps: list[_Step]) -> list[_Step]:
        """Return the statements that can change a value in place: all that mention it, if it can be changed at all."""
        mentioning = [step for step in steps if name in step.reads and step not in setting]
        if self._is_fixed(name, steps, frozenset()):
            return [step for step in mentioning if _patches(step.node, name)]
        return mentioning

    def _is_fixed(self, name: str, steps: list[_Step], asked: frozenset[str]) -> bool:
        """Return whether nobody can change a value: a module, a number, a text, or a function that reads only such."""
        setting = [step for step in steps if name in step.sets]
        if name in asked:
            return True
        asked |= {name}
        return all(self._fixes(step, steps, asked) for step in setting)

    def _fixes(self, step: _Step, steps: list[_Step], asked: frozenset[str]) -> bool:
        node = step.node
        if isinstance(node, Import):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [one for one in (*node.args.defaults, *node.args.kw_defaults) if one]
            keeps = any(isinstance(part, ast.Global | ast.Nonlocal) for part in ast.walk(node)) or node.decorator_list
            return not keeps and all(
                [self._is_number(one, steps, asked) for one in defaults]
                + [self._is_fixed(name, steps, asked) for name in step.reads]
            )
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value:
            return self._is_number(node.value, steps, asked)
        return False

    def _is_number_of_students(self, name: str, steps: list[_Step]) -> bool:
        """Return whether students set a name, and the source notebook sets it only to numbers, texts or `...`."""
        setting = [step for step in steps if name in step.sets]
        assigned = all(isinstance(step.node, ast.Assign | ast.AnnAssign | ast.AugAssign) for step in setting)
        theirs = any(step.owner is not _Owner.COURSE for step in setting)
        return theirs and assigned and self._is_fixed(name, steps, frozenset())

    def _is_number(self, value: ast.expr, steps: list[_Step], asked: frozenset[str]) -> bool:
        """Return whether an expression makes numbers, texts or tuples of them."""
        if isinstance(value, ast.Name):
            return self._is_fixed(value.id, steps, asked)
        if isinstance(value, ast.Call):
            return isinstance(value.func, ast.Name) and value.func.id in NUMBERS
        if isinstance(value, ast.JoinedStr | ast.Constant):
            return True
        kinds = ast.Tuple | ast.UnaryOp | ast.BinOp | ast.BoolOp | ast.Compare | ast.IfExp
        parts = [part for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr)]
        return isinstance(value, kinds) and all(self._is_number(part, steps, asked) for part in parts)


def _steps(cell: NotebookNode) -> Iterator[_Step]:
    """Yield a cell's statements; of a test, only those that are also done in the student's kernel."""
    is_test = is_grade(cell) and not is_solution(cell)
    owner = _Owner.ANSWER if is_solution(cell) else _Owner.COURSE if is_locked(cell) else _Owner.STUDENT
    for node in statements_of(cell.source):
        if not is_test or isinstance(node, Import | Definition):
            declared = {name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names}
            sets, reads = bound_names([node]) | declared, free_names([node])
            yield _Step(node, grade_id(cell), owner, frozenset(sets), frozenset(reads))


def _targets(node: ast.stmt, name: str) -> set[tuple[str, str]]:
    """Return what an import binds a name to."""
    if not isinstance(node, Import):
        return set()
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
    return {
        (module, alias.name if alias.asname else alias.name.split(".")[0])
        for alias in node.names
        if name == (alias.asname or alias.name.split(".")[0])
    }


def _made_of(step: _Step, name: str) -> frozenset[str]:
    """Return the names that a statement sets to something that may hold a value, or be held by it."""
    match step.node:
        case ast.Assign(value=ast.Call(func=ast.Attribute(value=ast.Name(id=receiver), attr=method), args=args)):
            inside = {part.id for arg in args for part in ast.walk(arg) if isinstance(part, ast.Name)}
            if receiver == name and method in FRESH and name not in inside:
                return frozenset()
    return step.sets


def _patches(node: ast.AST, name: str) -> bool:
    """Return whether a statement sets or deletes an attribute of a name, such as a function of a module."""
    return any(
        isinstance(part, ast.Attribute)
        and not isinstance(part.ctx, ast.Load)
        and name in (base.id for base in ast.walk(part.value) if isinstance(base, ast.Name))
        for part in ast.walk(node)
    )
