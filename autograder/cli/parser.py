"""Define the command line: every subcommand with its options and help texts.

Only the standard library and `commands` are imported here, so that `autograder --help` is fast. Other packages can add
subcommands with entry points of the group `autograder.commands`: functions that are called with `add`.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING, Any, NoReturn

from autograder.cli.commands import course, grading, marks, students
from autograder.distribution import NAME, own_command

if TYPE_CHECKING:
    from autograder.course.course import Course

Command = Callable[[argparse.Namespace, "Course"], int]
ENTRY_POINTS = "autograder.commands"
MOST = 1000  # jobs, students: more than one machine can work on at a time
ALIASES = {"why": "mark"}  # older names: accepted, but not listed in the help
DESCRIPTION = """Release, grade and export Jupyter assignments.
Run it in a course folder: one with an nbgrader_config.py and source notebooks."""
STATUSES = """exit status:
  0    all is well
  1    the command found a problem, or could not finish
  2    the command line is wrong: an unknown option, name or value, or not a course folder
  130  you stopped it with Ctrl-C

`{command} COMMAND --help` explains a command and its options."""
UNSAFE = "run student code without a sandbox, with your rights; the submissions' status will be `unsandboxed`"
ASSIGNMENT = "the assignment (you can leave it out if the course has only one)"


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one sentence and exits with status 2. Options are never abbreviated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"autograder: {message.rstrip('.')}; see `{self.prog} --help`.\n")


class _Version(argparse.Action):
    """Print the version, which is looked up only when requested."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"autograder {version(NAME)}")
        parser.exit()


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse a command line; if it is wrong, print one sentence and exit with status 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = build(own_command())
    options = parser.parse_args([*_renamed(given)])
    if not hasattr(options, "command"):
        parser.error("name a command")
    return options


def _renamed(given: Sequence[str]) -> list[str]:
    """Replace an older name of the subcommand, which is the first word that is neither an option nor its value."""
    value = False
    for place, word in enumerate(given):
        if not value and not word.startswith("-"):
            return [*given[:place], ALIASES.get(word, word), *given[place + 1 :]]
        value = word == "--course"
    return list(given)


def build(command: str = "autograder") -> argparse.ArgumentParser:
    """Build the parser with all its subcommands; `command` is how the help texts call it."""
    parser = Parser(
        prog=command,
        description=DESCRIPTION,
        epilog=STATUSES.format(command=command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.set_defaults(needs_course=True)
    _everywhere(parser, course=".", verbose=0, quiet=0)
    subcommands = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=Parser)

    def add(name: str, command: Command, text: str, assignment: bool = True) -> argparse.ArgumentParser:
        """Add a subcommand; `text` is its help, a phrase without a capital letter or full stop."""
        sub = subcommands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(command=command, name=name)
        _everywhere(sub)
        if assignment:
            sub.add_argument("assignment", nargs="?", help=ASSIGNMENT)
        return sub

    for job in (_for_new_courses, _for_students, _for_release, _for_grading, _for_marks, _for_checks):
        job(add)
    _add_installed(add)
    return parser


Add = Callable[..., argparse.ArgumentParser]


def _everywhere(parser: argparse.ArgumentParser, **defaults: object) -> None:
    """The options that are understood before and after the subcommand."""

    def default(name: str) -> object:
        return defaults.get(name, argparse.SUPPRESS)

    parser.add_argument(
        "--course",
        type=_folder,
        default=default("course"),
        metavar="DIR",
        help="the course folder (default: the current folder)",
    )
    loud = parser.add_mutually_exclusive_group()
    shown = "show tracebacks of grader errors, and debug messages"
    loud.add_argument("-v", "--verbose", action="store_const", const=1, default=default("verbose"), help=shown)
    loud.add_argument(
        "-q", "--quiet", action="store_const", const=1, default=default("quiet"), help="show errors, but no warnings"
    )


def _folder(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return text


def _for_new_courses(add: Add) -> None:
    what = "make a course: a new one with an example, or one from an nbgrader folder; overwrites nothing"
    sub = add("init", course.run_init, what, assignment=False)
    sub.add_argument("folder", nargs="?", type=_folder, metavar="DIR", help="the folder (default: the current folder)")
    sub.set_defaults(needs_course=False)


def _for_students(add: Add) -> None:
    add("lab", students.run_lab, "open your own copy of the released notebooks in JupyterLab", assignment=False)
    sub = add("submit", students.run_submit, "check your notebooks and pack them into one zip to hand in")
    sub.add_argument("--folder", metavar="DIR", help="the folder of your notebooks (default: my-notebooks/ASSIGNMENT)")
    sub.add_argument("--to", metavar="ZIP", help="the zip to write (default: my-notebooks/ASSIGNMENT.zip)")
    sub.add_argument("--no-run", action="store_true", help="pack the notebooks without running them first")


def _for_release(add: Add) -> None:
    sub = add("release", course.run_release, "make the students' notebooks from the source notebooks")
    sub.add_argument("--check", action="store_true", help="only check that they are up to date; change nothing")
    add("handout", course.run_handout, "pack the released notebooks into a zip for students", assignment=False)
    add("validate", course.run_validate, "run all notebooks and compare their outputs with the stored ones")
    add("outputs", course.run_outputs, "run the source notebooks and store the outputs that `validate` compares")


def _for_grading(add: Add) -> None:
    sub = add("collect", grading.run_collect, "sort a class's files from Canvas or Moodle into submitted/", False)
    sub.add_argument("sources", nargs="+", metavar="ZIP|DIR", help="a zip or folder that you downloaded")
    sub.add_argument("--assignment", metavar="NAME", help=ASSIGNMENT)
    sub.add_argument("--replace", action="store_true", help="replace submissions that are already there")
    listed = "the students: Canvas' gradebook, Moodle's worksheet or participants, or a CSV file with a column `id`"
    sub.add_argument("--roster", metavar="FILE", help=f"{listed}; the course's roster keeps them")
    sub = add("grade", grading.run_grade, "grade the submissions in submitted/")
    sub.add_argument("--student", action="append", metavar="ID", help="grade only this student (can be repeated)")
    sub.add_argument("--force", action="store_true", help="also grade submissions that have not changed")
    sub.add_argument(
        "--changed", action="store_true", help="show which marks would change and why, and ask before writing"
    )
    sub.add_argument("--yes", action="store_true", help="with --changed: write the marks without asking")
    sub.add_argument("--unsafe-no-sandbox", action="store_true", help=UNSAFE)
    where = sub.add_mutually_exclusive_group()
    jobs = "how many submissions to grade at the same time (default: a few more than this machine has cores)"
    where.add_argument("--jobs", type=number_of("jobs"), metavar="N", help=jobs)
    where.add_argument("--scheduler", metavar="ADDRESS", help="grade on the workers of this Dask scheduler")
    sub = add("reproduce", grading.run_reproduce, "run each submission again and compare it with its stored outputs")
    sub.add_argument("--unsafe-no-sandbox", action="store_true", help=UNSAFE)


def _for_marks(add: Add) -> None:
    sub = add("mark", marks.run_mark, "show written answers, grouped by equal text, and mark whole groups")
    what = sub.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="also show groups that are marked already")
    how = "give every answer in GROUP these POINTS (can be repeated)"
    what.add_argument("--mark", nargs=2, action="append", metavar=("GROUP", "POINTS"), help=how)
    sub.add_argument("--question", metavar="NAME", help="show only the answers to this question")
    sub.add_argument("--comment", metavar="TEXT", help="with --mark: add this comment for the students")
    sub.add_argument("--replace", action="store_true", help="with --mark: also change earlier marks and comments")
    add("feedback", marks.run_feedback, "write each student's feedback pages")
    add("report", marks.run_report, "write a report on the class: report.html, and its data in report.json")
    sub = add("export", marks.run_export, "write the marks to a CSV file, also for Canvas or Moodle")
    sub.add_argument(
        "--format", choices=marks.EXPORTERS, default="csv", help="csv (the default), or the platform's own format"
    )
    roster = "the list of students exported from Canvas or Moodle"
    sub.add_argument("--roster", default="", metavar="FILE", help=roster)
    unmarked = (
        "if answers are not marked yet: leave the score empty (hold, the default), or export the points so far (sum)"
    )
    sub.add_argument("--open", choices=["hold", "sum"], help=unmarked)
    sub.add_argument("--decimal", choices=["auto", ".", ","], help="the decimal sign (default: as in the roster)")
    add("formgrader", marks.run_formgrader, "open nbgrader's formgrader on this course", assignment=False)


def _for_checks(add: Add) -> None:
    what = "report which tests work as they are, which do not and why; nothing is graded or written"
    add("check", course.run_check, what)
    add("doctor", course.run_doctor, "check the installation and the course, and report what is missing", False)


def _add_installed(add: Add) -> None:
    """Add the subcommands of installed packages, whose entry points are functions that call `add`."""
    entries = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}  # an older installation may repeat them
    for entry in entries.values():
        try:
            entry.load()(add)
        except Exception as error:
            print(f"Warning: the command {entry.name!r} ({entry.value}) cannot be loaded: {error}.", file=sys.stderr)


def number_of(things: str, most: int = MOST) -> Callable[[str], int]:
    """Return the type of an option that counts things: a whole number from 1 to `most`."""

    def positive(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text[:10]) <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of {things} from 1 to {most}")
        return int(text)

    return positive
