"""Finding or starting the server that kernels are asked of.

Theory of operation. The first kernel of a process starts a server (a zygote, or where namespaces do not nest its cold
stand-in) and a folder of its own, which holds the server's socket and a folder for each kernel. Later kernels find it
there, also those of child processes that `shared` has told of it. The server lives as long as the pipe to its starter;
what a starter that was killed left on the disk, the next one removes.
"""

import atexit
import contextlib
import json
import logging
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

import psutil

from autograder.errors import NoSandboxError
from autograder.kernels import bubblewrap
from autograder.kernels.limits import FAILED_BEFORE, FAILED_PRELOADING, KERNELS, NO_NESTING

Shape = Literal["warm", "cold"]
GIVEN = "AUTOGRADER_KERNELS"  # environment: the socket of a server to be used, whatever it has loaded
PREFIX = "ag-"  # short: paths of sockets end at 107 bytes
BACKLOG = 64
LOADING = 300.0  # seconds that a server has to load everything
END_TIMEOUT = 5.0  # seconds that a server has to end


@dataclass(frozen=True)
class Loaded:
    """What a server has loaded: modules by name, and a line of Python that is run before loading them.

    `environment` names variables that it sees beyond the usual ones. `whole`: its kernels see all of this package, for
    notebooks of one's own whose tests import it.
    """

    preload: str = ""
    prepare: str = ""
    environment: tuple[str, ...] = ()
    whole: bool = False

    @property
    def name(self) -> str:
        """A short name for a socket."""
        names = " ".join(self.environment)
        return sha256(f"{self.preload}\0{self.prepare}\0{names}\0{self.whole}".encode()).hexdigest()[:8]


@dataclass
class _Server:
    process: subprocess.Popen[bytes]
    lifeline: int

    def end(self) -> None:
        """End the process and all of its kernels."""
        os.close(self.lifeline)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_TIMEOUT)
        self.process.kill()
        self.process.wait()


_lock = threading.Lock()
_servers: dict[str, _Server] = {}
_own: list[Path] = []
_refused: set[str] = set()  # shapes that this machine does not give
_warned: set[str] = set()


def server(loaded: Loaded, shape: str = "auto") -> Path:
    """The socket of a server, started where there is none; raises NoSandboxError.

    Its folder is where kernels have folders of their own.
    """
    with _lock:
        for wanted in ("warm", "cold") if shape == "auto" else (shape,):
            with contextlib.suppress(_NoNestingError):
                return _server(loaded, wanted)
    raise NoSandboxError(
        "namespaces do not nest on this machine, so no kernel can be forked into a sandbox of its own; "
        "set c.Limits.sandbox = 'cold'."
    )


def connect(path: Path) -> socket.socket:
    """A connection to a server, for one kernel."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def shape_of(path: Path) -> Shape:
    """Which shape of sandbox a server gives."""
    return "warm" if path.name.startswith("w") else "cold"


def shared(path: Path) -> dict[str, str]:
    """What a child process' environment needs to find this process' server."""
    return {GIVEN: str(path)}


def close() -> None:
    """End this process' servers, and with them all their kernels, and remove their folder."""
    with _lock:
        for server in _servers.values():
            server.end()
        _servers.clear()
        for folder in _own:
            shutil.rmtree(folder, ignore_errors=True)
        _own.clear()


class _NoNestingError(Exception):
    """The warm shape is not to be had."""


def _server(loaded: Loaded, shape: str) -> Path:
    if shape in _refused:
        raise _NoNestingError
    path = _place() / f"{shape[0]}{loaded.name}"
    given = [Path(os.environ[GIVEN])] if GIVEN in os.environ else []
    for there in [*given, path]:
        with contextlib.suppress(OSError):
            connect(there).close()
            return there
    _start(loaded, shape, path)
    return path


def _place() -> Path:
    """The folder of this process' servers and kernels."""
    if not _own:
        _sweep()
        _own.append(Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")))
        _own[0].chmod(0o711)  # a kernel's user passes through, to folders of its own
        atexit.register(close)
    return _own[0]


def _start(loaded: Loaded, shape: str, path: Path) -> None:
    """Start a server, in place of one that may have died, and wait until it has loaded everything."""
    if before := _servers.pop(path.name, None):
        before.end()
    bubblewrap.bubblewrap()
    program = bubblewrap.filter_file()  # what may be missing is asked for before anything is opened
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(BACKLOG)
        lifeline, ours = os.pipe()
        announced, announce = os.pipe()
        given = {"listener": listener.fileno(), "lifeline": lifeline, "announce": announce, "filter": program}
        process = _popen(loaded, shape, path, given)
        for descriptor in (lifeline, announce, program):
            os.close(descriptor)
    with os.fdopen(announced, "rb") as pipe:
        heard, _, _ = select.select([pipe], [], [], LOADING)
        ready = pipe.read() if heard else b""
    if ready:
        _servers[path.name] = _Server(process, ours)
        for module, reason in json.loads(ready).items():
            _warn(f"the module {module} cannot be preloaded ({reason}); kernels start without it")
        return
    os.close(ours)
    path.unlink()
    if not heard:
        for stuck in psutil.Process(process.pid).children(recursive=True):
            stuck.kill()
        process.kill()
    elif shape == "warm" and loaded.preload and process.wait() not in (FAILED_BEFORE, NO_NESTING):
        said = _last_line(process, path.with_suffix(".log"))
        ended = said if process.returncode == FAILED_PRELOADING else f"the process ended with {process.returncode}"
        _warn(f"nothing is preloaded ({ended}); kernels load {loaded.preload} themselves")
        _start(replace(loaded, preload=""), shape, path)
        return
    _explain(process, shape, path.with_suffix(".log"), late=not heard)


def _popen(loaded: Loaded, shape: str, path: Path, given: dict[str, int]) -> subprocess.Popen[bytes]:
    options = [word for name, number in given.items() for word in (f"--{name}", str(number))]
    if shape == "warm":
        rehearsal = path.with_suffix(".r")
        rehearsal.mkdir(exist_ok=True)
        bubblewrap.give(rehearsal, bubblewrap.user())
        options += ["--rehearsal", str(KERNELS / rehearsal.name), "--user", str(bubblewrap.user())]
        options += ["--preload", loaded.preload, "--prepare", loaded.prepare]
    outside = [*bubblewrap.wall(path.parent, KERNELS, whole=loaded.whole), "--"] if shape == "warm" else []
    module = "autograder.kernels." + ("zygote" if shape == "warm" else "cold")
    with path.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            [*outside, sys.executable, "-P", "-m", module, *options],
            env=bubblewrap.environment(loaded.environment),
            pass_fds=tuple(given.values()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _explain(process: subprocess.Popen[bytes], shape: str, log: Path, late: bool) -> None:
    ended = process.wait()
    if ended == NO_NESTING:
        _refused.add(shape)
        raise _NoNestingError
    said = f"it has not loaded everything within {LOADING:g} s" if late else _last_line(process, log)
    raise NoSandboxError(f"the {shape} sandbox does not start here: {said}")


def _last_line(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the last line that a server has written, or how it ended."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it ended with {process.wait()}"


def _warn(sentence: str) -> None:
    """Warn of a setting, once in this process."""
    if sentence not in _warned:
        _warned.add(sentence)
        logging.getLogger(__name__).warning("c.Limits.preload: %s.", sentence)


def _sweep() -> None:
    """Remove the folders of processes that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.split("-")[1]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
