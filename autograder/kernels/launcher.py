"""Find or start the server that starts kernels.

Theory of operation. The first kernel of a process starts a server: a zygote, or the cold server if namespaces cannot be
nested. It also creates a temporary folder for the server's socket, with a subfolder for each kernel. Later kernels of
this process use the same server; so do child processes that get the variables of `shared`. The server ends when the
pipe from the process that started it closes. If that process was killed, the next one removes its folder.
"""

import atexit
import contextlib
import json
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

from autograder.errors import NoSandboxError
from autograder.files import SERVERS, digest, short_temporary_folder, sweep, temporary_prefix
from autograder.kernels import bubblewrap
from autograder.kernels.limits import FAILED_BEFORE, FAILED_PRELOADING, KERNELS, NO_NESTING

Shape = Literal["warm", "cold"]
GIVEN = "AUTOGRADER_KERNELS"  # environment variable: the socket of a server to use, regardless of what it has loaded
BACKLOG = 64
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL) if sys.platform == "linux" else ()  # exit statuses
LOADING = 120.0  # seconds in which a server must have loaded its modules; without them, it gets as long again
END_TIMEOUT = 5.0  # seconds in which a server must end


@dataclass(frozen=True)
class Loaded:
    """What a server loads and shows to its kernels.

    Attributes:
        preload: The names of modules to import, separated by spaces.
        prepare: Python code to run before the imports.
        environment: The names of more environment variables to pass to the server.
        whole: Show the whole package to the kernels, for notebooks whose tests import it.
        hidden: Folders that kernels must not see, wherever they are.
        program: Source to compile once for all kernels; see `program`. The cold shape ignores it.
    """

    preload: str = ""
    prepare: str = ""
    environment: tuple[str, ...] = ()
    whole: bool = False
    hidden: tuple[str, ...] = ()
    program: str = ""

    @property
    def name(self) -> str:
        """Return a short name for the server's socket."""
        parts = (self.preload, self.prepare, str(self.whole), self.program, *self.environment, "hidden", *self.hidden)
        return digest(*parts)[:8]


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
_refused: set[str] = set()  # shapes that are not available on this machine
_warned: set[str] = set()


def server(loaded: Loaded, shape: str = "auto") -> Path:
    """Return the path of a server's socket, and start the server if necessary.

    The socket's folder also contains the kernels' folders.

    Args:
        loaded: What the server loads.
        shape: "warm", "cold", or "auto" for the first of these that is available.

    Raises:
        NoSandboxError: The server cannot be started.
    """
    with _lock:
        for wanted in ("warm", "cold") if shape == "auto" else (shape,):
            with contextlib.suppress(_NoNestingError):
                return _server(loaded, wanted)
    raise NoSandboxError(
        "namespaces cannot be nested on this machine, so the warm sandbox is not available; "
        "set c.Limits.sandbox = 'cold'."
    )


def connect(path: Path) -> socket.socket:
    """Return a new connection to a server, for one kernel."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def shape_of(path: Path) -> Shape:
    """Return the shape of a server's sandboxes."""
    return "warm" if path.name.startswith("w") else "cold"


def shared(path: Path) -> dict[str, str]:
    """Return the environment variables that let a child process use this server."""
    return {GIVEN: str(path)}


def close() -> None:
    """End this process's servers and all their kernels, and remove their folder."""
    with _lock:
        for server in _servers.values():
            server.end()
        _servers.clear()
        for folder in _own:
            shutil.rmtree(folder, ignore_errors=True)
        _own.clear()


class _NoNestingError(Exception):
    """The warm shape is not available, because namespaces cannot be nested."""


def _server(loaded: Loaded, shape: str) -> Path:
    if shape in _refused:
        raise _NoNestingError
    path = _place() / f"{shape[0]}{loaded.name}"
    given = [Path(os.environ[GIVEN])] if GIVEN in os.environ else []
    for candidate in [*given, path]:
        with contextlib.suppress(OSError):
            connect(candidate).close()
            return candidate
    _start(loaded, shape, path)
    return path


def _place() -> Path:
    """Return the folder of this process's servers and kernels, and create it if necessary."""
    if not _own:
        sweep()
        _own.append(Path(tempfile.mkdtemp(prefix=temporary_prefix(SERVERS), dir=short_temporary_folder())))
        _own[0].chmod(0o711)  # the kernels' user must be able to reach the kernels' folders
        atexit.register(close)
    return _own[0]


def _start(loaded: Loaded, shape: str, path: Path, again: bool = False) -> None:
    """Start a server in place of an older one with the same name, and wait until it has loaded its modules.

    One that is killed meanwhile is started once more. `again`: it was.
    """
    if older := _servers.pop(path.name, None):
        older.end()
    bubblewrap.bubblewrap()
    # check what may be missing before anything else is opened
    rules = bubblewrap.filter_file(watches=shape == "warm")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(BACKLOG)
        lifeline, ours = os.pipe()
        announced, announce = os.pipe()
        given = {"listener": listener.fileno(), "lifeline": lifeline, "announce": announce, "filter": rules}
        process = _popen(loaded, shape, path, given)
        for descriptor in (lifeline, announce, rules):
            os.close(descriptor)
    with os.fdopen(announced, "rb") as pipe:
        in_time, _, _ = select.select([pipe], [], [], LOADING)
        ready = pipe.read() if in_time else b""
    if ready:
        _servers[path.name] = _Server(process, ours)
        for module, reason in json.loads(ready).items():
            _warn(f"the module {module} cannot be preloaded ({reason}); kernels start without it")
        return
    os.close(ours)
    path.unlink()
    if not in_time:
        _kill(process)
    elif process.wait() in KILLED and not again:
        _start(loaded, shape, path, again=True)
        return
    if shape == "warm" and loaded.preload and process.wait() not in (FAILED_BEFORE, NO_NESTING):
        reason = f"the process ended with status {process.returncode}"
        if not in_time:
            reason = f"loading took more than {LOADING:g} s"
        elif process.returncode == FAILED_PRELOADING:
            reason = _last_line(process, path.with_suffix(".log"))
        _warn(f"nothing is preloaded ({reason}); each kernel loads {loaded.preload} itself")
        _start(replace(loaded, preload=""), shape, path)
        return
    _explain(process, shape, path.with_suffix(".log"), late=not in_time)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a server that is stuck, and all its processes."""
    for stuck in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended with the one killed before it
            stuck.kill()
    process.kill()


def _popen(loaded: Loaded, shape: str, path: Path, given: dict[str, int]) -> subprocess.Popen[bytes]:
    options = [word for name, number in given.items() for word in (f"--{name}", str(number))]
    if shape == "warm":
        rehearsal = path.with_suffix(".r")
        rehearsal.mkdir(exist_ok=True)
        bubblewrap.give(rehearsal, bubblewrap.user())
        options += ["--rehearsal", str(KERNELS / rehearsal.name), "--user", str(bubblewrap.user())]
        options += ["--preload", loaded.preload, "--prepare", loaded.prepare]
        source = path.with_suffix(".py")
        source.write_text(loaded.program, encoding="utf-8")
        options += ["--program", str(KERNELS / source.name)]
    wall = bubblewrap.wall(path.parent, KERNELS, whole=loaded.whole, hidden=loaded.hidden)
    outside = [*wall, "--"] if shape == "warm" else []
    hidden = {bubblewrap.HIDDEN: json.dumps(loaded.hidden)} if shape == "cold" else {}
    module = "autograder.kernels." + ("zygote" if shape == "warm" else "cold")
    with path.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            [*outside, sys.executable, "-P", "-m", module, *options],
            env=bubblewrap.environment(loaded.environment) | hidden,
            pass_fds=tuple(given.values()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _explain(process: subprocess.Popen[bytes], shape: str, log: Path, late: bool) -> None:
    """Raise the exception for a server that did not start."""
    status = process.wait()
    if status == NO_NESTING:
        _refused.add(shape)
        raise _NoNestingError
    slow = f"loading took more than {LOADING:g} s; check c.Limits.prepare"
    raise NoSandboxError(f"the {shape} sandbox did not start: {slow if late else _last_line(process, log)}")


def _last_line(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the last line that a server wrote, or its exit status if it wrote nothing."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the process ended with status {process.wait()}"


def _warn(sentence: str) -> None:
    """Log a warning about c.Limits.preload, once in this process."""
    if sentence not in _warned:
        _warned.add(sentence)
        logging.getLogger(__name__).warning("c.Limits.preload: %s.", sentence)
