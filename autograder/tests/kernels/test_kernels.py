"""Sandboxed kernels as other tools meet them: by name, as root and as an ordinary user; who ends when somebody dies."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import nbformat
import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from traitlets.config import Config

import autograder
from autograder.cli.doctor import examine
from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import KernelError, NoSandboxError
from autograder.execution.runner import run
from autograder.execution.sandbox_check import ATTEMPTS, escapes
from autograder.files import sweep
from autograder.kernels import bubblewrap, connection, launcher
from autograder.kernels.launcher import GIVEN, Loaded
from autograder.kernels.manager import SandboxKernelManager
from autograder.kernels.provisioner import SandboxProvisioner
from autograder.tests.support import END_TIMEOUT, kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("kernels")]
QUICK = {"preload": "numpy"}


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    assert kernels() == []


def _printed(*cells: str, **settings: object) -> list[str]:
    """What cells print in one kernel, started as any tool would."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    config = Config(SandboxProvisioner={**QUICK, **settings})
    NotebookClient(notebook, kernel_manager_class=SandboxKernelManager, allow_errors=True, config=config).execute()
    return ["".join(out.get("text", out.get("evalue", "")) for out in cell.outputs).strip() for cell in notebook.cells]


async def _start(manager: SandboxKernelManager, **options: str) -> SandboxProvisioner:
    """Start a kernel; return its provisioner."""
    await manager.start_kernel(**options)
    assert isinstance(manager.provisioner, SandboxProvisioner)
    return manager.provisioner


@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_what_a_kernel_finds(shape: str, tmp_path: Path) -> None:
    folder, home, work, processes, fresh = _printed(
        "import os; print(os.getcwd())",
        "print(os.environ['HOME'], 'SHELL' in os.environ)",
        "open('made', 'w').write('x'); print(os.listdir('.'))",
        "print(len([n for n in os.listdir('/proc') if n.isdigit()]))",
        "import numpy as np; print(np.random.rand())",
        shape=shape,
    )
    assert (folder, home, work) == ("/scratch/work", "/scratch/home False", "['made']")
    assert int(processes) <= 2
    assert _printed("import numpy as np; print(np.random.rand())", shape=shape) != [fresh]


def test_a_kernel_works_on_a_copy_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("as it was")
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("open('here', 'a').write('!'); import os; print(sorted(os.listdir('.')))")]
    )
    config = Config(SandboxProvisioner=QUICK)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_manager_class=SandboxKernelManager, config=config, resources=resources).execute()
    assert notebook.cells[0].outputs[0].text == "['here', 'link']\n"
    assert (tmp_path / "here").read_text() == "as it was"


@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_a_client_is_ready_when_all_that_was_sent_before_has_arrived(shape: str) -> None:
    async def ready() -> bool:
        manager = SandboxKernelManager(config=Config(SandboxProvisioner={**QUICK, "shape": shape}))
        await _start(manager)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            request = client.execute("print(1)")
            first = await client.get_iopub_msg(timeout=10)
            return bool(first["parent_header"]["msg_id"] == request)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)

    assert asyncio.run(ready())


def test_a_client_of_a_kernel_that_ends_or_never_answers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def said(stop: bool) -> str:
        manager = SandboxKernelManager(config=Config(SandboxProvisioner=QUICK))
        provisioner = await _start(manager)
        client = manager.client()
        client.start_channels()
        monkeypatch.setattr(client, "kernel_info", lambda: "never sent")
        if stop:
            provisioner.end()
            await provisioner.wait()
        try:
            with pytest.raises(RuntimeError) as caught:
                await client.wait_for_ready(timeout=0.1)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
        return str(caught.value)

    assert asyncio.run(said(stop=True)) == "Kernel died before replying to kernel_info"
    assert asyncio.run(said(stop=False)) == "Kernel didn't respond in 0.1 seconds"


@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_kernels_that_start_at_the_same_time_all_start(shape: Literal["warm", "cold"]) -> None:
    def printed(number: int) -> str:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"print({number})")])
        return str(run(notebook, [], {}, Limits(sandbox=shape)).notebook.cells[0].outputs[0].text)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(printed, range(6))) == [f"{number}\n" for number in range(6)]


def test_a_folder_too_large_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(2 << 20))
    manager = SandboxKernelManager(config=Config(SandboxProvisioner={**QUICK, "scratch": 2 << 20}))
    with pytest.raises(OSError, match="larger than 1 MiB; start the notebook in a smaller folder"):
        asyncio.run(_start(manager, cwd=str(tmp_path)))


def test_the_kernelspec_names_the_provisioner() -> None:
    spec = KernelSpecManager().get_kernel_spec("autograder")
    ours = SandboxKernelManager().kernel_spec
    assert {**spec.to_dict(), "metadata": {}} == {**ours.to_dict(), "metadata": {}}
    for one in (spec, ours):  # Jupyter adds an empty configuration to the metadata when it looks a kernelspec up
        assert one.metadata["kernel_provisioner"]["provisioner_name"] == "autograder-sandbox"


SCRIPT = """
import asyncio, os, sys
from traitlets.config import Config
from autograder.kernels import launcher
from autograder.kernels.manager import SandboxKernelManager
manager = SandboxKernelManager(config=Config(SandboxProvisioner={"preload": "", "shape": sys.argv[1]}))
asyncio.run(manager.start_kernel())
print(launcher._own[0], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_with_a_killed_client_all_its_kernels_die(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tempfile.mkdtemp(prefix="s-")  # where no other process sweeps; short, as sockets' paths are
    monkeypatch.setattr("tempfile.tempdir", place)
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, shape],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": place},
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) >= 2  # a server and a supervisor; the cold shape's kernel may be on its way
        process.send_signal(signal.SIGKILL)
    gone, left = psutil.wait_procs(started, timeout=END_TIMEOUT)
    named = [child for child in psutil.process_iter() if folder.name in " ".join(_command(child))]
    assert left + psutil.wait_procs(named, timeout=END_TIMEOUT)[1] == []
    assert len(gone) == len(started)
    assert folder.is_dir()
    sweep()
    assert not folder.exists()
    Path(place).rmdir()


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def test_a_server_that_has_died_is_replaced() -> None:
    assert _printed("print(1)") == ["1"]
    path = launcher.server(Loaded(QUICK["preload"]))
    server = launcher._servers[path.name].process
    children = psutil.Process(server.pid).children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):  # one ends when its parent does
            child.kill()
    psutil.wait_procs(children)
    assert _printed("print(2)") == ["2"]


def test_a_child_process_uses_the_server_it_is_told_of() -> None:
    path = launcher.server(Loaded(QUICK["preload"]))
    code = "from autograder.kernels import launcher as c; print(c.server(c.Loaded('numpy keras')), c._servers)"
    told = {**os.environ, **launcher.shared(path)}
    assert GIVEN in told
    said = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{path} {{}}"


@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_no_escape(shape: str) -> None:
    assert escapes(Limits(sandbox=shape, cell_seconds=20)) == []  # type: ignore[arg-type]


def test_without_a_sandbox_the_attempts_get_out() -> None:
    """Else they would prove nothing. Those that would do harm are left out by what they meet here."""
    harmful = ("kill", "mount(", "Popen")  # without a sandbox these succeed, and change this machine
    harmless = [attempt for attempt in ATTEMPTS if not any(word in attempt.code for word in harmful)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.execution.sandbox_check.ATTEMPTS", tuple(harmless))
        out = escapes(Limits(sandbox="none", cell_seconds=20))
    assert {"it could read one of your files", "a file was written", "the network was reached"} <= set(out)


USER = 65534
AS_USER = f"""
import os, sys
from autograder.kernels.linux import *
from autograder.kernels.zygote import become
mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
become({USER})
os.environ["HOME"] = os.environ["TMPDIR"] = "/tmp"
import json
from autograder.execution.sandbox_check import escapes
from autograder.course.limits import Limits
print(json.dumps([os.getuid(), escapes(Limits(sandbox=sys.argv[1], cell_seconds=30, start_seconds=100))]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_no_escape_for_an_ordinary_user(shape: str, tmp_path: Path) -> None:
    """Root's own Python need not be readable for others: bubblewrap shows it to the user who starts a second one."""
    own = str(Path(str(autograder.__file__)).parent)
    wall = [*bubblewrap.wall(tmp_path, Path("/run/kernels")), "--ro-bind", own, own]
    run = subprocess.run(
        [*wall, "--", sys.executable, "-P", "-c", AS_USER, shape],
        env={**bubblewrap.environment(), "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == [USER, []]


def test_without_bubblewrap_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(NoSandboxError, match="bubblewrap is missing; install the system's package `bubblewrap`"):
        launcher.server(Loaded("json"))


def test_without_libseccomp_the_reason_is_said_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(watches: bool) -> bytes:
        raise RuntimeError("no libseccomp.so.2")

    launcher.server(Loaded(QUICK["preload"]))
    monkeypatch.setattr("autograder.kernels.seccomp.program", missing)
    opened, there = psutil.Process().num_fds(), sorted(launcher._own[0].iterdir())
    missing_library = r"libseccomp is missing \(no .*\); install the system's package `libseccomp2`"
    with pytest.raises(NoSandboxError, match=missing_library):
        launcher.server(Loaded("json"))
    assert psutil.Process().num_fds() == opened
    assert sorted(launcher._own[0].iterdir()) == there


def test_a_server_that_dies_before_it_answers_is_said_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    path = launcher.server(Loaded(QUICK["preload"]))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    monkeypatch.setattr(launcher, "server", lambda *_: path)
    monkeypatch.setattr(launcher, "connect", lambda _: ours)
    manager = SandboxKernelManager(config=Config(SandboxProvisioner=QUICK))
    with theirs:
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(NoSandboxError, match="the process that forks kernels has died; run the command again"):
            asyncio.run(_start(manager))
    assert ours.fileno() == -1
    assert not list(path.parent.glob("k*"))


def test_a_server_that_is_stuck_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end() -> None:
        manager = SandboxKernelManager(config=Config(SandboxProvisioner=QUICK))
        started = await _start(manager)
        assert started.server is not None
        server = launcher._servers[started.server.name].process.pid
        stuck = [psutil.Process(server), *psutil.Process(server).children(recursive=True)]
        for process in stuck:
            process.suspend()
        try:
            await manager.shutdown_kernel(now=True)
            with pytest.raises(NoSandboxError, match="the process that forks kernels has died"):
                await _start(SandboxKernelManager(config=Config(SandboxProvisioner=QUICK)))
        finally:
            for process in stuck:
                with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended just before the others stopped
                    process.resume()
        assert started.connection is None

    monkeypatch.setattr(connection, "ANSWER_TIMEOUT", 0.2)
    asyncio.run(end())
    assert kernels() == []


def test_a_server_that_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "LOADING", 1.0)
    said = "the warm sandbox did not start: loading took more than 1 s; check c.Limits.prepare"
    with pytest.raises(NoSandboxError, match=said):
        launcher.server(Loaded("json", "import time; time.sleep(600)"), "warm")
    assert not list(launcher._own[0].glob("*" + Loaded("json", "import time; time.sleep(600)").name))
    left = [one for one in psutil.process_iter() if "import time; time.sleep(600)" in " ".join(_command(one))]
    assert psutil.wait_procs(left, timeout=END_TIMEOUT)[1] == []


def test_elsewhere_than_on_linux_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(NoSandboxError, match="sandboxes need Linux, but this is darwin; grade on a Linux machine"):
        launcher.server(Loaded("json"))


def test_where_namespaces_do_not_nest_the_cold_shape_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.kernels.launcher._refused", {"warm"})
    path = launcher.server(Loaded("json"))
    assert launcher.shape_of(path) == "cold"
    with pytest.raises(NoSandboxError, match=r"namespaces cannot be nested .*; set c.Limits.sandbox = 'cold'"):
        launcher.server(Loaded("json"), "warm")


def test_doctor_tells_the_shape_and_what_got_out(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> str:
        (found,) = [str(finding) for finding in examine(course) if "sandbox" in str(finding)]
        return found

    monkeypatch.setattr("autograder.cli.doctor.escapes", lambda limits: [])
    assert said().startswith(
        "✓ sandbox, warm: kernels start from a process that has everything loaded; 12 escape attempts failed"
    )
    monkeypatch.setattr("autograder.cli.doctor.escapes", lambda limits: ["it could mount a file system"])
    assert said().startswith("✗ sandbox, warm: ")
    assert said().endswith("1 of 12 escape attempts succeeded: it could mount a file system")


def test_a_server_that_cannot_be_prepared_says_why() -> None:
    with pytest.raises(NoSandboxError, match="the warm sandbox did not start: ModuleNotFoundError: No module"):
        launcher.server(Loaded("json", "import no_such_module"))
    with pytest.raises(
        NoSandboxError, match=r"\d+ threads are running after c.Limits.prepare; a forked kernel would hang"
    ):
        launcher.server(Loaded("json", "import threading; threading.Thread(target=threading.Event().wait).start()"))
    assert issubclass(KernelError, Exception)


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What this package warned of; other libraries log too, at levels that other tests may have set."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("autograder")]


def test_a_module_that_cannot_be_preloaded_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    found = _printed("import sys; print('json' in sys.modules)", preload="no_such_module json")
    assert found == ["True"]
    launcher.server(Loaded("json no_such_module"))
    why = "ModuleNotFoundError: No module named 'no_such_module'"
    said = f"c.Limits.preload: the module no_such_module cannot be preloaded ({why}); kernels start without it."
    assert _warnings(caplog) == [said], "once, however many servers start"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "import threading as t; t.Thread(target=t.Event().wait).start()",
            "threads are running after loading",
        ),
        ("import os\nos._exit(0)", "the process ended with status 0"),
        ("import time\ntime.sleep(600)", "loading took more than 8 s"),
    ],
)
def test_where_preloading_ends_the_server_kernels_start_without_it(
    source: str, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "LOADING", 8.0)
    prepare = (
        f"import sys\nclass Finder:\n    def find_spec(name, path=None, target=None):\n        "
        f"if name == 'trouble': exec({source!r})\nsys.meta_path.insert(0, Finder)"
    )
    assert _printed("print(6 * 7)", preload="json trouble", prepare=prepare) == ["42"]
    assert [message.split(" (")[0] for message in _warnings(caplog)] == ["c.Limits.preload: nothing is preloaded"]
    assert why in caplog.text
