"""Worker pools that grade submissions: executors, capacity, and exclusive slots for retries.

The default pool is threads. Each thread drives kernels, which are separate processes. When a pool ends, everything that
it started ends too. If grading is stopped halfway, running kernels are killed, and their threads notice this and end.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait

import psutil

from autograder.course.limits import Limits
from autograder.grading.pipeline import grade_submission
from autograder.model import Assignment, Result, Submission

QUEUED_PER_WORKER = 1  # submissions queued for each one being graded, so that no worker waits for the gradebook
Work = Callable[[Submission, Assignment, Limits], Result]


def default_jobs() -> int:
    """Return how many submissions to grade at a time: more than the cores, because kernels are often idle."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + min(cores, 4)


class WorkerPool:
    """An executor that grades `jobs` submissions at a time. `gone` is the message for a pool that is lost."""

    gone = "lost the workers; run grade again to resume."

    def __init__(self, executor: Executor, jobs: int, work: Work = grade_submission) -> None:
        self.executor, self._jobs, self.work = executor, jobs, work

    @property
    def jobs(self) -> int:
        """Return how many submissions are graded at a time."""
        return self._jobs

    def slots(self) -> list[Executor]:
        """Return an executor for each submission that may be in progress. Call this each time: clusters can resize."""
        return [self.executor] * self.jobs * (1 + QUEUED_PER_WORKER)

    def exclusive_slots(self) -> list[Executor]:
        """Return executors that each run on a separate machine, for submissions that must be graded alone."""
        return [self.executor]

    def submit(
        self, slot: Executor, submission: Submission, assignment: Assignment, limits: Limits
    ) -> "Future[Result]":
        """Have a submission graded in a slot."""
        return slot.submit(self.work, submission, assignment, limits)

    def stop(self, futures: Collection["Future[Result]"]) -> None:
        """Cancel the submissions in progress."""
        for future in futures:
            future.cancel()


class Threads(WorkerPool):
    """Threads of this process."""

    def __init__(self, jobs: int) -> None:
        super().__init__(ThreadPoolExecutor(jobs, thread_name_prefix="grading"), jobs)
        self.before = set(_descendants())

    def stop(self, futures: Collection["Future[Result]"]) -> None:
        """Cancel the submissions in progress. Kill their kernels, including new ones, until all threads are idle."""
        super().stop(futures)
        while wait(futures, timeout=0.1).not_done:
            for process in set(_descendants()) - self.before:
                with contextlib.suppress(psutil.Error):
                    process.kill()


@contextlib.contextmanager
def worker_pool(executor: Executor | WorkerPool | None, jobs: int | None = None) -> Iterator[WorkerPool]:
    """Yield a pool for `executor`.

    Args:
        executor: A pool, which is used as it is; an executor; or None for threads, which end with this block.
        jobs: How many submissions are graded at a time; None means a number based on the cores.
    """
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
