"""Send submissions to a pool's slots and collect their results, a few at a time.

Theory of operation. The next task is requested when a slot is free, so at most as many tasks as slots are in memory.
Anything that stops the loop, such as Ctrl-C, also stops the pool's work. If a worker fails on one submission, that is a
grader error: the submission is left unmarked. If the pool itself is lost, the run ends with one message.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.grading.pipeline import given_up
from autograder.grading.workers import WorkerPool
from autograder.model import Assignment, Result, Submission

# Ctrl-C, and the signals that end a command in the same way
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

T = TypeVar("T")
MAX_BATCH = 8  # results that are recorded at once; Ctrl-C waits for all of them


@dataclass(frozen=True)
class Task:
    """One submission to grade."""

    submission: Submission
    fingerprint: str


Batch = Sequence[tuple[Task, Result]]


@dataclass
class Dispatcher:
    """Grade tasks in a pool, all with the same assignment and limits.

    `busy` is called with the number of submissions in progress.
    """

    pool: WorkerPool
    assignment: Assignment
    limits: Limits
    busy: Callable[[int], None]

    def results(self, tasks: Iterator[Task], slots: Callable[[], Sequence[Executor]]) -> Generator[Batch, None, None]:
        """Yield tasks with their results: those that are done, without waiting for more. Each slot has one task.

        If this generator is closed early, the tasks in progress are stopped.
        """
        running: dict[Future[Result], tuple[Task, Executor]] = {}
        try:
            while self._fill(running, tasks, slots()):
                self.busy(min(len(running), self.pool.jobs))
                yield from self._collected(running, wait(running, return_when=FIRST_COMPLETED).done)
            self.busy(0)
        finally:
            with uninterrupted():
                self.pool.stop(running.keys())

    def _fill(
        self,
        running: dict["Future[Result]", tuple[Task, Executor]],
        tasks: Iterator[Task],
        slots: Sequence[Executor],
    ) -> bool:
        """Give each free slot a task, if there is one, and return whether any task is running."""
        taken = Counter(slot for _, slot in running.values())
        for slot in (Counter(slots) - taken).elements():
            if (task := next(tasks, None)) is None:
                break
            running[self._submit(slot, task)] = task, slot
        return bool(running)

    def _submit(self, slot: Executor, task: Task) -> "Future[Result]":
        try:
            return self.pool.submit(slot, task.submission, self.assignment, self.limits)
        except BrokenExecutor:
            raise CourseError(self.pool.gone) from None

    def _collected(
        self, running: dict["Future[Result]", tuple[Task, Executor]], done: Iterable["Future[Result]"]
    ) -> Iterator[Batch]:
        """Yield the results of tasks that are done; raise what stops the run only after those of the same batch."""
        for futures in batches(done):
            results, errors = [], []
            for task, future in [(running.pop(future)[0], future) for future in futures]:
                try:
                    results.append((task, self._result(task, future)))
                except CourseError as error:
                    errors.append(error)
            if results:
                yield results
            raise_first(errors)

    def _result(self, task: Task, future: "Future[Result]") -> Result:
        """Return the result of a task. If its worker failed, this is a grader error and the answers stay unmarked."""
        try:
            return future.result()
        except (CancelledError, BrokenExecutor):  # we have not cancelled it, so the pool is lost
            raise CourseError(self.pool.gone) from None
        except CourseError:
            raise
        except ImportError as error:
            raise CourseError(f"a worker cannot import what it needs ({error}); install autograder there.") from None
        except Exception as error:
            return given_up(task.submission.student, self.assignment, error)


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists of at most `MAX_BATCH`."""
    rest = iter(items)
    while batch := list(islice(rest, MAX_BATCH)):
        yield batch


def raise_first(errors: Iterable[Exception]) -> None:
    """Raise the first of these errors, if there is any."""
    if first := next(iter(errors), None):
        raise first


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C, and the signals that end a command in the same way, until the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupts: list[Any] = []
    before = {one: signal.signal(one, lambda *arguments: interrupts.append(arguments)) for one in ENDING}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        if interrupts and callable(handler := before[interrupts[0][0]]):
            handler(*interrupts[0])
