"""IPython's kernel in a fork of a checkpoint: cells come in over one socket, and go out with all that they have sent.

Theory of operation. Jupyter's five channels take long to start, and a cell's messages cross them one by one. Where a
kernel lives for the last cells of one notebook, it has a socket instead (`messages`). A request is one cell; its answer
has all messages that Jupyter's kernel would have sent, in their order. All else is IPython's own kernel: it runs in an
event loop, with its shell, streams, widgets and errors. A cell of the grader can `ask` the client meanwhile.

What this kernel cannot show as Jupyter's does, it does not show at all: output that does not go through Python's
streams, output of other processes, and output of threads after their cell. It says so (`unlike`), and the client runs
the whole notebook in a kernel of Jupyter's.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from ipykernel.iostream import IOPubThread
from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import Session, extract_header

from autograder.kernels import messages
from autograder.kernels.ipython_kernel import CappedStream, KernelApp, stay
from autograder.kernels.shared_shell import SharedShell

MAX_REQUEST = 256 << 20  # bytes; the client is trusted
STREAMS = (1, 2)
MAX_SHOWN = 200  # bytes of what something other than Python has printed


class Outbox(Session):
    """Takes the place of a session that sends: keeps the messages of a cell."""

    def __init__(self) -> None:
        super().__init__(key=b"")
        self.process = os.getpid()
        self.cell = ""  # the id of the request that is being answered
        self.messages: list[dict[str, Any]] = []
        self.unlike = ""  # the kind of a message that was sent at another time

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, *_: Any, **__: Any) -> Any:
        """Keep a message."""
        if isinstance(msg_or_type, str):
            kind, parent = msg_or_type, extract_header(parent or {})
        else:
            kind, content, parent = msg_or_type["msg_type"], msg_or_type["content"], msg_or_type["parent_header"]
        if os.getpid() != self.process:
            os.write(STREAMS[0], b"\n")  # the parent process sees that the file has grown
        elif not self.cell or parent.get("msg_id") != self.cell:
            self.unlike = kind
        else:
            self.messages.append({"msg_type": kind, "content": content, "parent": self.cell})
        return {"content": content}

    def take(self) -> list[dict[str, Any]]:
        """Return what the cell has sent; what follows belongs to no cell."""
        taken, self.messages, self.cell = self.messages, [], ""
        return taken


class _AtOnce(IOPubThread):
    """Takes the place of the thread that sends what is printed: a stream sends it when it is flushed."""

    def __init__(self) -> None:
        self.thread = None  # type: ignore[assignment]
        self.io_loop = SimpleNamespace(call_later=lambda seconds, work: None)  # type: ignore[assignment]

    def schedule(self, f: Callable[[], object]) -> None:
        """Do it."""
        f()


class DirectKernel(IPythonKernel):
    """IPython's kernel with one socket."""

    channel: socket.socket
    shared: SharedShell
    shell: Any
    session: Any

    @classmethod
    def of(cls, shared: SharedShell) -> "DirectKernel":
        """Make the kernel of a checkpoint's shell, which forks of this process go on with."""
        kernel: DirectKernel = cls.instance(
            session=Outbox(),
            log=logging.getLogger("ipykernel"),
            shell_channel_thread=SimpleNamespace(parent_thread=threading.main_thread()),
        )
        app: Any = KernelApp.instance(kernel=kernel, shell=kernel.shell)  # where IPython's magics look for the kernel
        kernel.shell.kernel, kernel.shell.parent, kernel.parent = kernel, kernel, app
        kernel._execute_sleep = 0.0  # it waits for messages on their way
        kernel.shared = shared
        return kernel

    def start_in_fork(self, channel: socket.socket, output: int, ready: Callable[[], None]) -> None:
        """Answer requests until the client closes the connection, then end this process.

        Args:
            channel: The connection.
            output: Characters that a cell may print.
            ready: Called before any cell runs.
        """
        self.channel, self.session.process = channel, os.getpid()
        self.outside = tempfile.TemporaryFile()  # noqa: SIM115  # until the process ends
        for number in STREAMS:
            os.dup2(self.outside.fileno(), number)
        CappedStream.limit = CappedStream.left = output
        sys.stdout, sys.stderr = self._stream("stdout"), self._stream("stderr")
        self.shared.print_to(sys.stdout, sys.stderr)
        self.shell.ask_exit = stay
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ready()
        asyncio.run(self._serve())
        os._exit(0)

    def ask(self, text: str) -> str:
        """Send a text to the client, whose cell is running, and return its answer."""
        self._send({"ask": text})
        return str(self._received()["answer"])

    def _stream(self, name: str) -> Any:
        stream: Any = CappedStream(self.session, _AtOnce(), name, watchfd=False)  # type: ignore[no-untyped-call]
        stream._original_stdstream_copy = STREAMS[name == "stderr"]  # what `fileno` returns
        return stream

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self.shared.restore_random()  # only now: a kernel that starts draws numbers, too
        while True:
            arrived = asyncio.Event()
            loop.add_reader(self.channel, arrived.set)
            await arrived.wait()  # tasks of the notebook go on meanwhile
            loop.remove_reader(self.channel)
            try:
                request = self._received()
            except EOFError:
                return
            self._send(await self._run(request))

    async def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run a cell, and return what it has sent."""
        kernel: Any = self  # ipykernel has few types
        sys.stdout.flush()
        sys.stderr.flush()
        for content in request["widgets"]:
            kernel.comm_manager.comm_msg(None, [], self._begun("comm_msg", content))
            self.session.take()  # answers to a browser
        content = {"code": request["code"], "silent": False, "store_history": True, "stop_on_error": False}
        parent = self._begun("execute_request", content)
        kernel.pre_handler_hook()
        try:
            await kernel.execute_request(None, [], parent)
        finally:
            kernel.post_handler_hook()
        if os.getpid() != self.session.process:
            os._exit(0)  # a process that the cell has forked: Jupyter's kernel leaves it there, without a client
        if self.shared.numbers:
            self.shell.execution_count = self.shared.numbers.pop(0)
        sent = [message for message in self.session.take() if message["msg_type"] != "execute_reply"]
        outside = os.pread(self.outside.fileno(), MAX_SHOWN, 0).decode(errors="replace")
        return {"messages": sent, "unlike": self.session.unlike or outside}

    def _begun(self, kind: str, content: Any) -> dict[str, Any]:
        """Begin to answer a message of Jupyter's, and return it."""
        kernel: Any = self
        message = self.session.msg(kind, content) | {"buffers": []}
        self.session.cell = message["header"]["msg_id"]
        kernel.set_parent([], message)
        return dict(message)

    def _send(self, content: Any) -> None:
        messages.send(self.channel, self.session.pack(content))

    def _received(self) -> Any:
        return json.loads(messages.receive(self.channel, MAX_REQUEST))


def ask(text: str) -> str:
    """Send a text to the client and return its answer, in a cell of the grader."""
    return DirectKernel.instance().ask(text)
