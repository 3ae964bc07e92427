"""A notebook → what nbval finds in it, unmodified and in a process of its own; and how cells are read and named.

Theory of operation. This process starts a *keeper* in a session of its own; the keeper starts pytest with nbval as its
only plugin; nbval starts the kernel. All see an environment without nbgrader's, pytest's and the terminal's settings,
and one scratch folder for whatever Jupyter writes. nbval interrupts a cell that runs too long and notices a dead kernel
at that cell's timeout; this process ends a notebook that takes too long as a whole. The keeper adopts what its children
leave behind (on Linux) and ends when all of that is killed, also where this process dies first.

What was found crosses back as data, which `nbval_plugin` writes; a pytest that ends without it is a fault by itself.
The caller decides which kernels nbval gets: `execution.sandbox.for_tools` has the environment that sandboxes them.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.notebook.cells import grade_id

TAG = "nbval-check-output"
CELL_SECONDS = 120
SPARE_SECONDS = 60  # a notebook may take these and three times as long as a cell
RETRIES = 2  # of a notebook whose kernel ended at once: kernels that start at the same time may choose the same port
MAX_SHOWN = 200  # characters of what was raised
UNWANTED = re.compile(r"NBGRADER_|PYTEST_|PYTHONWARNINGS$|(JUPYTER_)?(COLUMNS|LINES)$|(NO|FORCE)_COLOR$")
PYTEST = "--tb=no --color=no -W ignore -p no:cacheprovider --noconftest --disable-plugin-autoload"
NBVAL = "-p nbval.plugin -p autograder.replay.nbval_plugin --nbval-lax --nbval-current-env"
KEEPER = """
import contextlib, ctypes, psutil, signal, subprocess, sys  # psutil comes with ipykernel
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans become children of this process
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: this process ends when its parent dies
try:
    code = subprocess.call(sys.argv[1:], **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL))
finally:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while left := psutil.Process().children(recursive=True):
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=1)
sys.exit(code if code >= 0 else 1)
"""


# What `nbval_plugin` finds. It imports these: pytest and nbval are loaded in their own process alone.
RAISED = "raised"  # the cell raised an exception: `text`
INTERRUPTED = "interrupted"  # the cell ran too long and nbval has ended it
DIFFERS = "differs"  # its outputs are not those stored
UNCOUNTED = "uncounted"  # outputs are stored, but no execution count
UNKNOWN = "unknown"  # nbval could not go on with the cell: `text`
NO_KERNEL = "no kernel"  # none was started: `text`
DEAD_AT_START = "dead at start"  # a kernel was started and ended at once: `text`
BROKEN = "broken"  # anything else that is not about the cell: `text`
SENTENCES = {
    RAISED: "raises {}",
    DIFFERS: "prints something else than its stored output.",
    UNCOUNTED: "has a stored output, but no execution count.",
    UNKNOWN: "could not run: {}",
}


@dataclass(frozen=True)
class Failure:
    """The cell at fault (its grade_id, else its id, else its number; empty: the whole notebook), and a sentence."""

    cell: str
    sentence: str
    is_dead_at_start: bool = False  # the kernel ended before the first cell: another may not

    @classmethod
    def at(cls, cell: str, text: str, is_dead_at_start: bool = False) -> "Failure":
        """Return the failure of a cell, or of the whole notebook where `cell` is "", by the end of its sentence."""
        return cls(cell, f"cell {cell} {text}" if cell else f"the notebook {text}", is_dead_at_start)

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Outcome:
    """What nbval found in one notebook."""

    ok: bool
    failures: tuple[Failure, ...]

    @classmethod
    def of(cls, failures: Iterable[Failure]) -> "Outcome":
        """Well where there are no failures."""
        found = tuple(failures)
        return cls(not found, found)


def nbval(notebook: Path, cwd: Path, timeout: int = CELL_SECONDS, kernels: Mapping[str, str] | None = None) -> Outcome:
    """Run a notebook in its folder (and pytest in `cwd`), a cell for at most `timeout` seconds.

    `kernels` is environment that tells Jupyter how to start them.
    """
    run = partial(_run, notebook, cwd, timeout=timeout, kernels=kernels or {})
    try:
        cells = [name_of(cell, number) for number, cell in enumerate(code_cells(read(notebook)), 1)]
    except Exception:  # a submission can be anything
        return Outcome.of([Failure.at("", "could not run: it is not a notebook.")])
    found = run(cells=cells)
    for _ in range(RETRIES):
        if any(fault.is_dead_at_start for fault in found):
            found = run(cells=cells)
    return Outcome.of(found)


def environment(scratch: str) -> dict[str, str]:
    """What a notebook's processes see: nothing that changes what is printed, one folder for what they write aside."""
    kept = {name: value for name, value in os.environ.items() if not UNWANTED.match(name)}
    return kept | dict.fromkeys(("TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"), scratch)


def read(path: Path) -> NotebookNode:
    """A notebook of any format as one of format 4; raises anything where the file is none."""
    notebook: NotebookNode = nbformat.convert(nbformat.reader.reads(path.read_text(encoding="utf-8")), 4)
    return notebook


def code_cells(notebook: NotebookNode) -> list[Any]:
    """Cells of code, in order: those that nbval counts."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def keys(cell: Any) -> list[str]:
    """What a cell may be known by: its grade_id, its id."""
    return [str(key) for key in (grade_id(cell), cell.get("id")) if key]


def name_of(cell: Any, number: int) -> str:
    """The first of a cell's keys, else its number; safe in a table: a student can put any text there."""
    return re.sub(r"[^\w.-]+", "_", [*keys(cell), str(number)][0])[:60]


def is_marked(cell: Any) -> bool:
    """Must the cell print what is stored in it?"""
    return TAG in cell.metadata.get("tags", [])


def _run(notebook: Path, cwd: Path, cells: list[str], timeout: int, kernels: Mapping[str, str]) -> list[Failure]:
    limit = 3 * timeout + SPARE_SECONDS
    with TemporaryDirectory(prefix="nbval-", ignore_cleanup_errors=True) as scratch:
        report = Path(scratch, "cells.json")
        options = [f"--rootdir={cwd}", f"--nbval-cell-timeout={timeout}", f"--cells-report={report}", str(notebook)]
        command = [sys.executable, "-m", "pytest", "-c", os.devnull, *PYTEST.split(), *NBVAL.split(), *options]
        code = _keep(command, cwd, environment(scratch) | dict(kernels), limit)
        if code is None:
            return [Failure.at("", f"still ran when {limit} s were over.")]
        try:
            found = list(_failures(json.loads(report.read_text(encoding="utf-8")), cells, timeout))
        except (OSError, ValueError):  # no report: pytest has ended before it could write one
            code, found = code or 1, []
    good = found or code in (0, 5)  # 5: no cells
    return found if good else [Failure.at("", f"could not run: pytest ended with {code}.")]


def _keep(command: list[str], cwd: Path, env: Mapping[str, str], limit: int) -> int | None:
    """Run a command and end all that it started; its exit code, or None where `limit` seconds were not enough."""
    keeper = [sys.executable, "-c", KEEPER, *command]
    run = subprocess.Popen(keeper, cwd=cwd, env=env, start_new_session=True)
    try:
        return run.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        run.terminate()
        run.wait()


def _failures(steps: list[dict[str, Any]], cells: list[str], timeout: int) -> Iterator[Failure]:
    """Faults in order, up to the first that leaves no kernel for the rest."""
    for step in steps:
        fault, name = step["fault"], cells[step["cell"]]
        if late := _late(step["seconds"], fault, timeout):
            yield Failure.at(name, late)
        elif fault in SENTENCES:
            yield Failure.at(name, SENTENCES[fault].format(_shown(step["text"])))
        elif fault:
            dead = fault == DEAD_AT_START
            yield Failure.at("", f"could not run: {_shown(step['text'])}", dead)
        if late or (fault and fault not in SENTENCES):
            return


def _late(seconds: float, fault: str, timeout: int) -> str:
    """Of a cell that took too long: that it did; nbval passes one that outlives its interruption."""
    interrupted = fault == INTERRUPTED
    died = ", or its kernel died" if fault and not interrupted else ""
    return f"timed out after {timeout} s{died}." if interrupted or seconds >= timeout else ""


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_SHOWN]).strip()
