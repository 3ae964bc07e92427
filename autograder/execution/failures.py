"""What can go wrong with a cell that is run, in words: why there is no evidence, and the sentence for student and
instructor. Knows nothing of kernels.

A cell ends its kernel, or it raises what a limit makes the system say. The second is read from the cell's output, which
the student may have forged: it explains a missing answer and decides nothing.
"""

import errno
import re

from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.kernels.limits import MIB
from autograder.model import NoEvidence, Reason
from autograder.notebook.cells import grade_id

_ERRNO = re.compile(r"\[Errno (\d{1,4})\]")
OUTPUT = "OutputLimitError"  # what a kernel raises in a cell that prints more than it may
DEATHS: dict[str, tuple[Reason, str]] = {
    "timeout": (Reason.TIMEOUT, "the cell {cell} ran longer than {limits.cell_seconds:g} s and was stopped"),
    "notebook": (
        Reason.TIMEOUT,
        "the notebook ran longer than {limits.notebook_seconds:g} s and was stopped at the cell {cell}",
    ),
    "cpu": (
        Reason.TIMEOUT,
        "the notebook used more than {limits.cpu_seconds:g} s of processor time and was stopped at the cell {cell}",
    ),
    "memory": (Reason.MEMORY, "the cell {cell} used more than {memory:g} MiB of memory and was stopped"),
    "output": (Reason.OUTPUT, "the cell {cell} put out more than {cell_output:g} MiB and was stopped"),
    "unfinished": (
        Reason.OUTPUT,
        "the cell {cell} sent a message of more than {message:g} MiB, or never said that it was done, and was stopped",
    ),
    "crash": (Reason.CRASH, "the kernel died in the cell {cell}"),
    "damaged": (Reason.DAMAGED, "the cell {cell} sent what is no message of a kernel"),
}
_PROCESSES = "the cell {cell} started more than {limits.processes} processes"
_THREADS = "the cell {cell} started more than {limits.processes} threads"
ERRORS: dict[tuple[str, int | str], tuple[Reason, str]] = {  # by the exception and the system's number, or its message
    ("MemoryError", ""): (Reason.MEMORY, "the cell {cell} asked for more memory than there is"),
    ("BlockingIOError", errno.EAGAIN): (Reason.LIMIT, _PROCESSES),
    ("RuntimeError", "can't start new thread"): (Reason.LIMIT, _THREADS),
    ("OSError", errno.EMFILE): (Reason.LIMIT, "the cell {cell} opened more than {limits.files} files at a time"),
    ("OSError", errno.EFBIG): (Reason.LIMIT, "the cell {cell} wrote a file of more than {file_size:g} MiB"),
    ("OSError", errno.ENOSPC): (Reason.LIMIT, "the cell {cell} wrote more than {scratch:g} MiB of files"),
}


def death(kind: str, cell: NotebookNode, index: int, limits: Limits) -> NoEvidence:
    """Of a cell that ended its kernel, in the way named `kind`."""
    reason, sentence = DEATHS[kind]
    return NoEvidence(reason, _filled(sentence, cell, index, limits))


def limit_met(cell: NotebookNode, index: int, limits: Limits) -> NoEvidence | None:
    """Of a cell that raised what a limit makes the system raise; None of any other."""
    for output in cell.get("outputs", []):
        name, message = str(output.get("ename")), str(output.get("evalue"))
        number = _ERRNO.match(message)  # a kernel sends an exception as text: the number is nowhere else
        key = int(number[1]) if number else "" if name == "MemoryError" else message
        if (name, key) in ERRORS:
            reason, sentence = ERRORS[name, key]
            return NoEvidence(reason, _filled(sentence, cell, index, limits))
    return None


def prints_too_much(cell: NotebookNode) -> bool:
    """Did a cell raise what a kernel raises where it prints more than it may?"""
    return any(output.get("ename") == OUTPUT for output in cell.get("outputs", []))


def name_of(cell: NotebookNode, index: int) -> str:
    """How a cell is spoken of: its grade_id, else its place."""
    return grade_id(cell) or f"number {index + 1}"


def _filled(sentence: str, cell: NotebookNode, index: int, limits: Limits) -> str:
    names = ("memory", "message", "cell_output", "file_size", "scratch")
    mib = {name: getattr(limits, name) / MIB for name in names}
    return sentence.format(cell=name_of(cell, index), limits=limits, **mib)
