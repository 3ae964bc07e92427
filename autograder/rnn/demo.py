"""Grade a sample class and show its grades: `autograder demo`, or `python -m autograder.rnn.demo`.

Every `autograder --help` loads this module, so `run` imports what it needs only when it is called.
"""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.course.course import Course

BANNER = (
    "This machine has no sandbox, so the demo grades its generated class without one. Real submissions are not graded "
    "like this; run `{command} doctor` to see what is missing."
)


def add_command(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add `demo` to the subcommands of `autograder`; the entry-point group `autograder.commands` names this."""
    sub = add("demo", run, "generate a sample class, grade it and show the grades", assignment=False)
    sub.add_argument("--students", type=_positive, default=16, metavar="N", help="how many students (default: 16)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="random seed of the sample class (default: 0)")
    sub.add_argument("--own-numbers", action="store_true", help="give each student different sizes; some students copy")
    sub.add_argument("--folder", default="demo", metavar="DIR", help="folder for the demo course (default: demo)")


def run(options: argparse.Namespace, course: "Course") -> int:
    """Generate, grade and show the sample class."""
    from autograder.cli import terminal
    from autograder.distribution import own_command
    from autograder.execution.sandbox import own_limits
    from autograder.export.exporters import write_csv
    from autograder.gradebook.queries import table
    from autograder.grading.class_run import ClassRun
    from autograder.reports.class_report import write_report
    from autograder.rnn.sample_class import ASSIGNMENT, SALT, make_class

    salt = SALT if options.own_numbers else ""
    demo = make_class(course, Path(options.folder).resolve(), options.students, options.seed, salt)
    unsafe = own_limits(demo).sandbox == "none"
    if unsafe:
        print(BANNER.format(command=own_command()), file=sys.stderr)
    with terminal.class_progress("grading", len(demo.students(ASSIGNMENT))) as bar:
        ClassRun(demo, ASSIGNMENT, progress=bar, busy=bar.busy, unsafe=unsafe).grade()
    results = table(demo, ASSIGNMENT)
    terminal.show_table(results, picture=demo.root / "table.svg")
    write_csv(results, demo.root / "grades.csv")
    page, _ = write_report(demo, ASSIGNMENT)
    print(f"Class report: {page}")
    there = f"{own_command()} --course {shlex.quote(options.folder)}"
    print(f"The course is in {demo.root}. To grade its written answers: {there} formgrader")
    return 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of students")
    return int(text)


def main() -> int:
    """Run `autograder demo` with the options given."""
    from autograder.cli.main import main as autograder

    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--course", default=".")
    options, others = parser.parse_known_args()
    return autograder(["--course", options.course, "demo", *others])


if __name__ == "__main__":
    sys.exit(main())
