"""What code inside a kernel cannot do: save itself from Linux, reach other terminals, hold what nobody counts."""

import os
from typing import Literal

import pytest

from autograder.course.limits import Limits
from autograder.kernels.limits import MIB
from autograder.tests.harness.cells_run import run_cells, values
from autograder.tests.support import kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("limits")]
Shape = Literal["warm", "cold"]
ASKS = {
    "priority": "file = open('/proc/self/oom_score_adj', 'r+')",
    "its children's": "import os\nchild = os.fork() or os._exit(0)\nopen(f'/proc/{child}/oom_score_adj', 'w')",
    "asynchronous input": "check(libc.syscall(206, 8, ctypes.byref(ctypes.c_ulong())))",
    "watches of files": "check(libc.fanotify_init(0, 0))",
    "pages in pipes": "check(libc.vmsplice(1, None, 0, 0))",
    "datagrams": "import socket\nsocket.socketpair(type=socket.SOCK_DGRAM)",
    "its sockets' folder": "import glob\nopen(glob.glob('/run/kernels/k*')[0] + '/file', 'w')",
}
PREPARE = """import ctypes
libc = ctypes.CDLL(None, use_errno=True)

def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
"""
TERMINALS = "import os, pty\npty.openpty()\nterminals = sorted(os.listdir('/dev/pts'))"
WATCHES = "watches = sum(libc.inotify_init() >= 0 for _ in range(20))"
X86 = os.uname().machine == "x86_64"  # the number of `io_setup` is another elsewhere


@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_what_is_refused(shape: Shape) -> None:
    asks = {what: source for what, source in ASKS.items() if X86 or "syscall" not in source}
    tried = [
        f"try:\n    {'    '.join(source.splitlines(keepends=True))}\nexcept OSError:\n    found.append({what!r})"
        for what, source in asks.items()
    ]
    cells = [PREPARE, "found = []", *tried, "found-test", TERMINALS, "terminals-test", WATCHES, "watches-test"]
    ran = run_cells(*cells, limits=Limits(cell_seconds=20, sandbox=shape))
    assert values(ran, "found-test") == {"found": list(asks)}
    assert values(ran, "terminals-test") == {"terminals": ["0", "ptmx"]}
    assert values(ran, "watches-test") == {"watches": 8 if shape == "warm" else 0}
    assert kernels() == []


HOLDS = {
    "sockets": """import os, socket, time
for _ in range(40):
    if not os.fork():
        try:
            kept = []
            while True:
                pair = socket.socketpair()
                pair[0].setblocking(False)
                kept.append(pair)
                try:
                    while True:
                        pair[0].send(bytes(60_000))
                except BlockingIOError:
                    pass
        except OSError:
            time.sleep(60)
time.sleep(60)""",
    "page tables": """import mmap
kept = []
while True:
    kept.append(mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, mmap.PROT_READ))
    sum(kept[-1][place] for place in range(0, 1 << 30, 1 << 21))""",
}


@pytest.mark.parametrize("shape", ["warm", "cold"])
@pytest.mark.parametrize("what", HOLDS)
def test_memory_that_no_process_owns_counts(what: str, shape: Shape) -> None:
    ran = run_cells(HOLDS[what], limits=Limits(cell_seconds=30, memory=400 * MIB, sandbox=shape, fresh_kernels=0))
    assert [failure.sentence for failure in ran.failures.values()] == [
        "cell number 1 used more than 400 MiB of memory and was stopped"
    ]


ORPHANS = """import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if not os.fork():
        while time.process_time() < 0.4:
            pass
        os._exit(0)
    time.sleep(0.2)"""


def test_time_of_processes_that_nobody_waits_for_counts() -> None:
    ran = run_cells(ORPHANS, limits=Limits(cell_seconds=30, cpu_seconds=2, fresh_kernels=0))
    assert [failure.sentence for failure in ran.failures.values()] == [
        "the notebook used more than 2 s of processor time and was stopped at cell number 1"
    ]
