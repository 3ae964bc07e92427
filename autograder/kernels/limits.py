"""The limits of one kernel, its folders inside the sandbox, and the ways it can end.

limit          what                                          what the code inside sees
wall_seconds   from its start to its end                     nothing: all its processes are killed (`wall`)
cpu_seconds    processor time of all its processes together  nothing: killed (`cpu`)
memory         bytes of all its processes, its scratch       MemoryError on one request that is too large,
               space, sockets, pipes and page tables         otherwise nothing: killed (`memory`)
processes      processes and threads at one time              BlockingIOError, "can't start new thread"
files          open at one time, per process                OSError, too many open files
file_size      bytes of one file                             OSError, file too large
scratch        bytes of all files, in working folder, /tmp   OSError, no space left on device
output         characters a cell may print                   OutputLimitError, in the cell that prints
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

KERNELS = PurePosixPath("/run/kernels")  # the kernels' folders, inside
SCRATCH = PurePosixPath("/scratch")  # an empty folder of the read-only root
FAILED_BEFORE = 1  # exit status of a zygote that fails before preloading: Python's own after an exception
FAILED_PRELOADING = 4  # exit status where preloading started threads
NO_NESTING = 3  # exit status where no fork can be confined
INSIDE = "inside.json"  # the connection file in a kernel's folder, with the paths inside
STEPS, REPORT = "steps.json", "report.json"  # files in the folder of a request for checkpoints
MIB = 1 << 20


def _limit(default: Any, about: str) -> Any:
    return field(default=default, metadata={"help": about})


@dataclass(frozen=True)
class Policy:
    """The limits of one kernel; sizes in bytes. The provisioner's settings and a course's limits derive from these."""

    wall_seconds: float = _limit(3600.0, "Seconds from a kernel's start to its end.")
    cpu_seconds: float = _limit(600.0, "Seconds of processor time of all its processes together.")
    memory: int = _limit(3 << 30, "Bytes of all its processes and its scratch space.")
    processes: int = _limit(128, "Number of processes and threads at one time.")
    files: int = _limit(1024, "Number of files open at one time, in one process.")
    file_size: int = _limit(64 * MIB, "Bytes of one file.")
    scratch: int = _limit(256 * MIB, "Bytes of all files that it writes.")
    output: int = _limit(MIB, "Characters that one cell may print.")


class Ending(StrEnum):
    """Why a kernel has ended: the limit that it exceeded, or what killed it. It is sent to the provisioner as JSON."""

    NONE = ""  # the kernel ended by itself, or the client ended it
    MEMORY = "memory"
    CPU = "cpu"
    WALL = "wall"
    REFUSED = "refused"  # it could not enter its sandbox
    MACHINE = "machine"  # the machine had almost no memory left
    LOST = "lost"  # something outside the sandbox killed it, its supervisor or its server
    KILLED = "killed"  # it was killed, perhaps by itself: the cold shape cannot tell


class Unfit(StrEnum):
    """Why a cell cannot be run ahead for all forks. It is sent to the client as JSON."""

    FAILED = "failed"  # it raises
    DIFFERS = "differs"  # two runs of it do not agree
    TIME = "time"
    ENDED = "ended"  # it has ended its process
    OUTSIDE = "outside"  # something other than Python prints
    DESCRIPTOR = "descriptor"  # this and the next three: it leaves one behind
    MAPPING = "mapping"
    PROCESS = "process"
    THREAD = "thread"


# The exit status of a supervisor says why it ended its kernel.
STATUS = {
    Ending.NONE: 0,
    Ending.MEMORY: 101,
    Ending.CPU: 102,
    Ending.WALL: 103,
    Ending.LOST: 104,
    Ending.REFUSED: 105,
    Ending.KILLED: 106,
    Ending.MACHINE: 107,
}
ENDINGS = {status: why for why, status in STATUS.items()}
