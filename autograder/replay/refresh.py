"""Source notebooks → the same, with what their marked cells print stored in them: what `validate` holds them to.

Theory of operation. nbclient runs a notebook where it lies, beside its helpers, by this Python's own kernel and in the
environment that nbval will see, so that both see the same. The result keeps the outputs and execution counts of marked
cells and nothing else that changes from run to run, so running it twice gives the same bytes. It is written aside and
renamed; a notebook whose cell raises, takes too long or ends its kernel stays as it was.
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
from autograder.replay.compare import read_master, sources
from autograder.replay.nbval import CELL_SECONDS, code_cells, environment, is_marked, name_of


def refresh(
    course: Course, assignment: str | None = None, notebook: str | None = None, timeout: int = CELL_SECONDS
) -> list[Path]:
    """Run source notebooks and store in them what their marked cells print, and nothing else; gives their paths."""
    known = sources(course, assignment)
    paths = [path for path in known if notebook in (None, path.name, path.stem)]
    if not paths:
        there = ", ".join(path.stem for path in known)
        raise UsageError(f"{known[0].parent}: no notebook {notebook!r}; there are: {there}.")
    for path in paths:
        write_atomically(path, nbformat.writes(_executed(path, timeout)) + "\n")
    return paths


def _executed(path: Path, timeout: int) -> NotebookNode:
    """A source notebook, run in its folder; it keeps marked outputs, and nothing that changes from run to run."""
    notebook = read_master(path)
    metadata = notebook.metadata | {"language_info": {"name": "python"}}
    _execute(path, notebook, timeout)
    notebook.metadata = metadata
    for cell in code_cells(notebook):
        cell.metadata.pop("execution", None)
        if not is_marked(cell):
            cell.execution_count, cell.outputs = None, []
    return notebook


def _execute(path: Path, notebook: NotebookNode, timeout: int) -> None:
    """Run the cells by nbclient; raise CourseError at the first that does not come through."""
    client, begun = _client(notebook, timeout), list[str]()
    client.on_cell_execute = lambda cell, cell_index: begun.append(name_of(cell, client.code_cells_executed + 1))
    try:
        with TemporaryDirectory(prefix="refresh-", ignore_cleanup_errors=True) as scratch:
            client.execute(cleanup_kc=True, cwd=str(path.parent), env=environment(scratch), stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, RuntimeError) as error:
        if not begun:
            atexit.unregister(client._cleanup_kernel)  # nbclient forgets to, and would trip over it at the end
            raise CourseError(f"{path}: its kernel did not start ({error}); try again.") from error
        said = f"cell {begun[-1]} {_stopped(error, timeout)}"
        raise CourseError(f"{path}: {said}; mend it (the file is as it was).") from error


def _client(notebook: NotebookNode, timeout: int) -> NotebookClient:
    own = KernelSpecManager(kernel_dirs=[])  # this Python's kernel, whatever kernels the user has
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=own)
    settings = {"record_timing": False, "coalesce_streams": True, "shutdown_kernel": "immediate"}
    return NotebookClient(notebook, manager, timeout=timeout, **settings)


def _stopped(error: Exception, timeout: int) -> str:
    if isinstance(error, CellExecutionError):
        return f"raises {error.ename}: {error.evalue.partition(chr(10))[0]}".rstrip(": ")
    return f"timed out after {timeout} s" if isinstance(error, CellTimeoutError) else "ended its kernel"
