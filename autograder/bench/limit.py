"""Measure a notebook's cells alone: one warm Python process, no kernel, no grader. Run as a program.

Two figures result. The limit: the process has started TensorFlow and run each notebook before the measurement. A new
kernel can come close to it, but not reach it. The process has the environment of the sandbox's kernels and, on request,
their settings.

The floor: each notebook's cells run in a fork of a process that has loaded everything and run nothing. Any grader that
separates submissions and shares what is loaded needs at least this much.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Literal

import nbformat

from autograder.bench.ours import reason
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.kernels.bubblewrap import environment
from autograder.rnn.sample_class import ASSIGNMENT

PASSES = 3  # after a first pass that is not counted


def measure(course: Course, prepare: str = "", how: Literal["warm", "forked"] = "warm") -> float:
    """Return the processor seconds of one notebook's cells: the mean over the first student's notebooks.

    Args:
        course: a course with a class.
        prepare: code that runs first, as in the kernels' parent; without it TensorFlow has its default settings.
        how: `warm` runs the cells repeatedly in one process, `forked` each time in a new process.

    Raises:
        CourseError: the cells fail.
    """
    folder = course.folder("submitted", ASSIGNMENT, course.students(ASSIGNMENT)[0])
    done = subprocess.run(
        [sys.executable, "-m", "autograder.bench.limit", str(folder), prepare, how, *course.limits.preload],
        env=environment(course.limits.environment),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise CourseError(f"{folder}: its cells do not run in one process ({reason(done.returncode, done.stderr)}).")
    return float(json.loads(done.stdout.splitlines()[-1]))


def loading(course: Course) -> float:
    """Return the seconds in which a new process imports the modules that the course's kernels preload."""
    imports = "".join(f"import {module}\n" for module in course.limits.preload)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", imports], env=environment(course.limits.environment), check=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the mean of the notebooks' medians, as JSON."""
    folder, prepare, how, *modules = sys.argv[1:]
    exec(prepare, {})
    os.chdir(folder)
    sys.path.insert(0, "")
    warnings.simplefilter("ignore")
    run = _pass
    if how == "forked":
        for module in modules:
            importlib.import_module(module)
        gc.collect()
        gc.freeze()
        run = _fork
    spent = [_spent(_cells(path), run) for path in sorted(Path().glob("*.ipynb"))]
    sys.stdout.write(f"{json.dumps(sum(spent) / len(spent))}\n")


def _cells(path: Path) -> list[CodeType]:
    cells = nbformat.read(path, 4).cells
    return [compile(cell.source, f"{path}:{i}", "exec") for i, cell in enumerate(cells) if cell.cell_type == "code"]


def _spent(cells: list[CodeType], run: Callable[[list[CodeType]], float]) -> float:
    return sorted(run(cells) for _ in range(1 + PASSES))[PASSES // 2]


def _fork(cells: list[CodeType]) -> float:
    child = os.fork()
    if child == 0:
        failed = 1
        with contextlib.suppress(Exception):
            _pass(cells)
            failed = 0
        os._exit(failed)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError("the cells fail in a fork")
    return usage.ru_utime + usage.ru_stime


def _pass(cells: list[CodeType]) -> float:
    names = {"__name__": "__main__", "display": lambda *shown: None}
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells:
            exec(cell, names)
    return time.process_time() - started


if __name__ == "__main__":
    main()
