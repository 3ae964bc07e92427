"""A class → graded: submissions read here, graded by a pool of workers, recorded here one by one.

Theory of operation. This process alone reads submissions and writes the gradebook. It holds as many submissions as its
pool has slots, and no more: one is read when a slot is free, and its result is gone once it is recorded. So its memory
does not grow with the class. What is recorded stays; grading again goes over the class from the start, passes over each
submission that is recorded with the same fingerprint, and so continues where an earlier run was stopped.

A submission that met a limit which what ran beside it may be to blame for is put off: after all others it is graded
once more with nothing beside it, and what comes out then counts.

The source notebooks are loaded once for a run, under the course's lock, and passed on from there.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from nbgrader.api import MissingEntry

from autograder.course.course import Course
from autograder.course.database import ids_fit
from autograder.course.limits import Limits
from autograder.errors import CourseError, UsageError
from autograder.execution.sandbox import grading_limits, remote_limits
from autograder.faults import keep_submission_faults
from autograder.gradebook.assignment_sync import check_cells, in_gradebook, save_stub_history, update_gradebook
from autograder.gradebook.lock import grading_lock
from autograder.gradebook.recorder import Recorder
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.dispatch import Dispatcher, Task, uninterrupted
from autograder.grading.fingerprint import basis, fingerprint
from autograder.grading.pending import PendingResults
from autograder.grading.review import Review, cells_of_questions, part_of_submission, parts_of, to_ledger
from autograder.grading.workers import WorkerPool, worker_pool
from autograder.model import Result, Status, Submission
from autograder.submissions.identify import read_folder

RETRIED_ALONE = frozenset({"timeout", "output"})  # that others, or a busy machine, may be to blame for

Progress = Callable[[str, str], None]  # student, what became of the submission ("" where all went well)
Record = Callable[[Result, str, Mapping[str, str]], None]  # result, fingerprint, what it was graded by


@dataclass
class ClassRun:
    """One run over a class: `grade()` at once, or `review()` and, within its block, `commit()`.

    Attributes:
        course: The course.
        assignment: The name of a graded assignment.
        students: Whose submissions are graded; None means all.
        executor: What grades them; None means threads of this process.
        limits: What a notebook may use; None means the course's limits in the sandbox that this machine gives.
        unsafe: Run student code without a sandbox where there is none; the status of what went well says so then.
        jobs: How many submissions are graded at a time; None means by the cores.
        force: Grade again what is unchanged since it was graded.
        progress: Called with each student and status; the status is "unchanged" of what is not run again.
        busy: Called with how many submissions are under way.
        statuses: By student the status of each submission that is done ("" where all went well).
    """

    course: Course
    assignment: str
    students: Sequence[str] | None = None
    _: KW_ONLY
    executor: Executor | WorkerPool | None = None
    limits: Limits | None = None
    unsafe: bool = False
    jobs: int | None = None
    force: bool = False
    progress: Progress = lambda student, status: None
    busy: Callable[[int], None] = lambda count: None
    statuses: dict[str, str] = field(default_factory=dict, init=False)
    _pending: PendingResults | None = field(default=None, init=False)

    def grade(self) -> dict[str, str]:
        """Grade the class and record each result as it comes.

        Returns:
            Each student's status, in the order asked for.

        Raises:
            CourseError: There is nothing to grade or no sandbox, or another process grades this course. What is wrong
                with one submission is that one's status.
        """
        with self._source() as source:
            self._update_gradebook(source)
            with Recorder(self.course, self.assignment) as recorder:
                self._grade_all(source, recorder, recorder.record, recorder.update_late_penalty)
        return self._ordered()

    @contextmanager
    def review(self) -> Iterator[Review]:
        """Grade the class and give what recording the results would change; nothing is written but by `commit`.

        Raises:
            CourseError: As `grade` does.
        """
        with self._source() as source, tempfile.TemporaryDirectory(prefix="autograder-review-") as folder:
            self._update_gradebook(source, cells_too=False)
            with Recorder(self.course, self.assignment) as recorder:
                parts = parts_of(source.notebooks, source.helpers, self._limits)
                pending = PendingResults(Path(folder), recorder, parts, cells_of_questions(source.notebooks))
                self._grade_all(source, recorder, pending.keep, lambda student: None)
            self._pending, self._loaded = pending, source
            try:
                yield pending.review()
            finally:
                self._pending = None

    def commit(self) -> dict[str, str]:
        """Record what the open review has shown, and the late penalties of all others.

        Returns:
            Each student's status, in the order asked for.

        Raises:
            RuntimeError: No review is open.
        """
        if self._pending is None:
            raise RuntimeError("commit() is called within the block of review()")
        self._update_gradebook(self._loaded)
        with Recorder(self.course, self.assignment) as recorder:
            for student in self._chosen:
                with uninterrupted():
                    if not self._pending.record(student, recorder):
                        recorder.update_late_penalty(student)
        return self._ordered()

    @contextmanager
    def _source(self) -> Iterator[SourceAssignment]:
        """The assignment's source, while this process alone grades the course."""
        self._chosen = _chosen(self.course, self.assignment, self.students)
        here = grading_limits if self.executor is None else remote_limits
        self._limits = self.limits or here(self.course, self.unsafe)
        with grading_lock(self.course.root):
            yield SourceAssignment.load(self.course, self.assignment)

    def _update_gradebook(self, source: SourceAssignment, cells_too: bool = True) -> None:
        """Save the assignment in the gradebook where it is not known, as in a fresh checkout, or not as it is now.

        A known assignment stays as it is unless `cells_too`.
        """
        with self.course.gradebook() as book:
            ids_fit(book, self._chosen)
            try:
                book.find_assignment(self.assignment)
                known = True
            except MissingEntry:
                known = False
        check_cells(source)
        if not known or (cells_too and not in_gradebook(source)):
            update_gradebook(source)
        save_stub_history(source)

    def _grade_all(
        self, source: SourceAssignment, recorder: Recorder, record: Record, pass_over: Callable[[str], None]
    ) -> None:
        """Grade what has changed; what is put off is graded once more at the end, with nothing beside it."""
        assignment, put_off = source.packed(), list[str]()
        graded_by = parts_of(source.notebooks, source.helpers, self._limits)
        base = basis(assignment, self._limits)

        def done(task: Task, result: Result) -> None:
            with uninterrupted():
                record(result, task.fingerprint, to_ledger({**graded_by, **part_of_submission(task.submission)}))
            keep_submission_faults(self.course.root, self.assignment, result)
            self._note(result.student, result.status, result.status)

        with worker_pool(self.executor, self.jobs) as pool:
            dispatcher = Dispatcher(pool, assignment, self._limits, self.busy)
            changed = self._changed(recorder, base, pass_over)
            with closing(dispatcher.results(changed, pool.slots)) as results:
                for task, result in results:
                    if RETRIED_ALONE & _reasons(result):
                        put_off.append(result.student)
                    else:
                        done(task, result)
            again = (self._read(student, base) for student in put_off)
            with closing(dispatcher.results(again, pool.exclusive_slots)) as results:
                for task, result in results:
                    done(task, result)

    def _read(self, student: str, base: str) -> Task:
        files, left_out = read_folder(self.course.folder("submitted", self.assignment, student))
        submission = Submission(student, files, tuple(left_out))
        return Task(submission, fingerprint(submission, base))

    def _changed(self, recorder: Recorder, base: str, pass_over: Callable[[str], None]) -> Iterator[Task]:
        """Submissions to be graded, each read when it is asked for."""
        for student in self._chosen:
            task = self._read(student, base)
            if self.force or not recorder.has(student, task.fingerprint):
                yield task
                continue
            with uninterrupted():
                pass_over(student)
            self._note(student, recorder.ledger.status(student), Status.UNCHANGED)

    def _note(self, student: str, status: Status, shown: Status) -> None:
        self.statuses[student] = status
        self.progress(student, shown)

    def _ordered(self) -> dict[str, str]:
        return {student: self.statuses[student] for student in self._chosen}


def _reasons(result: Result) -> set[str]:
    return {verdict.reason for notebook in result.notebooks for verdict in notebook.verdicts}


def _chosen(course: Course, assignment: str, students: Iterable[str] | None) -> list[str]:
    found = course.students(assignment)
    if not found:
        where = course.folder("submitted", assignment, "<student>")
        raise CourseError(f"{where}: no submissions here; put each student's notebooks into a folder like this one.")
    chosen = list(dict.fromkeys(students or found))
    for student in chosen:
        if student not in found:
            raise UsageError(f"{course.folder('submitted', assignment, student)}: not here; check the student's id.")
    return chosen
