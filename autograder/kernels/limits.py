"""The limits of one kernel, its folders inside the sandbox, and the ways it can end.

limit          what                                          what the code inside sees
wall_seconds   from its start to its end                     nothing: all its processes are killed (`wall`)
cpu_seconds    processor time of all its processes together  nothing: killed (`cpu`)
memory         bytes of all its processes and its scratch    MemoryError on one request that is too large,
               space together                                otherwise nothing: killed (`memory`)
processes      processes and threads at one time              BlockingIOError, "can't start new thread"
files          open at one time, per process                OSError, too many open files
file_size      bytes of one file                             OSError, file too large
scratch        bytes of all files, in working folder, /tmp   OSError, no space left on device
output         characters a cell may print                   OutputLimitError, in the cell that prints
"""

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

KERNELS = PurePosixPath("/run/kernels")  # the kernels' folders, inside
SCRATCH = PurePosixPath("/scratch")  # an empty folder of the read-only root
FAILED_BEFORE = 1  # exit status of a zygote that fails before preloading: Python's own after an exception
FAILED_PRELOADING = 4  # exit status where preloading started threads
NO_NESTING = 3  # exit status where no fork can be confined
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


# The exit status of a supervisor names the limit that it killed the kernel for.
ENDINGS = {0: "", 101: "memory", 102: "cpu", 103: "wall", 105: "refused"}
STATUS = {why: status for status, why in ENDINGS.items() if why}
