"""`autograder demo`, which is also `python -m autograder.rnn.demo`: grade a sample class and show its marks.

Loaded for each `autograder --help`: what the command needs beyond its options is imported when it runs.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.course.course import Course

BANNER = (
    "No sandbox here, so this demo grades its own class without one; submissions of people are not graded so "
    "(`autograder doctor` says what is missing)."
)


def add_command(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add `demo` to the subcommands of `autograder`; an entry point of the group `autograder.commands`."""
    sub = add("demo", run, "make a sample class, grade it and show the marks", assignment=False)
    sub.add_argument("--students", type=_positive, default=16, metavar="N", help="how many students (default: 16)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="another seed, another class (default: 0)")
    sub.add_argument("--own-numbers", action="store_true", help="each student has their own sizes; some copy others'")
    sub.add_argument("--folder", default="demo", metavar="DIR", help="where to put the demo's course (default: demo)")


def run(options: argparse.Namespace, course: "Course") -> int:
    """Make, grade and show the sample class."""
    from autograder.cli import terminal
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
        print(BANNER, file=sys.stderr)
    with terminal.class_progress("grading", len(demo.students(ASSIGNMENT))) as bar:
        ClassRun(demo, ASSIGNMENT, progress=bar, busy=bar.busy, unsafe=unsafe).grade()
    results = table(demo, ASSIGNMENT)
    terminal.show_table(results, picture=demo.root / "table.svg")
    write_csv(results, demo.root / "grades.csv")
    page, _ = write_report(demo, ASSIGNMENT)
    print(f"What the class knows: {page}")
    print(f"The class is in {demo.root}; read its written answers: autograder --course {options.folder} formgrader")
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
