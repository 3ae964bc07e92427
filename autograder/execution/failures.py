"""Describe what went wrong when a cell ran: the reason, and a sentence for the student and the instructor.

This module knows nothing about kernels. Either a cell ended its kernel, or it raised the exception that a limit causes.
The exception is read from the cell's output, which the student may have forged. So it only explains a missing answer;
it never decides points.
"""

import errno
import re

from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.kernels.limits import MIB
from autograder.model import NoEvidence, Reason
from autograder.notebook.cells import grade_id

_ERRNO = re.compile(r"\[Errno (\d{1,4})\]")
OUTPUT = "OutputLimitError"  # the kernel raises this in a cell that prints too much
DEATHS: dict[str, tuple[Reason, str]] = {
    "timeout": (Reason.TIMEOUT, "cell {cell} ran longer than {limits.cell_seconds:g} s and was stopped"),
    "notebook": (
        Reason.TIMEOUT,
        "the notebook ran longer than {limits.notebook_seconds:g} s and was stopped at cell {cell}",
    ),
    "cpu": (
        Reason.TIMEOUT,
        "the notebook used more than {limits.cpu_seconds:g} s of processor time and was stopped at cell {cell}",
    ),
    "memory": (Reason.MEMORY, "cell {cell} used more than {memory:g} MiB of memory and was stopped"),
    "output": (Reason.OUTPUT, "cell {cell} produced more than {cell_output:g} MiB of output and was stopped"),
    "unfinished": (
        Reason.OUTPUT,
        "cell {cell} sent a message of more than {message:g} MiB, or never reported that it was done, and was stopped",
    ),
    "crash": (Reason.CRASH, "the kernel died in cell {cell}"),
    "damaged": (Reason.DAMAGED, "cell {cell} sent something that is not a kernel message"),
}
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


def death(kind: str, cell: NotebookNode, index: int, limits: Limits) -> NoEvidence:
    """Return why a cell that ended its kernel has no evidence; `kind` is a key of `DEATHS`."""
    reason, sentence = DEATHS[kind]
    return NoEvidence(reason, _filled(sentence, cell, index, limits))


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
