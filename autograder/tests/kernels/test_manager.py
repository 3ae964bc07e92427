"""Kernel managers, clients, provisioners and streams without a kernel: what each does where the others are missing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq
from ipykernel.iostream import IOPubThread
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.session import Session

from autograder.errors import NoSandboxError
from autograder.kernels.ipython_kernel import CappedStream
from autograder.kernels.manager import MAX_MESSAGE, BoundedClient, BoundedKernelManager
from autograder.kernels.provisioner import SandboxProvisioner


@contextmanager
def _limit(client: BoundedClient) -> Iterator[int]:
    """The longest message that a client accepts."""
    try:
        yield int(client.context.getsockopt(zmq.MAXMSGSIZE))
    finally:
        client.context.destroy()


def test_a_client_takes_its_limit_from_its_manager() -> None:
    with _limit(BoundedClient(parent=BoundedKernelManager(max_message=1 << 10))) as most:
        assert most == 1 << 10


def test_a_client_without_a_manager_is_bounded_too() -> None:
    with _limit(BoundedClient()) as most:
        assert most == MAX_MESSAGE


def test_a_provisioner_without_a_manager_says_so_and_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.kernels.launcher.server", lambda *_: pytest.fail("a server was started"))
    alone = SandboxProvisioner(kernel_spec=KernelSpec(), kernel_id="alone")
    with pytest.raises(NoSandboxError, match="a sandboxed kernel needs a Jupyter kernel manager; start it through one"):
        asyncio.run(alone.pre_launch())
    assert (alone.has_process, alone.folder) == (False, None)


@pytest.fixture
def stream() -> Iterator[CappedStream]:
    """Standard output of a kernel that has not run a cell; its thread is never started."""
    context = zmq.Context()
    thread = IOPubThread(context.socket(zmq.PUB))
    yield CappedStream(Session(), thread, "stdout", watchfd=False)  # type: ignore[no-untyped-call]
    thread.io_loop.close()
    context.destroy()


def test_output_before_the_first_cell_is_written(stream: CappedStream) -> None:
    assert stream.write("loading") == 7


def test_write_returns_the_number_of_characters_while_a_forked_process_flushes(
    stream: CappedStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_is_master_process", lambda: False)
    monkeypatch.setattr(stream, "_subprocess_flush_pending", True)
    assert stream.write("three") == 5
