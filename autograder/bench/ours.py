"""Measure this grader; `worker` does so in a separate process."""

import json
import subprocess
import sys
from typing import Any

from autograder.bench.figures import Run
from autograder.course.course import Course
from autograder.errors import CourseError


def measure(course: Course, shape: str, jobs: int) -> Run:
    """Grade the course's class in one shape of the sandbox (warm or cold).

    Raises:
        CourseError: grading fails.
    """
    result = _worker(course, shape, jobs)
    result.pop("memory")
    return Run(what=shape, jobs=jobs, **result)


def memory(course: Course, shape: str, jobs: int) -> list[tuple[int, int]]:
    """Return the most bytes of each kernel: what it does not share, and that plus its share of shared memory."""
    return [(unique, proportional) for unique, proportional in _worker(course, shape, jobs, "--memory")["memory"]]


def _worker(course: Course, shape: str, jobs: int, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "autograder.bench.worker", str(course.root), "--shape", shape, "--jobs", str(jobs)]
    done = subprocess.run([*command, *more], capture_output=True, check=False)
    if done.returncode:
        why = "".join(done.stderr.decode().strip().splitlines()[-1:])
        raise CourseError(f"{course.root}: could not be graded ({why}); see what `make doctor` says.")
    return dict(json.loads(done.stdout.splitlines()[-1]))
