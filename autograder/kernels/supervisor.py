"""Watch one kernel from outside and end it when it exceeds a limit.

Theory of operation. A supervisor is a fork that never runs code of the notebook and that the notebook cannot see. The
kernel is process 1 of a separate process namespace, and the supervisor is outside it, so killing process 1 kills all of
them. Ten times a second it adds up what the kernel's processes use. Over a limit it kills, and its exit status says
which limit (`limits.ENDINGS`). SIGTERM tells it to end; that also arrives when the client is gone or its parent dies.
Between two checks a kernel can use a few hundred MiB more than its limit, not more: rlimits bound each process.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from autograder.kernels.limits import STATUS, Policy
from autograder.kernels.linux import PDEATHSIG, prctl

INTERVAL = 100  # milliseconds
TICKS = os.sysconf("SC_CLK_TCK")

Processes = Callable[[], Iterable[Path]]  # the kernel's processes, as folders of /proc
Held = Callable[[], int]  # bytes that it uses outside its processes, such as files in memory


def supervise(
    kernel: int,
    policy: Policy,
    processes: Processes,
    held: Held,
    wake: socket.socket | None = None,
    seal: Callable[[], None] = lambda: None,
    parent: int = 0,
) -> NoReturn:
    """Watch until `kernel` has ended. On a byte through `wake` (the kernel is ready), call `seal` and answer.

    `parent` is the process that forked this one and may have died since; 0 where its death ends all processes anyway.
    """
    _obey(kernel, parent or os.getppid())
    ended, started = os.pidfd_open(kernel), time.monotonic()
    poll = select.poll()
    for reading in (ended, wake):
        if reading is not None:
            poll.register(reading, select.POLLIN)
    why = ""
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(INTERVAL)}
        if wake and wake.fileno() in ready:
            poll.unregister(wake)
            if wake.recv(1):
                seal()
                wake.send(b"x")
        if ended in ready:
            os.waitpid(kernel, 0)
            os._exit(STATUS.get(why, 0))
        if not why and (why := _over(policy, processes, held, time.monotonic() - started)):
            _kill(kernel)


def _obey(kernel: int, parent: int) -> None:
    def end(number: int, frame: FrameType | None) -> None:
        _kill(kernel)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl(PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before this process asked for the signal
        _kill(kernel)


def _kill(kernel: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(kernel, signal.SIGKILL)


def _over(policy: Policy, processes: Processes, held: Held, seconds: float) -> str:
    """Return the limit that is exceeded, or ""."""
    if seconds > policy.wall_seconds:
        return "wall"
    memory, cpu = 0, 0.0
    for folder in processes():
        with suppress(OSError, ValueError, IndexError):  # it has just ended
            memory += _memory(folder)
            cpu += _cpu(folder)
    with suppress(OSError):
        memory += held()
    return "memory" if memory > policy.memory else "cpu" if cpu > policy.cpu_seconds else ""


def _memory(folder: Path) -> int:
    """Return the bytes of a process's private and shared memory, without mapped files."""
    lines = (folder / "status").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def _cpu(folder: Path) -> float:
    """Return the processor seconds of a process and of its children that have ended."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS
