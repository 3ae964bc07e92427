"""What the grader logs: warnings on the terminal, and a traceback in a file where the grader itself fails."""

import logging
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

FOLDER, FILE = "reports", "autograder.log"
LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.DEBUG}  # by -q and -v


class _Terminal(logging.Handler):
    """Writes to standard error as it is at that moment; a progress bar puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        stream: TextIO = sys.stderr
        stream.write(f"{record.levelname.capitalize()}: {self.format(record)}\n")


@contextmanager
def on_terminal(verbosity: int) -> Iterator[None]:
    """Show what this package logs on standard error: errors (-1), warnings too (0), or everything (1)."""
    logger, handler = logging.getLogger("autograder"), _Terminal()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(LEVELS[verbosity])
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def brief(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": .")


def keep_traceback(error: BaseException, command: str, root: Path | None) -> Path:
    """Append an error's traceback to the course's log file, or to a temporary one where there is none to write to.

    Returns:
        The file's path.
    """
    text = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC autograder {command}\n"
    text += "".join(traceback.format_exception(error)) + "\n"
    if root is not None:
        try:
            return _append(root / FOLDER / FILE, text)
        except OSError:
            pass
    with tempfile.NamedTemporaryFile(prefix="autograder-", suffix=".log", delete=False) as file:
        return _append(Path(file.name), text)


def _append(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path
