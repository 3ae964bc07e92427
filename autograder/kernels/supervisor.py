"""The trusted process that watches one kernel from outside and ends it when it takes too much.

Theory of operation. A supervisor is a fork that never runs a line of the notebook and that the notebook cannot see: the
kernel is process 1 of a process namespace of its own, the supervisor stands outside it, so that killing process 1 kills
all. Ten times a second it adds up what the kernel's processes use; over a limit it kills, and its own exit status says
which (`policy.ENDINGS`). SIGTERM is its order to end; it comes when the client is gone, too, and when its parent dies.
Between two looks a kernel can take a few hundred MiB more than its limit, no more: each of its
processes is bounded by rlimits as well.
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

Processes = Callable[[], Iterable[Path]]  # the kernel's, as folders of /proc
Held = Callable[[], int]  # bytes that it holds outside its processes, such as files in memory


def supervise(
    kernel: int,
    policy: Policy,
    processes: Processes,
    held: Held,
    wake: socket.socket | None = None,
    seal: Callable[[], None] = lambda: None,
    parent: int = 0,
) -> NoReturn:
    """Watch until `kernel` has ended; at a byte through `wake` (it is ready) call `seal`, and answer.

    `parent` is the process that forked this one, which may have died since; 0 where that ends all processes anyway.
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
    if os.getppid() != parent:  # it died before this process asked to be told
        _kill(kernel)


def _kill(kernel: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(kernel, signal.SIGKILL)


def _over(policy: Policy, processes: Processes, held: Held, seconds: float) -> str:
    """Which limit is passed, "" where none is."""
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
    """Bytes of a process that are its own or shared memory, not a file's."""
    lines = (folder / "status").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def _cpu(folder: Path) -> float:
    """Seconds of processor time of a process and of those of its children that have ended."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS
