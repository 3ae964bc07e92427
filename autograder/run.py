"""A restored notebook → its outputs and, at each test cell, the evidence. Knows nothing of right answers.

Theory of operation. One kernel, started by Jupyter in a fresh folder that holds the submission's files and the course's
own, runs the notebook's cells in order through nbclient, over unix sockets in another fresh folder. A test cell is
never executed there: in its place one cell of our own takes evidence, for exactly the names in the test's plan. That
code is sent as source each time and believed in nothing: whatever is patched in the kernel, it can yield only a text
that `evidence` will read as data or refuse. The text stays unread here.

What a cell costs. An error costs the names it would have bound. A cell that overruns its time, floods its output,
sends what is no message or takes the kernel down costs itself: the kernel is killed, and a fresh one runs the
notebook again from the top without that cell; evidence taken before stays as it was taken. After `fresh_kernels` such
deaths the tests that are left have no evidence. So a later question is judged wherever it does not need what the
deadly cell would have made.
"""

import asyncio
import contextlib
import math
import os
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.evidence import kernel_source
from autograder.evidence_kernel import MAX_TOTAL
from autograder.plan import Plan

Reason = Literal["timeout", "crash", "memory", "output", "damaged", "missing", "raised", "not plain data"]

IMPORTS = "__import__('sys').path.insert(0, '')"  # the notebook, unlike its kernel, imports from its folder
MAX_EVIDENCE = 2 * MAX_TOTAL  # the text is quoted once more on its way
MIME = "application/vnd.autograder.evidence+json"
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "VIRTUAL_ENV")
SENTENCES: dict[str, str] = {
    "timeout": "the cell {cell} ran longer than {seconds:g} s and was stopped",
    "output": "the cell {cell} put out more than {mib:g} MiB and was stopped",
    "crash": "the kernel died in the cell {cell}",
    "damaged": "the cell {cell} sent what is no message of a kernel",
}

ALL_TOO_LONG = "the notebook ran longer than {seconds:g} s and was stopped at the cell {cell}"


@dataclass(frozen=True)
class Limits:
    """What a notebook may use."""

    cell_seconds: float = 60.0  # wall time of one cell, and of one taking of evidence
    notebook_seconds: float = 600.0  # wall time of all its kernels together
    start_seconds: float = 120.0  # until a kernel answers
    cell_output: int = 1 << 20  # bytes that one cell may put out
    notebook_output: int = 8 << 20
    fresh_kernels: int = 3  # after how many deaths the rest goes without evidence


@dataclass(frozen=True)
class NoEvidence:
    """Why nothing could be taken for a test cell."""

    reason: Reason
    sentence: str


@dataclass(frozen=True)
class Ran:
    """A notebook with its outputs, and for each test cell the evidence's text or why there is none."""

    notebook: NotebookNode
    taken: Mapping[str, str | NoEvidence]
    deaths: Mapping[int, NoEvidence] = field(default_factory=dict)  # by the cell's place


class KernelError(Exception):
    """No kernel could be started: our own fault, not the student's."""


def run(notebook: NotebookNode, plans: Sequence[Plan], files: Mapping[str, bytes], limits: Limits | None = None) -> Ran:
    """Run a notebook beside `files` and take the evidence its plans ask for; raises KernelError if no kernel starts.

    Works wherever it is called from, inside an event loop too: the kernel's own loop runs in a thread of its own.
    """
    runner = _Runner(nbformat.from_dict(notebook), {plan.cell: plan for plan in plans}, files, limits or Limits())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(runner.run())).result()


class _Client(NotebookClient):
    """nbclient's client, which ends a cell that sends too much, or keeps nbclient too busy to see that time is up."""

    limits: Limits
    spent_cell = spent = 0
    taking = flooded = late = False

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take in one message of any kind, or, past the limit, none and end the cell."""
        size = len(repr(msg["content"]))
        self.spent_cell, self.spent = self.spent_cell + size, self.spent + (0 if self.taking else size)
        most = MAX_EVIDENCE if self.taking else self.limits.cell_output
        if self.spent_cell > most or self.spent > self.limits.notebook_output:
            self.flooded = True
            assert self.task_poll_for_reply is not None
            self.task_poll_for_reply.cancel()
            return None
        return super().process_message(msg, cell, cell_index)

    @property
    def group(self) -> int | None:
        """The kernel's process group."""
        return self.km.provisioner.pgid if self.km else None

    @contextlib.contextmanager
    def watched(self, seconds: float) -> Iterator[None]:
        """Kill the kernel after `seconds`, from a thread: a flood of replies holds up the event loop and its clocks."""

        def bite() -> None:
            self.late = True
            _kill_group(self.group)

        watch = threading.Timer(seconds, bite)
        watch.start()
        try:
            yield
        finally:
            watch.cancel()


class _DeathError(Exception):
    """The kernel is of no use any more; says which cell did it and how."""

    def __init__(self, index: int, reason: Reason) -> None:
        super().__init__(reason)
        self.index, self.reason = index, reason


@dataclass
class _Runner:
    notebook: NotebookNode
    plans: dict[str, Plan]
    files: Mapping[str, bytes]
    limits: Limits
    taken: dict[str, str | NoEvidence] = field(default_factory=dict)
    dead: dict[int, NoEvidence] = field(default_factory=dict)
    deadline: float = 0.0

    async def run(self) -> Ran:
        # nbclient abandons its pollers when a kernel dies; what they raise then is nobody's news
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        self.deadline = time.monotonic() + self.limits.notebook_seconds
        last = NoEvidence("crash", "")
        for _ in range(1 + self.limits.fresh_kernels):
            try:
                await self._walk()
                break
            except _DeathError as death:
                last = self._bury(death)
                if time.monotonic() > self.deadline:
                    break
        for name in self.plans:
            self.taken.setdefault(name, NoEvidence(last.reason, f"{last.sentence}; no time was left for this one"))
        return Ran(self.notebook, self.taken, self.dead)

    def _bury(self, death: _DeathError) -> NoEvidence:
        """Note what a cell did; the next walk leaves it out."""
        cell = self.notebook.cells[death.index]
        over = time.monotonic() > self.deadline
        sentence = (ALL_TOO_LONG if over and death.reason == "timeout" else SENTENCES[death.reason]).format(
            cell=name_of(cell, death.index),
            seconds=self.limits.notebook_seconds if over else self.limits.cell_seconds,
            mib=self.limits.cell_output / (1 << 20),
        )
        found = NoEvidence(death.reason, sentence)
        self.dead[death.index] = found
        cell.outputs = [nbformat.v4.new_output("error", ename=death.reason, evalue=sentence, traceback=[sentence])]
        if name_of(cell, death.index) in self.plans:
            self.taken.setdefault(name_of(cell, death.index), found)
        return found

    async def _walk(self) -> None:
        """Run every cell but the deadly ones in one kernel, in a folder that no earlier kernel has touched."""
        with tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            for inside in ("work", "home"):
                (place / inside).mkdir()
            fill(place / "work", self.files)
            client = self._client(place)
            async with AsyncExitStack() as stack:
                await self._start(client, place, stack)
                stack.callback(_kill_group, client.group)
                await self._cells(client)

    async def _cells(self, client: "_Client") -> None:
        for index, cell in enumerate(self.notebook.cells):
            plan = self.plans.get(name_of(cell, index))
            if cell.cell_type != "code" or index in self.dead:
                continue
            if plan is None:
                await self._execute(client, cell, index)
            elif plan.cell not in self.taken:
                self.taken[plan.cell] = await self._take(client, plan, index)

    def _client(self, place: Path) -> "_Client":
        """nbclient over unix sockets: no port to clash with another kernel's, nor to be reached by anyone else."""
        where = {"transport": "ipc", "ip": str(place / "k"), "connection_file": str(place / "c.json")}
        client = _Client(
            nb=self.notebook,
            config=Config(AsyncKernelManager=where),
            kernel_name="python3",
            startup_timeout=math.ceil(self.limits.start_seconds),
            shutdown_kernel="immediate",
            allow_errors=True,
            store_widget_state=False,
            coalesce_streams=False,  # its search for carriage returns grows with the square of a line
            extra_arguments=[f"--InteractiveShellApp.exec_lines={IMPORTS}"],
        )
        client.limits = self.limits
        return client

    async def _start(self, client: "_Client", place: Path, stack: AsyncExitStack) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started = client.async_setup_kernel(cwd=str(place / "work"), env=_environment(place / "home"), **quiet)
        try:
            await stack.enter_async_context(started)
        except Exception as error:
            raise KernelError(f"no kernel could be started ({type(error).__name__}: {error}).") from error

    async def _execute(self, client: _Client, cell: NotebookNode, index: int) -> None:
        left = min(self.limits.cell_seconds, self.deadline - time.monotonic())
        if left <= 0:
            raise _DeathError(index, "timeout")
        client.timeout, client.spent_cell = max(1, math.ceil(left)), 0
        try:
            with client.watched(client.timeout + 1):
                await client.async_execute_cell(cell, index, execution_count=None)
        except CellTimeoutError:
            raise _DeathError(index, "timeout") from None
        except DeadKernelError:
            raise _DeathError(index, "output" if client.flooded else "timeout" if client.late else "crash") from None
        except Exception:  # what Jupyter's own client trips over was not sent by an honest cell
            raise _DeathError(index, "damaged") from None

    async def _take(self, client: _Client, plan: Plan, index: int) -> str | NoEvidence:
        """Take the evidence of one test cell, by a cell of our own in its place."""
        mark = uuid.uuid4().hex
        test = self.notebook.cells[index]
        ours = nbformat.v4.new_code_cell(_capture(plan, mark))
        client.taking = True
        try:
            await self._execute(client, ours, index)
        finally:
            client.taking = False
            self.notebook.cells[index] = test
        found = [o.data[MIME] for o in ours.outputs if o.output_type == "display_data" and MIME in o.get("data", {})]
        texts = [entry["text"] for entry in found if isinstance(entry, dict) and entry.get("mark") == mark]
        if len(texts) == 1 and isinstance(texts[0], str):
            return texts[0]
        return NoEvidence("damaged", f"the kernel gave no evidence for {plan.cell}; the notebook changed how cells run")


def name_of(cell: NotebookNode, index: int) -> str:
    """How a cell is spoken of: its grade_id, else its place."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id") or f"number {index + 1}")


def _capture(plan: Plan, mark: str) -> str:
    """Source of the cell that takes evidence: one statement that binds nothing in the student's namespace.

    Names that an honest student may have shadowed (`list`, `print`, `exec`) are reached through their modules.
    """
    ours = (
        f"{kernel_source()}\n"
        f"shell = __import__('IPython').get_ipython()\n"
        f"text = encode_all(dict(shell.user_ns), {list(plan.answers)!r}, {dict(plan.evidence)!r})\n"
        f"shell.display_pub.publish({{{MIME!r}: {{'mark': {mark!r}, 'text': text}}}})\n"
    )
    builtins = "__import__('builtins')"
    return f"{builtins}.exec({builtins}.compile({ours!r}, '<evidence>', 'exec'), {{'__name__': 'evidence_kernel'}})"


def _environment(home: Path) -> dict[str, str]:
    """A kernel's environment: what Python and TensorFlow need, nothing that is the instructor's.

    PYTHONSAFEPATH: the kernel itself starts from what is installed, whatever modules lie in its folder.
    """
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    places = {name: str(home) for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR")}
    return {**kept, **places, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}


def _kill_group(group: int | None) -> None:
    """End what a kernel has started and left in its process group."""
    if group is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder; one that would leave it, or whose name this system does not take, is left out."""
    for name, content in files.items():
        inside = PurePosixPath(name)
        if not inside.is_absolute() and ".." not in inside.parts:
            with contextlib.suppress(OSError, ValueError):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / inside).write_bytes(content)
