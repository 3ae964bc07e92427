"""Who grades a class: an executor, how many submissions it holds at a time, and who in it can work alone.

A pool here is threads, each driving kernels, which are processes of their own. Whatever a pool has started ends with
it, also where grading is stopped halfway: kernels that are at work then are killed, and their threads find them dead.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait

import psutil

from autograder.course.limits import Limits
from autograder.grading.pipeline import grade_submission
from autograder.model import Assignment, Result, Submission

QUEUED_PER_WORKER = 1  # submissions that wait in line for each one at work, so that nobody waits for the gradebook
Work = Callable[[Submission, Assignment, Limits], Result]


def default_jobs() -> int:
    """Submissions graded at a time: a kernel is idle for a part of its life, so more than there are cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + min(cores, 4)


class WorkerPool:
    """Any executor that works on `jobs` submissions at a time."""

    gone = "the workers are gone; grade again: it continues where it stopped."

    def __init__(self, executor: Executor, jobs: int, work: Work = grade_submission) -> None:
        self.executor, self._jobs, self.work = executor, jobs, work

    @property
    def jobs(self) -> int:
        """How many submissions are worked on at a time."""
        return self._jobs

    def slots(self) -> list[Executor]:
        """An executor for each submission that may be under way; asked anew each time, for clusters grow and shrink."""
        return [self.executor] * self.jobs * (1 + QUEUED_PER_WORKER)

    def exclusive_slots(self) -> list[Executor]:
        """Executors that each give a submission a machine for itself, as long as nothing else is under way."""
        return [self.executor]

    def submit(
        self, slot: Executor, submission: Submission, assignment: Assignment, limits: Limits
    ) -> "Future[Result]":
        """Have a submission graded in a slot."""
        return slot.submit(self.work, submission, assignment, limits)

    def stop(self, futures: Collection["Future[Result]"]) -> None:
        """Drop what is under way."""
        for future in futures:
            future.cancel()


class Threads(WorkerPool):
    """Threads of this process."""

    def __init__(self, jobs: int) -> None:
        super().__init__(ThreadPoolExecutor(jobs, thread_name_prefix="grading"), jobs)
        self.before = set(_descendants())

    def stop(self, futures: Collection["Future[Result]"]) -> None:
        """Drop what is under way: kill its kernels, and those it starts in their slot, until no thread is at work."""
        super().stop(futures)
        while wait(futures, timeout=0.1).not_done:
            for process in set(_descendants()) - self.before:
                with contextlib.suppress(psutil.Error):
                    process.kill()


@contextlib.contextmanager
def worker_pool(executor: Executor | WorkerPool | None, jobs: int | None = None) -> Iterator[WorkerPool]:
    """A pool as it is, a pool of any executor, or one of threads, which ends here."""
    if isinstance(executor, WorkerPool):
        yield executor
    elif executor is not None:
        yield WorkerPool(executor, jobs or default_jobs())
    else:
        pool = Threads(jobs or default_jobs())
        with pool.executor:
            yield pool


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)
