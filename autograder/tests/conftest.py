"""What tests share: the course of this checkout, its notebooks lived through once, and a judge."""

import functools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.api
import pytest
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.errors import NoSandboxError
from autograder.judging.judge import Judge
from autograder.judging.test_plan import plans
from autograder.kernels import launcher
from autograder.kernels.launcher import Loaded
from autograder.model import TestPlan
from autograder.notebook.variants import teaching_copy
from autograder.tests.harness import costs
from autograder.tests.harness.recorded import make_known
from autograder.tests.harness.servers import CHROMIUM
from autograder.tests.harness.small_class import make_ungraded
from autograder.tests.support import NOTEBOOKS, ROOT, SOURCE, START_UP

costs.watch()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run side by side, begin with the modules that take longest, so that no process is left with one."""
    if hasattr(config, "workerinput"):
        items.sort(key=costs.by_cost(items))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine lacks the sandbox or the browser for, and say what is missing."""
    costs.forget()
    if item.get_closest_marker("browser") and CHROMIUM is None:
        pytest.skip("no Chromium here; `make ci` installs it")
    if item.get_closest_marker("kernel"):
        sandbox_or_skip()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fail a test without a mark that has started what `make quick` must not start."""
    yield
    for mark, command in costs.missing_marks(mark.name for mark in item.iter_markers()).items():
        pytest.fail(f"this test ran `{command[:200]}`; mark it with `pytest.mark.{mark}`", pytrace=False)


def sandbox_or_skip() -> None:
    """Skip a test where this machine has no sandbox; the reason says what is missing."""
    try:
        launcher.server(Loaded())
    except NoSandboxError as error:
        pytest.skip(f"no sandbox: {error}")


for size in ("COLUMNS", "LINES"):  # readline sets them in the process that starts the tests' workers
    os.environ.pop(size, None)
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONPATH": str(START_UP)}
SCRIPTS = str(Path(sys.executable).parent)  # on PATH as in an active environment: messages say just `autograder`
os.environ["PATH"] = os.pathsep.join([SCRIPTS, os.environ.get("PATH", os.defpath)])


@pytest.fixture(scope="session")
def course() -> Course:
    """The course of this checkout."""
    return Course.at(ROOT)


@pytest.fixture(scope="session")
def sources() -> dict[str, NotebookNode]:
    """The source notebooks, by name."""
    return {name: nbformat.read(SOURCE / f"{name}.ipynb", 4) for name in NOTEBOOKS}


@pytest.fixture(scope="session")
def teaching(course: Course, sources: dict[str, NotebookNode]) -> dict[str, NotebookNode]:
    """The teaching copies, by name."""
    return {name: teaching_copy(source, course.settings) for name, source in sources.items()}


@pytest.fixture(scope="session")
def all_plans(teaching: dict[str, NotebookNode]) -> dict[str, TestPlan]:
    """The plan of each test cell, by its question."""
    found = [plan for name, master in teaching.items() for plan in plans(master)]
    return {plan.cell.removesuffix("-test"): plan for plan in found}


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """A judge with this course's helpers."""
    with Judge(SOURCE) as judge:
        yield judge


@pytest.fixture(scope="session")
def lived(sources: dict[str, NotebookNode]) -> Iterator[dict[str, dict[str, Any]]]:
    """The namespace at each question, as the solution notebooks make it: real layers, in this process."""
    sys.path.insert(0, str(SOURCE))
    found = {}
    for notebook in sources.values():
        namespace: dict[str, Any] = {"__name__": "notebook"}
        for cell in notebook.cells:
            question = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            if question.endswith("-test"):
                found[question.removesuffix("-test")] = dict(namespace)
            elif cell.cell_type == "code":
                exec(cell.source, namespace)
    yield found
    sys.path.remove(str(SOURCE))


@pytest.fixture(scope="session")
def ungraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a released course with a class's submissions, to be copied."""
    return make_ungraded(tmp_path_factory.mktemp("small") / "course")


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course of one notebook that its gradebook knows, to be copied."""
    return make_known(tmp_path_factory.mktemp("record") / "course")


@pytest.fixture
def own(known: Path, tmp_path: Path) -> Course:
    """A copy of that course."""
    shutil.copytree(known, tmp_path, dirs_exist_ok=True)
    return Course.at(tmp_path)


@pytest.fixture(autouse=True)
def checkpoints_end() -> Iterator[None]:
    """End the checkpoints that a test's submissions have made in this process, as a command does at its end."""
    yield
    if made := sys.modules.get("autograder.grading.checkpoints"):
        made.close()


@pytest.fixture(scope="session", autouse=True)
def alembic_once() -> Iterator[None]:
    """Ask alembic once for the version of nbgrader's tables, which it takes seconds to tell, not for each gradebook."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nbgrader.api, "get_alembic_version", functools.cache(nbgrader.api.get_alembic_version))
        yield


@pytest.fixture(scope="session", autouse=True)
def servers_are_noted() -> Iterator[None]:
    """Let the guard see also who uses a server of kernels that an earlier test has started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "server", costs.noting(launcher.server))
        yield
