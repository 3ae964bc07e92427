"""The processes that grading starts, by what they do, to be killed as Linux does for want of memory."""

import contextlib
import signal
from collections.abc import Iterator

import psutil

WORKER = "-m autograder.judging.worker"
SERVERS = ("-m autograder.kernels.zygote", "-m autograder.kernels.cold")
BELOW = {  # what a child of a process is that has the same command, because it is a fork
    "server": "supervisor",
    "supervisor": "kernel",
    "judge": "test",
}


def victims(of: int | None = None) -> dict[str, list[psutil.Process]]:
    """Return the processes below one, by default this one: `bubblewrap`, `server`, `supervisor`, `kernel`, …"""
    found: dict[str, list[psutil.Process]] = {}
    for role, process in _walk(psutil.Process(of), ""):
        found.setdefault(role, []).append(process)
    return found


def kill(process: psutil.Process) -> None:
    """Kill a process, if it has not just ended."""
    with contextlib.suppress(psutil.Error):
        process.send_signal(signal.SIGKILL)


def _walk(parent: psutil.Process, role: str) -> Iterator[tuple[str, psutil.Process]]:
    with contextlib.suppress(psutil.Error):  # it has just ended
        for child in parent.children():
            with contextlib.suppress(psutil.Error):
                mine = _role(" ".join(child.cmdline()), role)
                if mine:
                    yield mine, child
                yield from _walk(child, mine)


def _role(command: str, above: str) -> str:
    if above in BELOW:
        return BELOW[above]
    if any(server in command for server in SERVERS):
        return "bubblewrap" if "bwrap" in command else "server"
    return "judge" if WORKER in command else ""
