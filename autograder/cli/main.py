"""Run the console command `autograder`: parse the command line, run one subcommand, report an error in one sentence."""

import logging
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.cli import logs
from autograder.cli.parser import parse
from autograder.errors import AutograderError
from autograder.text import visible

if TYPE_CHECKING:
    from autograder.course.course import Course

STOPPED = 130  # the exit status after Ctrl-C
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: the command line; defaults to `sys.argv`.

    Returns:
        The exit status; `errors` and `autograder --help` list them.
    """
    options = parse(arguments)
    with logs.on_terminal(options.verbose - options.quiet), _ending_like_ctrl_c():
        return _run(options)


def _run(options: Namespace) -> int:
    course = None
    try:
        course = _course(options) if options.needs_course else None
        return int(options.command(options, course))
    except AutograderError as error:
        return _say(str(error), error.exit_status)
    except KeyboardInterrupt:
        return _say("stopped; results up to this point were saved.", STOPPED)
    except BrokenPipeError:  # the program that reads our output, such as `head`, has ended; do not flush to it at exit
        sys.stdout = None
        return 1
    except Exception as error:
        from autograder.files import disk_problem

        if problem := disk_problem(error):
            return _say(problem, 1)
        from autograder.faults import brief, keep_command_fault

        path = keep_command_fault(error, options.name, course.root if course else None)
        log.debug("the traceback of this error", exc_info=error)
        return _say(f"{options.name}: the grader failed ({brief(error)}); see {path}.", 1)


@contextmanager
def _ending_like_ctrl_c() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing stays behind; one that is ignored stays so.

    A process manager sends the first, and a terminal that is closed the second.
    """
    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        signals = []
    changed = [one for one in signals if signal.getsignal(one) is signal.SIG_DFL]
    for one in changed:
        signal.signal(one, signal.default_int_handler)
    try:
        yield
    finally:
        for one in changed:
            signal.signal(one, signal.SIG_DFL)


def _course(options: Namespace) -> "Course":
    # nbformat loads jsonschema, which spends a second on loading a URL grammar that no notebook needs
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from autograder.course.course import Course

    return Course.at(Path(options.course))


def _say(sentence: str, status: int) -> int:
    print(visible(f"autograder: {sentence}", keep="\n"), file=sys.stderr)  # it may name a student's files
    return status


if __name__ == "__main__":
    sys.exit(main())
