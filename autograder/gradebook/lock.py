"""Ensure that only one grading process runs per course, with a lock on `gradebook.lock` in the course folder.

The operating system releases the lock when the process ends, even if it is killed. The file names the process that has
the lock; it is deleted when the lock is released.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from autograder.errors import CourseError

NAME = "gradebook.lock"


@contextmanager
def grading_lock(folder: Path) -> Iterator[None]:
    """Lock a course for this process while the block runs.

    Args:
        folder: The course folder.

    Raises:
        CourseError: Another process has the lock, or the folder cannot be written. This is raised at once, without
            waiting.
    """
    path = folder / NAME
    try:
        lock = FileLock(path, timeout=0, fallback_to_soft=False).acquire()
    except Timeout:
        raise CourseError(
            f"{folder}: this course is already being graded by {_holder(path)}; wait until it has finished, or stop it."
        ) from None
    except OSError as error:
        problem = f"{folder}: the course folder cannot be written ({error.strerror})"
        raise CourseError(f"{problem}; make it writable, or grade a copy of it.") from error
    with lock:
        path.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # before the release, so that a process that opened the file meanwhile notices


def _holder(path: Path) -> str:
    """Return the name of the process that has the lock, as written in the file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:200] or "another process"
    except OSError:  # just deleted, or not readable
        return "another process"
