"""What makes a test dear, by what it starts: each such test carries a mark, and `make quick` runs the others.

An audit hook of this process notes the commands that a test, or a fixture that is made for it, starts.
The first test that uses what a session shares is the one that starts it; a server of kernels is noted for each of them.
"""

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

COSTS = {
    "kernel": r"-m (autograder\.kernels\.|ipykernel)",
    "browser": r"playwright/driver|chromium|google-chrome",
    "server": r"-m (jupyter_server|jupyterlab|distributed|dask|autograder\.cli lab)\b|/(initdb|pg_ctl)\b",
    "process": r"-m (nbgrader|jupyter|pytest|mypy|pip)\b|-m autograder\.(cli|bench|tests)\b|"
    r"^(\S*/)?(nbgrader|jupyter|pytest|make|bwrap)( |$)",
}
MARKS = {*COSTS, "tensorflow"}
_started: list[str] = []


def watch() -> None:
    """Note from now on what this process starts; a hook like this one cannot be taken away again."""
    sys.addaudithook(_note)


def noting(server: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that notes each test that asks for a server of kernels, which may be running already."""

    @functools.wraps(server)
    def noted(*arguments: Any, **options: Any) -> Any:
        _started.append("-m autograder.kernels., shared")
        return server(*arguments, **options)

    return noted


def forget() -> None:
    """Begin a new test."""
    _started.clear()


def by_cost(items: Iterable[pytest.Item]) -> Callable[[pytest.Item], int]:
    """Return a key that sorts tests: modules that run as a group, those with marks, others; a module stays together."""
    marks: dict[str, set[str]] = {}
    for item in items:
        marks.setdefault(item.nodeid.partition("::")[0], set()).update(mark.name for mark in item.iter_markers())

    def rank(item: pytest.Item) -> int:
        found = marks[item.nodeid.partition("::")[0]]
        return 2 if not found & MARKS else 1 if "xdist_group" not in found else 0

    return rank


def missing_marks(own: Iterable[str], started: Iterable[str] = _started) -> dict[str, str]:
    """Return the marks that a test lacks, each with the command that asks for it; a test with any mark lacks none."""
    if MARKS & set(own):
        return {}
    costs = ((_cost(command), command) for command in started)
    return {mark: command for mark, command in costs if mark}


def _cost(command: str) -> str | None:
    if command == "import tensorflow":
        return "tensorflow"
    return next((mark for mark, pattern in COSTS.items() if re.search(pattern, command)), None)


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen":
        command = arguments[1]
        words = [command] if isinstance(command, str | bytes | os.PathLike) else list(command)  # type: ignore[call-overload]
        _started.append(" ".join(map(os.fsdecode, words)))
    elif event == "import" and arguments[0] == "tensorflow":
        _started.append("import tensorflow")
