"""A class → graded: submissions read here, graded by a crew, recorded here one by one.

Theory of operation. This process alone reads submissions and writes the gradebook. It holds as many submissions as its
crew has places for, and no more: one is read when a place is free, and its result is gone once it is recorded. So its
memory does not grow with the class. What is recorded stays; grading again goes over the class from the start, passes
over each submission that is recorded with the same fingerprint, and so continues where an earlier run was stopped.

A submission that met a limit which what ran beside it may be to blame for is put off: after all others it is graded
once more with nothing beside it, and what comes out then counts.
"""

import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import MissingEntry

from autograder.course.course import Course
from autograder.course.database import ids_fit
from autograder.course.limits import Limits
from autograder.errors import CourseError, UsageError
from autograder.execution.sandbox import grading_limits, remote_limits
from autograder.faults import keep_submission_faults
from autograder.gradebook.assignment_sync import (
    check_cells,
    in_gradebook,
    older_wordings,
    read_source,
    save_stub_history,
    update_gradebook,
)
from autograder.gradebook.lock import grading_lock
from autograder.gradebook.recorder import Recorder
from autograder.grading.fingerprint import basis, fingerprint
from autograder.grading.pending import PendingResults
from autograder.grading.pipeline import given_up
from autograder.grading.review import Review, parts_of, submission_digest
from autograder.grading.workers import WorkerPool, worker_pool
from autograder.model import Assignment, Result, Status, Submission
from autograder.notebook.personalize import check
from autograder.notebook.variants import teaching_copy
from autograder.submissions.identify import read_folder

RETRIED_ALONE = frozenset({"timeout", "output"})  # that others, or a busy machine, may be to blame for

Progress = Callable[[str, str], None]  # student, what became of the submission ("" where all went well)


@dataclass(frozen=True)
class Task:
    """One submission on its way."""

    submission: Submission
    fingerprint: str


def grade(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    progress: Progress = lambda student, said: None,
    executor: Executor | WorkerPool | None = None,
    limits: Limits | None = None,
    *,
    unsafe: bool = False,
    jobs: int | None = None,
    force: bool = False,
    busy: Callable[[int], None] = lambda count: None,
    review: Callable[[Review], bool] | None = None,
) -> dict[str, str]:
    """Grade submissions into the gradebook and autograded/; gives each student's status ("" where all went well).

    Student code runs in a sandbox; without one only if `unsafe` says so, and then that is the status of all that went
    well. `jobs` are worked on at a time (default: by the cores) by threads or by the executor given. What is unchanged
    since it was graded is not run again, unless `force` says so; `progress` hears of it as "unchanged". `busy` hears
    how many are under way. `review` is shown what would change once all is graded, and nothing is written, nothing at
    all, unless it says yes. Raises CourseError where there is nothing to grade or no sandbox, or where another process
    grades this course; what is wrong with one submission is that one's status.
    """
    chosen = _chosen(course, assignment, students)
    limits = limits or (grading_limits(course, unsafe) if executor is None else remote_limits(course, unsafe))
    with grading_lock(course.root), tempfile.TemporaryDirectory(prefix="autograder-review-") as aside:
        _known(course, assignment, chosen, tell=review is None)
        masters = masters_of(course, assignment)
        with Recorder(course, assignment) as recorder, worker_pool(executor, jobs) as crew:
            held = PendingResults(Path(aside), recorder, parts_of(masters, limits)) if review else None
            run = _Run(course, assignment, recorder, crew, masters, limits, force, progress, busy, held)
            run.all(chosen)
            run.alone()
        if held and review and review(held.review()):
            _known(course, assignment, chosen)
            with Recorder(course, assignment) as recorder:
                run.settle(recorder, chosen)
    return {student: run.statuses[student] for student in chosen}


@dataclass
class _Run:
    """One run over a class."""

    course: Course
    assignment: str
    recorder: Recorder
    crew: WorkerPool
    masters: Assignment
    limits: Limits
    force: bool
    progress: Progress
    busy: Callable[[int], None]
    held: PendingResults | None = None
    statuses: dict[str, str] = field(default_factory=dict)
    put_off: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.basis = basis(self.masters, self.limits)
        self.parts = dict(parts_of(self.masters, self.limits))

    def all(self, students: Iterable[str]) -> None:
        """Grade what has changed; put off what is to be tried once more, alone."""
        with closing(self._results(self._changed(students), self.crew.slots)) as results:
            for task, result in results:
                if RETRIED_ALONE & _reasons(result):
                    self.put_off.append(result.student)
                else:
                    self._record(task, result)

    def alone(self) -> None:
        """Grade what was put off, with nothing beside it; what comes out now counts."""
        with closing(self._results(map(self._read, self.put_off), self.crew.exclusive_slots)) as results:
            for task, result in results:
                self._record(task, result)

    def _read(self, student: str) -> Task:
        files, left_out = read_folder(self.course.folder("submitted", self.assignment, student))
        submission = Submission(student, files, tuple(left_out))
        return Task(submission, fingerprint(submission, self.basis))

    def _changed(self, students: Iterable[str]) -> Iterator[Task]:
        """Submissions to be graded, each read when it is asked for."""
        for student in students:
            task = self._read(student)
            if self.force or not self.recorder.has(student, task.fingerprint):
                yield task
                continue
            if not self.held:
                with _unbroken():
                    self.recorder.update_late_penalty(student)
            self.statuses[student] = self.recorder.ledger.status(student)
            self.progress(student, Status.UNCHANGED)

    def _record(self, task: Task, result: Result) -> None:
        graded_by = {**self.parts, "the submission": submission_digest(task.submission)}
        if self.held:
            self.held.keep(result, task.fingerprint, graded_by)
        else:
            with _unbroken():
                self.recorder.record(result, task.fingerprint, graded_by)
        keep_submission_faults(self.course.root, self.assignment, result)
        self.statuses[result.student] = result.status
        self.progress(result.student, result.status)

    def settle(self, recorder: Recorder, students: Iterable[str]) -> None:
        """Write what was held, and the late penalties of all others."""
        held = self.held.results() if self.held else {}
        for student in students:
            with _unbroken():
                recorder.record(*held[student]()) if student in held else recorder.update_late_penalty(student)

    def _results(
        self, tasks: Iterator[Task], places: Callable[[], Sequence[Executor]]
    ) -> Generator[tuple[Task, Result], None, None]:
        """Tasks with their results as they come, one under way at each place; what is under way ends with this."""
        under_way: dict[Future[Result], tuple[Task, Executor]] = {}
        try:
            while self._fill(under_way, tasks, places()):
                self.busy(min(len(under_way), self.crew.jobs))
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    task, _ = under_way.pop(future)
                    yield task, self._result(task, future)
            self.busy(0)
        finally:
            with _unbroken():
                self.crew.stop(under_way.keys())

    def _fill(
        self,
        under_way: dict["Future[Result]", tuple[Task, Executor]],
        tasks: Iterator[Task],
        places: Sequence[Executor],
    ) -> bool:
        """Give each free place a task while there are any; is anything under way?"""
        taken = Counter(place for _, place in under_way.values())
        for place in (Counter(places) - taken).elements():
            if (task := next(tasks, None)) is None:
                break
            under_way[self._submit(place, task)] = task, place
        return bool(under_way)

    def _submit(self, place: Executor, task: Task) -> "Future[Result]":
        try:
            return self.crew.submit(place, task.submission, self.masters, self.limits)
        except BrokenExecutor:
            raise CourseError(self.crew.gone) from None

    def _result(self, task: Task, future: "Future[Result]") -> Result:
        """What came of a task; where its worker failed, that is our fault, and the student's marks stay open."""
        try:
            return future.result()
        except (CancelledError, BrokenExecutor):  # nobody here has cancelled it
            raise CourseError(self.crew.gone) from None
        except CourseError:
            raise
        except ImportError as error:
            raise CourseError(f"a worker cannot load what it needs ({error}); install autograder there.") from None
        except Exception as error:
            return given_up(task.submission.student, self.masters, error)


def _reasons(result: Result) -> set[str]:
    return {verdict.reason for notebook in result.notebooks for verdict in notebook.verdicts}


@contextmanager
def _unbroken() -> Iterator[None]:
    """Put a Ctrl-C off until this is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *signalled: came.append(signalled))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])


def masters_of(course: Course, assignment: str) -> Assignment:
    """An assignment's teaching copies and helper files, as bytes."""
    notebooks = []
    files, _ = read_folder(course.folder("source", assignment))
    for path in course.masters(assignment):
        master = teaching_copy(read_source(path), course.settings)
        check(master, files, path.parent)
        notebooks.append((path.stem, nbformat.writes(master).encode()))
    helpers = {name: content for name, content in files.items() if not name.endswith(".ipynb")}
    return Assignment(tuple(notebooks), tuple(sorted(helpers.items())), older_wordings(course, assignment))


def _chosen(course: Course, assignment: str, students: Sequence[str] | None) -> list[str]:
    found = course.students(assignment)
    if not found:
        where = course.folder("submitted", assignment, "<student>")
        raise CourseError(f"{where}: no submissions here; put each student's notebooks into a folder like this one.")
    for student in students or ():
        if student not in found:
            raise UsageError(f"{course.folder('submitted', assignment, student)}: not here; check the student's id.")
    return list(dict.fromkeys(students or found))


def _known(course: Course, assignment: str, students: Sequence[str], tell: bool = True) -> None:
    """Tell the gradebook of the assignment where it does not know it as it is, as in a fresh checkout.

    What it knows of it stays as it is unless `tell` says so.
    """
    with course.gradebook() as book:
        ids_fit(book, students)
        try:
            book.find_assignment(assignment)
            there = True
        except MissingEntry:
            there = False
    check_cells(course, assignment)
    if not there or (tell and not in_gradebook(course, assignment)):
        update_gradebook(course, assignment)
    save_stub_history(course, assignment)
