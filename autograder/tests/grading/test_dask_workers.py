"""A class graded by Dask workers on loopback: processes of their own, of which some die or are not like this one."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import psutil
import pytest

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError, UsageError
from autograder.gradebook.queries import Row, table
from autograder.grading import dask_workers
from autograder.grading.class_run import ClassRun
from autograder.grading.dask_workers import connected
from autograder.model import Assignment, Submission

pytestmark = [pytest.mark.server, pytest.mark.kernel, pytest.mark.xdist_group("plain")]
ANSWERS = ["x = 42", "x = 41", "x = 21", "x = ...", "x = 6 * 7", "import os\nos._exit(1)"]
NO_PACKAGE = "import sys\nsys.modules['autograder'] = None\n"
NO_SANDBOX = """
from autograder.kernels import launcher
from autograder.errors import NoSandboxError
def server(*_):
    raise NoSandboxError("bubblewrap is missing.")
launcher.server = server
"""
OTHER_NUMPY = """
import importlib.metadata as metadata
metadata.version = lambda name, true=metadata.version: "3.0.0" if name == "numpy" else true(name)
"""


class Machines:
    """A scheduler, and workers that each grade one submission at a time; processes that end with the stack."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stack, self.folder, self.workers = stack, folder, dict[str, subprocess.Popen[str]]()
        self.scheduler, self.address = self._dask("scheduler", "--port", "0", until=r"Scheduler at: +(\S+)")

    def worker(self, preload: str = "") -> str:
        """Start a worker, which first runs the source `preload`; gives its address once the scheduler knows it."""
        options = ["--no-nanny", "--nthreads", "1", "--local-directory", str(self.folder)]
        if preload:
            (self.folder / "preload.py").write_text(preload)
            options += ["--preload", str(self.folder / "preload.py")]
        process, address = self._dask("worker", self.address, *options, until=r"Start worker at: +(\S+)")
        assert process.stderr is not None
        assert any("Registered to:" in line for line in process.stderr)
        self.workers[address] = process
        return address

    def _dask(self, *command: str, until: str) -> tuple[subprocess.Popen[str], str]:
        arguments = [sys.executable, "-m", "dask", *command, "--no-dashboard", "--host", "127.0.0.1"]
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        assert process.stderr is not None
        found = next(match for line in process.stderr if (match := re.search(until, line)))
        return process, found[1]


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    """A scheduler without workers yet; a client of it soon sees where one is gone."""
    monkeypatch.setattr(dask_workers, "CONNECT_SECONDS", 3)
    with ExitStack() as stack:
        yield Machines(stack, tmp_path)


@pytest.fixture(scope="module")
def root(ungraded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A released course with a class of twelve."""
    root = tmp_path_factory.mktemp("cluster") / "course"
    shutil.copytree(ungraded, root, ignore=shutil.ignore_patterns("submitted"))
    notebook = nbformat.read(root / "release" / "ps1" / "one.ipynb", 4)
    for number in range(12):
        place = root / "submitted" / f"s{number:02}" / "ps1"
        place.mkdir(parents=True)
        notebook.cells[0].source = ANSWERS[number % len(ANSWERS)]
        nbformat.write(notebook, place / "one.ipynb")
    return root


@pytest.fixture(scope="module")
def here(root: Path) -> tuple[Row, ...]:
    """The class's rows as graded by threads of this process."""
    course = Course.at(shutil.copytree(root, root.with_name("here")))
    ClassRun(course, "ps1").grade()
    return table(course, "ps1").rows


@pytest.fixture
def course(root: Path, tmp_path: Path) -> Course:
    """The class not yet graded."""
    return Course.at(shutil.copytree(root, tmp_path / "course"))


def test_a_class_is_complete_and_marked_alike_though_a_worker_dies_halfway(
    machines: Machines, course: Course, here: tuple[Row, ...]
) -> None:
    machines.worker()
    machines.worker()
    done: list[str] = []
    killed: list[str] = []

    def halfway(student: str, said: str) -> None:
        done.append(student)
        if len(done) >= 6 and not killed:
            busy = [worker for worker, tasks in workers.client.processing().items() if tasks]
            kernels = {worker: psutil.Process(machines.workers[worker].pid).children() for worker in busy}
            killed.extend(worker for worker, children in kernels.items() if children)
            machines.workers[killed[0]].kill()

    with connected(machines.address) as workers:
        assert str(workers) == f"{machines.address}: workers: 2, submissions graded at a time: 2."
        statuses = ClassRun(course, "ps1", progress=halfway, executor=workers).grade()
        assert set(workers.workers()) == set(machines.workers) - {killed[0]}
    assert list(statuses) == sorted(done) == course.students("ps1")
    assert table(course, "ps1").rows == here


def test_by_command(machines: Machines, course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    machines.worker()
    command = ["--course", str(course.root), "grade", "--scheduler", machines.address, "--student", "s00"]
    assert main(command) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        f"{machines.address}: workers: 1, submissions graded at a time: 1.",
        "proving the tests of one",
        "grading: s00 done",
    ]


def test_a_worker_of_another_version(machines: Machines, course: Course) -> None:
    from importlib.metadata import version

    worker = machines.worker(OTHER_NUMPY)
    with pytest.raises(CourseError) as raised, connected(machines.address):
        pass
    said = f"{worker}: numpy is 3.0.0 on this worker, but {version('numpy')} where grading was started"
    assert str(raised.value) == f"{said}; install the same version on both."


def test_a_worker_without_the_package(machines: Machines) -> None:
    worker = machines.worker(NO_PACKAGE)
    with pytest.raises(CourseError) as raised, connected(machines.address):
        pass
    assert str(raised.value).startswith(f"{worker}: this worker cannot import autograder (")
    assert str(raised.value).endswith("); install it there.")


@pytest.mark.parametrize(
    ("preload", "said"),
    [
        (OTHER_NUMPY, "numpy is 3.0.0 on this worker"),
        (NO_PACKAGE, "install autograder there."),
        (NO_SANDBOX, "no sandbox: bubblewrap is missing."),
    ],
    ids=["other version", "no package", "no sandbox"],
)
def test_a_worker_that_comes_later_is_compared_as_well(
    preload: str, said: str, machines: Machines, course: Course
) -> None:
    with connected(machines.address) as workers:
        there = f"{machines.address}: no workers yet; grading starts when the first one connects."
        assert str(workers) == there
        machines.worker(preload)
        with pytest.raises(CourseError, match=said):
            ClassRun(course, "ps1", executor=workers).grade()
    assert table(course, "ps1").rows == ()


def test_one_worker_of_each_machine_works_alone(machines: Machines) -> None:
    machines.worker()
    with connected(machines.address) as workers:
        alone = workers.exclusive_slots()
        assert len(alone) == 1
        machines.worker()
        assert len(workers.slots()) > 2
        assert len(workers.exclusive_slots()) == 1, "both are on this machine"
        empty = Submission("ada", {})
        result = workers.submit(alone[0], empty, Assignment((), ()), Limits()).result()
        assert result.student == "ada"


def test_a_scheduler_that_ends(machines: Machines, course: Course) -> None:
    machines.worker()

    def ended(student: str, said: str) -> None:
        machines.scheduler.kill()

    said = f"{machines.address}: lost the Dask scheduler; start it and run grade again to resume."
    with pytest.raises(CourseError) as raised, connected(machines.address) as workers:
        ClassRun(course, "ps1", progress=ended, executor=workers).grade()
    assert str(raised.value) == said
    assert len(table(course, "ps1").rows) == 1


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "quic://127.0.0.1:1"])
def test_no_scheduler(address: str, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_workers, "CONNECT_SECONDS", 1)
    said = rf"^{address}: no Dask scheduler answers here \(\w+\); start one with `dask scheduler`\.$"
    with pytest.raises(UsageError, match=said), connected(address):
        pass
    assert main(["--course", str(course.root), "grade", "--scheduler", address]) == 2


def test_no_dask(course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["--course", str(course.root), "grade", "--scheduler", "tcp://127.0.0.1:1"]) == 1
    said = "--scheduler needs Dask, which is not installed: run `pip install 'notebook-autograder[cluster]'`."
    assert capsys.readouterr().err == f"autograder: {said}\n"
