"""A class graded on many machines, by the workers of a Dask scheduler.

Theory of operation. The grading process is a client of the scheduler. It sends bytes (a submission, the assignment, the
limits) and gets a result back; no worker sees the course folder, the gradebook or another's files. A worker needs this
package, what the notebooks import, and a sandbox of its own. A worker that dies has its submissions given to others by
the scheduler, three times; then they count as failed by us. Workers may come and go while a class is graded. Each is
compared with the grading process before it grades, because marks must be the same wherever they come from.
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
from autograder.errors import CourseError, NoSandboxError
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
    """All workers of a scheduler, as many as there are at any time."""

    def __init__(self, client: "Client", address: str) -> None:
        super().__init__(client.get_executor(pure=False), 0)
        self.client, self.address, self.exclusive = client, address, dict[str, Executor]()
        self.gone = f"{address}: the Dask scheduler is gone; start it and grade again: what was done is kept."

    def __str__(self) -> str:
        workers = len(self.workers())
        there = f"workers: {workers}, submissions graded at a time: {self.jobs}."
        return f"{self.address}: {there if workers else 'no workers yet; grading begins when the first one comes.'}"

    @property
    def jobs(self) -> int:
        """How many submissions are worked on at a time, as many as the workers have threads."""
        return sum(self.workers().values()) or 1

    def workers(self) -> dict[str, int]:
        """The workers' addresses, and how many threads each has."""
        try:
            return dict(self.client.nthreads())
        except (OSError, RuntimeError):
            raise CourseError(self.gone) from None

    def exclusive_slots(self) -> list[Executor]:
        """One worker of each machine; another only where that one dies."""
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
        """Have a submission graded by a worker that is like this process."""
        return slot.submit(
            pickle.loads, pickle.dumps(_Unit(dict(versions(limits.preload)), submission, assignment, limits))
        )

    def compare(self, modules: tuple[str, ...]) -> None:
        """Raise CourseError where a worker that is there now is not like this process; `modules` are preloaded."""
        for worker, found in self.client.run(versions, modules, on_error="return").items():
            if isinstance(found, Exception):
                said = f"{type(found).__name__}: {found}"
                raise CourseError(f"{worker}: this worker cannot load autograder ({said}); install it there.")
            _require_same_version(worker, found, versions(modules))


@contextmanager
def connected(address: str, modules: tuple[str, ...] = ()) -> Iterator[Cluster]:
    """The workers of the scheduler at `address`, such as tcp://10.0.0.1:8786; raises CourseError where it fails.

    `modules` are those that the course preloads: all machines must have the same versions of them.
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise CourseError(NO_DASK) from None
    # a submission may hold pictures of many megabytes: it is data, no graph that somebody forgot to scatter
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}):
        try:
            asyncio.run(
                _check_reachable(address)
            )  # first: a client that cannot connect stays half open until it is collected
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            said = f"no Dask scheduler answers there ({type(error).__name__}); start one with `dask scheduler`."
            raise CourseError(f"{address}: {said}") from None
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it would tell, our sentences tell
        try:
            cluster = Cluster(client, address)
            cluster.compare(modules)
            yield cluster
        finally:
            with suppress(OSError):  # of a scheduler that is gone
                client.close(timeout=CONNECT_SECONDS)


async def _check_reachable(address: str) -> None:
    from distributed import Security
    from distributed.core import connect

    known = Security().get_connection_args("client")
    await (await connect(address, timeout=CONNECT_SECONDS, **known)).close()


class _Unit:
    """A unit of work: bytes that, unpickled by a worker, are its result.

    So a worker without this package says so; as arguments of Dask's own, they would take it down without a word.
    """

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return grade_alike, self.arguments


def grade_alike(ours: Mapping[str, str], submission: Submission, assignment: Assignment, limits: Limits) -> Result:
    """Grade a submission on a worker; raises CourseError where that is not like the process that asks, or unsafe."""
    from distributed import get_worker

    worker = get_worker().address
    _require_same_version(worker, versions(limits.preload), ours)
    try:
        return grade_submission(submission, assignment, sandboxed(limits))
    except NoSandboxError as error:
        raise CourseError(f"{worker}: no sandbox: {error}") from None


def _require_same_version(worker: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    for package, version in ours.items():
        found = theirs.get(package, "missing")
        if found != version:
            said = f"{package} is {found} on this worker and {version} where grading was started"
            raise CourseError(f"{worker}: {said}; install the same on both.")
