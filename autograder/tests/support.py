"""Where things are in this checkout, and the kernels that a test has left running."""

import contextlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

import psutil
import pytest

SERVER = "-m autograder.kernels."  # in the command of a server of kernels
END_TIMEOUT = 20.0  # seconds that a process has to end
ROOT = Path(__file__).resolve().parents[2]
START_UP = ROOT / "autograder" / "tests" / "harness" / "start_up"  # what each Python that a test starts does first
SOURCE = ROOT / "solutions" / "rnn_shapes"
HELPERS = tuple(sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.glob("shapes/*.py")))
NOTEBOOKS = ("1_lstm", "2_lstm_sequences", "3_gru", "4_gru_sequences")


def copy_helper(folder: Path, source: Path = SOURCE) -> None:
    """Copy the package that the notebooks import into a folder."""
    shutil.copytree(
        source / "shapes", folder / "shapes", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )


def folder_of_run(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder that all processes of this run of the suite share."""
    folder = factory.getbasetemp()
    return (
        folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    )  # each process of pytest-xdist has one in it


def kernels(known: Collection[int] = ()) -> list[int]:
    """Process ids of the kernels, and of their supervisors, that this process has started and that do not end.

    Args:
        known: Those that may go on.
    """
    found = [process for process in running_kernels() if process.pid not in known]
    return [left.pid for left in psutil.wait_procs(found, timeout=END_TIMEOUT)[1]]


def running_kernels() -> list[psutil.Process]:
    """The kernels, and their supervisors, that this process has started."""
    children = {child.pid: _command(child) for child in psutil.Process().children(recursive=True)}
    return [child for child in psutil.Process().children(recursive=True) if _is_kernel(child, children)]


def _is_kernel(process: psutil.Process, commands: dict[int, str]) -> bool:
    """One with ipykernel's command, or the child of a server that is no server itself."""
    with contextlib.suppress(psutil.Error):  # ended just now
        servers = [pid for pid, command in commands.items() if SERVER in command and "bwrap" not in command]
        return "ipykernel" in commands.get(process.pid, "") or process.ppid() in servers
    return False


def _command(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
