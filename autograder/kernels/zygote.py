"""Preload modules and fork a kernel for each request. This process runs inside bubblewrap and never runs a notebook.

Theory of operation. The process inherits three open descriptors: a listening socket, a lifeline and the seccomp
program. Apart from these it can only reach the folder of connection files and sockets, the only folder that it can
write to. It imports modules but does not use them, because a library that started threads before a fork can hang in the
child. So this process must have a single thread, and checks that before it serves. Modules that cannot be imported are
skipped, and are reported when the server announces that it is ready.

Each connection is for one kernel. The client sends one request, and the server returns the process id of the kernel's
supervisor. The client may then ask to end the kernel. When the kernel ends, the server sends the reason. If the client
disconnects first, its kernel is ended, so a killed client leaves no kernel behind. The lifeline is a pipe from the
process that started the zygote. When it closes, the zygote ends, and with it every kernel: supervisors end with their
parent, and kernels end with their supervisor.

A fork inherits the loaded modules, one seed for string hashes, and no descriptors except the standard streams. If a
module reads environment variables at import, a notebook sets them too late.
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
MAX_REASON = 200  # characters of the reason why a module cannot be loaded
THREADS_TIMEOUT = 2.0  # seconds
HUGE = 2 << 20  # bytes of a huge page
FIRST_DESCRIPTOR = 3

FAILED = "failed"  # a file in the kernel's folder: why the kernel did not start

Spawn = Callable[[Request], int]  # starts a supervised kernel and returns its supervisor's process id
Run = Callable[[Request, Callable[[], None]], None]  # what a fork runs once it is in the sandbox


class Server:
    """Serves connections until the lifeline closes. `spawn` starts one kernel."""

    def __init__(self, listener: socket.socket, lifeline: int, spawn: Spawn) -> None:
        self.listener, self.spawn = listener, spawn
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        self.selector.register(lifeline, selectors.EVENT_READ, None)
        self.clients: set[socket.socket] = set()  # clients that are still connected
        self.kernels: dict[socket.socket, tuple[int, int]] = {}  # the supervisor's process id and descriptor

    def serve(self) -> None:
        """Handle requests until the lifeline closes."""
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                key.data()

    def _accept(self) -> None:
        connection = self.listener.accept()[0]
        self.clients.add(connection)
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._receive(connection))

    def _receive(self, connection: socket.socket) -> None:
        if connection not in self.clients:  # its kernel ended at the same moment
            return
        try:
            message = connection.recv(MAX_REQUEST)
        except OSError:
            message = b""
        if not message:
            self._drop(connection)
            return
        content = json.loads(message)
        if "end" in content:
            self._end(connection)
        else:
            self._start(connection, request_of(content))

    def _start(self, connection: socket.socket, request: Request) -> None:
        supervisor = self.spawn(request)
        descriptor = os.pidfd_open(supervisor)
        self.kernels[connection] = (supervisor, descriptor)
        self.selector.register(descriptor, selectors.EVENT_READ, lambda: self._ended(connection))
        _send(connection, {"pid": supervisor})

    def _end(self, connection: socket.socket) -> None:
        if connection in self.kernels:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.kernels[connection][1], signal.SIGTERM)

    def _drop(self, connection: socket.socket) -> None:
        """Close a connection whose client or kernel is gone, and end its kernel."""
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
        _send(connection, {"why": why, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss << 10})
        self._drop(connection)


def request_of(message: dict[str, Any]) -> Request:
    """Return the request that a client's message contains."""
    policy = Policy(**message["policy"])
    return Request(tuple(message["arguments"]), message["environment"], message["folder"], message["outside"], policy)


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):
        connection.send(json.dumps(message).encode())


def main() -> None:
    """Check that a fork can be sandboxed, load the modules, and serve."""
    options = _options()
    if options.user:
        # bubblewrap covers parts of root's /proc, and the kernel does not let a fork mount a new /proc below that
        mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
        become(options.user)
    with os.fdopen(options.filter, "rb") as file:
        program = file.read()
    listener = socket.socket(fileno=options.listener)
    if not _nests(options.rehearsal, program):
        sys.exit(NO_NESTING)
    exec(options.prepare, {})  # before the imports: some settings are read only while a module loads
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
    os._exit(0)  # skip the cleanup of large libraries: it takes a second and sometimes hangs


def _preload(modules: Sequence[str]) -> dict[str, str]:
    """Import modules so that all forks have them. Return the reason for each module that cannot be imported."""
    missing = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:
            lines = str(error).strip().splitlines()
            missing[module] = f"{type(error).__name__}: {lines[0][:MAX_REASON]}" if lines else type(error).__name__
    return missing


def _require_one_thread(after: str, status: int) -> None:
    """End this process if it has more than one thread."""
    if (threads := _threads()) > 1:
        os.write(2, f"{threads} threads are running after {after}; a forked kernel would hang".encode())
        os._exit(status)  # not sys.exit, which would wait for the threads


def _compact() -> None:
    """Move inherited memory into huge pages: starting and ending a fork takes time for each page."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, *_, name = (*line.split(maxsplit=5), "")[:6]
        start, end = (int(number, 16) for number in place.split("-"))
        first, last = -(-start // HUGE) * HUGE, end // HUGE * HUGE
        if rights.startswith("rw-p") and name in ("", "[heap]") and first < last:
            with suppress(OSError):  # on an older Linux, or without free huge pages, forks are only slower
                collapse(first, last - first)


def _threads() -> int:
    """Return the number of threads, after giving short-lived threads some time to end."""
    deadline = time.monotonic() + THREADS_TIMEOUT
    while (count := len(list(Path("/proc/self/task").iterdir()))) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    return count


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("listener", "lifeline", "announce", "filter", "user"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--rehearsal", required=True)  # a folder like that of a kernel, for a test fork
    parser.add_argument("--preload", default="")
    parser.add_argument("--prepare", default="")
    return parser.parse_args()


def become(user: int) -> None:
    """Switch permanently from root to an ordinary user."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    prctl(SET_DUMPABLE, 1)  # otherwise /proc/self belongs to root, and a user namespace cannot be mapped


def _nests(folder: str, program: bytes) -> bool:
    """Return whether namespaces can be nested. A fork that does nothing tries it, before any module is loaded."""
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
    except BaseException:  # write the error to a file: a fork's stderr is discarded, but its folder is still writable
        with suppress(OSError):
            Path(request.folder, FAILED).write_text(traceback.format_exc())
    finally:
        os._exit(STATUS["refused"])


def alone(kept: int = 0) -> None:
    """Detach from the server's session, signals and descriptors (except `kept`). Discard the standard streams."""
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
    """Run IPython's kernel in this process, which must be in its sandbox."""
    interior = importlib.import_module("autograder.kernels.ipython_kernel")
    interior.start(request.arguments, request.policy.output, ready)


if __name__ == "__main__":
    main()
