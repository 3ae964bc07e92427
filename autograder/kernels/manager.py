"""Jupyter's kernel managers whose clients bound what a kernel can make them hold.

What waits in a client's queues is at most `QUEUED` messages a socket of at most `max_message` bytes a part; ZeroMQ cuts
off a kernel that sends a larger one.
"""

from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Integer, Type, default

SPEC = KernelSpec.from_resource_dir(str(Path(__file__).parent / "share" / "kernels" / "autograder"))
QUEUED = 64


class BoundedClient(AsyncKernelClient):  # type: ignore[misc]
    """A client whose sockets take no more than they must."""

    @default("context")
    def _bounded_context(self) -> "zmq.asyncio.Context":
        self._created_context = True
        context = zmq.asyncio.Context()
        context.setsockopt(zmq.MAXMSGSIZE, self.parent.max_message)
        context.setsockopt(zmq.RCVHWM, QUEUED)
        return context


class BoundedKernelManager(AsyncKernelManager):  # type: ignore[misc]
    """Jupyter's kernel manager, with bounded clients."""

    max_message = Integer(16 << 20, help="Bytes of one message's part.").tag(config=True)
    client_factory = Type(BoundedClient, klass=AsyncKernelClient).tag(config=True)


class SandboxKernelManager(BoundedKernelManager):
    """Starts sandboxed kernels, whatever kernelspecs are installed."""

    @property
    def kernel_spec(self) -> Any:
        """The kernelspec `autograder`."""
        return SPEC
