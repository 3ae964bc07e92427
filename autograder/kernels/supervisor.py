"""Watch one kernel from outside and end it when it exceeds a limit.

Theory of operation. A supervisor is a fork that never runs code of the notebook and that the notebook cannot see. The
kernel is process 1 of a separate process namespace, and the supervisor is outside it, so killing process 1 kills all of
them. Ten times a second it adds up what the kernel's processes use. Over a limit it kills, and its exit status says
which limit (`limits.ENDINGS`). SIGTERM tells it to end; that also arrives when the client is gone or its parent dies.
A kernel cannot kill process 1 of its namespace, so a process 1 that was killed by nobody here was killed from
outside, for example by Linux for want of memory. The exit status says that, too.
Between two checks a kernel can use a few hundred MiB more than its limit, not more: rlimits bound each process, and a
control group all of them, where there is one (`control_group`). If the machine itself has almost no memory left, all
kernels that may have caused it end; each is run again alone.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from autograder.kernels.limits import MIB, STATUS, Ending, Policy
from autograder.kernels.linux import PDEATHSIG, prctl
from autograder.kernels.usage import Usage

INTERVAL = 100  # milliseconds
WRAPPED_KILL = 128 + signal.SIGKILL  # the exit status of bubblewrap, if a signal killed what it wraps

SCARCE = 20  # the part of a machine's memory that stays free, as a divisor
MUCH = 256 * MIB  # what a kernel is suspected of only if so much was used since it started


def supervise(
    kernel: int,
    policy: Policy,
    usage: Usage,
    wake: socket.socket | None = None,
    seal: Callable[[], None] = lambda: None,
    parent: int = 0,
    wrapped: bool = False,
) -> NoReturn:
    """Watch until `kernel` has ended. On a byte through `wake` (the kernel is ready), call `seal` and answer.

    `parent` is the process that forked this one and may have died since; 0 where its death ends all processes anyway.
    `wrapped`: `kernel` is bubblewrap, and the kernel in it is not process 1.
    """
    ordered = _obey(kernel, parent or os.getppid())
    ended, started, machine = os.pidfd_open(kernel), time.monotonic(), _Machine()
    poll = select.poll()
    for reading in (ended, wake):
        if reading is not None:
            poll.register(reading, select.POLLIN)
    why = Ending.NONE
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(INTERVAL)}
        if wake and wake.fileno() in ready:
            poll.unregister(wake)
            if wake.recv(1):
                seal()
                wake.send(b"x")
        if ended in ready:
            _, status, own = os.wait4(kernel, 0)
            if not why and not ordered:
                why = _killed(os.waitstatus_to_exitcode(status), own.ru_utime + own.ru_stime, policy, wrapped)
                if why in (Ending.LOST, Ending.KILLED) and machine.has_killed():
                    why = Ending.MACHINE
            os._exit(STATUS[why])
        if not why:
            why = _over(policy, usage, time.monotonic() - started)
            if not why and machine.is_exhausted():
                why = Ending.MACHINE
            if why:
                _kill(kernel)


def _killed(status: int, seconds: float, policy: Policy, wrapped: bool) -> Ending:
    """Return what killed a kernel that this process did not kill, or `Ending.NONE` if it ended by itself."""
    if status == -signal.SIGKILL:
        return Ending.CPU if seconds >= policy.cpu_seconds else Ending.LOST  # its rlimit kills it, too
    return Ending.KILLED if wrapped and status == WRAPPED_KILL else Ending.NONE


def _obey(kernel: int, parent: int) -> list[int]:
    """End the kernel on SIGTERM, and when the parent dies. Return a list that is empty until then."""
    ordered: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        ordered.append(number)
        _kill(kernel)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl(PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before this process asked for the signal
        end(signal.SIGTERM, None)
    return ordered


def _kill(kernel: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(kernel, signal.SIGKILL)


def _over(policy: Policy, usage: Usage, seconds: float) -> Ending:
    """Return the limit that is exceeded, or `Ending.NONE`."""
    if seconds > policy.wall_seconds:
        return Ending.WALL
    memory, cpu = usage.look()
    if memory > policy.memory:
        return Ending.MEMORY
    return Ending.CPU if cpu > policy.cpu_seconds else Ending.NONE


class _Machine:
    """The memory of the whole machine, where something that nobody can count may be."""

    def __init__(self) -> None:
        self.at_start, self.kills = self._available(), self._kills()

    def is_exhausted(self) -> bool:
        """Return whether almost no memory is left, and much more was left when the kernel started."""
        available = self._available()
        return available < _number("/proc/meminfo", "MemTotal:") // SCARCE and self.at_start - available > MUCH >> 10

    def has_killed(self) -> bool:
        """Return whether Linux has killed a process for want of memory since the kernel started."""
        return self._kills() > self.kills

    def _available(self) -> int:
        return _number("/proc/meminfo", "MemAvailable:")

    def _kills(self) -> int:
        return _number("/proc/vmstat", "oom_kill")


def _number(path: str, name: str) -> int:
    """Return a number of a file with a name and a number in each line; 0 if it is not there."""
    with suppress(OSError):
        for line in Path(path).read_text().splitlines():
            if line.split()[0] == name:
                return int(line.split()[1])
    return 0
