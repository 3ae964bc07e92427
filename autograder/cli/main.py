"""Run the console command `autograder`: parse the command line, run one subcommand, report an error in one sentence."""

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
        return _say("stopped; results up to this point were saved.", STOPPED)
    except BrokenPipeError:  # the program that reads our output, such as `head`, has ended; do not flush to it at exit
        sys.stdout = None
        return 1
    except Exception as error:
        from autograder.faults import brief, keep_command_fault

        path = keep_command_fault(error, options.name, course.root if course else None)
        log.debug("the traceback of this error", exc_info=error)
        return _say(f"{options.name}: the grader failed ({brief(error)}); see {path}.", 1)


def _course(options: Namespace) -> "Course":
    # nbformat loads jsonschema, which spends a second on loading a URL grammar that no notebook needs
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from autograder.course.course import Course

    return Course.at(Path(options.course))


def _say(sentence: str, status: int) -> int:
    print(f"autograder: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
