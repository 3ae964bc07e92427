"""Fork the current process into a sandboxed kernel, and detach forks from what they inherit."""

import importlib
import json
import os
import signal
import socket
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from autograder.kernels import messages, sandbox
from autograder.kernels.limits import STATUS, Ending
from autograder.kernels.linux import SET_DUMPABLE, collapse, prctl
from autograder.kernels.sandbox import Request

FAILED = "failed"  # a file in the kernel's folder: why the kernel did not start
FIRST_DESCRIPTOR = 3
HUGE = 2 << 20  # bytes of a huge page

Run = Callable[[Request, Callable[[], None]], None]  # what a fork runs once it is in the sandbox


def fork(request: Request, program: bytes, run: Run, resumed: bool = False) -> int:
    """Fork a sandboxed process that calls `run`, and return its supervisor's process id.

    Args:
        request: The kernel to start.
        program: The seccomp program.
        run: What to run in the sandbox.
        resumed: Continue from this process' files, folder and environment.
    """
    supervisor = os.fork()
    if supervisor:
        return supervisor
    try:
        alone(*request.files)
        run(request, sandbox.enter(request, program, resumed))
    except BaseException:
        with suppress(OSError):
            _report(request, traceback.format_exc())
    finally:
        os._exit(STATUS[Ending.REFUSED])


def _report(request: Request, error: str) -> None:
    """Tell the client why there is no kernel: a fork's stderr is discarded, but it has a folder or a channel."""
    if request.channel is None:
        Path(request.folder, FAILED).write_text(error)
    else:
        messages.send(socket.socket(fileno=os.dup(request.channel)), json.dumps({FAILED: error}).encode())


def alone(*kept: int) -> None:
    """Detach from the server's session, signals and descriptors (except `kept`). Discard the standard streams."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(FIRST_DESCRIPTOR):
        os.dup2(null, number)
    first = FIRST_DESCRIPTOR
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
    for order in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(order, signal.SIG_DFL)


def be_kernel(request: Request, ready: Callable[[], None]) -> None:
    """Run IPython's kernel in this process, which must be in its sandbox."""
    interior = importlib.import_module("autograder.kernels.ipython_kernel")
    interior.start(request.arguments, request.policy.output, ready)


def become(user: int) -> None:
    """Switch permanently from root to an ordinary user."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    prctl(SET_DUMPABLE, 1)  # otherwise /proc/self belongs to root, and a user namespace cannot be mapped


def compact() -> None:
    """Move inherited memory into huge pages: starting and ending a fork takes time for each page."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, *_, name = (*line.split(maxsplit=5), "")[:6]
        start, end = (int(number, 16) for number in place.split("-"))
        first, last = -(-start // HUGE) * HUGE, end // HUGE * HUGE
        if rights.startswith("rw-p") and name in ("", "[heap]") and first < last:
            with suppress(OSError):  # on an older Linux, or without free huge pages, forks are only slower
                collapse(first, last - first)
