"""Grade one submission: restore, run and judge its notebooks. This is a pure function of bytes, so it can run anywhere.

Each notebook is graded independently. One that is missing, damaged or ends its kernel does not affect the others.
"""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.errors import CourseError, Damaged, Death, KernelError
from autograder.execution.client import fill
from autograder.execution.failures import OUTPUT, death, too_large
from autograder.execution.runner import Ran, run
from autograder.faults import traceback_of
from autograder.files import JUDGE, disk_problem, temporary_prefix
from autograder.gradebook.graded_notebooks import keep_sizes
from autograder.grading import checkpoints
from autograder.grading.annotate import annotated
from autograder.grading.notebook_grader import NotebookGrader, find_givens, notebook_graders
from autograder.grading.unanswered import as_unanswered, tests_of_stubs, untouched
from autograder.judging.judge import Judge, Session
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
    most_serious,
)
from autograder.notebook.cells import grade_id
from autograder.submissions.identify import identify_notebooks
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore


def grade_submission(submission: Submission, assignment: Assignment, limits: Limits | None = None) -> Result:
    """Grade all notebooks of one submission.

    If the grader fails, the notebook's verdicts are `grader error`.

    Raises:
        CourseError: The disk is full or read-only, so no other submission can be graded either.
    """
    graders = tuple(grader.sized_for(submission.student) for grader in notebook_graders(assignment))
    find_givens(graders, limits)
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
    restored = restore(submitted, grader.source_notebook, grader.cells)
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
    blank = tests_of_stubs(notebook, grader)
    verdicts = tuple(_explained(verdict, ran, limits or Limits()) for verdict in verdicts)
    verdicts = tuple(as_unanswered(verdict) if verdict.cell in blank else verdict for verdict in verdicts)
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
    """Return the result with the autograded notebook."""
    shown = annotated(notebook, grader.source_notebook, verdicts, repairs)
    keep_sizes(shown, grader.sizes)
    return NotebookResult(
        name=grader.name,
        content=nbformat.writes(shown).encode(),
        verdicts=verdicts,
        untouched=untouched(notebook, grader),
        repairs=repairs,
        status=_status(verdicts),
        traceback="\n".join(verdict.traceback for verdict in verdicts if verdict.traceback),
    )


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
