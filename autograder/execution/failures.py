"""Describe what went wrong when a cell ran: the reason, and a sentence for the student and the instructor.

This module knows nothing about kernels. Either a cell ended its kernel, or it raised the exception that a limit causes.
The exception is read from the cell's output, which the student may have forged. So it only explains a missing answer;
it never decides points.
"""

import errno
import re
from collections.abc import Mapping

from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.errors import Death
from autograder.kernels.limits import MIB
from autograder.model import NoEvidence, Reason
from autograder.notebook.cells import grade_id

PAGE = 4096  # bytes
_ERRNO = re.compile(r"\[Errno (\d{1,4})\]")
OUTPUT = "OutputLimitError"  # the kernel raises this in a cell that prints too much
DEATHS: dict[Death, tuple[Reason, str]] = {
    Death.CELL_TIME: (Reason.TIMEOUT, "cell {cell} ran longer than {limits.cell_seconds:g} s and was stopped"),
    Death.NOTEBOOK_TIME: (
        Reason.TIMEOUT,
        "the notebook ran longer than {limits.notebook_seconds:g} s and was stopped at cell {cell}",
    ),
    Death.PROCESSOR_TIME: (
        Reason.TIMEOUT,
        "the notebook used more than {limits.cpu_seconds:g} s of processor time and was stopped at cell {cell}",
    ),
    Death.MEMORY: (Reason.MEMORY, "cell {cell} used more than {memory:g} MiB of memory and was stopped"),
    Death.MACHINE_MEMORY: (
        Reason.MEMORY,
        "the machine had almost no memory left, and the notebook was stopped at cell {cell}",
    ),
    Death.OUTPUT: (Reason.OUTPUT, "cell {cell} produced more than {cell_output:g} MiB of output and was stopped"),
    Death.UNFINISHED: (
        Reason.OUTPUT,
        "cell {cell} sent a message of more than {message:g} MiB, or never reported that it was done, and was stopped",
    ),
    Death.CRASH: (Reason.CRASH, "the kernel died in cell {cell}"),
    Death.KILLED: (Reason.CRASH, "the kernel was killed in cell {cell}"),
    Death.DAMAGED: (Reason.DAMAGED, "cell {cell} sent something that is not a kernel message"),
}
REASONS = frozenset(reason for reason, _ in DEATHS.values())
_PROCESSES = "cell {cell} started more than {limits.processes} processes"
_THREADS = "cell {cell} started more than {limits.processes} threads"
ERRORS: dict[tuple[str, int | str], tuple[Reason, str]] = {  # key: the exception, and its errno or message
    ("MemoryError", ""): (Reason.MEMORY, "cell {cell} asked for more memory than is available"),
    ("BlockingIOError", errno.EAGAIN): (Reason.LIMIT, _PROCESSES),
    ("RuntimeError", "can't start new thread"): (Reason.LIMIT, _THREADS),
    ("OSError", errno.EMFILE): (Reason.LIMIT, "cell {cell} opened more than {limits.files} files at once"),
    ("OSError", errno.EFBIG): (Reason.LIMIT, "cell {cell} wrote a file of more than {file_size:g} MiB"),
    ("OSError", errno.ENOSPC): (Reason.LIMIT, "cell {cell} wrote more than {scratch:g} MiB of files"),
}


def death(how: Death, cell: NotebookNode, index: int, limits: Limits) -> NoEvidence:
    """Return why a cell that ended its kernel has no evidence."""
    reason, sentence = DEATHS[how]
    return NoEvidence(reason, _filled(sentence, cell, index, limits))


def too_large(files: Mapping[str, bytes], limits: Limits) -> NoEvidence | None:
    """Return why a notebook cannot be run with these files next to it, or None if there is room for them.

    They may take half of the sandbox's scratch space, in whole pages of memory.
    """
    used = sum(-(-len(content) // PAGE) * PAGE for content in files.values())
    if limits.sandbox == "none" or used <= limits.scratch // 2:
        return None
    most = f"{limits.scratch / 2 / MIB:g} MiB"
    return NoEvidence(Reason.LIMIT, f"the files next to the notebook take {used / MIB:.0f} MiB, more than {most}")


def limit_met(cell: NotebookNode, index: int, limits: Limits) -> NoEvidence | None:
    """Return which limit a cell's exception points to, or None."""
    for output in cell.get("outputs", []):
        name, message = str(output.get("ename")), str(output.get("evalue"))
        number = _ERRNO.match(message)  # a kernel sends an exception as text, so the number is only in the message
        key = int(number[1]) if number else "" if name == "MemoryError" else message
        if (name, key) in ERRORS:
            reason, sentence = ERRORS[name, key]
            return NoEvidence(reason, _filled(sentence, cell, index, limits))
    return None


def prints_too_much(cell: NotebookNode) -> bool:
    """Return whether a cell raised the kernel's error for printing too much."""
    return any(output.get("ename") == OUTPUT for output in cell.get("outputs", []))


def name_of(cell: NotebookNode, index: int) -> str:
    """Return what messages call a cell: its grade_id, or "number" and its position, from 1."""
    return grade_id(cell) or f"number {index + 1}"


def _filled(sentence: str, cell: NotebookNode, index: int, limits: Limits) -> str:
    names = ("memory", "message", "cell_output", "file_size", "scratch")
    mib = {name: getattr(limits, name) / MIB for name in names}
    return sentence.format(cell=name_of(cell, index), limits=limits, **mib)
