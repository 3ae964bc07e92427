"""Only one process at a time writes a course's gradebook.

The lock is the system's own, on `gradebook.lock` in the course folder: it ends with its process, however that ends.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.errors import CourseError

NAME = "gradebook.lock"


@contextmanager
def grading_lock(folder: Path) -> Iterator[None]:
    """Hold the course's lock; raise CourseError at once where another process holds it."""
    path = folder / NAME
    file = _locked(path)
    try:
        os.truncate(file, 0)
        os.write(file, f"process {os.getpid()} on {platform.node()}".encode())
        yield
    finally:
        path.unlink(
            missing_ok=True
        )  # while it is held: whoever opened it meanwhile sees that it is gone, and asks anew
        os.close(file)


def _locked(path: Path) -> int:
    """An open, locked file that is still the one at `path`."""
    import fcntl  # not on Windows, where learners import this package and nobody grades

    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode(errors="replace") or "another process"
            os.close(file)
            raise CourseError(
                f"{path.parent}: this course is being graded by {holder}; wait until it is done, or end it."
            ) from None
        if _is_at(file, path):
            return file
        os.close(file)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
