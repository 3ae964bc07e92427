"""Drive one kernel with nbclient: start it in a fresh folder, limit its time and its messages, and end it.

Theory of operation. Nothing that a kernel sends is trusted. The client counts the size of every message and stops a
cell that sends too much. ZeroMQ's queues, which fill before nbclient reads, are limited by their length and by the size
of a message. A message that never ends escapes both limits. So a watchdog ends all kernels when this process' memory
grows by `MOST_GROWTH` while they run; the submissions that did not cause it are graded again, one at a time. The
watchdog thread also checks the time limit, because a flood of replies can block the event loop and its timers.
"""

import asyncio
import atexit
import contextlib
import math
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.course.limits import Limits
from autograder.errors import CourseError, Death, KernelEnded, KernelError
from autograder.evidence.encoder import MAX_TOTAL
from autograder.execution.sandbox import loaded, policy
from autograder.execution.widgets import Widgets
from autograder.files import KERNEL, disk_problem, short_temporary_folder, temporary_prefix
from autograder.kernels.bubblewrap import INHERITED_ENVIRONMENT
from autograder.kernels.limits import Ending
from autograder.kernels.manager import BoundedKernelManager, SandboxKernelManager
from autograder.kernels.provisioner import SandboxProvisioner

# Without a sandbox: the notebook imports from its folder, but the kernel does not. `exit()` does not end the kernel.
FIRST_LINE = "__import__('sys').path.insert(0, ''); get_ipython().ask_exit = lambda: None"
MAX_EVIDENCE = 2 * MAX_TOTAL  # a message contains the text as JSON, which quotes it once more
MOST_GROWTH = 600 << 20  # bytes: the largest evidence takes about 300 MiB while it is read
POLL_INTERVAL = 0.05  # seconds
ROOM = 2  # factor on the output limit: above the limit print raises, above this multiple the kernel is ended
COMMS = ("comm_open", "comm_msg", "comm_close")
OUTPUTS = ("stream", "display_data", "execute_result", "error")
END_SECONDS = 5.0  # how long a kernel that was told to end may take
IOPUB_SECONDS = 10  # how long the rest of a cell's messages may take after its reply

DEATHS = {  # how a cell ended its kernel, by the sandbox's word for it
    Ending.MEMORY: Death.MEMORY,
    Ending.CPU: Death.PROCESSOR_TIME,
    Ending.WALL: Death.CELL_TIME,
    Ending.REFUSED: Death.CRASH,
    Ending.MACHINE: Death.MACHINE_MEMORY,
    Ending.LOST: Death.LOST,
    Ending.KILLED: Death.KILLED,
}


class Client(NotebookClient):
    """Extend nbclient's client to stop cells that send too much or block nbclient's own timeout."""

    limits: Limits
    widgets: Widgets
    channel_source = "channel(shell.kernel)"  # what a cell of the grader asks with
    spent_cell = spent = 0
    taking = flooded = late = False
    deadline = math.inf  # of the running cell; `look` checks it

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Process one message of any kind; above the limit, ignore it and stop the cell."""
        size = len(repr(msg["content"])) + sum(map(len, msg.get("buffers", ())))
        self.spent_cell, self.spent = self.spent_cell + size, self.spent + (0 if self.taking else size)
        most = MAX_EVIDENCE if self.taking else ROOM * self.limits.cell_output
        if self.spent_cell > most or self.spent > self.limits.notebook_output:
            self.flooded = True
            self.stop_cell()
            return None
        kind, parent = msg["msg_type"], msg["parent_header"].get("msg_id")
        if kind in COMMS:
            self.widgets.receive(kind, msg["content"])
            return None
        if kind == "clear_output" and self.widgets.clear(parent, msg["content"], cell.outputs):
            return None
        if kind in OUTPUTS:
            self.widgets.before_output(parent, cell.outputs)
        output: NotebookNode | None = super().process_message(msg, cell, cell_index)
        if output is not None:
            self.widgets.take(parent, output)
        return output

    def stop_cell(self) -> None:
        """Stop the cell, which sends too much."""
        assert self.task_poll_for_reply is not None
        self.task_poll_for_reply.cancel()

    async def run_cell(self, cell: NotebookNode, index: int, seconds: float) -> None:
        """Run one cell for at most `seconds`; raise KernelEnded if the kernel ends."""
        self.timeout, self.spent_cell = max(1, math.ceil(seconds)), 0
        try:
            self.deadline = time.monotonic() + self.timeout + IOPUB_SECONDS + 1
            await self.async_execute_cell(cell, index, execution_count=None)
            self._update_widgets()
        except KernelEnded:
            raise
        except CellTimeoutError:  # nbclient's other timeout: the reply arrived, but not all other messages
            raise KernelEnded(Death.UNFINISHED) from None
        except DeadKernelError:
            raise KernelEnded(await self._cause()) from None
        except Exception:  # an honest cell sends nothing that breaks Jupyter's own client
            raise KernelEnded(await self._cause(Death.DAMAGED)) from None
        finally:
            self.deadline = math.inf

    def _update_widgets(self) -> None:
        """Tell the kernel what its `Output` widgets show now; it reads this before it runs the next cell."""
        assert self.kc is not None
        for content in self.widgets.updates():
            self.kc.shell_channel.send(self.kc.session.msg("comm_msg", content=content))

    def replay(self, cell: NotebookNode, index: int, messages: Iterable[Mapping[str, Any]], number: int) -> None:
        """Show what a cell sent when it ran elsewhere, as the cell with this number."""
        cell.outputs, self.clear_before_next_output = [], False
        for message in messages:
            self.spent += len(repr(message["content"]))
            header = {"msg_type": message["msg_type"]}
            super().process_message({**message, "header": header, "parent_header": {}}, cell, index)
        cell.execution_count = number

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> None:
        """Raise our own error; nbclient calls this when a cell's reply is late."""
        raise KernelEnded(Death.CELL_TIME)

    async def _cause(self, otherwise: Death = Death.CRASH) -> Death:
        if self.flooded or self.late:
            return Death.OUTPUT if self.flooded else Death.CELL_TIME
        provisioner = self.km.provisioner if self.km else None
        if not isinstance(provisioner, SandboxProvisioner):
            return otherwise
        await provisioner.poll()
        return DEATHS.get(provisioner.ended.why, otherwise) if provisioner.ended else otherwise

    @property
    def has_program(self) -> bool:
        """Return whether the kernel has the program that collects evidence; otherwise its source must be sent."""
        provisioner = self.km.provisioner if self.km else None
        return isinstance(provisioner, SandboxProvisioner) and provisioner.has_program

    def end(self) -> None:
        """End the kernel and all processes that it started; may be called from any thread."""
        provisioner: Any = self.km.provisioner if self.km else None
        if isinstance(provisioner, SandboxProvisioner):
            provisioner.end()
        elif provisioner and provisioner.pgid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(provisioner.pgid, signal.SIGKILL)

    async def ended(self) -> None:
        """End the kernel, and wait until it has ended: Jupyter itself would look only every 0.1 s."""
        self.end()
        provisioner = self.km.provisioner if self.km else None
        if isinstance(provisioner, SandboxProvisioner):
            with suppress(TimeoutError):
                await asyncio.wait_for(provisioner.wait(), END_SECONDS)

    def flood(self) -> None:
        """End the kernel because it sends too much; may be called from any thread."""
        self.flooded = True
        self.end()

    def look(self, now: float) -> None:
        """End the kernel if the running cell is over its time and nbclient is too busy to notice."""
        if now > self.deadline:
            self.late, self.deadline = True, math.inf
            self.end()


@asynccontextmanager
async def kernel(notebook: NotebookNode, files: Mapping[str, bytes], limits: Limits) -> AsyncIterator[Client]:
    """Start a kernel in a new folder.

    Args:
        notebook: The notebook to run.
        files: The files in the folder.
        limits: The limits.

    Raises:
        KernelError: The kernel does not start.
        CourseError: The disk is full or read-only.
    """
    prefix, parent = temporary_prefix(KERNEL), short_temporary_folder()
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        for inside in ("work", "home"):
            (place / inside).mkdir()
        fill(place / "work", files)
        client = _client(notebook, place, limits)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        async with contextlib.AsyncExitStack() as stack:
            started = client.async_setup_kernel(
                cwd=str(place / "work"), env=_environment(place / "home", limits), **quiet
            )
            try:
                await stack.enter_async_context(started)
            except Exception as error:
                atexit.unregister(client._cleanup_kernel)  # nbclient does not unregister it
                if problem := disk_problem(error):
                    raise CourseError(problem) from error
                raise KernelError(f"no kernel could be started ({type(error).__name__}: {error}).") from error
            stack.push_async_callback(client.ended)
            with watchdog.watching(client):
                yield client


def _client(notebook: NotebookNode, place: Path, limits: Limits) -> Client:
    """Create a client that talks over Unix sockets: no port clashes, and no other user can connect."""
    sandboxed = limits.sandbox != "none"
    where = {"transport": "ipc", "ip": str(place / "k"), "connection_file": str(place / "c.json")}
    loads = asdict(loaded(limits)) | {"environment": list(limits.environment), "hidden": list(limits.hidden)}
    del loads["whole"]
    box = {**asdict(policy(limits)), **loads, "shape": limits.sandbox}
    client = Client(
        nb=notebook,
        config=Config(
            BoundedKernelManager={"max_message": limits.message},
            AsyncKernelManager={} if sandboxed else where,
            SandboxProvisioner=box if sandboxed else {},
        ),
        kernel_manager_class=SandboxKernelManager if sandboxed else BoundedKernelManager,
        startup_timeout=math.ceil(limits.start_seconds),
        shutdown_kernel="immediate",
        allow_errors=True,
        record_timing=False,  # timings would make every run's notebook different
        raise_on_iopub_timeout=True,  # an oversized message broke the connection, or the kernel never reported idle
        iopub_timeout=IOPUB_SECONDS,
        store_widget_state=False,
        coalesce_streams=False,  # nbclient's search for carriage returns is quadratic in the length of a line
        extra_arguments=[] if sandboxed else [f"--InteractiveShellApp.exec_lines={FIRST_LINE}"],
    )
    client.limits, client.widgets = limits, Widgets()
    return client


def _environment(home: Path, limits: Limits) -> dict[str, str]:
    """Return a kernel's environment: what Python needs and what the course adds, and nothing else of the instructor's.

    PYTHONSAFEPATH makes the kernel import its own modules from the installation, not from its working folder.
    """
    kept = {name: os.environ[name] for name in (*INHERITED_ENVIRONMENT, *limits.environment) if name in os.environ}
    places = {name: str(home) for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR")}
    return {**kept, **places, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}


class _ResourceWatchdog:
    """Watch the running cells' time and this process' memory, in one thread, while kernels run."""

    def __init__(self) -> None:
        self.lock, self.clients, self.base, self.watches = threading.Lock(), set[Client](), 0, False

    @contextlib.contextmanager
    def watching(self, client: Client) -> Iterator[None]:
        """Watch a client's kernel while the context is open."""
        with self.lock:
            if not self.clients:
                self.base = _memory_in_use()
            self.clients.add(client)
            if not self.watches:  # the thread of the previous kernel may still be running
                self.watches = True
                threading.Thread(target=self._watch, daemon=True).start()
        try:
            yield
        finally:
            with self.lock:
                self.clients.discard(client)

    def _watch(self) -> None:
        idle = threading.Event()
        while not idle.wait(POLL_INTERVAL):
            with self.lock:
                self.watches = bool(self.clients)
                if not self.watches:
                    return
                for client in self.clients:
                    client.look(time.monotonic())
                if _memory_in_use() - self.base > MOST_GROWTH:
                    for client in self.clients:
                        client.flood()
                    self.base = _memory_in_use()


def _memory_in_use() -> int:
    return int(_process(os.getpid()).memory_info().rss)


_process = cache(psutil.Process)  # creating a Process object costs more than reading its memory
watchdog = _ResourceWatchdog()


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder; skip paths that leave it and names that this system does not accept.

    Raises:
        OSError: The disk is full or read-only.
    """
    for name, content in files.items():
        inside = PurePosixPath(name)
        if not inside.is_absolute() and ".." not in inside.parts:
            try:
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / inside).write_bytes(content)
            except (OSError, ValueError) as error:
                if disk_problem(error):
                    raise
