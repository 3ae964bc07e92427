"""Verdicts → nbgrader's gradebook and autograded notebooks. Knows nothing of how verdicts came about.

What a verdict becomes:

    verdict          auto_score         needs_manual_grade   comment at the answer
    passed           the points         no                   –
    failed           its points or 0    no                   –  (the test cell's output says why)
    not attempted    0                  no                   No response.
    no evidence      0                  no                   why there is none
    grader error     none (open)        yes                  what failed on our side

A manual mark stays, and stays finished, unless the written answer itself has changed. A written answer that was left as
released has 0 points and "No response."; any other waits for a reader.

The commit point is the ledger's entry for the student, a rename. Before it come, in this order: the files, staged in
a folder aside; one commit to the gradebook; the rename of the folder. Whatever is killed in between leaves each of the
three whole, old or new, and no new entry. Grading the submission again is all that recovery needs: it writes the same.
"""

import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import nbformat
from nbgrader.api import Comment, Grade, Gradebook, Notebook, Student, SubmittedAssignment, SubmittedNotebook
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import is_grade, is_solution

from autograder.course import Course
from autograder.errors import CourseError
from autograder.inert import inert_sentence
from autograder.judge import Verdict
from autograder.ledger import Ledger
from autograder.result import NotebookResult, Result

NO_RESPONSE = "No response."
READ_ONLY = 0o444
EXCHANGE_FILES = ("timestamp.txt", "submission_secret.txt")  # `nbgrader release_feedback` looks for both


class Recorder:
    """Writes results of one assignment; the only one that writes its gradebook. Use it as a context manager."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.course, self.assignment = course, assignment
        self.ledger = Ledger(course, assignment)
        self.penalties = AssignLatePenalties(parent=course)
        self.penalties.init_plugin()
        self._open = course.gradebook()

    def __enter__(self) -> Self:
        self.book: Gradebook = self._open.__enter__()
        self.row = self.book.find_assignment(self.assignment)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.__exit__(kind, error, at)

    def record(self, result: Result) -> None:
        """Write one submission's result: files aside, gradebook, files in place, ledger."""
        place = self.course.folder("autograded", self.assignment, result.student)
        staged = self._stage(result, place)
        try:
            self._grade(result, _sources(place))
            self.book.db.commit()
        except BaseException:
            self.book.db.rollback()
            shutil.rmtree(staged, ignore_errors=True)
            raise
        _replace(staged, place)
        self.ledger.note(result.student, repairs=list(result.repairs), notebooks=ledger_entry(*result.notebooks))

    def _stage(self, result: Result, place: Path) -> Path:
        staged = place.with_name(f".{place.name}.new")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        for notebook in result.notebooks:
            (staged / f"{notebook.name}.ipynb").write_bytes(notebook.content)
        submitted = self.course.folder("submitted", self.assignment, result.student)
        for file in (submitted / name for name in EXCHANGE_FILES):
            if file.is_file() and not file.is_symlink():
                shutil.copyfile(file, staged / file.name)
        for file in staged.iterdir():
            file.chmod(READ_ONLY)
        return staged

    def _grade(self, result: Result, before: dict[str, dict[str, str]]) -> None:
        with self.book.db.no_autoflush:
            submission = self._submission(result.student)
            rows = {row.notebook.name: row for row in submission.notebooks}
            for notebook in result.notebooks:
                if notebook.name not in rows:
                    raise CourseError(f"{notebook.name}: the gradebook does not know it; run `make release`.")
                write_notebook(rows[notebook.name], notebook, before.get(notebook.name, {}))
                self._penalize(submission, rows[notebook.name])

    def _submission(self, student: str) -> SubmittedAssignment:
        """The student's submission with a grade and a comment for each cell there is now, made where missing."""
        pupil = self.book.db.get(Student, student) or Student(id=student)
        self.book.db.add(pupil)
        found = [row for row in pupil.submissions if row.assignment_id == self.row.id]
        submission = found[0] if found else SubmittedAssignment(assignment=self.row, student=pupil)
        self.book.db.add(submission)
        submission.timestamp = self._timestamp(student)
        known = {row.notebook.name for row in submission.notebooks}
        for notebook in self.row.notebooks:
            if notebook.name not in known:
                self.book.db.add(SubmittedNotebook(notebook=notebook, assignment=submission))
        for row in submission.notebooks:
            self.book.db.add_all(_lacking(row, row.notebook))
        return submission

    def _timestamp(self, student: str) -> datetime.datetime | None:
        folder = self.course.folder("submitted", self.assignment, student)
        try:
            found: datetime.datetime | None = self.course.directory.get_existing_timestamp(str(folder))
        except Exception:  # a student's file may hold anything: then the time is not known, as if there were none
            return None
        return found

    def _penalize(self, submission: SubmittedAssignment, row: SubmittedNotebook) -> None:
        """nbgrader's late policy on one notebook, between nothing and all of its score."""
        row.late_submission_penalty = None
        due = self.row.duedate + (submission.extension or datetime.timedelta()) if self.row.duedate else None
        if due and submission.timestamp and submission.timestamp > due:
            late = (submission.timestamp - due).total_seconds()
            score = sum(_score(grade) for grade in row.grades)
            penalty = self.penalties.plugin_inst.late_submission_penalty(submission.student.id, score, late)
            row.late_submission_penalty = None if penalty is None else min(max(penalty, 0.0), score)


def ledger_entry(*notebooks: NotebookResult) -> dict[str, dict[str, object]]:
    """What the ledger keeps of each notebook."""
    return {notebook.name: {"status": notebook.status, "repairs": list(notebook.repairs)} for notebook in notebooks}


def _lacking(row: SubmittedNotebook, notebook: Notebook) -> Iterator[Grade | Comment]:
    """A grade and a comment for each cell that has none yet."""
    graded, commented = {grade.cell.id for grade in row.grades}, {comment.cell.id for comment in row.comments}
    for cell in [*notebook.grade_cells, *notebook.task_cells]:
        if cell.id not in graded:
            yield Grade(cell=cell, notebook=row)
    for cell in [*notebook.solution_cells, *notebook.task_cells]:
        if cell.id not in commented:
            yield Comment(cell=cell, notebook=row)


def write_notebook(row: SubmittedNotebook, result: NotebookResult, before: dict[str, str]) -> None:
    """Write one notebook's verdicts by the table above; `before` are the written answers as they were last graded."""
    verdicts = {verdict.cell: verdict for verdict in result.verdicts}
    now = dict(_written(result.content))
    for grade in row.grades:
        name = grade.cell.name
        if name in verdicts:
            _write_verdict(grade, verdicts[name])
        elif result.status == "missing" or name in result.untouched:
            grade.auto_score, grade.needs_manual_grade = 0.0, False
        else:
            changed = name in before and before[name] != now.get(name)
            grade.auto_score, grade.needs_manual_grade = None, grade.manual_score is None or changed
    notes = _comments(result)
    for comment in row.comments:
        comment.auto_comment = notes.get(comment.cell.name)


def _write_verdict(grade: Grade, verdict: Verdict) -> None:
    grade.auto_score = verdict.points
    grade.needs_manual_grade = verdict.points is None and grade.manual_score is None


def _comments(result: NotebookResult) -> dict[str, str]:
    """Comments by answer: its own where nothing was written, else what its test cell's verdict makes of it."""
    found, answer = dict.fromkeys(result.untouched, NO_RESPONSE), ""
    verdicts = {verdict.cell: verdict for verdict in result.verdicts}
    for cell in nbformat.reads(result.content.decode(), 4).cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if is_solution(cell) and not is_grade(cell):
            answer = name
        if answer and name in verdicts:
            _comment(found, answer, verdicts[name])
    return found


def _comment(found: dict[str, str], answer: str, verdict: Verdict) -> None:
    if verdict.word in ("passed", "failed"):
        found.pop(answer, None)  # an answer that was found elsewhere, where its own cell was left as released
    elif verdict.word == "not attempted":
        found[answer] = NO_RESPONSE
    elif answer not in found:
        found[answer] = inert_sentence(f"{verdict.word}: {verdict.rationale}")


def _written(content: bytes) -> Iterator[tuple[str, str]]:
    for cell in nbformat.reads(content.decode(), 4).cells:
        if is_grade(cell) and is_solution(cell):
            yield cell.metadata.nbgrader["grade_id"], cell.source


def _sources(place: Path) -> dict[str, dict[str, str]]:
    """Written answers by notebook, as they were when last graded."""
    return {path.stem: dict(_written(path.read_bytes())) for path in place.glob("*.ipynb")}


def _score(grade: Grade) -> float:
    mark = grade.manual_score if grade.manual_score is not None else grade.auto_score
    return 0.0 if mark is None else mark + (grade.extra_credit or 0.0)


def _replace(staged: Path, place: Path) -> None:
    """Put the staged folder in its place by renames."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    staged.rename(place)
    shutil.rmtree(old, ignore_errors=True)
