"""The console command `autograder`: read the command line, run one subcommand, and say in one sentence what failed."""

import logging
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.cli import logs
from autograder.cli.parser import parse
from autograder.errors import AutograderError

if TYPE_CHECKING:
    from autograder.course.course import Course

STOPPED = 130  # the exit status of what Ctrl-C has ended
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: the command line; by default this process' own.

    Returns:
        The exit status; `errors` and `autograder --help` list them.
    """
    options = parse(arguments)
    with logs.on_terminal(options.verbose - options.quiet):
        return _run(options)


def _run(options: Namespace) -> int:
    course = None
    try:
        course = _course(options)
        return int(options.command(options, course))
    except AutograderError as error:
        return _say(str(error), error.exit_status)
    except KeyboardInterrupt:
        return _say("stopped; what was done is kept.", STOPPED)
    except BrokenPipeError:  # what reads our output has ended, such as `head`; nothing may be flushed to it at exit
        sys.stdout = None
        return 1
    except Exception as error:
        from autograder.faults import brief, keep_command_fault

        path = keep_command_fault(error, options.name, course.root if course else None)
        log.debug("the traceback of this error", exc_info=error)
        return _say(f"{options.name}: the grader failed ({brief(error)}); {path} says where.", 1)


def _course(options: Namespace) -> "Course":
    # nbformat loads jsonschema, which would spend a second on a grammar of web addresses; no notebook needs it
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from autograder.course.course import Course

    return Course.at(Path(options.course))


def _say(sentence: str, status: int) -> int:
    print(f"autograder: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
