"""Run a notebook's first cells once, and serve kernels that go on from there. These processes are inside bubblewrap.

Theory of operation. A *checkpoint* is a process that has run some cells and serves kernels on its own socket, as
the zygote does (`server`). The zygote forks one process for each connection that asks for checkpoints, the *keeper*:

    zygote ─▶ keeper ─▶ scout, scout     run the steps, each like a kernel, and end
                     ─▶ checkpoint ─▶ checkpoint ─▶ ...     each runs on from the one before it

The scouts are sandboxed like any kernel, with its limits. Each starts with other random numbers, and reports what every
step has sent and left behind. A cell ends the steps if the scouts differ after it, if it fails or takes too long, or if
it leaves behind what forks would share or lose: a descriptor, shared memory, a process, a thread. Then checkpoints run
the steps before it once more, compare themselves with the scouts, and stay at the places that are worth it: after cells
that took long, and at the end.

A checkpoint is in its own namespaces, and only the course's own cells run in it. What a student does happens in
forks of it, whose memory, files and processes are separate. The keeper ends when its client disconnects, and with it
all checkpoints and kernels. It never runs a cell; it only reads the scouts' reports.
"""

import json
import os
import select
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.kernels import sandbox
from autograder.kernels.digest import is_whole
from autograder.kernels.forks import FIRST_DESCRIPTOR, alone, compact, fork
from autograder.kernels.limits import ENDINGS, REPORT, STEPS, Ending, Unfit
from autograder.kernels.linux import PDEATHSIG, prctl
from autograder.kernels.sandbox import Request
from autograder.kernels.server import Server, send

MOST_PLACES = 6
MAX_REPORT = 64 << 20  # bytes of one process' report
BACKLOG = 64

Outcome = Mapping[str, Any]  # of a step, as `SharedShell.take` returns it


def keep(request: Request, connection: socket.socket, program: bytes) -> int:
    """Fork the process that makes checkpoints and reports to the client. Return its process id."""
    keeper = os.fork()
    if keeper:
        return keeper
    try:
        alone(connection.fileno())
        _Keeper(request, connection, program).keep()
    finally:
        os._exit(0)


class _Keeper:
    """Makes checkpoints. The request's folder contains the steps, and gets the report."""

    def __init__(self, request: Request, connection: socket.socket, program: bytes) -> None:
        self.request, self.connection, self.program = request, connection, program
        self.folder = Path(request.folder)
        self.asked: dict[str, Any] = json.loads((self.folder / STEPS).read_text())
        self.steps: list[dict[str, Any]] = self.asked["steps"]
        self.differs: list[Any] = []  # a step in which a checkpoint differs from the scouts, and what differs

    def keep(self) -> None:
        """Make the checkpoints, send the report, and wait until the client disconnects."""
        scouts = [self._scout() for _ in range(2)]
        end, why, detail = _agreed(*scouts)
        places = self._places(scouts[0][:end])
        served, checkpoints = self._checkpoints(scouts[0], places) if places else ([], 0)
        if self.differs:
            end, why, detail = self.differs[0], Unfit.DIFFERS, self.differs[1]
        report = {
            "end": end,
            "why": why,
            "detail": detail,
            "places": served,
            "since": {place: _since([outcome["digest"] for outcome in scouts[0][: place + 1]]) for place in served},
            "messages": [outcome["messages"] for outcome in scouts[0][:end]],
            "cpu": [outcome["cpu"] for outcome in scouts[0][:end]],
        }
        (self.folder / REPORT).write_text(json.dumps(report))
        send(self.connection, {"report": True})
        if checkpoints:
            os.waitpid(checkpoints, 0)

    def _scout(self) -> list[Outcome]:
        """Run the steps once, and return their outcomes. The last one may be a reason why it went no further."""
        process, report = self._fork(self._run_steps)
        outcomes: list[Outcome] = []
        with os.fdopen(report, "rb") as pipe:
            for line in _lines(pipe.fileno(), self.asked["seconds"]):
                outcomes.append(json.loads(line) if line else {"why": Unfit.TIME, "detail": ""})
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if len(outcomes) < len(self.steps) and not (outcomes and outcomes[-1]["why"]):
            outcomes.append({"why": Unfit.ENDED, "detail": ENDINGS.get(status, Ending.NONE)})
        return outcomes

    def _run_steps(self, report: int) -> None:
        """Run the steps in this process until one is unfit."""
        from autograder.kernels.shared_shell import SharedShell  # takes long to import, unless the zygote has it

        sandbox.enter(self.request, self.program)()
        with tempfile.TemporaryFile() as outside:
            for number in range(1, FIRST_DESCRIPTOR):
                os.dup2(outside.fileno(), number)
            shell = SharedShell(self.request.policy.output)
            for step in self.steps:
                outcome = shell.take(step)
                if not outcome["why"] and os.fstat(outside.fileno()).st_size:
                    outcome["why"] = Unfit.OUTSIDE
                _write(report, outcome)
                if outcome["why"]:
                    break

    def _places(self, outcomes: Sequence[Outcome]) -> list[int]:
        """Return the steps where checkpoints are worth it, of those that are steady."""
        places, spent = list[int](), 0.0
        stops = [
            number
            for number, outcome in enumerate(outcomes)
            if self.steps[number]["kind"] == "stop" and outcome["steady"]
        ]
        for number, outcome in enumerate(outcomes):
            spent += outcome["cpu"]
            is_last = bool(stops) and number == stops[-1]
            has_room = len(places) < MOST_PLACES - 1 and not self.steps[number].get("only_last")
            if number in stops and spent >= self.asked["costly"] and (is_last or has_room):
                places, spent = [*places, number], 0.0
        return places

    def _checkpoints(self, expected: Sequence[Outcome], places: Sequence[int]) -> tuple[list[int], int]:
        """Start the checkpoints. Return the places that are served, and the process that all of them end with."""
        process, report = self._fork(lambda report: self._run_on(report, expected, places))
        served: list[int] = []
        with os.fdopen(report, "rb") as pipe:
            for line in _lines(pipe.fileno(), self.asked["seconds"] * (len(self.steps) + 1)):
                if line is None:
                    os.kill(process, signal.SIGTERM)
                    return [], process
                content = json.loads(line)
                if "differs" in content:
                    self.differs = content["differs"]
                    break
                served.append(content["place"])
                if len(served) == len(places):
                    break
        return sorted(served), process

    def _run_on(self, report: int, expected: Sequence[Outcome], places: Sequence[int]) -> None:
        """Run the steps up to the last place. At each place, stay as a checkpoint; a fork runs on."""
        from autograder.kernels.shared_shell import SharedShell

        sandbox.enter_checkpoint(self.request)
        shell = SharedShell(self.request.policy.output)
        for number, step in enumerate(self.steps[: places[-1] + 1]):
            if differences := _differences(shell.take(step), expected[number]):
                _write(report, {"differs": [number, differences[0]]})
                return
            if number in places:
                shell.prepare(step["numbers"])
                if number == places[-1] or os.fork():
                    self._serve(number, shell, report)
                prctl(PDEATHSIG, signal.SIGKILL)
                sandbox.separate_scratch(self.request.policy.scratch)
                shell.restore_random(seed=False)

    def _serve(self, number: int, shell: Any, report: int) -> None:
        """Serve kernels that go on from this process."""
        from autograder.kernels.direct_kernel import DirectKernel

        kernel = DirectKernel.of(shell)
        shell.settle()
        compact()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(self.folder / str(number)))
            listener.listen(BACKLOG)
            _write(report, {"place": number})
            os.close(report)

            def run(request: Request, ready: Callable[[], None]) -> None:
                assert request.channel is not None
                kernel.start_in_fork(socket.socket(fileno=request.channel), request.policy.output, ready)

            Server(listener, lambda request: fork(request, self.program, run, resumed=True)).serve()

    def _fork(self, body: Callable[[int], None]) -> tuple[int, int]:
        """Fork a process for `body`. Return its process id, and the descriptor that its report is read from."""
        reading, writing = os.pipe()
        process = os.fork()
        if process:
            os.close(writing)
            return process, reading
        try:
            prctl(PDEATHSIG, signal.SIGKILL)
            alone(writing)
            body(writing)
        finally:
            os._exit(0)


def _agreed(first: Sequence[Outcome], second: Sequence[Outcome]) -> tuple[int, str, str]:
    """Return how many steps two scouts agree on, and why the next one is unfit, with a detail."""
    for number, pair in enumerate(zip(first, second, strict=False)):
        for outcome in pair:
            if outcome["why"]:
                return number, outcome["why"], outcome["detail"]
        if differences := _differences(*pair):
            return number, Unfit.DIFFERS, differences[0]
    return len(first), "", ""


def _differences(one: Outcome, other: Outcome) -> list[str]:
    """Return what differs between two outcomes of a step."""
    names = sorted(one["digest"].keys() | other["digest"].keys())
    differing = [name for name in names if one["digest"].get(name) != other["digest"].get(name)]
    return [*differing, *(what for what in ("messages", "steady") if one[what] != other[what])]


def _since(digests: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Return by name the first step after which it has the value that it has in the end, if that is known whole."""
    since = {}
    for key, value in digests[-1].items():
        if key.startswith("`") and is_whole(value):
            others = (number for number in reversed(range(len(digests))) if digests[number].get(key) != value)
            since[key.strip("`")] = next(others, -1) + 1
    return since


def _lines(descriptor: int, seconds: float) -> Iterator[bytes | None]:
    """Yield the lines that arrive, each within so many seconds; None for one that is late or too long."""
    left, buffer = MAX_REPORT, b""
    while True:
        line, separator, rest = buffer.partition(b"\n")
        if separator:
            buffer = rest
            yield line
            continue
        deadline = time.monotonic() + seconds
        if left <= 0 or not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            yield None
            return
        content = os.read(descriptor, 1 << 16)
        if not content:
            return
        left, buffer = left - len(content), buffer + content


def _write(report: int, content: Any) -> None:
    data = f"{json.dumps(content, default=str)}\n".encode()
    with suppress(BrokenPipeError):
        while data:
            data = data[os.write(report, data) :]
