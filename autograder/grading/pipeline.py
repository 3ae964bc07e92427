"""One submission → its result: restore, run, judge. A pure function of bytes, so that it can be done anywhere.

Each notebook is its own: one that is missing, damaged or deadly costs nothing of the others.
"""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from autograder.course.limits import Limits
from autograder.execution.client import KernelError, fill
from autograder.execution.failures import OUTPUT, NoEvidence, death
from autograder.execution.runner import Ran, run
from autograder.gradebook.graded_notebooks import keep, keep_sizes
from autograder.judging.judge import Judge, Verdict
from autograder.judging.test_plan import Plan, plans
from autograder.model import UNSANDBOXED, NotebookResult, Result, most_serious
from autograder.notebook.personalize import Sizes, held_to, remark, settled, sizes_for
from autograder.notebook.sanitize import inert, inert_sentence
from autograder.notebook.source import added, answered
from autograder.submissions.identify import place
from autograder.submissions.parser import Damaged, parse
from autograder.submissions.restore import restore


@dataclass(frozen=True)
class Masters:
    """What an assignment is graded by: its notebooks' teaching copies as JSON, and the files they import.

    `wordings` are stubs that were handed out before they were changed, by (notebook, grade_id).
    """

    notebooks: tuple[tuple[str, bytes], ...]
    helpers: tuple[tuple[str, bytes], ...]
    wordings: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Submission:
    """What one student handed in: file names and contents, as they were read; sentences about what was left out."""

    student: str
    files: Mapping[str, bytes]
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """What grading one notebook goes by."""

    name: str
    master: NotebookNode
    plans: tuple[Plan, ...]
    masters: Masters
    student: str = ""  # whose sizes the plans go by; "" where they are everybody's
    sizes: Sizes | None = None

    @classmethod
    def of(cls, name: str, master: NotebookNode, masters: Masters) -> "Desk":
        return cls(name, master, plans(settled(master), name), masters)

    def sized_for(self, student: str) -> "Desk":
        """The desk with a student's own sizes, where the master gives everybody theirs."""
        sizes = sizes_for(self.master, self.helpers, student)
        if sizes is None:
            return self
        held = tuple(replace(plan, prelude=held_to(plan.prelude, sizes)) for plan in self.plans)
        return replace(self, plans=held, student=student, sizes=sizes)

    @property
    def helpers(self) -> dict[str, bytes]:
        """The files that the assignment's notebooks import."""
        return dict(self.masters.helpers)


@lru_cache(maxsize=4)
def desks_for(masters: Masters) -> tuple[Desk, ...]:
    """A desk for each notebook of an assignment, set up once for a whole class; nobody changes what lies on it."""
    notebooks = [(name, nbformat.reads(content.decode(), 4)) for name, content in masters.notebooks]
    return tuple(Desk.of(name, master, masters) for name, master in notebooks)


def grade_submission(submission: Submission, masters: Masters, limits: Limits | None = None) -> Result:
    """Grade all notebooks of one submission. Never raises: what fails on our side is a `grader error` of a notebook."""
    desks = tuple(desk.sized_for(submission.student) for desk in desks_for(masters))
    notebooks = {desk.name: desk.master for desk in desks}
    placed, moved = place(submission.files, tuple(notebooks), notebooks)
    others = {path: content for path, content in submission.files.items() if content not in placed.values()}
    graded = []
    for desk in desks:
        try:
            graded.append(grade_notebook(desk, placed[desk.name], others, limits))
        except Exception as error:  # one submission's surprise must not stop the class, nor cost its student a mark
            graded.append(_failed(desk, error))
    return Result(submission.student, tuple(graded), (*submission.repairs, *moved))


def given_up(student: str, masters: Masters, error: Exception) -> Result:
    """The result of a submission that no worker could grade: a `grader error` for each test, and all marks open."""
    return Result(student, tuple(_failed(desk, error) for desk in desks_for(masters)))


def _failed(desk: Desk, error: Exception) -> NotebookResult:
    """The result of a notebook that our own side failed on: all of its marks stay open, written answers too."""
    broken = _broken(desk, desk.master, f"the grader failed ({type(error).__name__}: {error}).")
    return replace(broken, untouched=frozenset())


def grade_notebook(
    desk: Desk, content: bytes | None, others: Mapping[str, bytes], limits: Limits | None = None
) -> NotebookResult:
    """Grade one notebook from its bytes (None: not handed in); `others` are the files that came with it."""
    if content is None:
        return _without(desk, NoEvidence("missing", f"{desk.name}.ipynb was not handed in"))
    try:
        submitted, repairs = parse(content, f"{desk.name}.ipynb")
    except Damaged as damage:
        return _without(desk, NoEvidence("damaged", str(damage).rstrip(".")))
    restored = restore(submitted, desk.master)
    return grade_restored(desk, restored.notebook, others, (*repairs, *restored.repairs), limits)


def grade_restored(
    desk: Desk,
    notebook: NotebookNode,
    others: Mapping[str, bytes],
    repairs: tuple[str, ...] = (),
    limits: Limits | None = None,
) -> NotebookResult:
    """Run and judge a notebook that `restore` gave."""
    try:
        ran = run(notebook, desk.plans, {**others, **desk.helpers}, limits)
    except KernelError as error:
        return _broken(desk, notebook, str(error), repairs)
    verdicts = judge_for(desk.masters.helpers).verdicts(desk.plans, ran.taken)
    verdicts = tuple(_explained(verdict, ran, limits or Limits()) for verdict in verdicts)
    about, said = remark(notebook, desk.helpers, desk.student) if desk.student else ("", ())
    result = _finished(desk, ran.notebook, verdicts, (*said, *repairs))
    result = replace(result, status=most_serious((result.status, about)))
    unsandboxed = limits is not None and limits.sandbox == "none"
    return replace(result, status=result.status or UNSANDBOXED) if unsandboxed else result


def _explained(verdict: Verdict, ran: Ran, limits: Limits) -> Verdict:
    """Where a name is missing and a cell before the test did not come through, or printed too much, that is why."""
    place = [_grade_id(cell) for cell in ran.notebook.cells].index(verdict.cell)
    if verdict.reason == "raised" and OUTPUT in verdict.rationale:
        too_much = death("output", ran.notebook.cells[place], place, limits)
        return replace(verdict, reason=too_much.reason, rationale=f"{too_much.sentence}.")
    before = [ran.mishaps[index] for index in sorted(ran.mishaps) if index < place]
    if verdict.reason != "missing" or not before:
        return verdict
    said = f"{verdict.rationale} Before it, {before[-1].sentence}."
    return replace(verdict, reason=before[-1].reason, rationale=said)


def _without(desk: Desk, why: NoEvidence) -> NotebookResult:
    """The result of a notebook that cannot be run at all: nothing to judge, and its teaching copy to look at."""
    verdicts = judge_for(desk.masters.helpers).verdicts(desk.plans, {plan.cell: why for plan in desk.plans})
    return replace(_finished(desk, desk.master, verdicts), status=why.reason)


def _broken(desk: Desk, notebook: NotebookNode, said: str, repairs: tuple[str, ...] = ()) -> NotebookResult:
    verdicts = tuple(Verdict(plan.cell, "grader error", None, said) for plan in desk.plans)
    return _finished(desk, notebook, verdicts, repairs)


def _finished(
    desk: Desk,
    notebook: NotebookNode,
    verdicts: tuple[Verdict, ...],
    repairs: tuple[str, ...] = (),
) -> NotebookResult:
    """The autograded copy: verdicts as the test cells' outputs, and nothing in it that could harm a browser."""
    shown, by_cell = inert(notebook), {verdict.cell: verdict for verdict in verdicts}
    for cell in shown.cells:
        if verdict := by_cell.get(_grade_id(cell)):
            cell.outputs = show_verdict(verdict)
            keep(cell, verdict)
    keep_sizes(shown, desk.sizes)
    shown.cells[:0] = _show_repairs(repairs)
    return NotebookResult(
        name=desk.name,
        content=nbformat.writes(shown).encode(),
        verdicts=verdicts,
        untouched=_untouched(notebook, desk),
        repairs=repairs,
        status=_status(verdicts),
    )


def _show_repairs(repairs: tuple[str, ...]) -> list[NotebookNode]:
    """What was mended or is odd, as a first cell: formgrader shows it to the instructor, feedback to the student."""
    lines = "\n".join(f"* {inert_sentence(repair)}" for repair in repairs)
    return [nbformat.v4.new_markdown_cell(f"**Noted before this notebook was run:**\n\n{lines}")] if lines else []


def _untouched(notebook: NotebookNode, desk: Desk) -> frozenset[str]:
    stubs = {_grade_id(cell): cell for cell in desk.master.cells if is_solution(cell)}
    older = dict(desk.masters.wordings)
    return frozenset(
        name
        for cell in notebook.cells
        if (name := _grade_id(cell)) in stubs
        and left_open(cell.source, (stubs[name].source, *older.get((desk.name, name), ())), stubs[name].cell_type)
    )


def left_open(source: str, wordings: tuple[str, ...], cell_type: str) -> bool:
    """Is it a stub as released, in one of its wordings, with nothing put into it?"""
    if cell_type == "code":
        return any(not answered(source, stub) for stub in wordings)
    return not added(source, "\n".join(wordings))


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def show_verdict(verdict: Verdict) -> list[NotebookNode]:
    """A verdict as the output of its test cell: text where it gave all points, an error with the reason else."""
    if verdict.word == "passed":
        return [nbformat.v4.new_output("stream", name="stdout", text=f"passed: {verdict.points:g} points\n")]
    points = f" ({verdict.points:g} points)" if verdict.points else ""
    text = f"{verdict.word}{points}: {verdict.rationale}"
    return [nbformat.v4.new_output("error", ename=verdict.word, evalue=verdict.rationale, traceback=[text])]


def _status(verdicts: tuple[Verdict, ...]) -> str:
    """What went wrong in a notebook that was run."""
    found = {"grader-error" if verdict.word == "grader error" else verdict.reason for verdict in verdicts}
    return most_serious(found - {"missing"})  # a missing name, that is; a missing notebook was never run


@cache
def judge_for(helpers: tuple[tuple[str, bytes], ...]) -> Judge:
    """This process' judge for these helpers; ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="autograder-judge-"))
    fill(folder, dict(helpers))
    judge = Judge(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(judge.close)
    return judge
