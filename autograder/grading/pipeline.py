"""Grade one submission: restore, run and judge its notebooks. This is a pure function of bytes, so it can run anywhere.

Each notebook is graded independently. One that is missing, damaged or ends its kernel does not affect the others.
"""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.course.limits import Limits
from autograder.errors import CourseError, Damaged, Death, KernelError
from autograder.execution.client import fill
from autograder.execution.failures import OUTPUT, death, too_large
from autograder.execution.runner import Ahead, Ran, run
from autograder.faults import traceback_of
from autograder.files import JUDGE, disk_problem, temporary_prefix
from autograder.gradebook.graded_notebooks import keep, keep_sizes
from autograder.grading import checkpoints
from autograder.grading.givens import with_givens
from autograder.judging.hidden import with_hidden
from autograder.judging.judge import Judge, Session
from autograder.judging.test_plan import plans, with_visible
from autograder.model import (
    Assignment,
    NoEvidence,
    NotebookResult,
    Outcome,
    Reason,
    Result,
    Status,
    Submission,
    TestPlan,
    Verdict,
    Words,
    most_serious,
)
from autograder.notebook.cells import grade_id
from autograder.notebook.personalize import Personalization, Values, personalization
from autograder.notebook.sanitize import inert, inert_sentence
from autograder.notebook.source import added, answered
from autograder.submissions.identify import identify_notebooks
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore


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
        return replace(self, plans=plans, student=student, sizes=sizes)

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
        if not any(plan.proof and plan.proved_givens for plan in self.plans):
            return self
        plans = with_givens(self.plans, self.unanswered, self.assignment.helpers, limits)
        return replace(self, plans=plans)

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


@lru_cache(maxsize=4)
def notebook_graders(assignment: Assignment) -> tuple[NotebookGrader, ...]:
    """Return a grader for each notebook of an assignment. They are shared by a whole class: do not modify them."""
    notebooks = [(name, nbformat.reads(content.decode(), 4)) for name, content in assignment.notebooks]
    return tuple(NotebookGrader.of(name, source_notebook, assignment) for name, source_notebook in notebooks)


def grade_submission(submission: Submission, assignment: Assignment, limits: Limits | None = None) -> Result:
    """Grade all notebooks of one submission.

    If the grader fails, the notebook's verdicts are `grader error`.

    Raises:
        CourseError: The disk is full or read-only, so no other submission can be graded either.
    """
    graders = tuple(grader.sized_for(submission.student) for grader in notebook_graders(assignment))
    notebooks = {grader.name: grader.source_notebook for grader in graders}
    placed, moved = identify_notebooks(submission.files, tuple(notebooks), notebooks)
    others = submission.others(placed)
    graded = []
    for grader in graders:
        try:
            graded.append(grade_notebook(grader, placed[grader.name], others, limits))
        except CourseError:
            raise
        except Exception as error:  # one submission must not stop the class, and a bug must not cost a student points
            if problem := disk_problem(error):
                raise CourseError(problem) from error
            graded.append(_failed(grader, error))
    return Result(submission.student, tuple(graded), (*submission.repairs, *moved))


def given_up(student: str, assignment: Assignment, error: Exception) -> Result:
    """Return the result of a submission that no worker could grade: `grader error` for each test, and no marks."""
    return Result(student, tuple(_failed(grader, error) for grader in notebook_graders(assignment)))


def _failed(grader: NotebookGrader, error: Exception) -> NotebookResult:
    """Return the result of a notebook that the grader failed on. All its answers stay unmarked, also written ones."""
    broken = _broken(grader, grader.source_notebook, f"the grader failed ({type(error).__name__}: {error}).")
    return replace(broken, untouched=frozenset(), traceback=traceback_of(error))


def grade_notebook(
    grader: NotebookGrader, content: bytes | None, others: Mapping[str, bytes], limits: Limits | None = None
) -> NotebookResult:
    """Grade one notebook.

    Args:
        grader: The notebook's grader.
        content: The bytes of the submitted notebook; None if it was not handed in.
        others: The other files that were handed in, by name.
        limits: The limits of the notebook.
    """
    if content is None:
        return _without(grader, NoEvidence(Reason.MISSING, f"{grader.name}.ipynb was not handed in"))
    try:
        submitted, repairs = parse(content, f"{grader.name}.ipynb")
    except Damaged as damage:
        return _without(grader, NoEvidence(Reason.DAMAGED, str(damage).rstrip(".")))
    restored = restore(submitted, grader.source_notebook)
    return grade_restored(grader, restored.notebook, others, (*repairs, *restored.repairs), limits)


def grade_restored(
    grader: NotebookGrader,
    notebook: NotebookNode,
    others: Mapping[str, bytes],
    repairs: tuple[str, ...] = (),
    limits: Limits | None = None,
) -> NotebookResult:
    """Run and judge a notebook that `restore` returned."""
    files = {**others, **grader.helpers}
    with judge_for(grader.assignment.helpers).session() as session:
        live = _LiveJudge(session, (limits or Limits()).stateful, grader.proving)
        if why := too_large(files, limits or Limits()):
            return _finished(grader, notebook, tuple(live.verdict(plan, why) for plan in grader.plans), repairs)
        try:
            grader = grader.with_givens(limits)
            ahead = None if grader.proving else grader.ahead(notebook, others, limits or Limits())
            ran = run(notebook, grader.plans, files, limits, live, ahead)
            if ran.again and not ran.failures:
                checkpoints.give_up(grader.key(limits or Limits()))
        except KernelError as error:
            return replace(_broken(grader, notebook, str(error), repairs), traceback=traceback_of(error))
        verdicts = tuple(
            ran.verdicts.get(plan.cell) or live.verdict(plan, ran.evidence[plan.cell]) for plan in grader.plans
        )
        if grader.proving:
            verdicts = tuple(map(live.tried_empty, grader.plans, verdicts))
    blank = _tests_of_stubs(notebook, grader)
    verdicts = tuple(_explained(verdict, ran, limits or Limits()) for verdict in verdicts)
    verdicts = tuple(_as_unanswered(verdict) if verdict.cell in blank else verdict for verdict in verdicts)
    status, remarks = grader.hook.remark(notebook, grader.helpers, grader.student) if grader.student else ("", ())
    result = _finished(grader, ran.notebook, verdicts, (*remarks, *repairs))
    result = replace(result, status=most_serious((result.status, status)))
    unsandboxed = limits is not None and limits.sandbox == "none"
    return replace(result, status=result.status or Status.UNSANDBOXED) if unsandboxed else result


@dataclass(frozen=True)
class _LiveJudge:
    """Judge the tests of one notebook while its kernel waits."""

    session: Session
    stateful: tuple[str, ...]
    proving: bool
    firsts: dict[str, str] = field(default_factory=dict)  # the kernel's first message for each test, while proving

    def judge(self, plan: TestPlan, first: str, ask: Callable[[str], str]) -> Verdict:
        if not plan.proof and not self.proving:
            return not_proved(plan)
        if self.proving:
            self.firsts[plan.cell] = first
        return self.session.live(plan, first, ask, self.stateful)

    def verdict(self, plan: TestPlan, taken: str | NoEvidence) -> Verdict:
        """Judge a test on its evidence."""
        if not plan.proof and not self.proving:
            return not_proved(plan)
        return self.session.verdict(plan, taken)

    def tried_empty(self, plan: TestPlan, verdict: Verdict) -> Verdict:
        """Add to a passed verdict the empty answers that pass, too."""
        if verdict.outcome is not Outcome.PASSED or plan.cell not in self.firsts:
            return verdict
        return replace(verdict, empty=self.session.empty(plan, self.firsts[plan.cell], self.stateful))

    def restart(self) -> None:
        self.session.drop()


def not_proved(plan: TestPlan) -> Verdict:
    """Return the verdict of a test that does not give the solution its points, or was never run on it."""
    sentence = "this test has not been proved on the solution, so it judges nobody."
    if plan.faults:
        sentence = f"the test cannot be judged: {'. '.join(map(str, plan.faults))}."
    return Verdict(plan.cell, Outcome.OPEN, None, sentence, Reason.NOT_PROVED)


def _explained(verdict: Verdict, ran: Ran, limits: Limits) -> Verdict:
    """Add the cause to a verdict: an earlier cell that failed, if a name is missing, or too much output."""
    place = [grade_id(cell) for cell in ran.notebook.cells].index(verdict.cell)
    if verdict.reason is Reason.RAISED and verdict.detail[0] == OUTPUT:
        too_much = death(Death.OUTPUT, ran.notebook.cells[place], place, limits)
        return replace(verdict, reason=too_much.reason, rationale=f"{too_much.sentence}.", subject="", detail=())
    before = [ran.failures[index] for index in sorted(ran.failures) if index < place]
    if verdict.reason is not Reason.MISSING or not before:
        return verdict
    rationale = f"{verdict.rationale} Before it, {before[-1].sentence}."
    return replace(verdict, reason=before[-1].reason, rationale=rationale)


def _without(grader: NotebookGrader, why: NoEvidence) -> NotebookResult:
    """Return the result of a notebook that cannot be run: no evidence, and the unanswered notebook as its content."""
    with judge_for(grader.assignment.helpers).session() as session:
        live = _LiveJudge(session, (), grader.proving)
        verdicts = tuple(live.verdict(plan, why) for plan in grader.plans)
    return replace(_finished(grader, grader.source_notebook, verdicts), status=Status(why.reason), ran=False)


def _broken(grader: NotebookGrader, notebook: NotebookNode, why: str, repairs: tuple[str, ...] = ()) -> NotebookResult:
    verdicts = tuple(Verdict(plan.cell, Outcome.GRADER_ERROR, None, why) for plan in grader.plans)
    return _finished(grader, notebook, verdicts, repairs)


def _finished(
    grader: NotebookGrader,
    notebook: NotebookNode,
    verdicts: tuple[Verdict, ...],
    repairs: tuple[str, ...] = (),
) -> NotebookResult:
    """Make the autograded notebook: verdicts are the test cells' outputs, and unsafe HTML and scripts are removed."""
    shown, by_cell = inert(notebook, grader.source_notebook), {verdict.cell: verdict for verdict in verdicts}
    for cell in shown.cells:
        if verdict := by_cell.get(grade_id(cell)):
            cell.outputs = show_verdict(verdict)
            keep(cell, verdict)
    keep_sizes(shown, grader.sizes)
    shown.cells[:0] = _show_repairs(repairs)
    return NotebookResult(
        name=grader.name,
        content=nbformat.writes(shown).encode(),
        verdicts=verdicts,
        untouched=_untouched(notebook, grader),
        repairs=repairs,
        status=_status(verdicts),
        traceback="\n".join(verdict.traceback for verdict in verdicts if verdict.traceback),
    )


def _show_repairs(repairs: tuple[str, ...]) -> list[NotebookNode]:
    """Return a first cell with repairs and remarks. Formgrader shows it to the instructor, feedback to the student."""
    lines = "\n".join(f"* {inert_sentence(repair)}" for repair in repairs)
    return (
        [nbformat.v4.new_markdown_cell(f"**What we repaired before running this notebook:**\n\n{lines}")]
        if lines
        else []
    )


def _tests_of_stubs(notebook: NotebookNode, grader: NotebookGrader) -> set[str]:
    """Return the tests whose answer cells, those since the test before, are all as released."""
    untouched, answers, tests = _untouched(notebook, grader), list[str](), set[str]()
    for cell in grader.source_notebook.cells:
        if is_solution(cell):
            answers.append(grade_id(cell))
        elif is_grade(cell):
            tests |= {grade_id(cell)} if answers and untouched.issuperset(answers) else set()
            answers = []
    return tests


def _as_unanswered(verdict: Verdict) -> Verdict:
    """Return the verdict of a test whose answer is an untouched stub: what the stub raises is nobody's answer."""
    failed = verdict.outcome is Outcome.FAILED and not verdict.reason
    is_of_the_stub = failed or verdict.reason in (Reason.MISSING, Reason.RAISED)
    if not is_of_the_stub or verdict.points:
        return verdict
    return Verdict(verdict.cell, Outcome.NOT_ATTEMPTED, 0.0, "not answered.")


def _untouched(notebook: NotebookNode, grader: NotebookGrader) -> frozenset[str]:
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


def show_verdict(verdict: Verdict) -> list[NotebookNode]:
    """Return a verdict as the output of its test cell: text if it passed, else an error with the reason."""
    if verdict.outcome == Outcome.PASSED:
        return [nbformat.v4.new_output("stream", name="stdout", text=f"passed: {verdict.points:g} points\n")]
    points = f" ({verdict.points:g} points)" if verdict.points else ""
    rationale, *check = _show_check(verdict)
    text = [f"{verdict.outcome}{points}: {rationale}", *check]
    return [nbformat.v4.new_output("error", ename=verdict.outcome, evalue=verdict.rationale, traceback=text)]


def _show_check(verdict: Verdict) -> list[str]:
    """Return the lines that tell the instructor why and where a test failed, and with which values."""
    check = verdict.check
    if check is None:
        return [verdict.rationale]
    place = f"line {check.line}{' (hidden)' if check.is_hidden else ''}: {check.source}"
    values = [f"    {one.expression} is {one.value}" for one in check.values]
    return [place, *values] if check.words is Words.NONE else [verdict.rationale, place, *values]


def _status(verdicts: tuple[Verdict, ...]) -> Status:
    """Return the most serious problem of a notebook that was run."""
    reasons: set[str] = {verdict.reason for verdict in verdicts}
    reasons |= {Status.GRADER_ERROR for verdict in verdicts if verdict.outcome is Outcome.GRADER_ERROR}
    return most_serious(reasons - {Reason.MISSING})  # here MISSING is a name: a missing notebook was never run


@cache
def judge_for(helpers: tuple[tuple[str, bytes], ...]) -> Judge:
    """Return this process's judge for these helpers. It is closed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix=temporary_prefix(JUDGE)))
    fill(folder, dict(helpers))
    judge = Judge(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(judge.close)
    return judge
