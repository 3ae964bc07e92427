"""Real kernels: evidence is taken where a test stands, and a deadly cell costs itself alone."""

import pytest

from autograder.course.limits import Limits, Sandbox
from autograder.errors import KernelError
from autograder.model import NoEvidence
from autograder.tests.harness.cells_run import run_cells, values
from autograder.tests.support import kernels

pytestmark = pytest.mark.kernel


def _no_kernels() -> bool:
    return not kernels()


def test_evidence_is_what_held_at_the_test() -> None:
    ran = run_cells("x = 1", "x-test", "x = 2", "y = x", "y-test")
    assert values(ran, "x-test") == {"x": 1}
    assert values(ran, "y-test") == {"y": 2}
    assert ran.failures == {}
    assert _no_kernels()


def test_a_test_cell_is_never_run_and_declared_evidence_is() -> None:
    ran = run_cells("def f(n): return n * x\nx = 3", "x-test", drawn="x + 1", got="f(drawn)", raised="f()")
    found = values(ran, "x-test")
    assert (found["x"], found["drawn"], found["got"]) == (3, 4, 12)
    assert str(found["raised"]).startswith("raised: TypeError: f() missing 1 required positional argument")
    assert "drawn" not in str(values(run_cells("x = 1", "x-test", "y = dir()", "y-test", drawn="1"), "y-test")["y"])


def test_an_error_costs_what_depends_on_it() -> None:
    ran = run_cells("x = 1 / 0", "x-test", "y = 2", "y-test")
    assert str(values(ran, "x-test")["x"]).startswith("x: no such name")
    assert values(ran, "y-test") == {"y": 2}
    assert ran.notebook.cells[0].outputs[0].ename == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("deadly", "reason", "sentence"),
    [
        ("while True: pass", "timeout", "cell number 3 ran longer than 3 s and was stopped"),
        ("import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass", "timeout", "cell number 3 ran"),
        ("import os\nos._exit(0)", "crash", "the kernel died in cell number 3"),
        ("import ctypes\nctypes.string_at(0)", "crash", "the kernel died in cell number 3"),
        ("while True: print('x' * 1000)", "output", "cell number 3 produced more than"),
        ("import os\nwhile True: os.write(1, b'x' * 1000)", "output", "cell number 3 produced more than"),
        ("while True: display('x' * 10_000)", "output", "cell number 3 produced more than"),
    ],
)
def test_a_deadly_cell_costs_itself_alone(deadly: str, reason: str, sentence: str) -> None:
    ran = run_cells("x = 1", "x-test", f"y = 1\n{deadly}", "y-test", "z = x + 2", "z-test")
    assert values(ran, "x-test") == {"x": 1}
    assert str(values(ran, "y-test")["y"]).startswith("y: no such name")
    assert values(ran, "z-test") == {"z": 3}
    ((place, death),) = ran.failures.items()
    assert place == 2
    assert death.reason == reason
    assert death.sentence.startswith(sentence)
    assert ran.notebook.cells[2].outputs[0].ename == reason
    assert _no_kernels()


@pytest.mark.parametrize("sandbox", ["warm", "cold", "none"])
def test_evidence_is_collected_with_the_compiled_program_and_with_its_source(sandbox: Sandbox) -> None:
    compiled = "'autograder.kernels.program' in __import__('sys').modules"
    ran = run_cells("x = {1, 2}", "x-test", compiled=compiled, limits=Limits(sandbox=sandbox))
    assert values(ran, "x-test") == {"x": {1, 2}, "compiled": sandbox == "warm"}


def test_a_notebook_that_replaces_the_program_gives_no_evidence() -> None:
    replaced = "import autograder.kernels.program as program\nprogram.run = lambda namespace: namespace.update(x=1)"
    ran = run_cells("x = 1", "x-test", replaced, "y = 2", "y-test", limits=Limits(sandbox="warm"))
    assert values(ran, "x-test") == {"x": 1}
    found = ran.evidence["y-test"]
    assert isinstance(found, NoEvidence)
    assert found.reason == "damaged"


@pytest.mark.parametrize(("command", "sandbox"), [("exit()", "warm"), ("quit()", "cold"), ("exit()", "none")])
def test_a_cell_that_asks_the_kernel_to_exit_costs_nothing(command: str, sandbox: Sandbox) -> None:
    slow = "import time\ntime.sleep(0.5)\ny = 2"
    ran = run_cells(f"x = 1\n{command}", "x-test", slow, "y-test", limits=Limits(sandbox=sandbox))
    assert values(ran, "x-test") == {"x": 1}
    assert values(ran, "y-test") == {"y": 2}
    assert ran.failures == {}


def test_a_cell_that_prints_too_much_is_stopped_where_it_prints() -> None:
    ran = run_cells("x = 1", "for i in range(10**6):\n    print('x' * 1000)\ny = 1", "y-test", "z = x", "z-test")
    assert str(values(ran, "y-test")["y"]).startswith("y: no such name")
    assert values(ran, "z-test") == {"z": 1}
    assert ran.failures[1].reason == "output"
    assert ran.failures[1].sentence.startswith("cell number 2 produced more than")


def test_a_kernel_cannot_kill_itself() -> None:
    """It is the first process of its namespace: the signal is without effect, and the cell goes on."""
    ran = run_cells("import os\nos.kill(os.getpid(), 9)\nx = 1", "x-test")
    assert values(ran, "x-test") == {"x": 1}
    assert ran.failures == {}
    assert _no_kernels()


def test_after_too_many_deaths_the_rest_has_no_evidence() -> None:
    cells = [cell for i in range(4) for cell in (f"import os; x{i} = 1; os._exit(1)", f"x{i}-test")]
    ran = run_cells(*cells, limits=Limits(cell_seconds=5, fresh_kernels=2))
    assert [death.reason for death in ran.failures.values()] == ["crash"] * 3
    last = ran.evidence["x3-test"]
    assert isinstance(last, NoEvidence)
    assert last.sentence == "the kernel died in cell number 5; this test was not reached"


def test_a_notebook_is_bounded_as_a_whole() -> None:
    cells = ["import select; select.select([], [], [], 2)"] * 4
    ran = run_cells(*cells, "x = 1", "x-test", limits=Limits(cell_seconds=5, notebook_seconds=4, fresh_kernels=1))
    found = ran.evidence["x-test"]
    assert isinstance(found, NoEvidence)
    assert found.reason == "timeout"
    assert found.sentence.startswith("the notebook ran longer than 4 s and was stopped at cell number ")
    assert kernels() == []


@pytest.mark.parametrize(
    "tampering",
    [
        "ip = get_ipython(); ip.ast_transformers.append(type('T', (), {'visit': lambda s, n: type(n)([], [])})())",
        "ip = get_ipython(); ip.input_transformers_cleanup.append(lambda lines: [])",
        "ip = get_ipython(); ip.run_cell = lambda *a, **k: None",
    ],
)
def test_a_notebook_that_changes_how_cells_run_gives_no_evidence(tampering: str) -> None:
    found = run_cells("x = 1", tampering, "x-test").evidence["x-test"]
    assert isinstance(found, NoEvidence)
    assert found.reason in ("damaged", "timeout", "crash")


def test_honest_names_that_shadow_builtins_do_no_harm() -> None:
    shadows = "list = dict = print = type = exec = compile = str = len = sorted = isinstance = open = id = 7"
    assert values(run_cells(shadows, "x = (1, [2.5, {'a': None}])", "x-test"), "x-test") == {
        "x": (1, [2.5, {"a": None}])
    }


def test_a_kernel_sees_no_secrets_and_no_sign_of_grading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    ran = run_cells("import os\nx = [k for k in os.environ if k in ('SECRET_TOKEN', 'NBGRADER_EXECUTION')]", "x-test")
    assert values(ran, "x-test") == {"x": []}


def test_a_kernel_that_cannot_start_is_our_fault() -> None:
    with pytest.raises(KernelError, match=r"no kernel could be started \(NoSandboxError: .*ZeroDivisionError"):
        run_cells("x = 1", "x-test", limits=Limits(prepare="1 / 0"))
    assert _no_kernels()


def test_nor_is_one_without_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.execution.client._environment", lambda home, limits: {"PYTHONHOME": "/nowhere"})
    with pytest.raises(KernelError, match=r"no kernel could be started \("):
        run_cells("x = 1", "x-test", limits=Limits(start_seconds=5, sandbox="none"))
    assert _no_kernels()
