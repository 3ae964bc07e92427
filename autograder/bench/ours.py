"""Measure this grader; `worker` does so in a separate process."""

import json
import subprocess
import sys
from typing import Any

from autograder.bench.figures import COLD, IMPORTS, WARM, Run
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.rnn.sample_class import ASSIGNMENT


def measure(course: Course, shape: str, jobs: int, assignment: str = ASSIGNMENT) -> Run:
    """Grade the course's class in one way of `figures.OURS`.

    Raises:
        CourseError: grading fails.
    """
    result = _worker(course, shape, jobs, "--assignment", assignment)
    result.pop("memory")
    return Run(what=shape, jobs=jobs, done=tuple(result.pop("done")), **result)


def memory(course: Course, shape: str, jobs: int) -> list[tuple[int, int]]:
    """Return the most bytes of each kernel: what it does not share, and that plus its share of shared memory."""
    return [(unique, proportional) for unique, proportional in _worker(course, shape, jobs, "--memory")["memory"]]


def _worker(course: Course, shape: str, jobs: int, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "autograder.bench.worker", str(course.root), "--jobs", str(jobs)]
    command += ["--shape", COLD if shape == COLD else WARM, *["--whole"] * (shape == IMPORTS)]
    done = subprocess.run([*command, *more], capture_output=True, check=False)
    if done.returncode:
        why = reason(done.returncode, done.stderr)
        raise CourseError(f"{course.root}: could not be graded ({why}); see what `make doctor` says.")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def reason(status: int, written: bytes) -> str:
    """Return why a process failed: the last line of its error messages, or how it ended if it wrote none.

    Args:
        status: The process's exit status; below 0 for a signal.
        written: What it wrote to its standard error.
    """
    ended = f"exit status {status}" if status >= 0 else f"ended by signal {-status}"
    return "".join(written.decode().strip().splitlines()[-1:]) or ended
