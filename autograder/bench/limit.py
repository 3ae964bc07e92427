"""The limit: the same cells in one warm Python process, again and again, with nothing round them. Run as a program.

It has TensorFlow started and each notebook run before it measures; a kernel that has just started can come near it, but
not reach it. It has the environment of the sandbox's kernels, and on request their settings.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import CodeType

import nbformat

from autograder.course import Course
from autograder.demo import ASSIGNMENT
from autograder.errors import CourseError
from autograder.kernels.host import environment

PASSES = 3  # after the first, which does not count


def measure(course: Course, prepare: str = "") -> float:
    """Processor seconds of one notebook's cells: the mean of an assignment's, as the first learner handed them in.

    `prepare` is run first, as in the kernels' parent; without it TensorFlow is as it comes.
    """
    folder = course.folder("submitted", ASSIGNMENT, course.students(ASSIGNMENT)[0])
    done = subprocess.run(
        [sys.executable, "-m", "autograder.bench.limit", str(folder), prepare],
        env=environment(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode().strip().splitlines()[-1:]
        raise CourseError(f"{folder}: its cells do not run in one process ({''.join(said)}).")
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the mean of the notebooks' medians."""
    folder, prepare = sys.argv[1:]
    exec(prepare, {})
    os.chdir(folder)
    sys.path.insert(0, "")
    warnings.simplefilter("ignore")
    spent = [_spent(_cells(path)) for path in sorted(Path().glob("*.ipynb"))]
    sys.stdout.write(f"{json.dumps(sum(spent) / len(spent))}\n")


def _cells(path: Path) -> list[CodeType]:
    cells = nbformat.read(path, 4).cells
    return [compile(cell.source, f"{path}:{i}", "exec") for i, cell in enumerate(cells) if cell.cell_type == "code"]


def _spent(cells: list[CodeType]) -> float:
    return sorted(_pass(cells) for _ in range(1 + PASSES))[PASSES // 2]


def _pass(cells: list[CodeType]) -> float:
    names = {"__name__": "__main__", "display": lambda *shown: None}
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells:
            exec(cell, names)
    return time.process_time() - started


if __name__ == "__main__":
    main()
