"""Measure a notebook's cells alone: one warm Python process, no kernel, no grader. `cells` does so in that process.

Two figures result. The limit: the process has started TensorFlow and run each notebook before the measurement. A new
kernel can come close to it, but not reach it. The process has the environment of the sandbox's kernels and, on request,
their settings.

The floor: each notebook's cells run in a fork of a process that has loaded everything and run nothing. Any grader that
separates submissions and shares what is loaded needs at least this much.
"""

import json
import subprocess
import sys
import time
from typing import Literal

from autograder.bench.ours import reason
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.kernels.bubblewrap import environment
from autograder.rnn.sample_class import ASSIGNMENT


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
        [sys.executable, "-m", "autograder.bench.cells", str(folder), prepare, how, *course.limits.preload],
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
