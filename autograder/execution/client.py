"""One kernel driven by nbclient: started in a fresh folder, bounded in time and in what it may send, and ended.

Theory of operation. A kernel is believed in nothing, its messages included. What nbclient takes in is counted, and a
cell that sends too much is ended. What lies before nbclient, in the queues of ZeroMQ, is bounded by their length and by
the size of a message; a message that never ends is not, so that a watch of this process' memory ends all kernels when
it grows by `MOST_GROWTH` while they run: whoever did not cause it is graded once more, alone. Time is kept by a thread
as well, since a flood of replies holds up the event loop and its clocks.
"""

import atexit
import contextlib
import math
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.course.limits import OF_A_SANDBOX, Limits
from autograder.errors import KernelEnded, KernelError
from autograder.evidence.encoder import MAX_TOTAL
from autograder.kernels.bubblewrap import INHERITED_ENVIRONMENT
from autograder.kernels.manager import BoundedKernelManager, SandboxKernelManager
from autograder.kernels.provisioner import SandboxProvisioner

IMPORTS = "__import__('sys').path.insert(0, '')"  # the notebook, unlike its kernel, imports from its folder
MAX_EVIDENCE = 2 * MAX_TOTAL  # the text is quoted once more on its way
MOST_GROWTH = 300 << 20  # bytes
POLL_INTERVAL = 0.05  # seconds
ROOM = 2  # what a cell sends may be so many times what it may print: print raises, more than that ends the kernel
WALL = 1.5  # a kernel's own limit of time, for what outlives its notebook: so many times that
IOPUB_SECONDS = 10  # that the rest of a cell's messages may follow its reply


class Client(NotebookClient):
    """nbclient's client, which ends a cell that sends too much, or keeps nbclient too busy to see that time is up."""

    limits: Limits
    spent_cell = spent = 0
    taking = flooded = late = False
    deadline = math.inf  # of the cell that runs, for `look`

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take in one message of any kind, or, past the limit, none and end the cell."""
        size = len(repr(msg["content"]))
        self.spent_cell, self.spent = self.spent_cell + size, self.spent + (0 if self.taking else size)
        most = MAX_EVIDENCE if self.taking else ROOM * self.limits.cell_output
        if self.spent_cell > most or self.spent > self.limits.notebook_output:
            self.flooded = True
            assert self.task_poll_for_reply is not None
            self.task_poll_for_reply.cancel()
            return None
        return super().process_message(msg, cell, cell_index)

    async def run_cell(self, cell: NotebookNode, index: int, seconds: float) -> None:
        """Run one cell within `seconds`; raises KernelEnded where that ends the kernel."""
        self.timeout, self.spent_cell = max(1, math.ceil(seconds)), 0
        try:
            self.deadline = time.monotonic() + self.timeout + IOPUB_SECONDS + 1
            await self.async_execute_cell(cell, index, execution_count=None)
        except KernelEnded:
            raise
        except CellTimeoutError:  # the other of nbclient's timeouts: the reply is there, not all that the cell sent
            raise KernelEnded("unfinished") from None
        except DeadKernelError:
            raise KernelEnded(await self._cause()) from None
        except Exception:  # what Jupyter's own client trips over was not sent by an honest cell
            raise KernelEnded(await self._cause("damaged")) from None
        finally:
            self.deadline = math.inf

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> None:
        """Called by nbclient where a cell's reply is late; nbclient's own error would differ in words alone."""
        raise KernelEnded("timeout")

    async def _cause(self, otherwise: str = "crash") -> str:
        if self.flooded or self.late:
            return "output" if self.flooded else "timeout"
        provisioner = self.km.provisioner if self.km else None
        if not isinstance(provisioner, SandboxProvisioner):
            return otherwise
        await provisioner.poll()
        why = provisioner.ended.why if provisioner.ended else ""
        return {"wall": "timeout", "refused": "crash"}.get(why, why) or otherwise

    def end(self) -> None:
        """End the kernel and what it has started; may be called from any thread."""
        provisioner: Any = self.km.provisioner if self.km else None
        if isinstance(provisioner, SandboxProvisioner):
            provisioner.end()
        elif provisioner and provisioner.pgid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(provisioner.pgid, signal.SIGKILL)

    def flood(self) -> None:
        """End the kernel because of what it sends; may be called from any thread."""
        self.flooded = True
        self.end()

    def look(self, now: float) -> None:
        """End the kernel where a cell's time is long up, and nbclient too busy to see it."""
        if now > self.deadline:
            self.late, self.deadline = True, math.inf
            self.end()


@asynccontextmanager
async def kernel(notebook: NotebookNode, files: Mapping[str, bytes], limits: Limits) -> AsyncIterator[Client]:
    """A kernel in a folder that no other kernel has touched, with `files` in it; raises KernelError if none starts."""
    with tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True) as folder:
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
                atexit.unregister(client._cleanup_kernel)  # nbclient leaves it there
                raise KernelError(f"no kernel could be started ({type(error).__name__}: {error}).") from error
            stack.callback(client.end)
            with _guard.watching(client):
                yield client


def _client(notebook: NotebookNode, place: Path, limits: Limits) -> Client:
    """nbclient over unix sockets: no port to clash with another kernel's, nor to be reached by anyone else."""
    sandboxed = limits.sandbox != "none"
    where = {"transport": "ipc", "ip": str(place / "k"), "connection_file": str(place / "c.json")}
    enforced = {name: getattr(limits, name) for name in (*OF_A_SANDBOX, "prepare")}
    box: dict[str, Any] = {
        "shape": limits.sandbox,
        "output": limits.cell_output,
        "wall_seconds": WALL * limits.notebook_seconds,
    }
    box |= {"preload": " ".join(limits.preload), "environment": list(limits.environment)}
    client = Client(
        nb=notebook,
        config=Config(
            BoundedKernelManager={"max_message": limits.message},
            AsyncKernelManager={} if sandboxed else where,
            SandboxProvisioner={**enforced, **box} if sandboxed else {},
        ),
        kernel_manager_class=SandboxKernelManager if sandboxed else BoundedKernelManager,
        startup_timeout=math.ceil(limits.start_seconds),
        shutdown_kernel="immediate",
        allow_errors=True,
        record_timing=False,  # of no use to anyone, and else no two runs give the same notebook
        raise_on_iopub_timeout=True,  # a message too large has cut the kernel off, or it withholds that it is done
        iopub_timeout=IOPUB_SECONDS,
        store_widget_state=False,
        coalesce_streams=False,  # its search for carriage returns grows with the square of a line
        extra_arguments=[] if sandboxed else [f"--InteractiveShellApp.exec_lines={IMPORTS}"],
    )
    client.limits = limits
    return client


def _environment(home: Path, limits: Limits) -> dict[str, str]:
    """A kernel's environment: what Python needs and what the course adds, nothing that is the instructor's.

    PYTHONSAFEPATH: the kernel itself starts from what is installed, whatever modules lie in its folder.
    """
    kept = {name: os.environ[name] for name in (*INHERITED_ENVIRONMENT, *limits.environment) if name in os.environ}
    places = {name: str(home) for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR")}
    return {**kept, **places, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}


class _ResourceWatchdog:
    """Watches cells' time and this process' memory, from one thread while kernels run."""

    def __init__(self) -> None:
        self.lock, self.clients, self.base, self.watches = threading.Lock(), set[Client](), 0, False

    @contextlib.contextmanager
    def watching(self, client: Client) -> Iterator[None]:
        """Have a client's kernel among those that are ended when memory grows too much, or a cell's time is up."""
        with self.lock:
            if not self.clients:
                self.base = _held()
            self.clients.add(client)
            if not self.watches:  # the thread may be there still, from the kernel before
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
                if _held() - self.base > MOST_GROWTH:
                    for client in self.clients:
                        client.flood()
                    self.base = _held()


def _held() -> int:
    return int(_process(os.getpid()).memory_info().rss)


_process = cache(psutil.Process)  # to make one costs more than to ask it
_guard = _ResourceWatchdog()


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder; one that would leave it, or whose name this system does not take, is left out."""
    for name, content in files.items():
        inside = PurePosixPath(name)
        if not inside.is_absolute() and ".." not in inside.parts:
            with contextlib.suppress(OSError, ValueError):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / inside).write_bytes(content)
