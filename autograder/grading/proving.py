"""Prove an assignment's tests: grade the solution and the unanswered notebook, and keep what later runs are held to.

Each source notebook is graded like a submission twice: with its solutions, and as students get it. A test is proved if
the solution gets all its points and the unanswered notebook none. The proof says where the solution's run met objects
(see `judging.live.places`). It is kept, with a digest of all that it depends on, in `reports/<assignment>.proofs`; so
`release` proves a test, and `grade` proves only what changed since, or what was never released here. A test without a
proof judges nobody. A proof also names the values that are the course's own (see `givens`). `judging.proof` describes
what is wrong with a test; this module runs the notebooks.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError, Damaged, KernelError
from autograder.execution.sandbox import own_limits
from autograder.files import digest, write_atomically
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.fingerprint import versions
from autograder.grading.givens import Givens, examine
from autograder.grading.notebook_grader import NotebookGrader
from autograder.grading.pipeline import grade_notebook
from autograder.judging.proof import JUDGES_NOBODY, Kind, Remark, givens_remarks, notebook_remarks
from autograder.model import Assignment, NotebookResult, Outcome, Status, Verdict
from autograder.notebook.source_faults import listed
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore

Key = tuple[str, str]  # notebook, grade_id
WARNINGS = (Kind.OPEN, Kind.DECIDED, Kind.EMPTY, Kind.STUDENTS)


@dataclass(frozen=True)
class Proofs:
    """What is known of an assignment's tests.

    Attributes:
        proofs: The proof of each test that has one, by (notebook, grade_id), as JSON.
        remarks: What the instructor should know of the tests, in the order of the course. Their texts are sentences.
        tests: All tests, as (notebook, grade_id).
    """

    proofs: Mapping[Key, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    tests: tuple[Key, ...] = ()

    def sentences(self, *kinds: Kind) -> list[str]:
        """Return the remarks of these kinds."""
        return [remark.text for remark in self.remarks if remark.kind in kinds]

    @property
    def faults(self) -> list[str]:
        """Return a sentence for each test that judges nobody: it is wrong, or stays open."""
        return self.sentences(*JUDGES_NOBODY)

    def attached(self, assignment: Assignment) -> Assignment:
        """Return the assignment with these proofs."""
        return replace(assignment, proofs=tuple(sorted(self.proofs.items())))


def prove(
    source: SourceAssignment, limits: Limits | None = None, warn: Callable[[list[str]], None] = lambda sentences: None
) -> Proofs:
    """Prove the tests of an assignment.

    Args:
        source: The assignment.
        limits: The limits of a notebook; None means the course's, in the sandbox that this machine offers.
        warn: Called with a sentence for each thing that the instructor should know, but that is no fault.

    Raises:
        CourseError: A source notebook or a test cell is wrong. The message lists all faults, one on each line: the
            cells, and what to do.
    """
    proofs = proved(source, limits)
    warn(proofs.sentences(*WARNINGS))
    if messages := [*source.findings, *proofs.sentences(Kind.WRONG)]:
        raise CourseError(listed(messages))
    return proofs


def proved(
    source: SourceAssignment,
    limits: Limits | None = None,
    progress: Callable[[str], None] = lambda name: None,
    write: bool = True,
) -> Proofs:
    """Return the proofs of an assignment's tests; prove the notebooks that have none, or whose proof is out of date.

    Args:
        source: The assignment.
        limits: The limits of a notebook; None means the course's, in the sandbox that this machine offers.
        progress: Called with the name of each notebook that is proved now.
        write: Keep what is proved now.
    """
    limits = limits or own_limits(source.course)
    packed, store, free = source.packed(), _Store.read(source), source.course.free_points
    graders = {name: NotebookGrader.of(name, copy, packed) for name, copy in source.notebooks.items()}
    keys = {name: _key(source, name, packed, limits, free) for name in graders}
    missing = [name for name in graders if graders[name].plans and store.key(name) != keys[name]]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = {name: pool.submit(_proved, source, graders[name], packed, limits, free) for name in missing}
        for name in missing:
            progress(name)
            proofs, remarks, is_final = results[name].result()
            store.keep(name, keys[name] if is_final else "", proofs, remarks)
    if missing and write:
        store.write()
    unknown = _unknown_free_points(source.course, free - {key[1] for key in source.cells})
    tests = tuple((name, plan.cell) for name, grader in graders.items() for plan in grader.plans)
    return store.proofs(tests, unknown)


def _proved(
    source: SourceAssignment, grader: NotebookGrader, packed: Assignment, limits: Limits, free: Collection[str]
) -> tuple[dict[str, str], list[Remark], bool]:
    """Prove one notebook.

    Returns:
        The proof of each test that has one, remarks on the tests, and whether another run would return the same: the
        grader itself has not failed.
    """
    givens = _examined(source, grader, limits)
    is_final = givens is not None
    givens = givens or Givens((), {})
    solution = _solved(source, grader, givens, limits)
    failing = {verdict.cell for verdict in solution.verdicts if not _earns(verdict, grader)}
    if any(map(givens.cells, failing)):
        givens = givens.without(failing)
        solution = _solved(source, grader, givens, limits)
    proofs = {verdict.cell: _proof(verdict, givens) for verdict in solution.verdicts if _earns(verdict, grader)}
    held = tuple(replace(givens.plan(plan), proof=proofs.get(plan.cell, "")) for plan in grader.plans)
    unanswered = dict(packed.notebooks)[grader.name]
    stub = grade_notebook(replace(grader, plans=held), unanswered, source.edited, limits)
    remarks = list(notebook_remarks(grader.plans, solution, stub, free))
    for remark in remarks:
        if remark.kind in JUDGES_NOBODY:
            proofs.pop(remark.cell, None)
    meant = source.course.from_student
    remarks += givens_remarks(one for one in givens.candidates if one.test in proofs and one.name not in meant)
    place = f"{source.name}/{grader.name}.ipynb"
    is_final = is_final and Status.GRADER_ERROR not in (solution.status, stub.status)
    return proofs, [replace(remark, text=f"{place}: cell {remark.text}.") for remark in remarks], is_final


def _examined(source: SourceAssignment, grader: NotebookGrader, limits: Limits) -> Givens | None:
    """Find the values that are the course's own; None if no kernel starts for the experiments."""
    try:
        submitted, _ = parse(source.contents[grader.name], f"{grader.name}.ipynb")
        solution = restore(submitted, grader.source_notebook, grader.cells).notebook
        helpers = grader.assignment.helpers
        return examine(solution, grader.unanswered, grader.plans, helpers, source.edited, limits)
    except Damaged:  # the proof reports it
        return Givens((), {})
    except KernelError:
        return None


def _solved(source: SourceAssignment, grader: NotebookGrader, givens: Givens, limits: Limits) -> NotebookResult:
    """Grade the solution with the course's own values."""
    proving = replace(grader, proving=True, plans=tuple(map(givens.plan, grader.plans)))
    return grade_notebook(proving, source.contents[grader.name], source.edited, limits)


def _proof(verdict: Verdict, givens: Givens) -> str:
    """Return a test's proof, with the names whose values are the course's own."""
    cells = givens.cells(verdict.cell)
    return json.dumps({**json.loads(verdict.proof), "givens": cells}) if cells else verdict.proof


def _earns(verdict: Verdict, grader: NotebookGrader) -> bool:
    return verdict.outcome is Outcome.PASSED and bool(verdict.proof)


def _key(source: SourceAssignment, name: str, packed: Assignment, limits: Limits, free: Collection[str]) -> str:
    """Return a digest of all that a notebook's proofs depend on."""
    settings = [
        dict(versions(limits.preload)),
        limits.prepare,
        list(limits.stateful),
        packed.personalization,
        sorted(free),
        sorted(source.course.from_student),
    ]
    helpers = [part for file, content in (*packed.helpers, *sorted(source.edited.items())) for part in (file, content)]
    return digest(json.dumps(settings, default=str), source.contents[name], dict(packed.notebooks)[name], *helpers)


@dataclass
class _Store:
    """The file that keeps proofs: for each notebook a key, its proofs by cell, and remarks."""

    path: Path
    notebooks: dict[str, tuple[str, dict[str, str], list[Remark]]]

    @classmethod
    def read(cls, source: SourceAssignment) -> "_Store":
        """Read the file; one that cannot be read counts as empty, since everything can be proved again."""
        path = source.course.root / "reports" / f"{source.name}.proofs"
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                path,
                {
                    name: (key, dict(proofs), [Remark(Kind(kind), cell, text) for kind, cell, text in remarks])
                    for name, (key, proofs, remarks) in rows.items()
                },
            )
        except (OSError, ValueError, TypeError, AttributeError):
            return cls(path, {})

    def key(self, name: str) -> str:
        """Return what a notebook's proofs were made from; "" if there are none."""
        return self.notebooks[name][0] if name in self.notebooks else ""

    def keep(self, name: str, key: str, proofs: dict[str, str], remarks: list[Remark]) -> None:
        """Keep a notebook's proofs."""
        self.notebooks[name] = (key, proofs, remarks)

    def write(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(exist_ok=True)
        rows = {
            name: (key, proofs, [astuple(remark) for remark in remarks])
            for name, (key, proofs, remarks) in self.notebooks.items()
        }
        write_atomically(self.path, json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=False))

    def proofs(self, tests: tuple[Key, ...], remarks: list[Remark]) -> Proofs:
        """Return the proofs of these tests; `remarks` are on the course."""
        names = dict.fromkeys(name for name, _ in tests)
        proofs = {(name, cell): proof for name in names for cell, proof in self.notebooks[name][1].items()}
        remarks = [*remarks, *(remark for name in names for remark in self.notebooks[name][2])]
        return Proofs(proofs, tuple(remarks), tests)


def _unknown_free_points(course: Course, names: Iterable[str]) -> list[Remark]:
    """Return a remark for each name in `c.Release.free_points` that no source notebook of the course has."""
    names = sorted(names)
    paths = (
        [path for assignment in course.assignments() for path in course.source_notebooks(assignment)] if names else []
    )
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    what = "nbgrader_config.py: c.Release.free_points: no test cell has the ID {!r}; correct it, or delete it."
    return [
        Remark(Kind.WRONG, name, what.format(name))
        for name in names
        if not any(re.search(rf'"grade_id":\s*{re.escape(json.dumps(name))}', text) for text in texts)
    ]
