"""Drive a kernel that goes on from a checkpoint: one socket in place of Jupyter's channels (see `direct_kernel`).

Theory of operation. Each cell is one request, and its answer has all its messages. nbclient turns them into outputs, as
in every other run. Nothing that the kernel sends is trusted. Whatever is not as it should be ends the kernel, and the
runner runs the whole notebook in a kernel of Jupyter's; so this client need not find out why.
"""

import asyncio
import contextlib
import json
import logging
import math
import queue
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.errors import Death, KernelEnded, KernelError, NoSandboxError
from autograder.execution.client import END_SECONDS, MAX_EVIDENCE, ROOM, Client, watchdog
from autograder.execution.conversation import ConversationEndedError, MeasuredConversation
from autograder.execution.sandbox import policy
from autograder.execution.widgets import Widgets
from autograder.kernels import messages
from autograder.kernels.connection import Connection

ESCAPED = 6  # bytes that one character can take in JSON
LATE = 1.0  # seconds after a cell's time limit until the watchdog ends the kernel, which may be sending meanwhile

_log = logging.getLogger(__name__)


class DirectClient(Client):
    """A client with one socket. Its kernel has our program."""

    connection: Connection
    channel: socket.socket
    answer: "asyncio.Future[Any]"
    conversation: "DirectConversation | None" = None
    channel_source = "__import__('sys').modules['autograder.kernels.direct_kernel'].ask"
    has_program = True

    async def run_cell(self, cell: NotebookNode, index: int, seconds: float) -> None:
        """Run one cell for at most `seconds`; raise KernelEnded if anything fails."""
        cell.outputs, self.clear_before_next_output, self.spent_cell = [], False, 0
        try:
            answer = await self._answered(cell.source, seconds)
            if "failed" in answer:
                _log.debug("a kernel at a checkpoint: %s", answer["failed"])
                raise KernelEnded(Death.DAMAGED)
            for message in answer["messages"]:
                header = {"msg_type": message["msg_type"]}
                self.process_message(
                    {**message, "header": header, "parent_header": {"msg_id": message["parent"]}}, cell, index
                )
            if answer["unlike"]:
                _log.debug("a kernel at a checkpoint cannot show %r", answer["unlike"])
                raise KernelEnded(Death.UNFINISHED)
        except KernelEnded:
            raise
        except TimeoutError:
            raise KernelEnded(Death.CELL_TIME) from None
        except Exception:  # an honest cell sends nothing that cannot be read
            _log.debug("a kernel at a checkpoint", exc_info=True)
            raise KernelEnded(Death.DAMAGED) from None

    async def _answered(self, code: str, seconds: float) -> Any:
        """Send a cell, and return the kernel's answer. Meanwhile, the cell may ask the conversation."""
        loop = asyncio.get_running_loop()
        self.answer, self.deadline = loop.create_future(), time.monotonic() + seconds + LATE
        loop.add_reader(self.channel, self._arrived)
        try:
            request = {"code": code, "widgets": self.widgets.updates()}
            messages.send(self.channel, json.dumps(request).encode())
            return await asyncio.wait_for(self.answer, seconds)
        finally:
            loop.remove_reader(self.channel)
            self.deadline = math.inf

    def _arrived(self) -> None:
        """Read one message: the end of the cell, or what it asks."""
        try:
            content = json.loads(messages.receive(self.channel, self._most))
            if self.conversation and "ask" in content:
                self.conversation.texts.put(content["ask"])
                return
        except Exception as error:
            content = {"failed": repr(error)}
        if not self.answer.done():
            self.answer.set_result(content)

    @property
    def _most(self) -> int:
        return ESCAPED * (MAX_EVIDENCE if self.taking else ROOM * self.limits.cell_output)

    def stop_cell(self) -> None:
        """Stop the cell, which sends too much."""
        raise KernelEnded(Death.OUTPUT)

    def end(self) -> None:
        """End the kernel and all processes that it started; may be called from any thread."""
        self.connection.end()

    async def ended(self) -> None:
        """End the kernel, and wait until it has ended."""
        self.end()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.connection.wait(), END_SECONDS)


class DirectConversation(MeasuredConversation):
    """The conversation with the running cell of a direct client."""

    def __init__(self, client: DirectClient, running: "asyncio.Future[Any]") -> None:
        super().__init__(client)
        self.channel, self.texts = client.channel, queue.SimpleQueue[str | None]()
        client.conversation = self
        self.direct = client
        running.add_done_callback(lambda _: self.texts.put(None))

    def close(self) -> None:
        """Let a thread that still waits for an answer go on; take no more questions."""
        self.direct.conversation = None
        self.texts.put(None)

    def _send(self, text: str) -> None:
        try:
            messages.send(self.channel, json.dumps({"answer": text}).encode())
        except OSError:
            raise ConversationEndedError from None

    def _message(self) -> str:
        text = self.texts.get()
        if not isinstance(text, str):
            raise ConversationEndedError
        return text


@asynccontextmanager
async def direct_kernel(notebook: NotebookNode, limits: Limits, checkpoint: Path) -> AsyncIterator[DirectClient]:
    """Start a kernel that goes on from a checkpoint, with its files.

    Args:
        notebook: The notebook.
        limits: The limits.
        checkpoint: The socket of the checkpoint.

    Raises:
        KernelError: The kernel does not start.
    """
    client = DirectClient(nb=notebook, allow_errors=True, record_timing=False, store_widget_state=False)
    client.coalesce_streams = False
    client.limits, client.widgets = limits, Widgets()
    with contextlib.ExitStack() as stack:
        client.channel, theirs = map(stack.enter_context, socket.socketpair())
        request = {"arguments": [], "environment": {}, "folder": "", "outside": ""}
        try:
            client.connection = Connection(checkpoint, request, policy(limits), theirs)
        except NoSandboxError as error:
            raise KernelError(f"no kernel could be started at a checkpoint: {error}") from error
        stack.callback(client.connection.close)
        theirs.close()
        with watchdog.watching(client):
            try:
                yield client
            finally:
                await client.ended()
