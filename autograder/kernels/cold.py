"""Start each kernel in its own bubblewrap, on machines where namespaces cannot be nested.

This is slower than the warm shape, because each kernel loads its modules again.

Theory of operation. The server is the zygote's `Server`, but it runs outside any sandbox and preloads nothing. For each
request it forks a supervisor, which starts bubblewrap. Inside bubblewrap this module runs again and becomes the kernel.
bubblewrap ends with its supervisor, and everything inside ends with bubblewrap. The supervisor finds the kernel's
processes by their process namespace.

Differences for the code inside: process 1 is bubblewrap's; the folder of the sockets stays writable, and files there
count as memory; /tmp and /dev/shm are separate, each with the size of the scratch space.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from autograder.kernels import bubblewrap
from autograder.kernels.limits import STATUS
from autograder.kernels.linux import NO_NEW_PRIVS, load_filter, prctl
from autograder.kernels.sandbox import Request, furnish
from autograder.kernels.supervisor import supervise
from autograder.kernels.zygote import Server, alone, be_kernel, become, request_of

MAX_REQUEST = 1 << 20
MODULE = "autograder.kernels.cold"


def main() -> None:
    """Serve requests or, inside bubblewrap, run a kernel."""
    parser = argparse.ArgumentParser()
    for name in ("listener", "lifeline", "announce", "filter", "request", "user"):
        parser.add_argument(f"--{name}", type=int, default=0)
    options = parser.parse_args()
    if options.request:
        _inside(options)
        return
    os.write(options.announce, b"{}")  # no module failed to load, because none is preloaded
    os.close(options.announce)
    listener = socket.socket(fileno=options.listener)
    Server(listener, options.lifeline, lambda request: _fork(request, options.filter)).serve()


def _fork(request: Request, program: int) -> int:
    """Start a supervisor, and return its process id."""
    server = os.getpid()
    supervisor = os.fork()
    if supervisor:
        return supervisor
    try:
        kept = os.dup(program)
        alone(kept)
        _supervise(request, kept, server)
    finally:
        os._exit(STATUS["refused"])


def _supervise(request: Request, program: int, server: int) -> None:
    reading, writing = os.pipe()
    user = bubblewrap.own_user()
    bubblewrap.give(Path(request.outside), user)
    message = os.memfd_create("request")
    os.write(message, json.dumps(asdict(request)).encode())
    command = [
        *bubblewrap.wall(Path(request.outside), Path(request.folder), request.policy.scratch),
        "--die-with-parent",
    ]
    inside = [sys.executable, "-P", "-m", MODULE, "--request", str(message), "--filter", str(program)]
    wrapped = subprocess.Popen(
        [*command, "--info-fd", str(writing), "--", *inside, "--user", str(user)],
        env=bubblewrap.environment(),
        pass_fds=(writing, message, program),
    )
    os.close(writing)
    with os.fdopen(reading) as info:
        first = json.load(info)["child-pid"]
    space = _namespace(first)
    supervise(
        wrapped.pid, request.policy, lambda: _processes(space), lambda: _bytes_used(request.outside), parent=server
    )


def _namespace(process: int | str) -> str:
    """Return the process namespace of a process, or "" if the process has ended or belongs to another user."""
    with suppress(OSError):
        return str(Path(f"/proc/{process}/ns/pid").readlink())
    return ""


def _processes(space: str) -> Iterator[Path]:
    for folder in Path("/proc").iterdir():
        if space and folder.name.isdecimal() and _namespace(folder.name) == space:
            yield folder


def _bytes_used(folder: str) -> int:
    """Return the number of bytes on disk in the folder of the sockets."""
    return sum(path.lstat().st_blocks * 512 for path in Path(folder).rglob("*"))


def _inside(options: argparse.Namespace) -> None:
    """Read the request, set up the sandbox that bubblewrap made, and run the kernel."""
    if options.user:
        become(options.user)
    request = request_of(json.loads(_content(options.request)))
    program = _content(options.filter)
    os.close(options.request)
    os.close(options.filter)
    furnish(request)
    prctl(NO_NEW_PRIVS, 1)
    load_filter(program)
    be_kernel(request, lambda: None)


def _content(descriptor: int) -> bytes:
    """Return a file's content without using its position, which kernels that start at the same time share."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


if __name__ == "__main__":
    main()
