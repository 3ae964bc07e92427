"""Add up what the processes of a kernel use: memory, also the kernel's own for them, and processor time.

Processor time of a process that has ended is in its parent's, if the parent waited for it; otherwise it is what was
seen of it last. So a process that nobody waits for and that lives for less than the time between two looks is not
counted, unless the kernel has a control group.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MEMORY = ("RssAnon", "RssShmem", "VmPTE")  # private, shared, page tables; mapped files belong to nobody
PIPE = 8192  # bytes of the smallest pipe; Linux lets one user have 64 MiB of larger ones

Processes = Callable[[], Iterable[Path]]  # the kernel's processes, as folders of /proc


class Usage:
    """What a kernel's processes use.

    Args:
        processes: Returns the processes.
        held: Returns the bytes that no process owns, such as files in memory.
        group: The file `cpu.stat` of the kernel's control group, open; 0 if it has none.
    """

    def __init__(self, processes: Processes, held: Callable[[], int], group: int = 0) -> None:
        self.processes, self.held, self.group = processes, held, group
        self.seen: dict[str, float] = {}  # processor seconds of each process at the last look
        self.ended = 0.0  # of those that have ended since

    def look(self) -> tuple[int, float]:
        """Return the bytes that are used now, and the processor seconds that were used until now."""
        memory, waited, own = 0, 0.0, dict[str, float]()
        for folder in self.processes():
            with suppress(OSError, ValueError, IndexError):  # it has just ended
                memory += _memory(folder)
                name, seconds, of_children = _times(folder)
                own[name] = seconds
                waited += seconds + of_children
        with suppress(OSError):
            memory += self.held()
        self.ended += sum(seconds for name, seconds in self.seen.items() if name not in own)
        self.seen = own
        return memory, max(waited, self.ended + sum(own.values()), self._of_group())

    def _of_group(self) -> float:
        if not self.group:
            return 0.0
        lines = os.pread(self.group, 4096, 0).decode().splitlines()
        return next((int(line.split()[1]) / 1e6 for line in lines if line.startswith("usage_usec")), 0.0)


def _memory(folder: Path) -> int:
    lines = (folder / "status").read_text().splitlines()
    used = sum(int(line.split()[1]) << 10 for line in lines if line.startswith(MEMORY))
    return used + PIPE * (folder / "fd").stat().st_size  # the number of descriptors, since Linux 6.2; before, 0


def _times(folder: Path) -> tuple[str, float, float]:
    """Return a name that no other process ever has, and the seconds of the process and of children it waited for."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    own, of_children = (sum(map(int, fields[place : place + 2])) / TICKS for place in (11, 13))
    return f"{folder.name} {fields[19]}", own, of_children
