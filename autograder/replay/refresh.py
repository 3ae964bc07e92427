"""Store the outputs of tagged cells in the source notebooks; `validate` compares later runs with them.

Theory of operation. nbclient runs a notebook in its folder, with its helpers, this Python's kernel and the same
environment as nbval. The result keeps the outputs and execution counts of tagged cells and nothing else that changes
from run to run, so two runs write the same bytes. The file is written under another name and then renamed. A notebook
is not changed if a cell raises, takes too long or ends its kernel.
"""

import atexit
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.errors import CourseError, UsageError
from autograder.files import write_atomically
from autograder.replay.compare import read_source, sources
from autograder.replay.nbval import CELL_SECONDS, code_cells, environment, is_marked, name_of


def refresh(
    course: Course, assignment: str | None = None, notebook: str | None = None, timeout: int = CELL_SECONDS
) -> list[Path]:
    """Run source notebooks, store only the outputs of their tagged cells in them, and return their paths."""
    known = sources(course, assignment)
    paths = [path for path in known if notebook in (None, path.name, path.stem)]
    if not paths:
        there = ", ".join(path.stem for path in known)
        raise UsageError(f"{known[0].parent}: no notebook {notebook!r}; there are: {there}.")
    for path in paths:
        write_atomically(path, nbformat.writes(_executed(path, timeout)) + "\n")
    return paths


def _executed(path: Path, timeout: int) -> NotebookNode:
    """Run a source notebook in its folder; keep the outputs of tagged cells, and nothing that changes between runs."""
    notebook = read_source(path)
    metadata = notebook.metadata | {"language_info": {"name": "python"}}
    _execute(path, notebook, timeout)
    notebook.metadata = metadata
    for cell in code_cells(notebook):
        cell.metadata.pop("execution", None)
        if not is_marked(cell):
            cell.execution_count, cell.outputs = None, []
        for output in cell.outputs:
            if output.output_type == "error":  # a traceback names files of one machine; nbval skips it
                output.traceback = [f"{output.ename}: {output.evalue}"]
    return notebook


def _execute(path: Path, notebook: NotebookNode, timeout: int) -> None:
    """Run the cells with nbclient; raise CourseError at the first cell that fails."""
    client, begun = _client(notebook, timeout), list[str]()
    client.on_cell_execute = lambda cell, cell_index: begun.append(name_of(cell, client.code_cells_executed + 1))
    try:
        with TemporaryDirectory(prefix="refresh-", ignore_cleanup_errors=True) as scratch:
            client.execute(cleanup_kc=True, cwd=str(path.parent), env=environment(scratch), stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, RuntimeError) as error:
        if not begun:
            atexit.unregister(client._cleanup_kernel)  # nbclient does not, and would fail at exit
            raise CourseError(f"{path}: its kernel did not start ({error}); try again.") from error
        failure = f"cell {begun[-1]} {_stopped(error, timeout)}"
        raise CourseError(f"{path}: {failure}; fix it (the file was not changed).") from error


def _client(notebook: NotebookNode, timeout: int) -> NotebookClient:
    own = KernelSpecManager(kernel_dirs=[])  # this Python's kernel, whatever kernels the user has
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=own)
    settings = {"record_timing": False, "coalesce_streams": True, "shutdown_kernel": "immediate"}
    return NotebookClient(notebook, manager, timeout=timeout, **settings)


def _stopped(error: Exception, timeout: int) -> str:
    if isinstance(error, CellExecutionError):
        return f"raises {error.ename}: {error.evalue.partition(chr(10))[0]}".rstrip(": ")
    return f"timed out after {timeout} s" if isinstance(error, CellTimeoutError) else "ended its kernel"
