"""Bound a kernel's memory with a control group (cgroup), where this machine lets the grader make one.

Theory of operation. Linux charges a control group for all memory that its processes cause, also for full sockets and
pipes, and ends them when there is no more. The client makes a group for each kernel and sends two open files with its
request: one through which the kernel's first process moves itself into the group, and the group's account of processor
time. Groups need version 2 and a part of its tree that is given to us: systemd marks it, or it belongs to this user.
`systemd-run --user --scope -p Delegate=yes autograder grade …` starts a command in such a part. Elsewhere there is no
group, and the supervisor alone watches (see `usage`, `sockets`).
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

PREFIX = "autograder-"
OURS = "autograder"  # the group that this process moves to: Linux wants processes in leaves of the tree only
MARGIN = 8  # the supervisor's limit comes first, because it has a sentence; the group's is larger by this part
MOVES, TIMES, LIMIT, EVENTS, CONTROLLERS = (
    "cgroup.procs",
    "cpu.stat",
    "memory.max",
    "memory.events",
    "cgroup.controllers",
)
CHILDREN = "cgroup.subtree_control"
MARKS = ("user.delegate", "trusted.delegate")  # attributes that systemd sets
_numbers = count()


@dataclass(frozen=True)
class ControlGroup:
    """The group of one kernel."""

    folder: Path

    def opened(self) -> list[int]:
        """Return the open files for the request: the one to move through, and the account of processor time."""
        return [
            os.open(self.folder / MOVES, os.O_WRONLY | os.O_CLOEXEC),
            os.open(self.folder / TIMES, os.O_RDONLY | os.O_CLOEXEC),
        ]

    def has_killed(self) -> bool:
        """Return whether Linux has ended a process because the group had no more memory."""
        with suppress(OSError, ValueError):
            events = dict(line.split() for line in (self.folder / EVENTS).read_text().splitlines())
            return int(events.get("oom_kill", 0)) > 0
        return False

    def remove(self) -> None:
        """Remove the group, whose processes must have ended."""
        with suppress(OSError):
            self.folder.rmdir()


def new_group(memory: int) -> ControlGroup | None:
    """Make a group with so many bytes of memory; None where this machine does not let us."""
    if (parent := group_for_groups()) is None:
        return None
    group = ControlGroup(parent / f"{PREFIX}{os.getpid()}-{next(_numbers)}")
    try:
        group.folder.mkdir()
        (group.folder / LIMIT).write_text(str(memory + memory // MARGIN))
        for name in ("memory.swap.max", "memory.oom.group"):
            if (group.folder / name).exists():
                (group.folder / name).write_text("0" if "swap" in name else "1")
    except OSError:
        group.remove()
        return None
    return group


def join(moves: int) -> None:
    """Move this process into the group whose file this is."""
    os.write(moves, b"0")


@cache
def group_for_groups() -> Path | None:
    """Return the group in which new ones can be made, or None. Remove what killed processes left there."""
    own = (
        own_group(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
        if _is_linux()
        else None
    )
    if own is None or not _is_given(own):
        return None
    try:
        if "memory" not in (own / CHILDREN).read_text().split():
            leaf = own / OURS
            leaf.mkdir(exist_ok=True)
            for process in (own / MOVES).read_text().split():
                with suppress(ProcessLookupError):
                    (leaf / MOVES).write_text(process)
            (own / CHILDREN).write_text("+memory")
    except OSError:
        return None
    for left in own.glob(f"{PREFIX}*-*"):
        if not Path("/proc", left.name.split("-")[1]).exists():
            ControlGroup(left).remove()
    return own


def own_group(membership: str, mounts: str) -> Path | None:
    """Return the folder of this process's group.

    Args:
        membership: The content of /proc/self/cgroup.
        mounts: The content of /proc/self/mountinfo.
    """
    path = next((line.removeprefix("0::") for line in membership.splitlines() if line.startswith("0::")), None)
    for fields in (line.split() for line in mounts.splitlines()):
        if path is not None and fields[fields.index("-") + 1] == "cgroup2" and path.startswith(fields[3].rstrip("/")):
            return Path(fields[4]) / path.removeprefix(fields[3]).lstrip("/")
    return None


def _is_given(own: Path) -> bool:
    """Return whether this part of the tree has memory to share out, and is ours."""
    with suppress(OSError):
        if "memory" not in (own / CONTROLLERS).read_text().split() or not os.access(own / CHILDREN, os.W_OK):
            return False
        if os.geteuid() and own.stat().st_uid == os.geteuid():
            return True
        return any(mark in MARKS and os.getxattr(own, mark) == b"1" for mark in os.listxattr(own))
    return False


def _is_linux() -> bool:
    return Path("/proc/self/cgroup").exists()
