"""Start each kernel in its own bubblewrap, on machines where namespaces cannot be nested.

This is slower than the warm shape, because each kernel loads its modules again.

Theory of operation. The server is the same `Server` as the zygote's, but it runs outside any sandbox and preloads
nothing. For each request it forks a supervisor, which starts bubblewrap. Inside bubblewrap this module runs again and
becomes the kernel. bubblewrap ends with its supervisor, and everything inside ends with bubblewrap. The supervisor
finds the kernel's processes by their process namespace.

Differences for the code inside: process 1 is bubblewrap's; /tmp and /dev/shm are separate, each with the size of the
scratch space; there is no inotify. The supervisor binds the kernel's sockets, so their folder is read-only from the
start.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from autograder.kernels import bubblewrap
from autograder.kernels.control_group import join
from autograder.kernels.forks import alone, be_kernel, become
from autograder.kernels.limits import INSIDE, SCRATCH, STATUS, Ending
from autograder.kernels.linux import NO_NEW_PRIVS, load_filter, prctl
from autograder.kernels.sandbox import KILLED_FIRST, Request, bound, furnish
from autograder.kernels.server import Server, request_of
from autograder.kernels.sockets import Sockets, enter_network
from autograder.kernels.supervisor import supervise
from autograder.kernels.usage import Usage

MODULE = "autograder.kernels.cold"
BACKLOG = 100  # as ZeroMQ does
INODE = 1024  # bytes that Linux needs for a file in memory, at least


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
    Server(listener, lambda request: _fork(request, options.filter), options.lifeline).serve()


def _fork(request: Request, program: int) -> int:
    """Start a supervisor, and return its process id."""
    server = os.getpid()
    supervisor = os.fork()
    if supervisor:
        return supervisor
    try:
        kept = os.dup(program)
        alone(kept, *request.group)
        _supervise(request, kept, server)
    finally:
        os._exit(STATUS[Ending.REFUSED])


def _supervise(request: Request, program: int, server: int) -> None:
    reading, writing = os.pipe()
    user = bubblewrap.own_user()
    sockets = _listening(Path(request.outside))
    bubblewrap.give(Path(request.outside), user)
    message = os.memfd_create("request")
    asked = {"request": asdict(replace(request, group=())), "sockets": sockets}
    os.write(message, json.dumps(asked).encode())
    hidden = json.loads(os.environ.get(bubblewrap.HIDDEN, "[]"))
    command = [
        *bubblewrap.wall(Path(request.outside), Path(request.folder), request.policy.scratch, hidden=hidden),
        "--die-with-parent",
    ]
    inside = [sys.executable, "-P", "-m", MODULE, "--request", str(message), "--filter", str(program)]
    wrapped = subprocess.Popen(
        [*command, "--info-fd", str(writing), "--", *inside, "--user", str(user)],
        env=bubblewrap.environment(),
        pass_fds=(writing, message, program, *sockets.values()),
        preexec_fn=lambda: _bound(request),
    )
    for descriptor in (writing, *sockets.values(), *request.group[:1]):
        os.close(descriptor)
    with os.fdopen(reading) as info:
        first = json.load(info)["child-pid"]
    usage = Usage(lambda: _processes(first), _held(first), *request.group[1:])
    supervise(wrapped.pid, request.policy, usage, parent=server, wrapped=True)


def _bound(request: Request) -> None:
    """Let Linux kill this process first, and move it to its control group."""
    Path(KILLED_FIRST).write_text("1000")
    for moves in request.group[:1]:
        join(moves)


def _listening(folder: Path) -> dict[str, int]:
    """Bind the kernel's sockets, because it cannot write to their folder. Return their descriptors by port."""
    connection = json.loads((folder / INSIDE).read_text())
    sockets = {}
    for name, port in connection.items():
        if name.endswith("_port"):
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.setblocking(False)
            listener.bind(str(folder / f"{Path(connection['ip']).name}-{port}"))
            listener.listen(BACKLOG)
            sockets[str(port)] = listener.detach()
    return sockets


def _held(first: int) -> Callable[[], int]:
    """Return a function that adds up the files in memory, and the sockets, of the processes below this one."""
    sockets: list[Sockets] = []
    with suppress(OSError):
        enter_network(first)
        sockets.append(Sockets())

    def held() -> int:
        return _files(first) + sum(one.bytes_used() for one in sockets)

    return held


def _files(first: int) -> int:
    """Return the bytes of all files in memory, with those of their inodes."""
    total = 0
    for place in (str(SCRATCH), "/tmp", "/dev/shm"):
        with suppress(OSError):
            status = os.statvfs(f"/proc/{first}/root{place}")
            total += (status.f_blocks - status.f_bfree) * status.f_frsize + (status.f_files - status.f_ffree) * INODE
    return total


def _processes(first: int) -> Iterator[Path]:
    """Yield a process and all processes below it. A process can hide its namespaces, but not its parent."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError, IndexError):  # it has just ended
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found = [first]
    for process in found:
        found += children.get(process, [])
        yield Path("/proc", str(process))


def _inside(options: argparse.Namespace) -> None:
    """Read the request, set up the sandbox that bubblewrap made, and run the kernel."""
    if options.user:
        become(options.user)
    asked = json.loads(_content(options.request))
    request = request_of(asked["request"])
    _listen(asked["sockets"])
    program = _content(options.filter)
    os.close(options.request)
    os.close(options.filter)
    furnish(request)
    bound(request.policy)
    prctl(NO_NEW_PRIVS, 1)
    load_filter(program)
    be_kernel(request, lambda: None)


def _listen(sockets: dict[str, int]) -> None:
    """Let the kernel's sockets use what is bound already."""
    import zmq  # the server needs no kernel's modules

    bind = zmq.Socket.bind

    def bound(self: Any, address: str) -> Any:
        descriptor = sockets.pop(address.rpartition("-")[2], None)
        if descriptor is not None:
            self.setsockopt(zmq.USE_FD, descriptor)
        return bind(self, address)

    zmq.Socket.bind = bound  # type: ignore[assignment,method-assign,unused-ignore]


def _content(descriptor: int) -> bytes:
    """Return a file's content without using its position, which kernels that start at the same time share."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


if __name__ == "__main__":
    main()
