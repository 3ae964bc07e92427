"""Run cells in IPython's shell where there is no kernel yet, so that forks of this process continue as kernels.

Theory of operation. The shell is the one that a kernel would make: IPython keeps one for each process, and the kernel
that forks go on with finds this one (`direct_kernel`). So the notebook's names, the functions' globals, registered
callbacks and the numbering of cells go on. What a cell sends to a client is kept in the order in which it was sent.
What cells print goes to a `Relay`; objects that keep `sys.stdout` print to the kernel's stream after a fork.
"""

import gc
import io
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ipykernel.compiler import XCachingCompiler, get_file_name
from ipykernel.zmqshell import ZMQInteractiveShell
from jupyter_client.session import Session
from traitlets.config import Config

from autograder.kernels.digest import FRESH, digest, generators, modules, traces
from autograder.kernels.ipython_kernel import SETTINGS, OutputLimitError
from autograder.kernels.limits import Unfit

Message = dict[str, Any]
Step = Mapping[str, Any]  # see `checkpoint`


class Recorder(Session):
    """Takes the place of a kernel's session, and keeps what it should send. Stops a cell that sends too much."""

    def __init__(self, limit: int) -> None:
        super().__init__(key=b"")
        self.limit, self.left = limit, limit
        self.sent: list[Message] = []

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *_: Any, **__: Any) -> None:
        """Keep a message."""
        if not isinstance(msg_or_type, str):
            msg_or_type, content = msg_or_type["header"]["msg_type"], msg_or_type["content"]
        self._spend(len(json.dumps(content, default=str)))
        self.sent.append({"msg_type": msg_or_type, "content": content})

    def write(self, name: str, text: str) -> None:
        """Keep what is printed. What is printed in a row is one message."""
        self._spend(len(text))
        last = self.sent[-1] if self.sent else None
        if last and last["msg_type"] == "stream" and last["content"]["name"] == name:
            last["content"]["text"] += text
        elif text:
            self.sent.append({"msg_type": "stream", "content": {"name": name, "text": text}})

    def take(self) -> list[Message]:
        """Return what the last cell has sent, and begin with the next."""
        messages, self.sent, self.left = self.sent, [], self.limit
        return messages

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise OutputLimitError(f"this cell printed more than {self.limit} characters")


class Relay(io.TextIOBase):
    """A standard stream: records what is written, and passes it on once there is a kernel."""

    encoding = "UTF-8"

    def __init__(self, name: str, recorder: Recorder) -> None:
        self.name, self.recorder, self.target = name, recorder, None

    target: Any

    def write(self, text: str) -> int:
        """Write a text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.target is not None:
            return int(self.target.write(text))
        self.recorder.write(self.name, text)
        return len(text)

    def writable(self) -> bool:
        """Return whether the stream can be written to."""
        return True

    def flush(self) -> None:
        """Pass on what was written."""
        if self.target is not None:
            self.target.flush()


class _Compiler(XCachingCompiler):
    """Names code as the kernel does, which is process 1 of its sandbox."""

    def get_code_name(self, raw_code: str, code: str, number: int) -> str:
        """Return the name of the file that a cell seems to come from."""
        own = f"{tempfile.gettempdir()}{os.sep}ipykernel_{os.getpid()}"
        return str(get_file_name(raw_code)).replace(own, f"{tempfile.gettempdir()}{os.sep}ipykernel_1", 1)


class SharedShell:
    """IPython's shell of this process, and what is needed to go on in a fork.

    Args:
        output: Characters that a cell may send.
    """

    current: "SharedShell"

    def __init__(self, output: int) -> None:
        with suppress(ImportError):
            import numpy.random  # before a cell does, so that it is known whether a cell has used the global generator

            numpy.random.seed()  # as in each kernel
        self.recorder = Recorder(output)
        self.stdout, self.stderr = (Relay(name, self.recorder) for name in ("stdout", "stderr"))
        sys.stdout, sys.stderr = self.stdout, self.stderr
        sys.argv = ["ipykernel_launcher.py"]
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as ipykernel sets it
        config = Config(SETTINGS, IPKernelApp={"connection_file": ""})  # as a kernel has it
        self.shell: Any = ZMQInteractiveShell.instance(config=config, compiler_class=_Compiler)
        publishers: list[Any] = [self.shell.displayhook, self.shell.display_pub]
        for publisher in publishers:
            publisher.session = self.recorder
        sys.path.insert(0, "")  # the working folder, as in every kernel
        self.fresh, self.before = generators(), traces()
        self.watched: dict[str, str] = {}  # the digests of names and modules that later cells read
        self.random: dict[str, Any] = {}
        self.numbers: list[int] = []
        self.digest: dict[str, str] = {}
        SharedShell.current = self

    def take(self, step: Step) -> dict[str, Any]:
        """Do one step, and return what it has left behind; with a reason `why` if a checkpoint must end before it."""
        started, why, detail, steady = time.process_time(), "", "", True
        if step["kind"] == "cell":
            self.shell.execution_count = step["count"]
            result = self.shell.run_cell(step["source"], store_history=True)
            error = result.error_before_exec or result.error_in_exec
            why, detail = (Unfit.FAILED, type(error).__name__) if error else ("", "")
        elif step["kind"] == "define":
            self._define(step["sources"])
        messages, spent = self.recorder.take(), time.process_time() - started
        left, now = self._left_behind(), digest(self.shell.user_ns, self.fresh)
        if step["kind"] == "watch":
            names = {f"`{name}`" for name in step["names"]}
            self.watched |= {name: now.get(name, "") for name in (*names, *modules()) if name not in self.watched}
        elif step["kind"] == "stop":
            steady = all(now.get(name, "") == value for name, value in self.watched.items())
        return {
            "why": why or (Unfit(left[0]) if left else ""),
            "detail": detail or (left[1] if left else ""),
            "messages": messages if step["kind"] == "cell" else [],
            "cpu": spent,
            "digest": now,
            "steady": steady,
        }

    def _define(self, sources: Sequence[str]) -> None:
        for source in sources:
            try:
                exec(compile(source, "<test>", "exec"), self.shell.user_ns)
            except Exception:  # as the runner does in a kernel
                continue

    def _left_behind(self) -> tuple[str, str] | None:
        """Return the first kind of thing that is new and that a fork would share or lose, with an example."""
        now = traces()
        for kind, things in now.items():
            if new := sorted(things - self.before[kind]):
                return kind, new[0]
        return None

    def prepare(self, numbers: Sequence[int]) -> None:
        """Be ready for forks: their next cells have these numbers, and the cells after them the numbers after these."""
        self.shell.execution_count, *self.numbers = numbers
        self.digest = digest(self.shell.user_ns, self.fresh)
        self.random = {name: _STATES[name][0]() for name in generators()}
        self.settle()

    def settle(self) -> None:
        """Let forks of this process copy little memory: they find what is known, and do not search for garbage here."""
        modules()
        gc.collect()
        gc.freeze()

    def restore_random(self, seed: bool = True) -> None:
        """Continue the global random generators in a fork, which reseeds Python's.

        Args:
            seed: Seed those again that no cell has used, as a kernel does.
        """
        for name, state in self.random.items():
            _STATES[name][1](state)
        for name, state in generators().items():
            if seed and self.fresh.get(name) == state:
                _STATES[name][2]()

    def print_to(self, stdout: Any, stderr: Any) -> None:
        """Let objects that have kept a stream print to these streams."""
        self.stdout.target, self.stderr.target = stdout, stderr

    def require_unchanged(self) -> None:
        """Raise ValueError if something is no longer as it was at the checkpoint, after cells that belong before it."""
        now = digest(self.shell.user_ns, self.fresh)
        for name, value in self.digest.items():
            if value != FRESH and now.get(name) != value:
                raise ValueError(name)


# How to read, to set and to seed the state of each global generator.
_STATES: dict[str, tuple[Callable[[], Any], Callable[[Any], None], Callable[[], None]]] = {
    "random": (random.getstate, random.setstate, random.seed),
    "numpy.random": (
        lambda: sys.modules["numpy.random"].get_state(),
        lambda state: sys.modules["numpy.random"].set_state(state),
        lambda: sys.modules["numpy.random"].seed(),
    ),
}
