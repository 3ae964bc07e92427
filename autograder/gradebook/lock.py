"""Only one grading process can run per course: a lock on `gradebook.lock` in the course folder.

The lock ends with its process, however that ends. The file names the process that has it, and is deleted with it.
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
        CourseError: Another process has the lock; nothing waits for it.
    """
    path = folder / NAME
    try:
        lock = FileLock(path, timeout=0, fallback_to_soft=False).acquire()
    except Timeout:
        raise CourseError(
            f"{folder}: this course is being graded by {_holder(path)}; wait until it is done, or end it."
        ) from None
    with lock:
        path.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # before the lock ends; who opened it meanwhile sees that it is gone


def _holder(path: Path) -> str:
    """Return what the file says of the process that has the lock."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:200] or "another process"
    except OSError:  # deleted just now, or not to be read
        return "another process"
