"""Serve connections that ask for kernels: the zygote, each checkpoint and the cold server do so in the same way.

Each connection is for one kernel. The client sends one request, and the server returns the process id of the kernel's
supervisor. The client may then ask to end the kernel. When the kernel ends, the server sends the reason. If the client
disconnects first, its kernel is ended, so a killed client leaves no kernel behind.

A connection can ask for checkpoints instead (see `checkpoint_server`). They end with the connection, too.
"""

import json
import os
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from autograder.kernels.limits import ENDINGS, Ending, Policy
from autograder.kernels.sandbox import Request

MAX_REQUEST = 1 << 20
MAX_FILES = 3  # in a request: a channel, and two of a control group

Spawn = Callable[[Request], int]  # starts a supervised kernel and returns its supervisor's process id
Keep = Callable[[Request, socket.socket], int]  # starts a process that makes checkpoints and reports to the client


class Server:
    """Serves connections. `spawn` starts one kernel, `keep` makes checkpoints. Ends when the lifeline closes."""

    def __init__(
        self, listener: socket.socket, spawn: Spawn, lifeline: int | None = None, keep: Keep | None = None
    ) -> None:
        self.listener, self.spawn, self.keep = listener, spawn, keep
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        if lifeline is not None:
            self.selector.register(lifeline, selectors.EVENT_READ, None)
        self.clients: set[socket.socket] = set()  # clients that are still connected
        self.kernels: dict[socket.socket, tuple[int, int]] = {}  # the supervisor's process id and descriptor

    def serve(self) -> None:
        """Handle requests until the lifeline closes."""
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                key.data()

    def _accept(self) -> None:
        connection = self.listener.accept()[0]
        self.clients.add(connection)
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._receive(connection))

    def _receive(self, connection: socket.socket) -> None:
        if connection not in self.clients:  # its kernel ended at the same moment
            return
        try:
            message, files, _, _ = socket.recv_fds(connection, MAX_REQUEST, MAX_FILES)
        except OSError:
            message, files = b"", []
        if not message:
            self._drop(connection)
            return
        content = json.loads(message)
        if "end" in content:
            self._end(connection)
        else:
            first = 1 if content.get("has_channel") else 0
            channel, group = next(iter(files[:first]), None), tuple(files[first:])
            request = replace(request_of(content), group=group, channel=channel)
            self._start(connection, request, bool(content.get("checkpoints")))
        for descriptor in files:
            os.close(descriptor)

    def _start(self, connection: socket.socket, request: Request, checkpoints: bool) -> None:
        if checkpoints and self.keep is None:
            self._drop(connection)
            return
        process = self.keep(request, connection) if checkpoints and self.keep else self.spawn(request)
        descriptor = os.pidfd_open(process)
        self.kernels[connection] = (process, descriptor)
        self.selector.register(descriptor, selectors.EVENT_READ, lambda: self._ended(connection))
        send(connection, {"pid": process})

    def _end(self, connection: socket.socket) -> None:
        if connection in self.kernels:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.kernels[connection][1], signal.SIGTERM)

    def _drop(self, connection: socket.socket) -> None:
        """Close a connection whose client or kernel is gone, and end its kernel."""
        if connection in self.clients:
            self.clients.discard(connection)
            self.selector.unregister(connection)
            connection.close()
        self._end(connection)

    def _ended(self, connection: socket.socket) -> None:
        process, descriptor = self.kernels.pop(connection)
        _, status, usage = os.wait4(process, 0)
        self.selector.unregister(descriptor)
        os.close(descriptor)
        number = os.waitstatus_to_exitcode(status)
        why = ENDINGS.get(number, Ending.LOST if number < 0 else Ending.NONE)  # below 0: the supervisor was killed
        send(connection, {"why": why, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss << 10})
        self._drop(connection)


def request_of(message: dict[str, Any]) -> Request:
    """Return the request that a client's message contains."""
    policy = Policy(**message["policy"])
    return Request(tuple(message["arguments"]), message["environment"], message["folder"], message["outside"], policy)


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send a message; do nothing if the client is gone."""
    with suppress(OSError):
        connection.send(json.dumps(message).encode())
