"""Run nbval, unmodified, on a notebook in a separate process; read and name a notebook's cells.

Theory of operation. This process starts a *keeper* in a new session. The keeper starts pytest with nbval and
`nbval_plugin`, and nbval starts the kernel. Their environment has no settings of nbgrader, pytest or the terminal, and
one scratch folder for all files that Jupyter writes. nbval interrupts a cell that runs too long, and detects a dead
kernel at that cell's timeout. This process ends a notebook that takes too long as a whole. On Linux, the keeper adopts
processes that its children leave behind. It exits after killing all of them, even if this process dies first.

`nbval_plugin` writes the results as data; if pytest ends without writing them, that is a failure too. The caller
chooses nbval's kernels: `execution.sandbox.for_tools` returns the environment that sandboxes them.
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
from autograder.text import visible

TAG = "nbval-check-output"
CELL_SECONDS = 120
SPARE_SECONDS = 60  # a notebook's time limit: three times a cell's limit, plus this
RETRIES = 2  # when a kernel ends at startup: kernels that start together may choose the same port
MAX_SHOWN = 200  # characters of an exception's message
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


# Faults that `nbval_plugin` reports. It imports them from here, since this process loads neither pytest nor nbval.
RAISED = "raised"  # the cell raised an exception: `text`
INTERRUPTED = "interrupted"  # the cell ran too long and nbval interrupted it
DIFFERS = "differs"  # its outputs differ from the stored ones
UNCOUNTED = "uncounted"  # outputs are stored, but no execution count
UNKNOWN = "unknown"  # nbval could not finish the cell: `text`
NO_KERNEL = "no kernel"  # no kernel started: `text`
DEAD_AT_START = "dead at start"  # the kernel started and ended at once: `text`
BROKEN = "broken"  # any other failure outside the cell: `text`
SENTENCES = {
    RAISED: "raises {}",
    DIFFERS: "prints something different from its stored output.",
    UNCOUNTED: "has a stored output, but no execution count.",
    UNKNOWN: "could not run: {}",
}


@dataclass(frozen=True)
class Failure:
    """A sentence about a cell, named by grade_id, id or number; an empty `cell` means the whole notebook."""

    cell: str
    sentence: str
    is_dead_at_start: bool = False  # the kernel ended before the first cell, so another try may work
    raised: str = ""  # the exception that the cell raised

    @classmethod
    def at(cls, cell: str, text: str, is_dead_at_start: bool = False, raised: str = "") -> "Failure":
        """Return a failure of a cell, or of the notebook if `cell` is ""; `text` is the rest of its sentence."""
        return cls(cell, f"cell {cell} {text}" if cell else f"the notebook {text}", is_dead_at_start, raised)

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Outcome:
    """The result of running nbval on one notebook.

    Attributes:
        ok: Nothing failed.
        failures: What failed.
        compared: How many cells were compared with their stored outputs.
        tolerated: The cells that raised an exception although this is no failure.
        unanswered: The errors of a released notebook that come from its unanswered questions; they are no failures.
    """

    ok: bool
    failures: tuple[Failure, ...]
    compared: int = 0
    tolerated: tuple[Failure, ...] = ()
    unanswered: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, failures: Iterable[Failure], compared: int = 0, tolerated: Iterable[Failure] = ()) -> "Outcome":
        """Return the outcome for these failures; it is ok if there are none."""
        collected = tuple(failures)
        return cls(not collected, collected, compared, tuple(tolerated))


def nbval(notebook: Path, cwd: Path, timeout: int = CELL_SECONDS, kernels: Mapping[str, str] | None = None) -> Outcome:
    """Run a notebook in its folder (and pytest in `cwd`), each cell for at most `timeout` seconds.

    `kernels` are environment variables that tell Jupyter how to start kernels.
    """
    run = partial(_run, notebook, cwd, timeout=timeout, kernels=kernels or {})
    try:
        cells = [name_of(cell, number) for number, cell in enumerate(code_cells(read(notebook)), 1)]
    except Exception:  # a submission can be anything
        return Outcome.of([Failure.at("", "could not run: it is not a notebook.")])
    outcome = run(cells=cells)
    for _ in range(RETRIES):
        if any(failure.is_dead_at_start for failure in outcome.failures):
            outcome = run(cells=cells)
    return outcome


def environment(scratch: str) -> dict[str, str]:
    """Return the environment of a notebook's processes: nothing that changes outputs, one folder for other files."""
    kept = {name: value for name, value in os.environ.items() if not UNWANTED.match(name)}
    return kept | dict.fromkeys(("TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"), scratch)


def read(path: Path) -> NotebookNode:
    """Read a notebook of any format as format 4; raise some exception if the file is not a notebook."""
    notebook: NotebookNode = nbformat.convert(nbformat.reader.reads(path.read_text(encoding="utf-8")), 4)
    return notebook


def code_cells(notebook: NotebookNode) -> list[Any]:
    """Return the code cells, in order; nbval counts only these."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def keys(cell: Any) -> list[str]:
    """Return what identifies a cell: its grade_id and its id, if it has them."""
    return [str(key) for key in (grade_id(cell), cell.get("id")) if key]


def name_of(cell: Any, number: int) -> str:
    """Return a cell's first key, else its number, made safe for a table: a student can write any text there."""
    return re.sub(r"[^\w.-]+", "_", [*keys(cell), str(number)][0])[:60]


def is_marked(cell: Any) -> bool:
    """Return whether the cell is tagged, so that it must reproduce its stored output."""
    return TAG in cell.metadata.get("tags", [])


def _run(notebook: Path, cwd: Path, cells: list[str], timeout: int, kernels: Mapping[str, str]) -> Outcome:
    limit = 3 * timeout + SPARE_SECONDS
    with TemporaryDirectory(prefix="nbval-", ignore_cleanup_errors=True) as scratch:
        report = Path(scratch, "cells.json")
        options = [f"--rootdir={cwd}", f"--nbval-cell-timeout={timeout}", f"--cells-report={report}", str(notebook)]
        command = [sys.executable, "-m", "pytest", "-c", os.devnull, *PYTEST.split(), *NBVAL.split(), *options]
        code = _keep(command, cwd, environment(scratch) | dict(kernels), limit)
        if code is None:
            return Outcome.of([Failure.at("", f"was still running after {limit} s.")])
        try:
            steps = json.loads(report.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no report: pytest ended before it wrote one
            code, steps = code or 1, []
    failures = list(_failures(steps, cells, timeout))
    if not failures and code not in (0, 5):  # 5: no cells
        failures = [Failure.at("", f"could not run: pytest ended with {code}.")]
    tolerated = [_raised(cells[step["cell"]], step["text"]) for step in steps if step["text"] and not step["fault"]]
    return Outcome.of(failures, sum(step["compared"] for step in steps), tolerated)


def _keep(command: list[str], cwd: Path, env: Mapping[str, str], limit: int) -> int | None:
    """Run a command, then end all processes that it started; return its exit code, or None after `limit` seconds."""
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
    """Yield failures in order, up to the first one that leaves no kernel for later cells."""
    for step in steps:
        fault, name = step["fault"], cells[step["cell"]]
        if late := _late(step["seconds"], fault, timeout):
            yield Failure.at(name, late)
        elif fault == RAISED:
            yield _raised(name, step["text"])
        elif fault in SENTENCES:
            yield Failure.at(name, SENTENCES[fault].format(_shown(step["text"])))
        elif fault:
            dead = fault == DEAD_AT_START
            yield Failure.at("", f"could not run: {_shown(step['text'])}", dead)
        if late or (fault and fault not in SENTENCES):
            return


def _raised(name: str, text: str) -> Failure:
    return Failure.at(name, SENTENCES[RAISED].format(_shown(text)), raised=_shown(text))


def _late(seconds: float, fault: str, timeout: int) -> str:
    """Return a message if the cell took too long; nbval passes a cell that survives its interruption."""
    interrupted = fault == INTERRUPTED
    died = ", or its kernel died" if fault and not interrupted else ""
    return f"timed out after {timeout} s{died}." if interrupted or seconds >= timeout else ""


def _shown(text: str) -> str:
    return visible(text[:MAX_SHOWN], instead=" ").strip()
