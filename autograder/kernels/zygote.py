"""Preload modules and fork a kernel for each request. This process runs inside bubblewrap and never runs a notebook.

Theory of operation. The process inherits three open descriptors: a listening socket, a lifeline and the seccomp
program. Apart from these it can only reach the folder of connection files and sockets, the only folder that it can
write to. It imports modules but does not use them, because a library that started threads before a fork can hang in the
child. So this process must have a single thread, and checks that before it serves. Modules that cannot be imported are
skipped, and are reported when the server announces that it is ready.

`server` describes the connections. The lifeline is a pipe from the process that started the zygote. When it closes, the
zygote ends, and with it every kernel: supervisors end with their parent, and kernels end with their supervisor.

A fork inherits the loaded modules, one seed for string hashes, and no descriptors except the standard streams. If a
module reads environment variables at import, a notebook sets them too late.
"""

import argparse
import gc
import importlib
import json
import os
import socket
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from autograder.kernels import program
from autograder.kernels.checkpoint_server import keep
from autograder.kernels.forks import FAILED, be_kernel, become, compact, fork
from autograder.kernels.limits import FAILED_BEFORE, FAILED_PRELOADING, NO_NESTING, Policy
from autograder.kernels.linux import NODEV, NOEXEC, NOSUID, mount
from autograder.kernels.sandbox import Request
from autograder.kernels.server import Server

KERNEL = (
    "autograder.kernels.direct_kernel ipykernel.ipkernel ipykernel.zmqshell ipykernel.debugger "
    "IPython.core.completerlib IPython.core.debugger IPython.core.debugger_backport IPython.core.logger "
    "IPython.core.oinspect IPython.utils.wildcard IPython.extensions.storemagic sqlite3 zmq.utils.garbage "
    "tornado.platform.asyncio tornado.queues tornado.locks "
    "stack_data pygments.console pygments.formatters.terminal256 pygments.styles fractions"  # to show an error
).split()
MAX_REASON = 200  # characters of the reason why a module cannot be loaded
THREADS_TIMEOUT = 2.0  # seconds


def main() -> None:
    """Check that a fork can be sandboxed, load the modules, and serve."""
    options = _options()
    if options.user:
        # bubblewrap covers parts of root's /proc, and the kernel does not let a fork mount a new /proc below that
        mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
        become(options.user)
    with os.fdopen(options.filter, "rb") as file:
        rules = file.read()
    listener = socket.socket(fileno=options.listener)
    if not _nests(options.rehearsal, rules):
        sys.exit(NO_NESTING)
    # Python 3.12 warns of each fork of a process with threads; a checkpoint has some (see `checkpoint_server`)
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    exec(options.prepare, {})  # before the imports: some settings are read only while a module loads
    for module in KERNEL:
        importlib.import_module(module)
    _require_one_thread("c.Limits.prepare", FAILED_BEFORE)
    missing = _preload(options.preload.split())
    program.load(Path(options.program).read_text(encoding="utf-8"))
    gc.collect()
    gc.freeze()
    compact()
    _require_one_thread(f"loading {options.preload}", FAILED_PRELOADING)
    os.write(options.announce, json.dumps(missing).encode())
    os.close(options.announce)
    Server(
        listener,
        lambda request: fork(request, rules, be_kernel),
        options.lifeline,
        lambda request, connection: keep(request, connection, rules),
    ).serve()
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


def _threads() -> int:
    """Return the number of threads, after giving short-lived threads some time to end."""
    deadline = time.monotonic() + THREADS_TIMEOUT
    while (count := len(list(Path("/proc/self/task").iterdir()))) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    return count


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)  # a file
    for name in ("listener", "lifeline", "announce", "filter", "user"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--rehearsal", required=True)  # a folder like that of a kernel, for a test fork
    parser.add_argument("--preload", default="")
    parser.add_argument("--prepare", default="")
    return parser.parse_args()


def _nests(folder: str, rules: bytes) -> bool:
    """Return whether namespaces can be nested. A fork that does nothing tries it, before any module is loaded."""
    supervisor = fork(Request((), {}, folder, "", Policy()), rules, lambda request, ready: ready())
    os.waitpid(supervisor, 0)
    return not Path(folder, FAILED).exists()


if __name__ == "__main__":
    main()
