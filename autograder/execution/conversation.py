"""Exchange texts with a cell that is running in a kernel, over Jupyter's own channel for input.

The cell asks for input with its message as the prompt, and gets the next text as its input. Nothing that the kernel
sends is trusted: a message is only measured here, and passed on. A cell that ends, or whose kernel ends, ends the
conversation.

A test may ask thousands of times, so each exchange is short. The thread that judges uses the channel's socket itself,
and waits on it and on a pipe, into which the event loop writes when the cell has ended. Meanwhile the event loop leaves
the socket alone.
"""

import asyncio
import contextlib
import hmac
import json
import os
import threading
from abc import ABC, abstractmethod
from typing import Any

import zmq
from jupyter_client.session import DELIM, Session

from autograder.errors import AutograderError
from autograder.execution.client import MAX_EVIDENCE, Client

WHOLE = 4 * MAX_EVIDENCE  # characters of all messages of one test
GOODBYE = ""  # in place of a request: the test is over


class ConversationEndedError(AutograderError):
    """The cell, or its kernel, ended before it answered."""


class MeasuredConversation(ABC):
    """The conversation with one running cell, whose messages are measured."""

    def __init__(self, client: Client) -> None:
        self.client, self.size = client, 0

    def next(self) -> str:
        """Return the cell's next message; raise ConversationEndedError if it ended. Not for the event loop's thread."""
        text = self._message()
        self.size += len(text)
        if len(text) > MAX_EVIDENCE or self.size > WHOLE:
            self.client.flood()
            raise ConversationEndedError
        return text

    def ask(self, text: str) -> str:
        """Send a text and return the cell's answer. Not for the event loop's thread."""
        self._send(text)
        return self.next()

    def end(self) -> None:
        """Tell the cell that the test is over, whatever it still asks; return when it has ended."""
        with contextlib.suppress(ConversationEndedError):
            while True:
                self.ask(GOODBYE)

    @abstractmethod
    def close(self) -> None:
        """Let a thread that still waits for an answer go on; take no more questions."""

    @abstractmethod
    def _send(self, text: str) -> None:
        """Send a text to the cell."""

    @abstractmethod
    def _message(self) -> str:
        """Return the cell's next message."""


class Conversation(MeasuredConversation):
    """The conversation over Jupyter's channel; make it in the event loop, right after the cell was sent."""

    def __init__(self, client: Client, running: "asyncio.Future[Any]") -> None:
        super().__init__(client)
        assert client.kc is not None
        kc: Any = client.kc
        self.session: Session = kc.session
        kc.allow_stdin = True
        self.socket: zmq.Socket[bytes] = zmq.Socket.shadow(kc.stdin_channel.socket.underlying)
        asyncio.get_running_loop().remove_reader(self.socket.FD)
        constant: tuple[Any, ...] = (self.session.msg_header("input_reply"), {}, {})
        self.before = [*map(self.session.pack, constant)]
        self.lock = threading.Lock()  # of the socket
        self.over = False
        self.awake, self.wake = os.pipe()
        self.poller = zmq.Poller()
        self.poller.register(self.socket, zmq.POLLIN)
        self.poller.register(self.awake, zmq.POLLIN)
        running.add_done_callback(lambda _: self._stop())

    def close(self) -> None:
        """Leave the socket, also if a thread still waits for an answer; refuse input again."""
        if self.client.kc is not None:
            self.client.kc.allow_stdin = False
        self._stop()
        with self.lock:
            for descriptor in (self.awake, self.wake):
                os.close(descriptor)
            self.awake = self.wake = -1

    def _stop(self) -> None:
        self.over = True
        if self.wake != -1:
            os.write(self.wake, b"\0")

    def _send(self, text: str) -> None:
        parts = [*self.before, self.session.pack({"value": text})]
        with self.lock:
            if self.over:
                raise ConversationEndedError
            try:
                self.socket.send_multipart([DELIM, self.session.sign(parts), *parts], zmq.NOBLOCK)
            except zmq.ZMQError:
                raise ConversationEndedError from None

    def _message(self) -> str:
        with self.lock:
            while not self.over:
                if self.socket in dict(self.poller.poll()):
                    text = self._text(self.socket.recv_multipart())
                    if text is not None:
                        return text
            raise ConversationEndedError

    def _text(self, frames: list[bytes]) -> str | None:
        """Return what the cell asks; None for a message of another kind, or that Jupyter's kernel would not send."""
        try:
            signature, *parts = frames[frames.index(DELIM) + 1 :]
            if not hmac.compare_digest(self.session.sign(parts[:4]), signature):
                return None
            kind, text = json.loads(parts[0])["msg_type"], json.loads(parts[3])["prompt"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        return text if kind == "input_request" and isinstance(text, str) else None
