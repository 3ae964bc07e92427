"""Jupyter's kernel managers whose clients bound what a kernel can make them hold.

What waits in a client's queues is at most `QUEUED` messages a socket of at most `max_message` bytes a part; ZeroMQ cuts
off a kernel that sends a larger one.
"""

import time
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channelsabc import HBChannelABC
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager, KernelManager
from traitlets import Integer, Type, default

RESOURCES = str(Path(__file__).parent / "share" / "kernels" / "autograder")
QUEUED = 64
MAX_MESSAGE = 16 << 20  # bytes of one message's part
REPLY_SECONDS, STATUS_SECONDS = 1.0, 0.2  # how long one request may take to be answered before the next is sent


class NoHeartbeat(HBChannelABC):
    """A heartbeat channel without a thread and a socket: the provisioner knows whether its kernel is alive.

    Jupyter's own channel waits without end in its thread once the kernel has ended in the moment between two beats,
    and stopping it waits for that thread.
    """

    time_to_dead = 1.0

    def __init__(self, *_: Any, **__: Any) -> None:
        self._running = False

    def start(self) -> None:
        """Begin to beat."""
        self._running = True

    def stop(self) -> None:
        """End it."""
        self._running = False

    def is_alive(self) -> bool:
        """Has it been started and not stopped?"""
        return self._running

    def pause(self) -> None:
        """Do nothing."""

    def unpause(self) -> None:
        """Do nothing."""

    def is_beating(self) -> bool:
        """Is it started? Whether the kernel lives, its manager says."""
        return self._running


class BoundedClient(AsyncKernelClient):
    """A client whose sockets take no more than they must."""

    hb_channel_class = Type(NoHeartbeat)  # type: ignore[assignment]  # Jupyter asks only for HBChannelABC

    @default("context")
    def _bounded_context(self) -> "zmq.asyncio.Context":
        self._created_context = True
        context = zmq.asyncio.Context()
        manager = self.parent  # None where a client connects to a kernel that another process has started
        most = manager.max_message if isinstance(manager, BoundedKernelManager) else MAX_MESSAGE
        context.setsockopt(zmq.MAXMSGSIZE, most)
        context.setsockopt(zmq.RCVHWM, QUEUED)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers, and until what it sends to all clients arrives here.

        Jupyter's own client then waits until nothing has arrived for 0.2 s. Here a request that is answered on both
        channels says that everything sent before it has arrived.

        Args:
            timeout: Seconds after which to give up; None for no limit.

        Raises:
            RuntimeError: The kernel has ended, or has not answered in time.
        """
        if not isinstance(self.parent, KernelManager):  # a client of another process' kernel
            await super().wait_for_ready(timeout=timeout)
            return
        started = time.monotonic()
        while not await self._is_answered(self.kernel_info()):
            if not await self.parent.is_alive():  # type: ignore[misc]  # asynchronous in an asynchronous manager
                raise RuntimeError("Kernel died before replying to kernel_info")
            if timeout is not None and time.monotonic() - started > timeout:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _is_answered(self, request: str) -> bool:
        """Return whether the kernel answers this request for its information, and says so on the other channel."""
        try:
            reply = await self.shell_channel.get_msg(timeout=REPLY_SECONDS)
            if reply["msg_type"] == "kernel_info_reply":
                self._handle_kernel_info_reply(reply)
            while True:
                message = await self.iopub_channel.get_msg(timeout=STATUS_SECONDS)
                is_of_request = message["parent_header"].get("msg_id") == request
                if is_of_request and message["content"].get("execution_state") == "idle":
                    return True
        except Empty:
            return False


class BoundedKernelManager(AsyncKernelManager):
    """Jupyter's kernel manager, with bounded clients."""

    max_message = Integer(MAX_MESSAGE, help="Bytes of one message's part.").tag(config=True)
    client_factory = Type(BoundedClient, klass=AsyncKernelClient).tag(config=True)


class SandboxKernelManager(BoundedKernelManager):
    """Starts sandboxed kernels, whatever kernelspecs are installed."""

    @property
    def kernel_spec(self) -> Any:
        """The kernelspec `autograder`, read again each time because Jupyter changes its metadata."""
        return KernelSpec.from_resource_dir(RESOURCES)
