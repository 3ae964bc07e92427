"""Does a notebook print again what is stored in it? nbval decides, unmodified and in a process of its own.

Theory of operation. This process starts a *keeper* in a session of its own; the keeper starts pytest with nbval as its
only plugin; nbval starts the kernel. All see an environment without nbgrader's, pytest's and the terminal's settings,
and one scratch folder for whatever Jupyter writes. nbval interrupts a cell that runs too long and notices a dead kernel
at that cell's timeout; this process ends a notebook that takes too long as a whole. The keeper adopts what its children
leave behind (on Linux) and ends when all of that is killed, also where this process dies first. Notebooks run as copies
beside the master's helpers, so nothing is written into the course; only `refresh` runs in place, by nbclient.

Student code runs as the user who grades, unless JUPYTER_DEFAULT_PROVISIONER_NAME names Jupyter's hook into a sandbox.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.course import Course
from autograder.errors import CourseError
from autograder.ledger import Ledger

TAG = "nbval-check-output"
CELL_SECONDS = 120
SPARE_SECONDS = 60  # a notebook may take these and three times as long as a cell
WORKERS = min(os.cpu_count() or 1, 8)  # notebooks that run at a time
NAMED = 3  # cells that a student's result names
NBVAL_COMMENT = re.compile(r"#(?=[#\s]*(?:NBVAL|PYTEST_VALIDATE)_)")  # nbval obeys these over any tag
UNWANTED = re.compile(r"NBGRADER_|PYTEST_|PYTHONWARNINGS$|(JUPYTER_)?(COLUMNS|LINES)$|(NO|FORCE)_COLOR$")
PYTEST = "--tb=no --color=no -W ignore -p no:cacheprovider --noconftest --disable-plugin-autoload -p nbval.plugin"
NBVAL = "--nbval-lax --nbval-current-env -o junit_duration_report=call"
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


@dataclass(frozen=True)
class Failure:
    """The cell at fault (its grade_id, else its id, else its number; empty: the whole notebook), and a sentence."""

    cell: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Outcome:
    """What nbval found in one notebook."""

    ok: bool
    failures: tuple[Failure, ...]


def nbval(notebook: Path, cwd: Path, timeout: int = CELL_SECONDS) -> Outcome:
    """Run a notebook in its folder (and pytest in `cwd`), a cell for at most `timeout` seconds."""
    try:
        cells = [_name(cell, number) for number, cell in enumerate(_code(_read(notebook)), 1)]
    except Exception:  # a submission can be anything
        return _outcome([_failure("", "could not run: it is not a notebook.")])
    limit = 3 * timeout + SPARE_SECONDS
    with TemporaryDirectory(prefix="nbval-", ignore_cleanup_errors=True) as scratch:
        report = Path(scratch, "report.xml")
        options = [f"--rootdir={cwd}", f"--nbval-cell-timeout={timeout}", f"--junitxml={report}", str(notebook)]
        command = [sys.executable, "-m", "pytest", "-c", os.devnull, *PYTEST.split(), *NBVAL.split(), *options]
        code = _keep(command, cwd, scratch, limit)
        if code is None:
            return _outcome([_failure("", f"still ran when {limit} s were over.")])
        try:
            found = list(_failures(ElementTree.parse(report), cells, timeout))
        except Exception:  # a report cut short
            code, found = code or 1, []
    if not found and code not in (0, 5):  # 5: no cells
        found = [_failure("", f"could not run: pytest ended with {code}.")]
    return _outcome(found)


def validate(course: Course, assignment: str | None = None, timeout: int = CELL_SECONDS) -> list[tuple[Path, Outcome]]:
    """Run the source notebooks of an assignment (or of all), then the released ones."""
    masters = [path for name in _chosen(course, assignment) for path in course.masters(name)]
    released = [_released(course, path.parent.name) / path.name for path in masters]
    for path in released:
        if not path.is_file():
            raise CourseError(f"{path.parent}: {path.name} is not released; run `make release`.")
    unstored = {path: _unstored(_master(path)) for path in masters}

    def run(path: Path) -> Outcome:
        if unstored.get(path):
            return _outcome(unstored[path])
        with _bench(path.parent) as bench:
            return nbval(Path(shutil.copy(path, bench)), bench, timeout)

    return list(_each(run, masters + released))


def reproduce(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    progress: Callable[[str, str], None] = lambda *_: None,
    timeout: int = CELL_SECONDS,
) -> dict[str, str]:
    """Run submissions again: `yes`, `no: ` and the cells, or `not run` for each student, kept in the ledger as well."""
    masters = {path.name: _master(path) for path in course.masters(course.assignment(assignment))}
    helpers, ledger = _released(course, assignment), Ledger(course, assignment)
    chosen, results = _submitted(course, assignment, students), {}

    def run(student: str) -> str:
        folder = course.folder("submitted", assignment, student)
        return _result([_again(folder / name, masters[name], helpers, timeout) for name in masters])

    for student, result in _each(run, chosen):
        results[student] = result
        ledger.note(student, reproducible=result)
        progress(student, result)
    return results


def refresh(
    course: Course, assignment: str | None = None, notebook: str | None = None, timeout: int = CELL_SECONDS
) -> list[Path]:
    """Run source notebooks and store in them what their marked cells print, and nothing else; gives their paths."""
    known = [path for name in _chosen(course, assignment) for path in course.masters(name)]
    paths = [path for path in known if notebook in (None, path.name, path.stem)]
    if not paths:
        there = ", ".join(path.stem for path in known)
        raise CourseError(f"{known[0].parent}: no notebook {notebook!r}; there are: {there}.")
    for path in paths:
        aside = path.with_suffix(".part")
        aside.write_text(nbformat.writes(_executed(path, timeout)) + "\n", encoding="utf-8")
        aside.replace(path)
    return paths


def _chosen(course: Course, assignment: str | None) -> list[str]:
    known = course.assignments()
    if assignment is not None and assignment not in known:
        raise CourseError(f"{course.folder('source')}: no assignment {assignment!r}; there are: {', '.join(known)}.")
    return known if assignment is None else [assignment]


def _released(course: Course, assignment: str) -> Path:
    folder = course.folder("release", assignment)
    if not folder.is_dir():
        raise CourseError(f"{folder}: nothing is released yet; run `make release`.")
    return folder


def _submitted(course: Course, assignment: str, students: Sequence[str] | None) -> list[str]:
    found = course.students(assignment)
    if not found:
        where = course.folder("submitted", assignment, "<student>")
        raise CourseError(f"{where}: no submissions here; put each student's notebooks into a folder like this one.")
    for student in set(students or ()) - set(found):
        raise CourseError(f"{course.folder('submitted', assignment, student)}: no submission here; check the name.")
    return list(students or found)


def _each(job: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Items with their results, several worked on at a time, in order; a stop drops those not begun."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield from zip(items, pool.map(job, items), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _read(path: Path) -> NotebookNode:
    """A notebook of any format as one of format 4; raises anything where the file is none."""
    return nbformat.convert(nbformat.reader.reads(path.read_text(encoding="utf-8")), 4)


def _master(path: Path) -> NotebookNode:
    try:
        return _read(path)
    except Exception as error:
        raise CourseError(f"{path}: not a notebook ({type(error).__name__}); put one there.") from error


def _code(notebook: NotebookNode) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _keys(cell: Any) -> list[str]:
    return [str(key) for key in (cell.metadata.get("nbgrader", {}).get("grade_id"), cell.get("id")) if key]


def _name(cell: Any, number: int) -> str:
    """A cell's name, safe in a table: a student can put any text there."""
    return re.sub(r"[^\w.-]+", "_", [*_keys(cell), str(number)][0])[:60]


def _marked(cell: Any) -> bool:
    return TAG in cell.metadata.get("tags", [])


def _unstored(master: NotebookNode) -> list[Failure]:
    cells = [_name(cell, i) for i, cell in enumerate(_code(master), 1) if _marked(cell) and not cell.outputs]
    return [_failure(cell, f"is marked {TAG} but has no stored output; run `make outputs`.") for cell in cells]


def _failure(cell: str, text: str) -> Failure:
    return Failure(cell, f"cell {cell} {text}" if cell else f"the notebook {text}")


def _outcome(failures: Iterable[Failure]) -> Outcome:
    found = tuple(failures)
    return Outcome(not found, found)


@contextmanager
def _bench(folder: Path) -> Iterator[Path]:
    """A private copy of what lies beside the notebooks of `folder`."""
    with TemporaryDirectory(prefix="reproduce-", ignore_cleanup_errors=True) as bench:
        others = shutil.ignore_patterns("*.ipynb", "__pycache__", ".ipynb_checkpoints")
        shutil.copytree(folder, bench, ignore=others, dirs_exist_ok=True)
        yield Path(bench)


def _environment(scratch: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not UNWANTED.match(name)}
    return kept | dict.fromkeys(("TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"), scratch)


def _keep(command: list[str], cwd: Path, scratch: str, limit: int) -> int | None:
    """Run a command and end all that it started; its exit code, or None where `limit` seconds were not enough."""
    keeper = [sys.executable, "-c", KEEPER, *command]
    run = subprocess.Popen(keeper, cwd=cwd, env=_environment(scratch), start_new_session=True)
    try:
        return run.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        run.terminate()
        run.wait()


def _failures(report: "ElementTree.ElementTree[Any]", cells: list[str], timeout: int) -> Iterator[Failure]:
    """Faults in order, up to the first that leaves no kernel for the rest."""
    for case in report.iter("testcase"):
        said = "".join(fault.text or "" for fault in case if fault.tag in ("failure", "error"))
        head = re.match(r"Notebook cell execution failed\nCell \d+: (.*)", said)
        cut = bool(head and "exceeded executing cell" in head[1])
        seconds = float(case.get("time", 0))
        if cut or seconds >= timeout:  # nbval passes a cell that outlives its interruption
            died = ", or its kernel died" if said and not cut else ""
            yield _failure(cells[int(case.get("name", "")[5:])], f"timed out after {timeout} s{died}.")
            return
        if head:
            yield _failure(cells[int(case.get("name", "")[5:])], _text(head[1], said))
        elif said:
            yield _failure("", f"could not run: {said.strip().splitlines()[-1].removeprefix('E   ')}")
            return


def _text(words: str, said: str) -> str:
    """nbval's words in ours."""
    if words == "Cell execution caused an exception":
        return f"raises {_raised(said)}"
    if words == "Cell outputs differ":
        return "prints something else than its stored output."
    return "has a stored output, but no execution count." if words.startswith("Unrun") else f"could not run: {words}"


def _raised(said: str) -> str:
    """`ValueError: first line` from a traceback of IPython's."""
    _, framed, end = re.sub(r"#x1B\[[\d;]*m", "", said).rpartition("(most recent call last)")
    lines = re.findall(r"^[\w.]+(?::.*)?$", end, re.MULTILINE) or ["an exception"]
    return str(lines[0 if framed else -1])[:200].rstrip(": ")


def _again(path: Path, master: NotebookNode, helpers: Path, timeout: int) -> tuple[list[str], bool]:
    """What differs in a submitted notebook, and whether all its marked cells had been run."""
    if not path.is_file():
        return [f"{path.stem} missing"], True
    try:
        notebook = _read(path)
        ran = _mark(notebook, master)
        text = json.dumps(notebook)
    except Exception:  # a submission can be anything
        return [f"{path.stem} damaged"], True
    with _bench(helpers) as bench:
        copy = bench / path.name
        copy.write_text(text, encoding="utf-8")
        found = nbval(copy, bench, timeout).failures
    return ["/".join(filter(None, (path.stem, fault.cell))) for fault in found], ran


def _mark(notebook: NotebookNode, master: NotebookNode) -> bool:
    """Put the master's tags back; were all marked cells run that print something in the master?"""
    masters = {key: cell for cell in _code(master) for key in reversed(_keys(cell))}
    ran: set[str] = set()
    for cell in _code(notebook):
        twin = next((masters[key] for key in _keys(cell) if key in masters), None)
        if twin and cell.outputs and cell.execution_count is not None:
            ran.update(_keys(twin))
        _prepare(cell, list(twin.metadata.get("tags", [])) if twin else [])
    return all(ran.issuperset(_keys(cell)[:1]) for cell in _code(master) if _marked(cell) and cell.outputs)


def _prepare(cell: Any, tags: list[str]) -> None:
    """Tag a submitted cell; what it stored is compared where it is marked."""
    unseen = cell.execution_count is None and not cell.outputs
    if unseen or any(output.output_type == "error" for output in cell.outputs):
        tags.append("raises-exception")  # an error never seen, or stored, is no difference
    compared = TAG in tags and cell.outputs
    cell.execution_count, cell.outputs = (1, cell.outputs) if compared else (None, [])
    cell.source = NBVAL_COMMENT.sub("#.", cell.source)
    cell.metadata["tags"] = tags


def _result(parts: list[tuple[list[str], bool]]) -> str:
    wrong = [fault for faults, _ in parts for fault in faults]
    if wrong:
        return f"no: {', '.join(wrong[:NAMED])}" + (", …" if len(wrong) > NAMED else "")
    return "yes" if all(ran for _, ran in parts) else "not run"


def _executed(path: Path, timeout: int) -> NotebookNode:
    """A source notebook, run in its folder; it keeps marked outputs, and nothing that changes from run to run."""
    notebook = _master(path)
    metadata = notebook.metadata | {"language_info": {"name": "python"}}
    _execute(path, notebook, timeout)
    notebook.metadata = metadata
    for cell in _code(notebook):
        cell.metadata.pop("execution", None)
        if not _marked(cell):
            cell.execution_count, cell.outputs = None, []
    return notebook


def _execute(path: Path, notebook: NotebookNode, timeout: int) -> None:
    """Run the cells by nbclient; raise CourseError at the first that does not come through."""
    own = KernelSpecManager(kernel_dirs=[])  # this Python's kernel, whatever kernels the user has
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=own)
    settings = {"record_timing": False, "coalesce_streams": True, "shutdown_kernel": "immediate"}
    client = NotebookClient(notebook, manager, timeout=timeout, **settings)
    begun: list[str] = []
    client.on_cell_execute = lambda cell, cell_index: begun.append(_name(cell, client.code_cells_executed + 1))
    try:
        with TemporaryDirectory(prefix="refresh-", ignore_cleanup_errors=True) as scratch:
            client.execute(cleanup_kc=True, cwd=str(path.parent), env=_environment(scratch), stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        said = f"raises {error.ename}: {error.evalue.partition(chr(10))[0]}".rstrip(": ")
        raise CourseError(f"{path}: cell {begun[-1]} {said}; mend it (the file is as it was).") from error
    except (CellTimeoutError, DeadKernelError) as error:
        said = "ended its kernel" if isinstance(error, DeadKernelError) else f"timed out after {timeout} s"
        raise CourseError(f"{path}: cell {begun[-1]} {said}; mend it (the file is as it was).") from error
