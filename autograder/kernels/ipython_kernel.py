"""Start IPython's kernel inside the sandbox, in a process that has already loaded its modules."""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

OPTIONS = ("--HistoryManager.enabled=False", "--InteractiveShellApp.ignore_cwd=True")
SETTINGS = {"HistoryManager": {"enabled": False}, "InteractiveShellApp": {"ignore_cwd": True}}  # what these mean


class OutputLimitError(OSError):
    """A cell printed more than it may."""


class CappedStream(OutStream):
    """Standard output that raises in the cell that prints too much, before the output fills the client's memory."""

    limit = 1 << 20
    cell: Any = None
    left = limit

    def write(self, string: str) -> int:
        """Write, or raise OutputLimitError. Both streams of a cell count together.

        Output that bypasses Python arrives in a thread that must keep reading; the client bounds that output.
        """
        if threading.current_thread() is getattr(
            self, "watch_fd_thread", None
        ):  # it exists only where the descriptor is watched
            return self._passed_on(string)
        now = self.parent_header.get("msg_id")
        if now != CappedStream.cell:
            CappedStream.cell, CappedStream.left = now, CappedStream.limit
        CappedStream.left -= len(string)
        if CappedStream.left < 0:
            raise OutputLimitError(f"this cell printed more than {CappedStream.limit} characters")
        return self._passed_on(string)

    def _passed_on(self, string: str) -> int:
        super().write(string)
        return len(string)  # ipykernel returns None while a process that a cell has forked flushes


class KernelApp(IPKernelApp):
    """IPython's kernel application, which knows the arguments that it is usually given."""

    def parse_command_line(self, argv: Any = None) -> None:
        """Read the arguments. For any others than usual, traitlets makes a parser, which takes a tenth of a start."""
        match argv:
            case ["-f", str(file), *options] if tuple(options) == OPTIONS:
                self.argv, self.extra_args = [*argv], []
                self.cli_config = Config(SETTINGS, IPKernelApp={"connection_file": file})
                self.update_config(self.cli_config)
            case _:
                super().parse_command_line(argv)


def start(arguments: Sequence[str], output: int, ready: Callable[[], None]) -> None:
    """Run a kernel until it ends.

    Args:
        arguments: The kernel's command-line arguments.
        output: Characters that a cell may print.
        ready: Called once the kernel's sockets are bound, before it runs any cell.
    """
    CappedStream.limit = CappedStream.left = output
    sys.argv = ["ipykernel_launcher.py", *arguments]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # a fork copies NumPy's global state; the standard library's reseeds itself
    app: Any = KernelApp.instance(outstream_class=f"{__name__}.CappedStream")
    app.initialize([*arguments, *OPTIONS])
    sys.path.insert(0, "")  # the working folder, as in every kernel, but only after the last import
    app.shell.ask_exit = stay
    ready()
    app.start()
    os._exit(0)


def stay() -> None:
    """Ignore `exit()`: the kernel would end a tenth of a second later, and a later cell would be blamed for it."""
