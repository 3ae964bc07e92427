"""Record verdicts in nbgrader's gradebook and the autograded notebooks. How verdicts are made does not matter here.

How each verdict is recorded:

    verdict          auto_score         needs_manual_grade   comment at the answer
    passed           the points         no                   –
    failed           its points or 0    no                   –  (the test cell's output gives the reason)
    not attempted    0                  no                   No response.
    no evidence      0                  no                   why there is no evidence
    open             none (not marked)  yes                  that the instructor will mark it
    grader error     none (not marked)  yes                  what failed in the grader

A manual mark is kept, and needs no new grading, unless the student's work has changed since it was last graded: for a
written answer its own cell, for a test any of the student's code in the notebook. A written answer that was left as
released gets 0 points and "No response."; any other needs manual grading.

The commit point is the rename that writes the student's ledger entry. The steps before it are, in this order:

    1. clear the fingerprint of an older entry
    2. stage the files in a temporary folder
    3. commit to the gradebook
    4. rename the folder

If the process is killed in between, the ledger, the gradebook and the folder are each either old or new, never partial,
and no ledger entry counts as done. To recover, grade the submission again: the same is written.
"""

import datetime
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Comment, Grade, Gradebook, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.course.course import Course
from autograder.course.roster import course_roster
from autograder.distribution import own_command
from autograder.errors import CourseError, Refused
from autograder.evidence.refusals import Refusal
from autograder.execution.failures import ERRORS
from autograder.files import digest, replace_folder
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.students import enter_students
from autograder.gradebook.submission_rows import NotebookGrades, Rows
from autograder.model import NO_RESPONSE, NOT_MARKED, NotebookResult, Outcome, Reason, Result, Status, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.sanitize import inert_sentence, typed_answer
from autograder.submissions.files import read_regular
from autograder.submissions.handed_in import SECRET, TIMESTAMP, read_stamp

READ_ONLY = 0o444
EXCHANGE_FILES = (TIMESTAMP, SECRET)  # `nbgrader release_feedback` looks for both
MAX_EXCHANGE_FILE = 1024  # bytes
# Reasons that another run may change, since a busy machine can cause them or the kernel decides about them, and
# exceptions that do not only depend on the submission.
MAY_CHANGE = frozenset({Reason.TIMEOUT, Reason.CRASH, Reason.MEMORY, Reason.OUTPUT, Reason.LIMIT, Reason.DAMAGED})
OF_THE_MACHINE = frozenset({"ImportError", "ModuleNotFoundError", *(name for name, _ in ERRORS), Refusal.PANDAS.value})

CODE = ""  # in place of a grade_id: all of the student's code in a notebook

Written = dict[str, str]  # digest of a text, by grade_id
Marks = dict[tuple[str, str], float | None]  # by notebook and grade_id; None means not marked yet


class Recorder:
    """Write the results of one assignment. Nothing else writes its gradebook. Use it as a context manager."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.course, self.assignment = course, assignment
        self.ledger = Ledger(course, assignment)
        self.penalties = AssignLatePenalties(parent=course)
        self.penalties.init_plugin()
        self.roster = course_roster(course)
        self.zone = course.zone
        self._entered = False  # whether the roster's students are in the gradebook
        self._open = course.gradebook()

    def __enter__(self) -> Self:
        self.book: Gradebook = self._open.__enter__()
        self.rows = Rows(self.book, self.assignment)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.__exit__(kind, error, at)

    def record(self, result: Result, fingerprint: str = "", graded_by: Sequence[Sequence[str]] = ()) -> None:
        """Write one submission's result: staged files, gradebook, files in place, ledger.

        Args:
            result: The result.
            fingerprint: A digest of all that the result depends on. It is stored only if another run with the same
                fingerprint would have the same result.
            graded_by: The same in parts, for `grading.review`.
        """
        place = self.course.folder("autograded", self.assignment, result.student)
        if self.ledger.of(result.student).get("fingerprint"):
            self.ledger.note(result.student, fingerprint="")
        staged = place.with_name(f".{place.name}.new")
        try:
            self._stage(result, staged)
            self._grade(result, place)
            self._commit()
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            self.book.db.rollback()  # it fails, too, if the database is gone
            raise
        self._entered = True
        replace_folder(staged, place)
        self.ledger.note(
            result.student,
            repairs=list(result.repairs),
            notebooks=ledger_entry(*result.notebooks),
            fingerprint=fingerprint if _is_final(result) else "",
            graded_by=graded_by,
        )

    def preview(self, result: Result) -> tuple[Marks, Marks]:
        """Return a submission's marks before and after recording this result, without writing anything."""
        place = self.course.folder("autograded", self.assignment, result.student)
        try:
            with self.book.db.no_autoflush:
                _, sheets = self.rows.submission(result.student)
                before = _marks(sheets)
                for notebook in result.notebooks:
                    sheet, last = sheets[notebook.name], partial(last_written, place / f"{notebook.name}.ipynb")
                    write_notebook(sheet.grades, sheet.comments, notebook, last)
                return before, _marks(sheets)
        finally:
            self.book.db.rollback()
            self.book.db.expunge_all()

    def has(self, student: str, fingerprint: str) -> bool:
        """Return whether ledger, gradebook and files all have a result of this student with this fingerprint."""
        if not fingerprint or self.ledger.of(student).get("fingerprint") != fingerprint:
            return False
        place = self.course.folder("autograded", self.assignment, student)
        return self.rows.known(student) and all((place / f"{name}.ipynb").is_file() for name in self.rows.notebooks)

    def update_late_penalty(self, student: str) -> None:
        """Update late penalties: manual marks, extensions and due dates can change when a submission does not."""
        with self.book.db.no_autoflush:
            submission, sheets = self.rows.submission(student)
            for sheet in sheets.values():
                self._penalize(submission, sheet)
        self._commit()

    def _commit(self) -> None:
        """Commit, and drop this submission's rows from memory."""
        self.book.db.commit()
        self.book.db.expunge_all()

    def _stage(self, result: Result, staged: Path) -> None:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        for notebook in result.notebooks:
            (staged / f"{notebook.name}.ipynb").write_bytes(notebook.content)
        submitted = self.course.folder("submitted", self.assignment, result.student)
        for name in EXCHANGE_FILES:
            with suppress(Refused):
                (staged / name).write_bytes(read_regular(submitted / name, MAX_EXCHANGE_FILE))
        for file in staged.iterdir():
            file.chmod(READ_ONLY)

    def _grade(self, result: Result, place: Path) -> None:
        with self.book.db.no_autoflush:
            if not self._entered:
                enter_students(self.book, self.roster)
            submission, sheets = self.rows.submission(result.student)
            folder = self.course.folder("submitted", self.assignment, result.student)
            submission.timestamp, _ = read_stamp(folder, self.zone)  # grading reports what is wrong with it
            for notebook in result.notebooks:
                if notebook.name not in sheets:
                    raise CourseError(f"{notebook.name}: not in the gradebook; run `{own_command()} release`.")
                sheet, path = sheets[notebook.name], place / f"{notebook.name}.ipynb"
                write_notebook(sheet.grades, sheet.comments, notebook, partial(last_written, path))
                self._penalize(submission, sheet)

    def _penalize(self, submission: SubmittedAssignment, sheet: NotebookGrades) -> None:
        """Apply nbgrader's late policy to one notebook. The penalty is limited to between 0 and its score."""
        sheet.row.late_submission_penalty = None
        due = self.rows.due + (submission.extension or datetime.timedelta()) if self.rows.due else None
        if due and submission.timestamp and submission.timestamp > due:
            late = (submission.timestamp - due).total_seconds()
            score = sum(_score(grade) for grade in sheet.grades.values())
            penalty = self.penalties.plugin_inst.late_submission_penalty(submission.student_id, score, late)
            sheet.row.late_submission_penalty = None if penalty is None else min(max(penalty, 0.0), score)


def ledger_entry(*notebooks: NotebookResult) -> dict[str, dict[str, object]]:
    """Return what the ledger stores for each notebook."""
    return {notebook.name: {"status": notebook.status, "repairs": list(notebook.repairs)} for notebook in notebooks}


def _is_final(result: Result) -> bool:
    """Return whether another run of the same submission would have the same result."""
    return all(map(_is_notebook_final, result.notebooks))


def _is_notebook_final(notebook: NotebookResult) -> bool:
    outcomes = {verdict.outcome for verdict in notebook.verdicts}
    if Outcome.GRADER_ERROR in outcomes:
        return False
    if Outcome.NO_EVIDENCE not in outcomes or not notebook.ran:
        return True
    without = [verdict for verdict in notebook.verdicts if verdict.outcome is Outcome.NO_EVIDENCE]
    raised = {str(output.get("ename")) for cell in _cells(notebook.content) for output in cell.get("outputs", ())}
    details = {detail for verdict in without for detail in verdict.detail[:1]}
    return not (MAY_CHANGE & {verdict.reason for verdict in without} or OF_THE_MACHINE & (raised | details))


def write_notebook(
    grades: Mapping[str, Grade],
    comments: Mapping[str, Comment],
    result: NotebookResult,
    before: Callable[[], Written] = dict,
) -> None:
    """Write one notebook's verdicts by the table above.

    Args:
        grades: The gradebook's grades, by grade_id.
        comments: The gradebook's comments, by grade_id.
        result: The notebook's result.
        before: Returns what the student had written when it was last graded.
    """
    verdicts = {verdict.cell: verdict for verdict in result.verdicts}
    cells = _cells(result.content)
    written, last = _written(cells), before() if any(g.manual_score is not None for g in grades.values()) else {}
    changed = {name for name, text in last.items() if text != written.get(name)}
    for name, grade in grades.items():
        if name in verdicts:
            _write_verdict(grade, verdicts[name], CODE in changed)
        elif result.status is Status.MISSING or name in result.untouched:
            grade.auto_score, grade.needs_manual_grade = 0.0, False
        else:
            grade.auto_score, grade.needs_manual_grade = (
                None,
                grade.manual_score is None or _is_open(grade, name in changed),
            )
    notes = _comments(result, cells)
    for name, comment in comments.items():
        comment.auto_comment = notes.get(name)


def _write_verdict(grade: Grade, verdict: Verdict, is_changed: bool) -> None:
    grade.auto_score = verdict.points
    grade.needs_manual_grade = verdict.points is None if grade.manual_score is None else _is_open(grade, is_changed)


def _is_open(grade: Grade, is_changed: bool) -> bool:
    """Return whether a manual mark has to be given again: also if it was open before, until the instructor gives it."""
    return bool(grade.needs_manual_grade) or is_changed


def _comments(result: NotebookResult, cells: list[NotebookNode]) -> dict[str, str]:
    """Return comments by answer: NO_RESPONSE if it is untouched, else the comment for its test cell's verdict."""
    notes, answer = dict.fromkeys(result.untouched, NO_RESPONSE), ""
    verdicts = {verdict.cell: verdict for verdict in result.verdicts}
    for cell in cells:
        name = grade_id(cell)
        if is_solution(cell) and not is_grade(cell):
            answer = name
        if answer and name in verdicts:
            _comment(notes, answer, verdicts[name])
    return notes


def _comment(notes: dict[str, str], answer: str, verdict: Verdict) -> None:
    if verdict.outcome in (Outcome.PASSED, Outcome.FAILED):
        notes.pop(answer, None)  # the cell was left as released, but the student answered in another cell
    elif verdict.outcome == Outcome.NOT_ATTEMPTED:
        notes[answer] = NO_RESPONSE
    elif verdict.outcome is Outcome.OPEN:
        notes[answer] = NOT_MARKED
    elif answer not in notes:
        notes[answer] = inert_sentence(f"{verdict.outcome}: {verdict.rationale}")


def _cells(content: bytes) -> list[NotebookNode]:
    """Return an autograded notebook's cells. We wrote it, so it needs no validation."""
    cells = json.loads(content)["cells"]
    return [nbformat.from_dict({**cell, "source": "".join(cell["source"])}) for cell in cells]


def _written(cells: list[NotebookNode]) -> Written:
    code = digest(*(cell.source for cell in cells if cell.cell_type == "code" and not is_locked(cell)))
    answers = {grade_id(cell): digest(typed_answer(cell)) for cell in cells if is_grade(cell) and is_solution(cell)}
    return {CODE: code, **answers}


def last_written(path: Path) -> Written:
    """Return what a student wrote in an autograded notebook; nothing if the file is missing or damaged."""
    try:
        return _written(_cells(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _score(grade: Grade) -> float:
    mark = _mark(grade)
    return 0.0 if mark is None else mark + (grade.extra_credit or 0.0)


def _marks(sheets: Mapping[str, NotebookGrades]) -> Marks:
    return {
        (notebook, name): None if grade.needs_manual_grade or _mark(grade) is None else _score(grade)
        for notebook, sheet in sheets.items()
        for name, grade in sheet.grades.items()
    }


def _mark(grade: Grade) -> float | None:
    mark: float | None = grade.manual_score if grade.manual_score is not None else grade.auto_score
    return mark
