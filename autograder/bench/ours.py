"""This grader, measured by `worker` in a process of its own."""

import json
import subprocess
import sys
from typing import Any

from autograder.bench.figures import Run
from autograder.course.course import Course
from autograder.errors import CourseError


def measure(course: Course, shape: str, jobs: int) -> Run:
    """Grade the course's class in one shape of the sandbox; raises CourseError where that fails."""
    said = _worker(course, shape, jobs)
    said.pop("memory")
    return Run(what=shape, jobs=jobs, **said)


def memory(course: Course, shape: str, jobs: int) -> list[tuple[int, int]]:
    """Bytes that each kernel has had at most: its own, and those with its share of what is shared."""
    return [(unique, proportional) for unique, proportional in _worker(course, shape, jobs, "--memory")["memory"]]


def _worker(course: Course, shape: str, jobs: int, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "autograder.bench.worker", str(course.root), "--shape", shape, "--jobs", str(jobs)]
    done = subprocess.run([*command, *more], capture_output=True, check=False)
    if done.returncode:
        why = "".join(done.stderr.decode().strip().splitlines()[-1:])
        raise CourseError(f"{course.root}: could not be graded ({why}); see what `make doctor` says.")
    return dict(json.loads(done.stdout.splitlines()[-1]))
