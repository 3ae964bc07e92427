"""A process with modules loaded that forks a kernel for each request. Runs inside bubblewrap; never runs a notebook.

Theory of operation. It is handed a listening socket, a lifeline and the seccomp program as open descriptors; its only
other doors are the folder of connection files and sockets, and nothing else that can be written. It has *imported*
modules and run nothing of them: a library that has started threads before a fork hangs in the child. So it has one
thread, which it proves before it serves. A module that cannot be loaded is left out, and is named in what it announces.

A connection is a kernel: one request comes, the process id of its supervisor goes back; an order to end may come; when
the kernel has ended, how it did goes back. Where the connection ends first, so does the kernel: a killed client leaves
none. Where the lifeline ends (its writer, who started this zygote, has died), so does the zygote, and with it every
kernel: supervisors end with their parent, kernels with their supervisor.

What a fork inherits: loaded modules (variables of the environment that they read as they load come too late in a
notebook), one seed for the hashes of texts, no descriptor but those of its standard streams.
"""

import argparse
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.kernels import sandbox
from autograder.kernels.limits import ENDINGS, FAILED_BEFORE, FAILED_PRELOADING, NO_NESTING, STATUS, Policy
from autograder.kernels.linux import NODEV, NOEXEC, NOSUID, SET_DUMPABLE, collapse, mount, prctl
from autograder.kernels.sandbox import Request

KERNEL = (
    "autograder.kernels.ipython_kernel ipykernel.ipkernel ipykernel.zmqshell ipykernel.debugger "
    "IPython.core.completerlib IPython.core.debugger IPython.core.debugger_backport IPython.core.logger "
    "IPython.core.oinspect IPython.utils.wildcard IPython.extensions.storemagic sqlite3 zmq.utils.garbage "
    "tornado.platform.asyncio tornado.queues tornado.locks"
).split()
MAX_REQUEST = 1 << 20
MAX_REASON = 200  # characters of why a module cannot be loaded
THREADS_TIMEOUT = 2.0  # seconds
HUGE = 2 << 20  # bytes of a huge page
FIRST_DESCRIPTOR = 3

FAILED = "failed"  # in a kernel's folder: why it did not start

Spawn = Callable[[Request], int]  # starts a supervised kernel, gives its supervisor's process id
Run = Callable[[Request, Callable[[], None]], None]  # what a locked in fork does


class Server:
    """Serves connections until the lifeline ends. `spawn` starts one kernel."""

    def __init__(self, listener: socket.socket, lifeline: int, spawn: Spawn) -> None:
        self.listener, self.spawn = listener, spawn
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        self.selector.register(lifeline, selectors.EVENT_READ, None)
        self.clients: set[socket.socket] = set()  # those that still listen
        self.kernels: dict[socket.socket, tuple[int, int]] = {}  # its supervisor: process id, descriptor

    def serve(self) -> None:
        """Answer until the lifeline ends."""
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                key.data()

    def _accept(self) -> None:
        connection = self.listener.accept()[0]
        self.clients.add(connection)
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._hear(connection))

    def _hear(self, connection: socket.socket) -> None:
        if connection not in self.clients:  # its kernel has ended in the same moment
            return
        try:
            message = connection.recv(MAX_REQUEST)
        except OSError:
            message = b""
        if not message:
            self._drop(connection)
            return
        said = json.loads(message)
        if "end" in said:
            self._end(connection)
        else:
            self._start(connection, request_of(said))

    def _start(self, connection: socket.socket, request: Request) -> None:
        supervisor = self.spawn(request)
        descriptor = os.pidfd_open(supervisor)
        self.kernels[connection] = (supervisor, descriptor)
        self.selector.register(descriptor, selectors.EVENT_READ, lambda: self._ended(connection))
        _tell(connection, {"pid": supervisor})

    def _end(self, connection: socket.socket) -> None:
        if connection in self.kernels:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.kernels[connection][1], signal.SIGTERM)

    def _drop(self, connection: socket.socket) -> None:
        """The client is gone, or its kernel is."""
        if connection in self.clients:
            self.clients.discard(connection)
            self.selector.unregister(connection)
            connection.close()
        self._end(connection)

    def _ended(self, connection: socket.socket) -> None:
        supervisor, descriptor = self.kernels.pop(connection)
        _, status, usage = os.wait4(supervisor, 0)
        self.selector.unregister(descriptor)
        os.close(descriptor)
        why = ENDINGS.get(os.waitstatus_to_exitcode(status), "")
        _tell(connection, {"why": why, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss << 10})
        self._drop(connection)


def request_of(said: dict[str, Any]) -> Request:
    """A request as it came through the connection."""
    own = Policy(**said["policy"])
    return Request(tuple(said["arguments"]), said["environment"], said["folder"], said["outside"], own)


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):
        connection.send(json.dumps(message).encode())


def main() -> None:
    """Load modules, prove that a fork can be locked in, serve."""
    options = _options()
    if options.user:
        # bubblewrap has covered parts of root's /proc, and under a covered one no fork could mount its own
        mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
        become(options.user)
    with os.fdopen(options.filter, "rb") as file:
        program = file.read()
    listener = socket.socket(fileno=options.listener)
    if not _nests(options.rehearsal, program):
        sys.exit(NO_NESTING)
    exec(options.prepare, {})  # first: some settings are read once, as a module loads
    for module in KERNEL:
        importlib.import_module(module)
    _require_one_thread("c.Limits.prepare", FAILED_BEFORE)
    missing = _preload(options.preload.split())
    gc.collect()
    gc.freeze()
    _compact()
    _require_one_thread(f"loading {options.preload}", FAILED_PRELOADING)
    os.write(options.announce, json.dumps(missing).encode())
    os.close(options.announce)
    Server(listener, options.lifeline, lambda request: _fork(request, program, be_kernel)).serve()
    os._exit(0)  # a large library's own way out takes a second, where it comes to an end at all


def _preload(modules: Sequence[str]) -> dict[str, str]:
    """Load modules for all forks to find; return why, of those that cannot be loaded."""
    missing = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:
            lines = str(error).strip().splitlines()
            missing[module] = f"{type(error).__name__}: {lines[0][:MAX_REASON]}" if lines else type(error).__name__
    return missing


def _require_one_thread(after: str, status: int) -> None:
    """End this process where there are more threads than this one."""
    if (threads := _threads()) > 1:
        os.write(2, f"{threads} threads after {after}: a fork would hang".encode())
        os._exit(status)  # a thread may never end


def _compact() -> None:
    """Put what forks inherit into huge pages: a fork, and its end, go through the table of all pages there are."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, *_, name = (*line.split(maxsplit=5), "")[:6]
        start, end = (int(number, 16) for number in place.split("-"))
        first, last = -(-start // HUGE) * HUGE, end // HUGE * HUGE
        if rights.startswith("rw-p") and name in ("", "[heap]") and first < last:
            with suppress(OSError):  # an older Linux, or no free huge page: only slower
                collapse(first, last - first)


def _threads() -> int:
    """How many threads there are, once those that loading has started for a moment have ended."""
    deadline = time.monotonic() + THREADS_TIMEOUT
    while (found := len(list(Path("/proc/self/task").iterdir()))) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("listener", "lifeline", "announce", "filter", "user"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--rehearsal", required=True)  # a folder like a kernel's
    parser.add_argument("--preload", default="")
    parser.add_argument("--prepare", default="")
    return parser.parse_args()


def become(user: int) -> None:
    """Turn from root into an ordinary user, for good."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    prctl(SET_DUMPABLE, 1)  # else /proc/self belongs to root, and no user namespace could be mapped


def _nests(folder: str, program: bytes) -> bool:
    """Lock in one fork that does nothing: where namespaces do not nest, this shows it before anything is loaded."""
    supervisor = _fork(Request((), {}, folder, "", Policy()), program, lambda request, ready: ready())
    os.waitpid(supervisor, 0)
    return not Path(folder, FAILED).exists()


def _fork(request: Request, program: bytes, run: Run) -> int:
    supervisor = os.fork()
    if supervisor:
        return supervisor
    try:
        alone()
        run(request, sandbox.enter(request, program))
    except BaseException:  # nobody listens to what a fork writes; the folder can be written until the kernel is ready
        with suppress(OSError):
            Path(request.folder, FAILED).write_text(traceback.format_exc())
    finally:
        os._exit(STATUS["refused"])


def alone(kept: int = 0) -> None:
    """Leave the server's session, signals and descriptors, but for one; standard streams go nowhere."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(FIRST_DESCRIPTOR):
        os.dup2(null, number)
    most = os.sysconf("SC_OPEN_MAX")
    os.closerange(FIRST_DESCRIPTOR, max(kept, FIRST_DESCRIPTOR))
    os.closerange(max(kept + 1, FIRST_DESCRIPTOR), most)
    for order in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(order, signal.SIG_DFL)


def be_kernel(request: Request, ready: Callable[[], None]) -> None:
    """IPython's kernel, in a process that is locked in."""
    interior = importlib.import_module("autograder.kernels.ipython_kernel")
    interior.start(request.arguments, request.policy.output, ready)


if __name__ == "__main__":
    main()
