"""Kernels that something outside kills: the notebook runs once more; the second time no mark is decided."""

from collections.abc import Iterator
from typing import Any

import pytest

from autograder.course.limits import Limits
from autograder.errors import KernelError
from autograder.execution.client import Client
from autograder.tests.harness.cells_run import LIMITS, run_cells, values
from autograder.tests.harness.kills import kill, victims
from autograder.tests.support import kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("killed")]
COLD = Limits(cell_seconds=10, sandbox="cold")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    assert kernels() == []


def _killing(monkeypatch: pytest.MonkeyPatch, role: str, times: int = 1) -> None:
    """Kill a process of each of the first kernels when they are about to run the cell `x = 1`."""
    run_cell, left = Client.run_cell, [role] * times

    async def killing(client: Client, cell: Any, index: int, seconds: float) -> None:
        if cell.source == "x = 1" and left:
            for process in victims()[left.pop()]:
                kill(process)
        await run_cell(client, cell, index, seconds)

    monkeypatch.setattr(Client, "run_cell", killing)


@pytest.mark.parametrize("role", ["kernel", "supervisor", "server", "bubblewrap"])
def test_a_killed_kernel_costs_no_cell(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _killing(monkeypatch, role)
    ran = run_cells("y = 2", "x = 1", "x-test", "y-test")
    assert (values(ran, "x-test"), values(ran, "y-test")) == ({"x": 1}, {"y": 2})
    assert ran.failures == {}


def test_killed_twice_no_mark_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    _killing(monkeypatch, "kernel", times=2)
    with pytest.raises(KernelError, match="the kernel or the judge was killed twice, and not by the notebook; grade"):
        run_cells("x = 1", "x-test")


def test_in_the_cold_shape_a_cell_can_kill_its_kernel_and_costs_itself() -> None:
    ran = run_cells("import os\nos.kill(os.getpid(), 9)", "x = 1", "x-test", limits=COLD)
    assert values(ran, "x-test") == {"x": 1}
    assert [(cell, failure.sentence) for cell, failure in ran.failures.items()] == [
        (0, "the kernel was killed in cell number 1")
    ]


def test_in_the_cold_shape_a_killed_kernel_costs_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    _killing(monkeypatch, "kernel")
    ran = run_cells("x = 1", "x-test", limits=COLD)
    assert values(ran, "x-test") == {"x": 1}
    assert ran.failures == {}


def test_an_exit_status_is_not_taken_for_a_kill() -> None:
    ran = run_cells(f"import os\nos._exit({128 + 9})", "x = 1", "x-test", limits=LIMITS)
    assert [failure.sentence for failure in ran.failures.values()] == ["the kernel died in cell number 1"]
