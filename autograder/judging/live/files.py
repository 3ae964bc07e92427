"""Share files between a test and the notebook: each side sees what the other one wrote, as copies.

A test that mentions files runs in a copy of the notebook's folder, and has a folder for temporary files. Before each
request, what the test has written or removed is sent to the kernel; after it, what the student's code has. Files are
data: whatever a student writes ends up below these two folders, and nowhere else.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from autograder.evidence.server.files import changed_files, files_of, write_files
from autograder.files import JUDGED_FILES, temporary_prefix
from autograder.judging import seal

COMPILED = (".pyc", ".pyo", ".so", ".pyd")


class Asks(Protocol):
    """What this module needs of the channel."""

    def request(self, what: str, *args: Any) -> Any:
        """Send a request and return its value."""


class SharedFiles:
    """The files of one test; a context manager that changes into the test's folder.

    Args:
        wire: The channel to the notebook.
    """

    def __init__(self, wire: Asks) -> None:
        self.wire = wire
        self.before, self.default = Path.cwd(), tempfile.tempdir
        self.known: dict[str, tuple[int, int]] = {}

    def __enter__(self) -> "SharedFiles":
        self.lifted = contextlib.ExitStack()
        self.lifted.enter_context(_writing())
        self.folder = tempfile.mkdtemp(prefix="files-", dir=self.before)
        self.temporary = tempfile.mkdtemp(prefix=temporary_prefix(JUDGED_FILES), dir="/tmp")
        os.chdir(self.folder)
        seal.keep_out(self.folder, self.temporary)
        tempfile.tempdir = self.temporary
        self._take(self.wire.request("files", self.temporary))
        return self

    def __exit__(self, *details: object) -> None:
        os.chdir(self.before)
        seal.keep_out()
        tempfile.tempdir = self.default
        for folder in (self.folder, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        self.lifted.close()

    def send(self) -> None:
        """Send what the test has written or removed."""
        changes, self.known = changed_files(self.known, self.temporary)
        if changes:
            self.wire.request("write", changes, self.temporary)

    def fetch(self) -> None:
        """Take over what the student's code has written or removed."""
        self._take(self.wire.request("changed", self.temporary))

    def _take(self, files: Any) -> None:
        files = files if type(files) is dict else {}
        inside = {path: content for path, content in files.items() if self._is_inside(path)}
        write_files({path: self._of_the_course(path, content) for path, content in inside.items()})
        self.known = files_of(self.temporary)

    def _of_the_course(self, path: str, content: Any) -> Any:
        """Return the content of a file; one that the course hands out is the course's, whatever the notebook wrote."""
        own = self.before / path
        return own.read_bytes() if not path.startswith("/") and own.is_file() else content

    def _is_inside(self, path: Any) -> bool:
        """Return whether a path is below one of the two folders, and no compiled code."""
        if type(path) is not str or not path or ".." in path.split("/") or "\0" in path or path.endswith(COMPILED):
            return False
        return not path.startswith("/") or path.startswith(f"{self.temporary}/")


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Allow this process to write files; other tests cannot."""
    import resource  # missing on Windows, where this module is still imported

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
