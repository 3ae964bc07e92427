"""What a kernel uses: memory that no process owns, time of processes that nobody waited for, and its control group."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autograder.kernels import control_group, supervisor
from autograder.kernels.control_group import ControlGroup, join, new_group, own_group
from autograder.kernels.limits import Ending, Policy
from autograder.kernels.sockets import Sockets
from autograder.kernels.usage import PIPE, TICKS, Usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels need Linux")


def _process(root: Path, number: int, seconds: float, waited: float = 0, start: int = 7, memory: str = "") -> Path:
    folder = root / str(number)
    (folder / "fd").mkdir(parents=True, exist_ok=True)
    times = [str(round(one * TICKS)) for one in (seconds, 0, waited, 0)]
    (folder / "stat").write_text(f"{number} (a) b) R 1 {' '.join(['0'] * 9)} {' '.join(times)} 0 0 0 0 {start}\n")
    (folder / "status").write_text(memory or "RssAnon: 10 kB\nRssFile: 99 kB\nRssShmem: 5 kB\nVmPTE: 1 kB\n")
    return folder


def _kernel_bytes(folder: Path) -> int:
    return PIPE * (folder / "fd").stat().st_size


def test_page_tables_pipes_and_what_nobody_owns_count_as_memory(tmp_path: Path) -> None:
    folder = _process(tmp_path, 1, 0)
    memory, _ = Usage(lambda: [folder, tmp_path / "ended"], lambda: 500).look()
    assert memory == (10 + 5 + 1 << 10) + 500 + _kernel_bytes(folder)


def test_time_of_processes_that_nobody_waits_for_stays_counted(tmp_path: Path) -> None:
    there = [_process(tmp_path, 1, 1.0)]
    usage = Usage(lambda: there, int)
    for number in range(2, 5):
        there[1:] = [_process(tmp_path, number, 2.0)]
        assert usage.look()[1] == pytest.approx(1 + 2 * (number - 1))
    there[1:] = [_process(tmp_path, 4, 0.5, start=8)]  # another process with a number that was used before
    assert usage.look()[1] == pytest.approx(1 + 6 + 0.5)


def test_time_of_processes_that_were_waited_for_counts_once(tmp_path: Path) -> None:
    there = [_process(tmp_path, 1, 1.0), _process(tmp_path, 2, 3.0)]
    usage = Usage(lambda: there, int)
    assert usage.look()[1] == pytest.approx(4)
    there[:] = [_process(tmp_path, 1, 1.0, waited=3.5)]
    assert usage.look()[1] == pytest.approx(4.5)


def test_a_control_groups_account_counts_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 9500000\nuser_usec 1\n")
    with (tmp_path / "cpu.stat").open() as file:
        assert Usage(list, int, file.fileno()).look() == (0, 9.5)


@pytest.mark.parametrize("closes", [False, True])
def test_full_sockets_are_measured_also_when_the_sender_is_closed(closes: bool) -> None:
    sockets = Sockets()
    one, other = socket.socketpair()
    with closing(one), closing(other), closing(sockets):
        one.setblocking(False)
        sent, before = 0, sockets.bytes_used()
        try:
            while True:
                sent += one.send(b"x" * 10_000)
        except BlockingIOError:
            pass
        if closes:
            one.close()
        assert sockets.bytes_used() - before >= sent


def test_a_linux_without_reports_of_sockets_counts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.kernels.sockets.SOCK_DIAG", 31)  # a protocol that does not exist
    assert Sockets().bytes_used() == 0


# --- the machine ----------------------------------------------------------------------------------------------------


def _files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    def write(available: int, kills: int = 0) -> None:
        (tmp_path / "meminfo").write_text(f"MemTotal: {8 << 20} kB\nMemAvailable: {available << 10} kB\n")
        (tmp_path / "vmstat").write_text(f"pgfree 1\noom_kill {kills}\n")

    number = supervisor._number
    monkeypatch.setattr(supervisor, "_number", lambda path, name: number(str(tmp_path / Path(path).name), name))
    return write


def test_a_machine_without_memory_ends_what_may_have_taken_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write = _files(monkeypatch, tmp_path)
    write(available=2000)
    machine = supervisor._Machine()
    write(available=1000)
    assert not machine.is_exhausted()
    write(available=300, kills=1)
    assert machine.is_exhausted()
    assert machine.has_killed()
    later = supervisor._Machine()  # there was no more when it started
    assert not later.is_exhausted()
    assert not later.has_killed()


@pytest.mark.parametrize(
    ("status", "seconds", "wrapped", "why"),
    [
        (-9, 1.0, False, Ending.LOST),
        (-9, 99.0, False, Ending.CPU),
        (137, 1.0, False, Ending.NONE),
        (137, 1.0, True, Ending.KILLED),
        (-11, 1.0, False, Ending.NONE),
        (0, 1.0, True, Ending.NONE),
    ],
)
def test_what_killed_a_kernel(status: int, seconds: float, wrapped: bool, why: Ending) -> None:
    assert supervisor._killed(status, seconds, Policy(cpu_seconds=60), wrapped) is why


# --- control groups -------------------------------------------------------------------------------------------------

MOUNTS = """23 28 0:21 / /proc rw - proc proc rw
31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw
32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
"""


def test_the_own_group_is_found() -> None:
    assert own_group("4:memory:/x\n0::/user.slice/a.scope\n", MOUNTS) == Path("/sys/fs/cgroup/user.slice/a.scope")
    assert own_group("0::/\n", MOUNTS) == Path("/sys/fs/cgroup")
    inside = MOUNTS.replace("0:27 / /sys", "0:27 /docker/1 /sys")
    assert own_group("0::/docker/1/b\n", inside) == Path("/sys/fs/cgroup/b")
    assert own_group("0::/elsewhere\n", inside) is None
    assert own_group("4:memory:/x\n", MOUNTS) is None


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder as Linux shows a group that is ours, with a process in it."""
    for name, content in {
        "cgroup.controllers": "cpu memory",
        "cgroup.subtree_control": "",
        "cgroup.procs": "1\n",
    }.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "autograder").mkdir()
    (tmp_path / "autograder-999999999-0").mkdir()
    monkeypatch.setattr(control_group, "own_group", lambda *_: tmp_path)
    monkeypatch.setattr(control_group, "_is_given", lambda own: True)
    control_group.group_for_groups.cache_clear()
    yield tmp_path
    control_group.group_for_groups.cache_clear()


def test_a_kernel_gets_a_group_of_its_own(given: Path) -> None:
    group = new_group(800)
    assert group is not None
    assert group.folder.parent == given
    assert (given / "cgroup.subtree_control").read_text() == "+memory"
    assert (given / "autograder" / "cgroup.procs").read_text() == "1", "processes are in leaves only"
    assert not (given / "autograder-999999999-0").exists(), "what a killed process left"
    assert (group.folder / "memory.max").read_text() == "900"
    for name, content in {
        "cgroup.procs": "",
        "cpu.stat": "usage_usec 5\n",
        "memory.events": "oom 3\noom_kill 0\n",
    }.items():
        (group.folder / name).write_text(content)
    moves, times = group.opened()
    join(moves)
    assert (group.folder / "cgroup.procs").read_text() == "0"
    assert os.pread(times, 99, 0) == b"usage_usec 5\n"
    assert not group.has_killed()
    (group.folder / "memory.events").write_text("oom 3\noom_kill 2\n")
    assert group.has_killed()
    os.close(moves)
    os.close(times)


def test_without_a_part_of_the_tree_there_is_no_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control_group.group_for_groups.cache_clear()
    monkeypatch.setattr(control_group, "own_group", lambda *_: None)
    assert new_group(1) is None
    control_group.group_for_groups.cache_clear()
    assert not control_group._is_given(tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpu")
    assert not control_group._is_given(tmp_path)
    assert not ControlGroup(tmp_path / "gone").has_killed()
    ControlGroup(tmp_path / "gone").remove()
