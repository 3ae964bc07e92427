"""Grade a class: read the submissions, have a pool of workers grade them, and record the results.

Theory of operation. Only this process reads submissions and writes the gradebook. It reads a submission when the pool
has a free slot, and drops the result once it is recorded. So at most as many submissions as slots are in memory,
whatever the size of the class. Results that are done at the same time are recorded in one transaction, and none waits
for others. A recorded result is kept. Grading again starts from the first student and skips each submission that is
recorded with the same fingerprint. In this way it resumes a run that was stopped.

A submission may reach a limit only because others ran at the same time. Such a submission is deferred: when all others
are done it is graded again, with nothing else running, and that result counts.

Cells that the whole class shares are run once, in the process that runs notebooks (see `checkpoints`).

The source notebooks are loaded once for each run, under the course's lock, and passed on from there.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import KW_ONLY, dataclass, field
from itertools import islice
from pathlib import Path

from nbgrader.api import MissingEntry

from autograder.course.course import Course
from autograder.course.database import ids_fit
from autograder.course.limits import Limits
from autograder.errors import CourseError, UsageError
from autograder.execution.sandbox import grading_limits, remote_limits
from autograder.faults import keep_submission_faults
from autograder.files import REVIEW, temporary_prefix
from autograder.gradebook.assignment_sync import check_cells, in_gradebook, save_stub_history, update_gradebook
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.lock import grading_lock
from autograder.gradebook.recorder import Graded, Recorder
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.checkpoints import WORTHWHILE, closing_checkpoints
from autograder.grading.dispatch import Batch, Dispatcher, Task, batches, raise_first, uninterrupted
from autograder.grading.fingerprint import basis, differ_in_points, fingerprint
from autograder.grading.pending import PendingResults
from autograder.grading.proving import Proofs, proved
from autograder.grading.rescoring import rescored
from autograder.grading.review import Review, cells_of_questions, part_of_submission, parts_of, to_ledger
from autograder.grading.workers import WorkerPool, worker_pool
from autograder.model import Assignment, Reason, Result, Status, Submission
from autograder.submissions.files import read_folder
from autograder.submissions.handed_in import read_stamp
from autograder.text import printable

RETRIED_ALONE = frozenset({Reason.TIMEOUT, Reason.OUTPUT, Reason.MEMORY})  # a busy machine can cause these
LINKED = "a link leads to this submission, so it was left out; put the folder itself in its place."
log = logging.getLogger(__name__)

Progress = Callable[[str, Status], None]  # student, status
Record = Callable[[Sequence[Graded]], dict[str, Exception]]  # a batch → errors by student


@dataclass
class ClassRun:
    """Grade a class once: call `grade()`, or `review()` and, inside its block, `commit()`.

    Attributes:
        course: The course.
        assignment: The name of a graded assignment.
        students: The students to grade; None means all.
        executor: The executor or pool that grades them; None means threads of this process.
        limits: The limits of each notebook; None means the course's limits and the sandbox that this machine offers.
        unsafe: If there is no sandbox, run student code without one. Submissions then get the status `unsandboxed`.
        jobs: How many submissions are graded at a time; None means a number based on the cores.
        force: Also grade submissions that have not changed since they were graded.
        progress: Called with each student and status: `Status.UNCHANGED` for a submission that is not run again.
        busy: Called with the number of submissions in progress.
        proving: Called with the name of each notebook whose tests are proved first.
        unproved: A sentence for each test that judged nobody, because it could not be proved.
        untimed: A sentence for each submission whose time of hand-in cannot be read, so that it counts as on time.
        opened: Where a proved test could not judge an answer: how often, by notebook, test and reason.
        statuses: The status of each submission that is done, by student.
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
    proving: Callable[[str], None] = lambda notebook: None
    unproved: list[str] = field(default_factory=list, init=False)
    untimed: list[str] = field(default_factory=list, init=False)
    opened: Counter[tuple[str, str, str]] = field(default_factory=Counter, init=False)
    statuses: dict[str, Status] = field(default_factory=dict, init=False)
    _pending: PendingResults | None = field(default=None, init=False)

    def grade(self) -> dict[str, Status]:
        """Grade the class and record each result as soon as it is available.

        Returns:
            Each student's status, in the order of `students`.

        Raises:
            CourseError: There is nothing to grade, there is no sandbox, or another process is grading this course. A
                problem with one submission is not raised; it is that submission's status.
        """
        with self._source() as source:
            self._update_gradebook(source)
            proofs = self._proofs(source)
            with Recorder(self.course, self.assignment) as recorder:
                self._grade_all(source, proofs, recorder, recorder.record_all, recorder.update_late_penalty)
        return self._ordered()

    @contextmanager
    def review(self) -> Iterator[Review]:
        """Grade the class and yield what recording the results would change. Only `commit` records them.

        Raises:
            CourseError: As in `grade`.
        """
        with self._source() as source, tempfile.TemporaryDirectory(prefix=temporary_prefix(REVIEW)) as folder:
            self._update_gradebook(source, cells_too=False)
            proofs = self._proofs(source)
            with Recorder(self.course, self.assignment) as recorder:
                parts = parts_of(source.notebooks, source.helpers, self._limits, proofs.proofs)
                pending = PendingResults(Path(folder), recorder, parts, cells_of_questions(source.notebooks))
                self._grade_all(source, proofs, recorder, pending.keep, lambda student: None)
            self._pending, self._loaded = pending, source
            try:
                yield pending.review()
            finally:
                self._pending = None

    def commit(self) -> dict[str, Status]:
        """Record the results of the current review, and update the late penalties of all other students.

        Returns:
            Each student's status, in the order of `students`.

        Raises:
            RuntimeError: The call is not inside the block of `review`.
        """
        if self._pending is None:
            raise RuntimeError("commit() must be called inside the block of review()")
        self._update_gradebook(self._loaded)
        with Recorder(self.course, self.assignment) as recorder:
            for students in batches(self._chosen):
                with uninterrupted():
                    raise_first(recorder.record_all(self._pending.of(students)).values())
                    for student in students:
                        if student not in self._pending.files:
                            recorder.update_late_penalty(student)
        return self._ordered()

    @contextmanager
    def _source(self) -> Iterator[SourceAssignment]:
        """Lock the course and yield the assignment's source."""
        self._chosen = _chosen(self.course, self.assignment, self.students)
        here = grading_limits if self.executor is None else remote_limits
        self._limits = self.limits or here(self.course, self.unsafe)
        with grading_lock(self.course.root):
            yield SourceAssignment.load(self.course, self.assignment)

    def _update_gradebook(self, source: SourceAssignment, cells_too: bool = True) -> None:
        """Save the assignment in the gradebook if it is missing, as in a fresh checkout, or out of date.

        Args:
            source: The assignment's source.
            cells_too: Also update an assignment that is out of date; otherwise only a missing one is saved.
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

    def _proofs(self, source: SourceAssignment) -> Proofs:
        """Return the proofs of the tests. A test that has none judges nobody, and is named in `unproved`."""
        proofs = proved(source, self._limits, self.proving)
        self.unproved = proofs.faults
        return proofs

    def _grade_all(
        self,
        source: SourceAssignment,
        proofs: Proofs,
        recorder: Recorder,
        record: Record,
        skip: Callable[[str], None],
    ) -> None:
        """Grade what has changed. Deferred submissions are graded again at the end, one at a time on each machine."""
        assignment, deferred = proofs.attached(source.packed()), list[str]()
        graded_by = parts_of(source.notebooks, source.helpers, self._limits, proofs.proofs)
        base = basis(assignment, self._limits)

        def done(batch: Batch) -> None:
            graded = [
                Graded(result, task.fingerprint, to_ledger({**graded_by, **part_of_submission(task.submission)}))
                for task, result in batch
            ]
            with uninterrupted():
                errors = record(graded)
            for _, result in batch:
                if result.student not in errors:
                    self._recorded(result)
            raise_first(errors.values())

        def is_done(task: Task) -> bool:
            result = self._rescored(task, assignment, recorder)
            if result:
                done([(task, result)])
            return bool(result)

        shared = self.course.root / "reports" / f"{self.assignment}.shared"
        large = self._is_large(recorder.ledger)
        with closing_checkpoints(shared, large), worker_pool(self.executor, self.jobs) as pool:
            dispatcher = Dispatcher(pool, assignment, self._limits, self.busy)
            changed = self._changed(recorder, base, skip, is_done)
            with closing(dispatcher.results(changed, pool.slots)) as results:
                for batch in results:
                    deferred += [result.student for _, result in batch if RETRIED_ALONE & result.reasons]
                    done([each for each in batch if not RETRIED_ALONE & each[1].reasons])
                    del batch  # it is not kept in memory while the next submissions are read
            again = (self._read(student, base) for student in deferred)
            with closing(dispatcher.results(again, pool.exclusive_slots)) as results:
                for batch in results:
                    done(batch)
                    del batch

    def _is_large(self, ledger: Ledger) -> bool:
        """Return whether so many submissions were never graded that shared cells are worth it from the first one."""
        new = (student for student in self._chosen if self.force or not ledger.of(student).get("fingerprint"))
        return len(list(islice(new, WORTHWHILE))) == WORTHWHILE

    def _recorded(self, result: Result) -> None:
        self.opened.update(result.open_answers)
        keep_submission_faults(self.course.root, self.assignment, result)
        self._note(result.student, result.status, result.status)

    def _read(self, student: str, base: str) -> Task:
        folder = self.course.folder("submitted", self.assignment, student)
        files, left_out = read_folder(folder)
        _, problem = read_stamp(folder, self.course.zone)
        if problem and self.course.due_date(self.assignment):
            self.untimed.append(f"{printable(student)}: {problem}")
            left_out.append(problem)
        submission = Submission(student, files, tuple(left_out))
        return Task(submission, fingerprint(submission, base))

    def _rescored(self, task: Task, assignment: Assignment, recorder: Recorder) -> Result | None:
        """Return the result of a submission that needs no run, because only the points of tests have changed."""
        student = task.submission.student
        facts = recorder.ledger.of(student)
        if self.force or not differ_in_points(task.fingerprint, facts.get("fingerprint", "")):
            return None
        folder = self.course.folder("autograded", self.assignment, student)
        return rescored(student, assignment, folder, facts) if recorder.rows.known(student) else None

    def _changed(
        self, recorder: Recorder, base: str, skip: Callable[[str], None], is_done: Callable[[Task], bool]
    ) -> Iterator[Task]:
        """Yield the submissions to grade. Each is read when it is requested."""
        for student in self._chosen:
            task = self._read(student, base)
            if self.force or not recorder.has(student, task.fingerprint):
                if not is_done(task):
                    yield task
                continue
            with uninterrupted():
                skip(student)
            self._note(student, recorder.ledger.status(student), Status.UNCHANGED)

    def _note(self, student: str, status: Status, shown: Status) -> None:
        self.statuses[student] = status
        self.progress(student, shown)

    def _ordered(self) -> dict[str, Status]:
        return {student: self.statuses[student] for student in self._chosen}


def _chosen(course: Course, assignment: str, students: Iterable[str] | None) -> list[str]:
    submitted, linked = course.students(assignment), course.linked_students(assignment)
    for student in linked:
        log.warning("%s: %s", printable(student), LINKED)
    if not submitted:
        where = course.folder("submitted", assignment, "<student>")
        raise CourseError(f"{where}: no submissions here; put each student's notebooks into a folder like this one.")
    chosen = list(dict.fromkeys(students or submitted))
    for student in chosen:
        if student in linked:
            raise UsageError(f"{printable(student)}: {LINKED}")
        if student not in submitted:
            raise UsageError(
                f"{course.folder('submitted', assignment, student)}: no such submission; check the student's id."
            )
    return chosen
