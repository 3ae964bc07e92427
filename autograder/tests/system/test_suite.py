"""The tests themselves: none imports another, and what several of them use has its own place."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.tests.harness.costs import by_cost, forget, missing_marks, noting
from autograder.tests.support import ROOT

TESTS = ROOT / "autograder" / "tests"
MODULES = sorted(str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py"))


def _imported(path: Path) -> Iterator[str]:
    """The dotted names that a module imports, those that follow `from` joined to what is taken from there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_a_test_or_a_conftest(module: str) -> None:
    parts = [part for name in _imported(TESTS / module) if "tests" in name.split(".") for part in name.split(".")]
    assert [part for part in parts if part == "conftest" or part.startswith("test_")] == []


def _planned(*arguments: str, **environment: str) -> str:
    """What `make` would run, in an environment without CI but for what is said."""
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "MAKEFLAGS")}
    command = ["make", "-n", "-o", ".venv/.autograder-ready", "-C", str(ROOT), *arguments]
    return subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True, check=True).stdout


@pytest.mark.process
def test_only_ci_installs_system_packages() -> None:
    assert "apt-get" not in _planned("test")
    assert "apt-get" not in _planned("quick", CI="true")
    assert "apt-get install" in _planned("ci")
    planned = _planned("test", CI="true")
    assert planned.index("apt-get install") < planned.index("-m pytest"), "installed before it is used"
    assert planned.index("harness.pyodide") < planned.index("-m pytest"), "fetched before it is used"
    assert "harness.pyodide" not in _planned("test")


def _installed(*arguments: str, **environment: str) -> list[str]:
    """The extras that `make` would install."""
    return re.findall(r'--editable "\.\[(.*?)\]"', _planned(*arguments, **environment))


@pytest.mark.process
@pytest.mark.parametrize("target", ["lab", "submit"])
def test_a_student_installs_only_what_the_notebooks_need(target: str, tmp_path: Path) -> None:
    folder = f"ENV={tmp_path}"
    assert _installed(target, folder) == ["learn"]
    assert _installed(target, CONDA_PREFIX=str(tmp_path)) == ["learn"]
    assert _installed("setup", folder) == _installed("grade", folder) == ["learn,test,cluster,postgresql,docs,lite"]
    (tmp_path / ".autograder-learn").touch()
    assert _installed(target, folder) == []
    assert _installed("grade", folder) == ["learn,test,cluster,postgresql,docs,lite"]
    (tmp_path / ".autograder-learn").unlink()
    (tmp_path / ".autograder-ready").touch()
    assert _installed(target, folder) == [], "everything is there already"


@pytest.mark.parametrize(
    ("command", "mark"),
    [
        ("/usr/bin/bwrap --ro-bind / / python -m autograder.kernels.zygote", "kernel"),
        ("python -m ipykernel_launcher -f kernel.json", "kernel"),
        ("node /site-packages/playwright/driver/package/cli.js run-driver", "browser"),
        ("python -m jupyter_server --allow-root", "server"),
        ("python -m autograder.cli lab", "server"),
        ("/usr/lib/postgresql/15/bin/initdb -D data", "server"),
        ("python -m nbgrader autograde ps1", "process"),
        ("/usr/bin/bwrap --ro-bind / / true", "process"),
        ("python -W error -m autograder.cli release", "process"),
        ("python -m pytest notebook.ipynb", "process"),
        ("make -C folder", "process"),
        ("import tensorflow", "tensorflow"),
    ],
)
def test_what_a_test_starts_asks_for_a_mark(command: str, mark: str) -> None:
    assert missing_marks([], [command]) == {mark: command}
    assert missing_marks(["parametrize"], [command]) == {mark: command}
    assert missing_marks([mark], [command]) == {}


@pytest.mark.parametrize(
    "command", ["python -P -m autograder.judging.worker folder", "alembic -c alembic.ini heads", "sleep 20"]
)
def test_what_costs_little_asks_for_none(command: str) -> None:
    assert missing_marks([], [command]) == {}


def test_a_server_that_runs_already_asks_for_a_mark_too() -> None:
    assert noting(lambda shape: f"{shape} server")("warm") == "warm server"
    assert list(missing_marks([])) == ["kernel"]
    forget()


def _item(nodeid: str, *marks: str) -> Any:
    return SimpleNamespace(nodeid=nodeid, iter_markers=lambda: [SimpleNamespace(name=mark) for mark in marks])


def test_dear_modules_run_first_and_each_stays_together() -> None:
    cheap, dear = _item("a.py::x"), [_item("b.py::x"), _item("b.py::y", "kernel")]
    group = _item("c.py::x", "server", "xdist_group")
    items = [cheap, *dear, group]
    assert sorted(items, key=by_cost(items)) == [group, *dear, cheap]
