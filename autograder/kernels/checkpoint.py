"""Ask the zygote for checkpoints: processes that have run a notebook's first cells, from which kernels go on.

A request is a list of steps, each a dict with a `kind`:

    cell    run `source` as the cell with the number `count`
    define  run each of `sources` in the notebook's namespace, without a number and without output
    watch   a later stop is steady only if these `names` have the same values then, and modules keep the same
    stop    a place for a checkpoint; the next cells of its kernels have these `numbers`, and count on from the last;
            with `only_last`, only if no later step is fit for one

`checkpoint_server` describes what happens then, and `direct_kernel` how a kernel goes on from one.
"""

import contextlib
import json
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.errors import NoSandboxError
from autograder.kernels import bubblewrap, launcher
from autograder.kernels.limits import KERNELS, REPORT, STEPS, Policy, Unfit

MAX_MESSAGE = 1 << 16
FILES = "cwd"  # the folder that is copied to the working folder
COSTLY = 0.05  # seconds of processor time from which a checkpoint is worth its memory

Step = Mapping[str, Any]
Messages = Sequence[Mapping[str, Any]]  # what a step sent: message type and content


@dataclass(frozen=True)
class Asked:
    """What to run ahead.

    Attributes:
        steps: The steps.
        files: The files of the working folder.
        environment: The environment variables that kernels see.
        policy: The limits of each kernel.
        seconds: How long one step may take.
        costly: Seconds of processor time from which a checkpoint is worth its memory.
    """

    steps: Sequence[Step]
    files: Mapping[str, bytes]
    environment: Mapping[str, str]
    policy: Policy
    seconds: float
    costly: float = COSTLY


@dataclass(frozen=True)
class Checkpoints:
    """Running checkpoints. They end when they are closed, or when this process ends.

    Attributes:
        servers: The socket of each checkpoint, by the number of the step where it is.
        end: How many steps are fit to be run ahead.
        why: Why the next one is not; None if there is no next one.
        detail: The name, the exception or the limit that shows it.
        messages: What each of the steps before `end` sent.
        cpu: The seconds of processor time of each of them.
        since: For each checkpoint by name: the first step after which the name has the value that it has there. Only
            names whose values are known whole are listed: numbers, texts, arrays, and containers of these.
    """

    connection: socket.socket
    folder: Path
    servers: Mapping[int, Path]
    end: int
    why: Unfit | None
    detail: str
    messages: Sequence[Messages]
    cpu: Sequence[float]
    since: Mapping[int, Mapping[str, int]]

    def close(self) -> None:
        """End all of them, and their kernels."""
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(server: Path, asked: Asked) -> Checkpoints:
    """Start checkpoints, and wait until they are ready.

    Args:
        server: The socket of a warm server.
        asked: What to run ahead.

    Raises:
        NoSandboxError: The server does not answer, or cannot make checkpoints.
    """
    folder = Path(tempfile.mkdtemp(prefix="c", dir=server.parent))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        _furnish(folder, asked)
        connection = undo.enter_context(launcher.connect(server))
        report = _report(connection, folder, asked)
        undo.pop_all()
    why = Unfit(report["why"]) if report["why"] else None
    servers = {place: folder / str(place) for place in report["places"]}
    since = {int(place): names for place, names in report["since"].items()}
    kept = {name: report[name] for name in ("end", "detail", "messages", "cpu")}
    return Checkpoints(connection=connection, folder=folder, servers=servers, why=why, since=since, **kept)


def _furnish(folder: Path, asked: Asked) -> None:
    """Write the request's files into its folder."""
    for name, content in asked.files.items():
        path = folder / FILES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / FILES).mkdir(exist_ok=True)
    wanted = {"steps": asked.steps, "seconds": asked.seconds, "costly": asked.costly}
    (folder / STEPS).write_text(json.dumps(wanted))
    bubblewrap.give(folder, bubblewrap.user())


def _report(connection: socket.socket, folder: Path, asked: Asked) -> dict[str, Any]:
    """Send the request, and return the report."""
    request = {
        "checkpoints": True,
        "arguments": [],
        "environment": dict(asked.environment),
        "folder": str(KERNELS / folder.name),
        "outside": str(folder),
        "policy": asdict(asked.policy),
    }
    connection.settimeout(asked.seconds * (len(asked.steps) + 2) * 3)
    with contextlib.suppress(OSError, ValueError):
        connection.send(json.dumps(request).encode())
        while message := connection.recv(MAX_MESSAGE):
            if "report" in json.loads(message):
                connection.setblocking(True)
                return dict(json.loads((folder / REPORT).read_text()))
    raise NoSandboxError("no checkpoints could be made; the process that forks kernels does not answer.")
