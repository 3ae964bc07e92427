"""The console command `autograder`: one subcommand for each job of an instructor, a learner or CI."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from autograder.cli import commands
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.grading.workers import default_jobs

UNSAFE = "run student code without a sandbox, with your rights (of a grade the status says so)"
ENTRY_POINTS = "autograder.commands"
Command = Callable[[argparse.Namespace, Course], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; gives 0 where all went well, 1 where something is wrong (and says what in one sentence)."""
    options = _parser().parse_args(arguments)
    try:
        command: Command = options.command
        return command(options, Course.at(Path(options.course)))
    except CourseError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("autograder: stopped; what was done is kept.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograder",
        description="Release, grade and export Jupyter assignments of a course folder "
        "(one with an nbgrader_config.py and source notebooks).",
    )
    parser.add_argument("--course", default=".", metavar="DIR", help="the course folder (default: this one)")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str, assignment: bool = True) -> argparse.ArgumentParser:
        sub = subcommands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(command=command)
        if assignment:
            sub.add_argument("assignment", nargs="?", help="which assignment (not needed where there is only one)")
        return sub

    sub = add("release", commands.run_release, "make the notebooks that students get from the source notebooks")
    sub.add_argument("--check", action="store_true", help="only say whether they are stale; change nothing")
    add("handout", commands.run_handout, "pack the released notebooks into a zip for students", assignment=False)
    sub = add("submit", commands.run_submit, "pack your notebooks into one zip to hand in, and say what is open")
    sub.add_argument("--folder", metavar="DIR", help="where your notebooks lie (default: my-notebooks/ASSIGNMENT)")
    sub.add_argument("--to", metavar="ZIP", help="the zip to write (default: my-notebooks/ASSIGNMENT.zip)")
    sub.add_argument("--no-run", action="store_true", help="do not run the notebooks again")
    sub = add(
        "collect",
        commands.run_collect,
        "put a class's zips or folders, as Canvas and Moodle name them, into submitted/",
        False,
    )
    sub.add_argument("sources", nargs="+", metavar="ZIP|DIR", help="what your learning platform gave you")
    sub.add_argument("--assignment", metavar="NAME", help="which assignment (not needed where there is only one)")
    sub.add_argument("--replace", action="store_true", help="take the new one where a student handed in before")
    sub = add("grade", commands.run_grade, "grade everything in submitted/")
    sub.add_argument("--student", action="append", metavar="ID", help="only this student (may be given again)")
    sub.add_argument("--force", action="store_true", help="grade unchanged submissions again as well")
    sub.add_argument(
        "--changed", action="store_true", help="show whose marks would move and why, and ask before writing"
    )
    sub.add_argument("--yes", action="store_true", help="with --changed: write without asking")
    where = sub.add_mutually_exclusive_group()
    jobs = f"submissions graded at a time (default: by the cores, here {default_jobs()})"
    sub.add_argument("--unsafe-no-sandbox", action="store_true", help=UNSAFE)
    where.add_argument("--jobs", type=_number_of("jobs"), metavar="N", help=jobs)
    where.add_argument("--scheduler", metavar="ADDRESS", help="grade on the workers of this Dask scheduler")
    sub = add("why", commands.run_why, "show written answers in groups that read the same, and mark a group at once")
    what = sub.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show marked groups as well as those with open marks")
    how = "give all answers of a group this mark (may be given again)"
    what.add_argument("--mark", nargs=2, action="append", metavar=("GROUP", "POINTS"), help=how)
    sub.add_argument("--question", metavar="NAME", help="show only this question's answers, such as q2")
    sub.add_argument("--comment", metavar="TEXT", help="say this to the students whose answers --mark marks")
    sub.add_argument("--replace", action="store_true", help="with --mark: change marks and comments given before, too")
    add("feedback", commands.run_feedback, "write a feedback page for each graded notebook")
    sub = add("export", commands.run_export, "write the marks to grades.csv, or for Canvas or Moodle")
    sub.add_argument(
        "--format", choices=commands.EXPORTERS, default="csv", help="for what (default: csv, a column a question)"
    )
    sub.add_argument("--roster", default="", metavar="FILE", help="the students as Canvas or Moodle exports them")
    sub.add_argument("--open", choices=["hold", "sum"], help="where marks are open: hold the score back, or the sum")
    sub.add_argument("--decimal", choices=["auto", ".", ","], help="the decimal sign (default: as the roster has it)")
    add("report", commands.run_report, "write report.html, what the class knows and who needs a look, and report.json")
    sub = add(
        "reproduce", commands.run_reproduce, "run each submission again and compare with the outputs stored in it"
    )
    sub.add_argument("--unsafe-no-sandbox", action="store_true", help=UNSAFE)
    add("validate", commands.run_validate, "run source and released notebooks; marked cells must print what is stored")
    add("outputs", commands.run_outputs, "run the source notebooks and store the outputs of the marked cells anew")
    add("doctor", commands.run_doctor, "say what is installed, what is missing and what to do", assignment=False)
    add("lab", commands.run_lab, "open your own copy of the released notebooks in JupyterLab", assignment=False)
    add("formgrader", commands.run_formgrader, "open nbgrader's formgrader on this course", assignment=False)
    _add_installed(add)
    return parser


def _add_installed(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the subcommands that installed packages have as entry points: functions that call `add`."""
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()(add)
        except Exception as error:
            print(f"Warning: the command {entry.name} ({entry.value}) cannot be loaded: {error}.", file=sys.stderr)


def _number_of(things: str) -> Callable[[str], int]:
    """The type of an option that counts things."""

    def positive(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {things}")
        return int(text)

    return positive


if __name__ == "__main__":
    sys.exit(main())
