"""Send submissions to a pool's slots and take their results, a few at a time.

Theory of operation. A task is asked for when a slot is free, so that only as many are in memory as there are slots.
Whatever stops the loop, such as Ctrl-C, stops the pool's work as well. A worker that fails on one submission is the
grader's fault: the submission's marks stay open. A pool that is gone ends the run with one sentence.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.grading.pipeline import given_up
from autograder.grading.workers import WorkerPool
from autograder.model import Assignment, Result, Submission


@dataclass(frozen=True)
class Task:
    """One submission to be graded."""

    submission: Submission
    fingerprint: str


@dataclass
class Dispatcher:
    """What all tasks of a run have in common; `busy` is called with how many are under way."""

    pool: WorkerPool
    assignment: Assignment
    limits: Limits
    busy: Callable[[int], None]

    def results(
        self, tasks: Iterator[Task], slots: Callable[[], Sequence[Executor]]
    ) -> Generator[tuple[Task, Result], None, None]:
        """Yield tasks with their results as they come, one under way in each slot; what is under way ends with this."""
        under_way: dict[Future[Result], tuple[Task, Executor]] = {}
        try:
            while self._fill(under_way, tasks, slots()):
                self.busy(min(len(under_way), self.pool.jobs))
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    task, _ = under_way.pop(future)
                    yield task, self._result(task, future)
            self.busy(0)
        finally:
            with uninterrupted():
                self.pool.stop(under_way.keys())

    def _fill(
        self,
        under_way: dict["Future[Result]", tuple[Task, Executor]],
        tasks: Iterator[Task],
        slots: Sequence[Executor],
    ) -> bool:
        """Give each free slot a task while there are any; is anything under way?"""
        taken = Counter(slot for _, slot in under_way.values())
        for slot in (Counter(slots) - taken).elements():
            if (task := next(tasks, None)) is None:
                break
            under_way[self._submit(slot, task)] = task, slot
        return bool(under_way)

    def _submit(self, slot: Executor, task: Task) -> "Future[Result]":
        try:
            return self.pool.submit(slot, task.submission, self.assignment, self.limits)
        except BrokenExecutor:
            raise CourseError(self.pool.gone) from None

    def _result(self, task: Task, future: "Future[Result]") -> Result:
        """The result of a task; where its worker failed, that is our fault, and the student's marks stay open."""
        try:
            return future.result()
        except (CancelledError, BrokenExecutor):  # nobody here has cancelled it
            raise CourseError(self.pool.gone) from None
        except CourseError:
            raise
        except ImportError as error:
            raise CourseError(f"a worker cannot load what it needs ({error}); install autograder there.") from None
        except Exception as error:
            return given_up(task.submission.student, self.assignment, error)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put a Ctrl-C off until the block is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupts: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *arguments: interrupts.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if interrupts and callable(before):
            before(*interrupts[0])
