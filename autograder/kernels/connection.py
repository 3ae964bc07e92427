"""A client's connection to a server of kernels: it stands for one kernel, and lasts as long as the kernel.

The request goes in, then perhaps an order to end; the reason why the kernel ended comes out. If the client closes the
connection or dies, the server ends the kernel.
"""

import asyncio
import contextlib
import json
import os
import select
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autograder.errors import NoSandboxError
from autograder.kernels import control_group, launcher
from autograder.kernels.limits import Ending, Policy

MAX_MESSAGE = 1 << 16
POLL = 0.5  # seconds between two looks at a connection that another task may have closed
ANSWER_TIMEOUT = 60.0  # seconds that a server has to answer


@dataclass(frozen=True)
class Ended:
    """The end of a kernel: `cpu` is in seconds, `memory` the peak in bytes."""

    why: Ending
    cpu: float = 0.0
    memory: int = 0


class Connection:
    """The connection of one kernel. Making it starts the kernel.

    Args:
        server: The server's socket.
        request: The kernel's folder, arguments and environment, as `sandbox.Request` has them.
        policy: The kernel's limits.
        channel: The kernel's end of a channel to this process, if it has one.

    Raises:
        NoSandboxError: The server does not answer.
    """

    def __init__(
        self, server: Path, request: Mapping[str, Any], policy: Policy, channel: socket.socket | None = None
    ) -> None:
        self.ended: Ended | None = None
        self._group = control_group.new_group(policy.memory)
        self._socket: socket.socket | None = None
        content = {**request, "policy": asdict(policy), "has_channel": channel is not None}
        try:
            self._socket = launcher.connect(server)
            self._ask(self._socket, json.dumps(content).encode(), [channel.fileno()] if channel else [])
        except OSError:
            self.close()
            raise NoSandboxError("the process that forks kernels has died; run the command again.") from None

    def _ask(self, connection: socket.socket, request: bytes, channel: list[int]) -> None:
        """Send the request and wait until it is answered; raise OSError if it is not."""
        connection.settimeout(ANSWER_TIMEOUT)
        files = self._group.opened() if self._group else []
        try:
            socket.send_fds(connection, [request], [*channel, *files])
        finally:
            for descriptor in files:
                os.close(descriptor)
        if not connection.recv(MAX_MESSAGE):
            raise ConnectionResetError
        connection.setblocking(True)

    @property
    def is_open(self) -> bool:
        """Return whether the kernel has not ended as far as is known, and the connection was not closed."""
        return self._socket is not None

    def end(self) -> None:
        """End the kernel and everything it has started. May be called from any thread."""
        connection = self._socket
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.send(b'{"end": true}')

    def poll(self) -> Ended | None:
        """Return how the kernel ended; None while it runs."""
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self._hear(self._socket)
        return self.ended

    async def wait(self) -> None:
        """Wait until the kernel has ended or the connection is closed."""
        while self.poll() is None and self._socket is not None:
            await readable(self._socket, POLL)

    def close(self) -> None:
        """Close the connection. If the kernel still runs, its server then ends it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._group is not None:
            self._group.remove()
            self._group = None

    def _hear(self, connection: socket.socket) -> None:
        try:
            message = connection.recv(MAX_MESSAGE)
        except OSError:
            message = b""
        # an empty message: the server has died, and all kernels with it
        self.ended = _ended(**json.loads(message)) if message else Ended(Ending.LOST)
        if self._group and self._group.has_killed():
            self.ended = replace(self.ended, why=Ending.MEMORY)
        self._socket = None
        connection.close()


async def readable(connection: socket.socket, seconds: float | None = None) -> None:
    """Wait until there is something to read, but at most so many seconds."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(connection, arrived.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(arrived.wait(), seconds)
    finally:
        loop.remove_reader(connection)


def _ended(why: str, cpu: float, memory: int) -> Ended:
    return Ended(Ending(why), cpu, memory)
