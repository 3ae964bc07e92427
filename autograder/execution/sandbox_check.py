"""Test this machine's sandbox: the escape attempts of `autograder doctor`, each a cell in a real kernel.

A cell sets `out` to True if it escapes; normally it gets an exception instead. The targets are created for the test: a
file, a listener on the loopback interface and a process. A successful escape does no harm.
"""

import os
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

from autograder.course.limits import Limits
from autograder.evidence.decoder import decode_all
from autograder.execution.runner import Ran, run
from autograder.model import NoEvidence, TestPlan

VARIABLE = "AUTOGRADER_DOCTOR"  # set in this process' environment during the attempts


@dataclass(frozen=True)
class Attempt:
    """One escape attempt: what it tries to do, and its code with `@…@` placeholders for the targets."""

    tries: str
    code: str


ATTEMPTS = (
    Attempt("read one of your files", "out = bool(open('@SECRET@').read())"),
    Attempt("write to your folder", "open('@FOLDER@/left', 'w').write('here')"),
    Attempt("write to the system", "import sys\nopen(sys.prefix + '/left', 'w').write('here')\nout = True"),
    Attempt("read the grader's code", "import autograder.judging.judge\nout = True"),
    Attempt("see your environment", "import os\nout = '@WORD@' in str(os.environ)"),
    Attempt("connect to the network", "import socket\nout = bool(socket.create_connection(('127.0.0.1', @PORT@), 2))"),
    Attempt("see your processes", "import glob\nout = any('@SEEN@' in open(p).read() for p in glob.glob(@PROCESSES@))"),
    Attempt("kill every process", "import os\nos.kill(-1, 9)"),
    Attempt("create a namespace", "import ctypes\nout = ctypes.CDLL(None).unshare(0x10000000) == 0"),
    Attempt(
        "mount a file system", "import ctypes\nout = ctypes.CDLL(None).mount(b'none', b'/mnt', b'tmpfs', 0, None) == 0"
    ),
    Attempt("become root", "import os\nos.setuid(0)\nout = True"),
    Attempt(
        "leave a process running", "import subprocess\nsubprocess.Popen(['sleep', '@MARK@'], start_new_session=True)"
    ),
)


ENDING = 10.0  # seconds that a kernel's processes may take to end after it; their own time is longer


@dataclass
class _Targets:
    folder: Path
    listener: socket.socket
    bystander: subprocess.Popen[bytes]
    mark: str
    seen: str  # in the bystander's command

    def filled(self, code: str) -> str:
        """Return the code with the placeholders replaced by the real targets."""
        places = {
            "SECRET": self.folder / "secret",
            "FOLDER": self.folder,
            "WORD": self.mark,
            "PORT": self.listener.getsockname()[1],
            "SEEN": self.seen,
            "MARK": self.mark,
            "PROCESSES": "'/proc/[0-9]*/cmdline'",
        }
        for name, value in places.items():
            code = code.replace(f"@{name}@", str(value))
        return code

    def reached(self) -> list[str]:
        """Return which targets were reached, as seen from outside the sandbox."""
        reached = ["a file was written"] * (sorted(path.name for path in self.folder.iterdir()) != ["secret"])
        reached += ["one of your processes was ended"] * (self.bystander.poll() is not None)
        left = [one for one in psutil.process_iter() if self.mark in " ".join(_command(one))]
        reached += ["a process was left running"] * bool(psutil.wait_procs(left, ENDING)[1])
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return reached
        return [*reached, "the network was reached"]


def escapes(limits: Limits) -> list[str]:
    """Make all attempts in one kernel; return a sentence for each escape. Raise KernelError if no kernel starts."""
    with _targets() as targets:
        cells, plans = [], []
        for number, attempt in enumerate(ATTEMPTS):
            name = f"out{number}"
            source = f"{name} = out = False\n{targets.filled(attempt.code)}\n{name} = out"
            test = nbformat.v4.new_code_cell(metadata={"nbgrader": {"grade_id": name}})
            cells += [nbformat.v4.new_code_cell(source), test]
            plans.append(TestPlan(name, 1.0, (name,), (), "", ""))
        ran = run(nbformat.v4.new_notebook(cells=cells), plans, {}, limits)
        escaped = [_describe(attempt, plan.cell, ran) for attempt, plan in zip(ATTEMPTS, plans, strict=True)]
        return [*filter(None, escaped), *targets.reached()]


def _describe(attempt: Attempt, name: str, ran: Ran) -> str:
    evidence = ran.evidence[name]
    if isinstance(evidence, NoEvidence):
        return f"could not test whether it could {attempt.tries}: {evidence.sentence}"
    return f"it could {attempt.tries}" if decode_all(evidence)[name].value else ""


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # the process has just ended
        return []


@contextmanager
def _targets() -> Iterator[_Targets]:
    mark = f"30.0{uuid.uuid4().int % 10**12:012}"  # a number, so that `sleep` takes it
    seen = f"bystander-{uuid.uuid4().hex}"
    with (
        tempfile.TemporaryDirectory(prefix="doctor-") as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        subprocess.Popen([sys.executable, "-c", "input()", seen], stdin=subprocess.PIPE) as bystander,
    ):
        Path(folder, "secret").write_text(mark)
        listener.setblocking(False)
        os.environ[VARIABLE] = mark
        try:
            yield _Targets(Path(folder), listener, bystander, mark, seen)
        finally:
            del os.environ[VARIABLE]
            bystander.kill()
