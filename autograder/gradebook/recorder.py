"""Record results in nbgrader's gradebook, the autograded notebooks and the ledger, a batch in one transaction.

The commit point of a submission is the rename that writes its ledger entry. The steps before it are, in this order:

    1. clear the fingerprint of an older entry
    2. stage the files in a temporary folder
    3. commit to the gradebook
    4. rename the folder

A batch is committed at once: steps 1 and 2 are done for each of its submissions before step 3, and step 4 and the
ledger entry for one after the other after it.

If the process is killed in between, the ledger, the gradebook and the folder of each submission are each either old or
new, never partial, and no ledger entry counts as done unless all is written. To recover, grade the submissions again:
the same is written.

If an error stops a batch, each of its results is recorded again in a separate transaction. So the error affects only
the result that it belongs to.
"""

import datetime
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from nbgrader.api import Grade, Gradebook, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.exc import InterfaceError, OperationalError

from autograder.course.course import Course
from autograder.course.roster import course_roster
from autograder.distribution import own_command
from autograder.errors import CourseError, Refused
from autograder.evidence.refusals import Refusal
from autograder.execution.failures import ERRORS
from autograder.files import replace_folder
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.students import enter_students
from autograder.gradebook.submission_rows import NotebookGrades, Rows
from autograder.gradebook.verdict_rows import cells_of, last_written, write_notebook
from autograder.model import NotebookResult, Outcome, Reason, Result
from autograder.submissions.files import read_regular
from autograder.submissions.handed_in import SECRET, TIMESTAMP, read_stamp

READ_ONLY = 0o444
EXCHANGE_FILES = (TIMESTAMP, SECRET)  # `nbgrader release_feedback` looks for both
MAX_EXCHANGE_FILE = 1024  # bytes
# Reasons that another run may change, since a busy machine can cause them or the kernel decides about them, and
# exceptions that do not only depend on the submission.
MAY_CHANGE = frozenset({Reason.TIMEOUT, Reason.CRASH, Reason.MEMORY, Reason.OUTPUT, Reason.LIMIT, Reason.DAMAGED})
OF_THE_MACHINE = frozenset({"ImportError", "ModuleNotFoundError", *(name for name, _ in ERRORS), Refusal.PANDAS.value})

Marks = dict[tuple[str, str], float | None]  # by notebook and grade_id; None means not marked yet


@dataclass(frozen=True)
class Graded:
    """A submission's result, to be recorded.

    Attributes:
        result: The result.
        fingerprint: A digest of all that the result depends on. It is stored only if another run with the same
            fingerprint would have the same result.
        graded_by: The same in parts, for `grading.review`.
    """

    result: Result
    fingerprint: str = ""
    graded_by: Sequence[Sequence[str]] = ()


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

    def record_all(self, batch: Sequence[Graded]) -> dict[str, Exception]:
        """Write the results of several submissions in one transaction.

        Args:
            batch: The results, at most one of each student.

        Returns:
            The error of each result that could not be recorded, by student. All others are recorded.

        Raises:
            OperationalError, InterfaceError: The database cannot be used, so no other result could be recorded either.
        """
        try:
            self._write(batch)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if len(batch) == 1:
                return {batch[0].result.student: error}
            return {student: each for one in batch for student, each in self.record_all([one]).items()}
        return {}

    def _write(self, batch: Sequence[Graded]) -> None:
        """Write all results or none, except if an error occurs after the commit: then those before it are written."""
        try:
            for graded in batch:
                self._begin(graded.result)
            self._grade_all(batch)
            for graded in batch:
                self._finish(graded)
        except BaseException:
            for graded in batch:
                shutil.rmtree(self._staged(graded.result.student), ignore_errors=True)
            self.book.db.rollback()  # it fails, too, if the database is gone
            self.book.db.expunge_all()
            raise

    def _begin(self, result: Result) -> None:
        """Clear the fingerprint of an older ledger entry, and stage the files."""
        if self.ledger.of(result.student).get("fingerprint"):
            self.ledger.note(result.student, fingerprint="")
        self._stage(result, self._staged(result.student))

    def _grade_all(self, batch: Sequence[Graded]) -> None:
        """Write the gradebook's rows."""
        with self.book.db.no_autoflush:
            if not self._entered:
                enter_students(self.book, self.roster)
            for graded in batch:
                self._grade(graded.result)
        self._commit()
        self._entered = True

    def _finish(self, graded: Graded) -> None:
        """Put the files in place, and write the ledger entry."""
        student = graded.result.student
        replace_folder(self._staged(student), self._place(student))
        self.ledger.note(
            student,
            repairs=list(graded.result.repairs),
            notebooks=ledger_entry(*graded.result.notebooks),
            fingerprint=graded.fingerprint if _is_final(graded.result) else "",
            graded_by=graded.graded_by,
        )

    def preview(self, result: Result) -> tuple[Marks, Marks]:
        """Return a submission's marks before and after recording this result, without writing anything."""
        place = self._place(result.student)
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
        place = self._place(student)
        return self.rows.known(student) and all((place / f"{name}.ipynb").is_file() for name in self.rows.notebooks)

    def update_late_penalty(self, student: str) -> None:
        """Update late penalties: manual marks, extensions and due dates can change when a submission does not."""
        with self.book.db.no_autoflush:
            submission, sheets = self.rows.submission(student)
            for sheet in sheets.values():
                self._penalize(submission, sheet)
        self._commit()

    def _commit(self) -> None:
        """Commit, and drop the rows of these submissions from memory."""
        self.book.db.commit()
        self.book.db.expunge_all()

    def _place(self, student: str) -> Path:
        return self.course.folder("autograded", self.assignment, student)

    def _staged(self, student: str) -> Path:
        """Return the temporary folder of files that are not in place yet."""
        place = self._place(student)
        return place.with_name(f".{place.name}.new")

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

    def _grade(self, result: Result) -> None:
        submission, sheets = self.rows.submission(result.student)
        folder = self.course.folder("submitted", self.assignment, result.student)
        submission.timestamp, _ = read_stamp(folder, self.zone)  # grading reports what is wrong with it
        for notebook in result.notebooks:
            if notebook.name not in sheets:
                raise CourseError(f"{notebook.name}: not in the gradebook; run `{own_command()} release`.")
            sheet, path = sheets[notebook.name], self._place(result.student) / f"{notebook.name}.ipynb"
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
    raised = {str(output.get("ename")) for cell in cells_of(notebook.content) for output in cell.get("outputs", ())}
    details = {detail for verdict in without for detail in verdict.detail[:1]}
    return not (MAY_CHANGE & {verdict.reason for verdict in without} or OF_THE_MACHINE & (raised | details))


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
