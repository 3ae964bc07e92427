"""What this package logs, on the terminal: warnings, and with -v everything."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

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
