"""Each limit met by a real kernel: the verdict's reason, its sentence, the next kernel, and nothing left behind."""

import asyncio
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest
from traitlets.config import Config

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.evidence.decoder import decode_all
from autograder.execution.client import MOST_GROWTH
from autograder.execution.runner import Ran, run
from autograder.kernels import launcher
from autograder.kernels.limits import MIB
from autograder.kernels.manager import SandboxKernelManager
from autograder.kernels.provisioner import SandboxProvisioner
from autograder.model import NoEvidence, Reason, TestPlan
from autograder.tests.support import kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("limits")]
TIGHT = Limits(
    cell_seconds=20,
    cpu_seconds=3,
    memory=900 * MIB,
    processes=40,
    files=128,
    file_size=MIB,
    scratch=4 * MIB,
    cell_output=100_000,
    notebook_output=120_000,
    message=MIB,
    fresh_kernels=1,
)
PLAN = TestPlan("x-test", 1.0, ("x",), (), "", "")
HOG = """import subprocess, sys
hog = "import sys; kept = bytearray(b'x' * 300_000_000); sys.stdin.read()"
hogs = [subprocess.Popen([sys.executable, "-c", hog], stdin=subprocess.PIPE) for _ in range(4)]
[hog.wait() for hog in hogs]"""
MEETINGS = {
    "cpu_seconds": ("while True: pass", "timeout", "the notebook used more than 3 s of processor time and was stopped"),
    "memory": (HOG, "memory", "cell number 1 used more than 900 MiB of memory and was stopped"),
    "memory at once": ("x = bytearray(50 << 30)", "memory", "cell number 1 asked for more memory than is available"),
    "processes": (
        "import subprocess\nall = [subprocess.Popen(['sleep', '60']) for _ in range(99)]",
        "limit",
        "cell number 1 started more than 40 processes",
    ),
    "threads": (
        "import threading\nwait = threading.Event().wait\nfor _ in range(99): threading.Thread(target=wait).start()",
        "limit",
        "cell number 1 started more than 40 threads",
    ),
    "files": ("all = [open(__import__('os').devnull) for _ in range(199)]", "limit", "opened more than 128 files"),
    "file_size": (
        "open('a', 'wb').write(bytes(2 << 20))",
        "limit",
        "wrote a file of more than 1 MiB",
    ),
    "scratch": (
        "for i in range(9): open(f'{i}', 'wb').write(bytes(1 << 20))",
        "limit",
        "cell number 1 wrote more than 4 MiB of files",
    ),
    "scratch elsewhere": (
        "for i in range(9): open(f'/{\"dev/shm\" if i % 2 else \"tmp\"}/{i}', 'wb').write(bytes(1 << 20))",
        "limit",
        "cell number 1 wrote more than 4 MiB of files",
    ),
    "cell_output": ("print('x' * 200_000)", "output", "cell number 1 produced more than 0.0953674 MiB of output"),
    "sent": ("for _ in range(99): display('x' * 5_000)", "output", "cell number 1 produced more than"),
    "notebook_output": (
        "for _ in range(5): display('x' * 30_000)",
        "output",
        "cell number 1 produced more than",
    ),
    "message": ("display('x' * 3_000_000)", "output", "cell number 1 sent a message of more than 1 MiB, or never"),
}

# Parts of a message that never ends, written past ZeroMQ into every connection that the kernel has.
FLOOD = """import os, socket, struct, threading
part = b"\\x03" + struct.pack(">Q", 1 << 19) + bytes(1 << 19)

def connection(name):
    try:
        found = socket.socket(fileno=os.dup(int(name)))
        found.getpeername()
        found.setblocking(True)
        return found
    except OSError:
        return None

def fill(one):
    while True:
        one.sendall(part)

found = [one for one in map(connection, os.listdir("/proc/self/fd")) if one and one.family == socket.AF_UNIX]
threads = [threading.Thread(target=fill, args=(one,)) for one in found if one.type == socket.SOCK_STREAM]
[thread.start() for thread in threads]
[thread.join() for thread in threads]"""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    mounts = Path("/proc/self/mountinfo").read_text()
    yield
    assert kernels() == []
    assert [path.name for place in launcher._own for path in place.iterdir() if path.name.startswith("k")] == []
    assert Path("/proc/self/mountinfo").read_text() == mounts


def _run(source: str, limits: Limits) -> Ran:
    test = nbformat.v4.new_code_cell(metadata={"nbgrader": {"grade_id": "x-test"}})
    return run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source), test]), [PLAN], {}, limits)


@pytest.mark.parametrize("name", MEETINGS)
def test_a_limit_met_costs_that_cell_and_says_so(name: str) -> None:
    source, reason, sentence = MEETINGS[name]
    ran = _run(f"{source}\nx = 1", TIGHT)
    assert ran.failures[0].reason == reason
    assert sentence in ran.failures[0].sentence
    text = ran.evidence["x-test"]
    assert isinstance(text, NoEvidence) or decode_all(text)["x"].reason is Reason.MISSING
    assert decode_all(str(_run("x = 1", TIGHT).evidence["x-test"]))["x"].value == 1


@pytest.mark.parametrize("name", ["memory", "cpu_seconds", "scratch", "processes"])
def test_the_cold_shape_has_the_same_limits(name: str) -> None:
    source, reason, sentence = MEETINGS[name]
    ran = _run(f"{source}\nx = 1", replace(TIGHT, sandbox="cold"))
    assert ran.failures[0].reason == reason
    assert sentence in ran.failures[0].sentence


def test_a_kernel_is_ended_with_its_time() -> None:
    async def ends(seconds: float) -> str:
        config = Config(SandboxProvisioner={"wall_seconds": seconds, "preload": ""})
        manager = SandboxKernelManager(config=config)
        await manager.start_kernel()
        started = manager.provisioner
        assert isinstance(started, SandboxProvisioner)
        await started.wait()
        assert started.ended is not None
        await manager.cleanup_resources()
        return started.ended.why

    assert asyncio.run(ends(0.3)) == "wall"


def test_a_kernel_that_floods_its_sockets_does_not_fill_the_grader() -> None:
    held, done = [psutil.Process().memory_info().rss], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            held.append(psutil.Process().memory_info().rss)

    looking = threading.Thread(target=look)
    looking.start()
    ran = _run(FLOOD, replace(TIGHT, cell_seconds=60, notebook_seconds=120, cpu_seconds=60, memory=3 << 30))
    done.set()
    looking.join()
    assert ran.failures[0].reason == "output"
    assert max(held) - held[0] < 2 * MOST_GROWTH


def test_limits_are_settings_of_the_course(course: Course) -> None:
    set_here = course.settings
    set_here.Limits.memory = 1 << 30
    set_here.Limits.sandbox = "cold"
    assert Course(config=set_here).limits == replace(course.limits, memory=1 << 30, sandbox="cold")
    set_here.Limits.memory = "much"
    with pytest.raises(CourseError, match=r"nbgrader_config.py: c.Limits: The 'memory' trait .* expected an int"):
        _ = Course(config=set_here).limits


def test_what_is_preloaded_has_the_names_of_modules(course: Course) -> None:
    set_here = course.settings
    set_here.Limits.preload = ["json", "os.path"]
    assert Course(config=set_here).limits.preload == ("json", "os.path")
    set_here.Limits.preload = ["json", "no module"]
    said = f"{course.root}/nbgrader_config.py: c.Limits: the 'preload' trait contains 'no module', which is not"
    with pytest.raises(CourseError, match=re.escape(said)):
        _ = Course(config=set_here).limits
