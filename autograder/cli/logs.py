"""Show this package's log on the terminal: warnings, or with -v everything."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from autograder.text import visible

log = logging.getLogger(__name__)
LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.DEBUG}  # by -q and -v


class _Terminal(logging.Handler):
    """Write to the current `sys.stderr`, which a progress bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        stream: TextIO = sys.stderr
        text = visible(self.format(record), keep="\n\t")  # it may name a student's files
        stream.write(f"{record.levelname.capitalize()}: {text}\n")


@contextmanager
def on_terminal(verbosity: int) -> Iterator[None]:
    """Show this package's log on standard error: errors (-1), errors and warnings (0), or everything (1)."""
    logger, handler = logging.getLogger("autograder"), _Terminal()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(LEVELS[verbosity])
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def warn(sentences: Sequence[str]) -> None:
    """Log each sentence as a warning."""
    for sentence in sentences:
        log.warning(sentence)
