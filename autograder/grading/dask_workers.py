"""Grade a class on many machines, with the workers of a Dask scheduler.

Theory of operation. The grading process is a client of the scheduler. It sends bytes (a submission, the assignment, the
limits) and receives a result. No worker sees the course folder, the gradebook or other students' files. Each worker
needs this package, what the notebooks import, and a sandbox. If a worker dies, the scheduler sends its submissions to
other workers, up to three times; after that they count as a grader error. Workers may join and leave while a class is
graded. Each worker's package versions are compared with those of the grading process before it grades, so that marks do
not depend on the machine.
"""

import asyncio
import logging
import pickle
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from autograder.course.limits import Limits
from autograder.distribution import install_command
from autograder.errors import CourseError, NoSandboxError, UsageError
from autograder.execution.sandbox import sandboxed
from autograder.grading.fingerprint import versions
from autograder.grading.pipeline import grade_submission
from autograder.grading.workers import WorkerPool
from autograder.model import Assignment, Result, Submission

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10
NO_DASK = f"--scheduler needs Dask, which is not installed: run `{install_command('cluster')}`."


class Cluster(WorkerPool):
    """All workers of a scheduler. Their number can change at any time."""

    def __init__(self, client: "Client", address: str) -> None:
        super().__init__(client.get_executor(pure=False), 0)
        self.client, self.address, self.exclusive = client, address, dict[str, Executor]()
        self.gone = f"{address}: lost the Dask scheduler; start it and run grade again to resume."

    def __str__(self) -> str:
        workers = len(self.workers())
        there = f"workers: {workers}, submissions graded at a time: {self.jobs}."
        return f"{self.address}: {there if workers else 'no workers yet; grading starts when the first one connects.'}"

    @property
    def jobs(self) -> int:
        """Return how many submissions are graded at a time: the total of the workers' threads."""
        return sum(self.workers().values()) or 1

    def workers(self) -> dict[str, int]:
        """Return each worker's number of threads, by address."""
        try:
            return dict(self.client.nthreads())
        except (OSError, RuntimeError):
            raise CourseError(self.gone) from None

    def exclusive_slots(self) -> list[Executor]:
        """Return an executor for one worker of each machine. Another worker is used only if that one dies."""
        from distributed.comm import get_address_host

        hosts = {get_address_host(worker): worker for worker in sorted(self.workers())}
        return [self._only(worker) for worker in hosts.values()] or [self.executor]

    def _only(self, worker: str) -> Executor:
        if worker not in self.exclusive:
            self.exclusive[worker] = self.client.get_executor(pure=False, workers=[worker], allow_other_workers=True)
        return self.exclusive[worker]

    def submit(
        self, slot: Executor, submission: Submission, assignment: Assignment, limits: Limits
    ) -> "Future[Result]":
        """Have a submission graded by a worker that has the same versions as this process."""
        return slot.submit(
            pickle.loads, pickle.dumps(_Unit(dict(versions(limits.preload)), submission, assignment, limits))
        )

    def compare(self, modules: tuple[str, ...]) -> None:
        """Check that all connected workers have the same package versions as this process.

        Args:
            modules: The modules that the course preloads.

        Raises:
            CourseError: A worker has other versions, or cannot import autograder.
        """
        for worker, theirs in self.client.run(versions, modules, on_error="return").items():
            if isinstance(theirs, Exception):
                reason = f"{type(theirs).__name__}: {theirs}"
                raise CourseError(f"{worker}: this worker cannot import autograder ({reason}); install it there.")
            _require_same_version(worker, theirs, versions(modules))


@contextmanager
def connected(address: str, modules: tuple[str, ...] = ()) -> Iterator[Cluster]:
    """Connect to a Dask scheduler and yield its workers.

    Args:
        address: The scheduler's address, such as tcp://10.0.0.1:8786.
        modules: The modules that the course preloads. All machines must have the same versions of them.

    Raises:
        CourseError: Dask is not installed, or a worker has other versions.
        UsageError: No scheduler answers at the address.
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise CourseError(NO_DASK) from None
    # a submission can contain many megabytes of pictures, so Dask's warning about large graphs does not apply
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}):
        try:
            asyncio.run(_check_reachable(address))  # a client that cannot connect would stay half open
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            message = f"no Dask scheduler answers here ({type(error).__name__}); start one with `dask scheduler`."
            raise UsageError(f"{address}: {message}") from None
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # our own messages report these problems
        try:
            cluster = Cluster(client, address)
            cluster.compare(modules)
            yield cluster
        finally:
            with suppress(OSError):  # the scheduler may have ended
                client.close(timeout=CONNECT_SECONDS)


async def _check_reachable(address: str) -> None:
    from distributed import Security
    from distributed.core import connect

    known = Security().get_connection_args("client")
    await (await connect(address, timeout=CONNECT_SECONDS, **known)).close()


class _Unit:
    """A unit of work. A worker that unpickles it gets the result.

    In this way a worker without this package raises an ImportError. If these objects were arguments of a Dask task, the
    worker would end without a message.
    """

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return grade_alike, self.arguments


def grade_alike(ours: Mapping[str, str], submission: Submission, assignment: Assignment, limits: Limits) -> Result:
    """Grade a submission on a worker.

    Args:
        ours: The package versions of the grading process.
        submission: The submission.
        assignment: The assignment.
        limits: The limits of each notebook.

    Raises:
        CourseError: This worker has other versions, or no sandbox.
    """
    from distributed import get_worker

    worker = get_worker().address
    _require_same_version(worker, versions(limits.preload), ours)
    try:
        return grade_submission(submission, assignment, sandboxed(limits))
    except NoSandboxError as error:
        raise CourseError(f"{worker}: no sandbox: {error}") from None


def _require_same_version(worker: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    for package, version in ours.items():
        their_version = theirs.get(package, "missing")
        if their_version != version:
            difference = f"{package} is {their_version} on this worker, but {version} where grading was started"
            raise CourseError(f"{worker}: {difference}; install the same version on both.")
