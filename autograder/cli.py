"""The console command `autograder`: one subcommand for each job of an instructor, a learner or CI."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autograder import lab, show
from autograder.canvas import CanvasExporter
from autograder.changes import Review
from autograder.cluster import connected
from autograder.collect import collect
from autograder.course import Course
from autograder.crew import Crew, default_jobs
from autograder.demo import ASSIGNMENT, SALT, make_class
from autograder.doctor import examine
from autograder.errors import CourseError
from autograder.exporters import CsvExporter, Exporter
from autograder.feedback import feedback
from autograder.grade import grade
from autograder.handout import handout
from autograder.moodle import MoodleExporter
from autograder.outputs import refresh
from autograder.prove import prove
from autograder.release import is_stale, release
from autograder.report import Table, table, write_csv
from autograder.reproduce import reproduce, validate
from autograder.sandboxed import BANNER, WARNING, sandbox_if_any
from autograder.submit import submit
from autograder.survey import write_report
from autograder.why import mark, questions

NOTHING_GRADED = ("damaged", "missing", "grader-error")
EXPORTERS: dict[str, type[Exporter]] = {"csv": CsvExporter, "canvas": CanvasExporter, "moodle": MoodleExporter}
UNSAFE = "run student code without a sandbox, with your rights (of a grade the status says so)"
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str, assignment: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(command=command)
        if assignment:
            sub.add_argument("assignment", nargs="?", help="which assignment (not needed where there is only one)")
        return sub

    sub = add("release", _release, "make the notebooks that students get from the source notebooks")
    sub.add_argument("--check", action="store_true", help="only say whether they are stale; change nothing")
    add("handout", _handout, "pack the released notebooks into a zip for students", assignment=False)
    sub = add("submit", _submit, "pack your notebooks into one zip to hand in, and say what is open")
    sub.add_argument("--folder", metavar="DIR", help="where your notebooks lie (default: my-notebooks/ASSIGNMENT)")
    sub.add_argument("--to", metavar="ZIP", help="the zip to write (default: my-notebooks/ASSIGNMENT.zip)")
    sub.add_argument("--no-run", action="store_true", help="do not run the notebooks again")
    sub = add(
        "collect", _collect, "put a class's zips or folders, as Canvas and Moodle name them, into submitted/", False
    )
    sub.add_argument("sources", nargs="+", metavar="ZIP|DIR", help="what your learning platform gave you")
    sub.add_argument("--assignment", metavar="NAME", help="which assignment (not needed where there is only one)")
    sub.add_argument("--replace", action="store_true", help="take the new one where a student handed in before")
    sub = add("grade", _grade, "grade everything in submitted/")
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
    sub = add("why", _why, "show written answers in groups that read the same, and mark a group at once")
    what = sub.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show marked groups as well as those with open marks")
    how = "give all answers of a group this mark (may be given again)"
    what.add_argument("--mark", nargs=2, action="append", metavar=("GROUP", "POINTS"), help=how)
    sub.add_argument("--question", metavar="NAME", help="show only this question's answers, such as q2-why")
    sub.add_argument("--comment", metavar="TEXT", help="say this to the students whose answers --mark marks")
    sub.add_argument("--replace", action="store_true", help="with --mark: change marks and comments given before, too")
    add("feedback", _feedback, "write a feedback page for each graded notebook")
    sub = add("export", _export, "write the marks to grades.csv, or for Canvas or Moodle")
    sub.add_argument("--format", choices=EXPORTERS, default="csv", help="for what (default: csv, a column a question)")
    sub.add_argument("--roster", default="", metavar="FILE", help="the students as Canvas or Moodle exports them")
    sub.add_argument("--open", choices=["hold", "sum"], help="where marks are open: hold the score back, or the sum")
    sub.add_argument("--decimal", choices=["auto", ".", ","], help="the decimal sign (default: as the roster has it)")
    add("report", _report, "write report.html, what the class knows and who needs a look, and report.json")
    sub = add("reproduce", _reproduce, "run each submission again and compare with the outputs stored in it")
    sub.add_argument("--unsafe-no-sandbox", action="store_true", help=UNSAFE)
    add("validate", _validate, "run source and released notebooks; marked cells must print what is stored")
    add("outputs", _outputs, "run the source notebooks and store the outputs of the marked cells anew")
    sub = add("demo", _demo, "make a sample class, grade it and show the marks", assignment=False)
    sub.add_argument(
        "--students", type=_number_of("students"), default=16, metavar="N", help="how many students (default: 16)"
    )
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="another seed, another class (default: 0)")
    sub.add_argument("--own-numbers", action="store_true", help="each student has their own sizes; some copy others'")
    sub.add_argument("--folder", default="demo", metavar="DIR", help="where the demo's course lies (default: demo)")
    add("doctor", _doctor, "say what is installed, what is missing and what to do", assignment=False)
    add("lab", _lab, "open your own copy of the released notebooks in JupyterLab", assignment=False)
    add("formgrader", _formgrader, "open nbgrader's formgrader on this course", assignment=False)
    return parser


def _number_of(things: str) -> Callable[[str], int]:
    """The type of an option that counts things."""

    def positive(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {things}")
        return int(text)

    return positive


def _chosen(options: argparse.Namespace, course: Course) -> list[str]:
    """The assignment asked for, or all of them."""
    known = course.assignments()
    if options.assignment and options.assignment not in known:
        course.assignment(options.assignment)
    return [options.assignment] if options.assignment else known


def _release(options: argparse.Namespace, course: Course) -> int:
    stale = 0
    for assignment in _chosen(options, course):
        folder = course.folder("release", assignment).resolve()
        if not options.check:
            _prove(course, assignment)
            print(f"released: {release(course, assignment)}")
        elif is_stale(course, assignment):
            stale = 1
            print(f"stale: {folder} is not what its source gives; run `make release` and commit it.", file=sys.stderr)
        else:
            print(f"up to date: {folder}")
    return stale


def _prove(course: Course, assignment: str) -> None:
    """Nothing is released whose tests have not shown that the solution, and it alone, earns the points."""
    if assignment not in course.ungraded:
        print(f"proving every test of {assignment} on its solution", flush=True)
        prove(course, assignment)


def _handout(options: argparse.Namespace, course: Course) -> int:
    print(f"for students: {handout(course)}")
    return 0


def _submit(options: argparse.Namespace, course: Course) -> int:
    assignment = course.assignment(options.assignment)
    folder = Path(options.folder or course.root / lab.COPY / assignment)
    path = Path(options.to or course.root / lab.COPY / f"{assignment}.zip")
    if not options.no_run:
        print("running your notebooks from the top, to see whether they show the same", flush=True)
    packed = submit(course, assignment, folder, path, rerun=not options.no_run)
    print(*packed.said, sep="\n", end="\n" if packed.said else "")
    print(f"packed {len(packed.notebooks)} notebooks; hand in this file: {packed.path.resolve()}")
    return 0


def _collect(options: argparse.Namespace, course: Course) -> int:
    assignment = course.assignment(options.assignment)
    found = collect(course, assignment, [Path(source) for source in options.sources], options.replace)
    for one in found:
        print(f"{one.student}: {len(one.notebooks)} notebooks" if one.student else "of nobody:")
        print(*(f"  {sentence}" for sentence in one.said), sep="\n", end="\n" if one.said else "")
    print(f"collected {sum(bool(one.notebooks) for one in found)} students in {course.folder('submitted').resolve()}")
    return int(not any(one.student for one in found))


def _grade(options: argparse.Namespace, course: Course) -> int:
    assignment = course.assignment(options.assignment)
    asked = _Asked(options.yes) if options.changed else None
    if options.yes and not asked:
        raise CourseError("--yes goes with --changed: add it, or leave --yes out.")
    with _crew(options) as crew, show.class_progress("grading", _count(options, course, assignment)) as bar:
        how = {"jobs": options.jobs, "force": options.force, "busy": bar.busy, "unsafe": _unsafe(options)}
        if asked:
            asked.before = bar.close
        statuses = grade(course, assignment, options.student, bar, crew, review=asked, **how)
    if asked and not asked.agreed:
        return int(not asked.answered)
    show.show_table(table(course, assignment))
    return int(all(status in NOTHING_GRADED for status in statuses.values()))


class _Asked:
    """Shows what grading would change and asks whether to write it; `answered`: was there somebody to ask?"""

    def __init__(self, yes: bool) -> None:
        self.yes, self.agreed, self.answered = yes, False, True
        self.before: Callable[[], None] = lambda: None

    def __call__(self, review: Review) -> bool:
        self.before()
        show.show_review(review)
        self.answered = self.yes or sys.stdin.isatty()
        self.agreed = self.yes or (self.answered and _says_yes("Write these marks? [y/N] "))
        if not self.agreed:
            how = "" if self.answered else "; nobody is here to ask: add --yes to write"
            print(f"nothing is written; the gradebook is as it was{how}.")
        return self.agreed


def _says_yes(question: str) -> bool:
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def _unsafe(options: argparse.Namespace) -> bool:
    """Was it asked for in so many words that student code run without a sandbox? Then warn."""
    if options.unsafe_no_sandbox:
        print(WARNING, file=sys.stderr)
    return bool(options.unsafe_no_sandbox)


@contextmanager
def _crew(options: argparse.Namespace) -> Iterator[Crew | None]:
    """The workers of the scheduler asked for; None means threads of this process."""
    if not options.scheduler:
        yield None
        return
    with connected(options.scheduler) as cluster:
        print(cluster, flush=True)
        yield cluster


def _count(options: argparse.Namespace, course: Course, assignment: str) -> int:
    return len(set(options.student or course.students(assignment)))


def _why(options: argparse.Namespace, course: Course) -> int:
    assignment = course.assignment(options.assignment)
    if options.mark:
        for done in mark(course, assignment, list(map(_points, options.mark)), options.comment, options.replace):
            print(f"{done.group.name}: marked {len(done.students)}", end="")
            print(f"; {len(done.kept)} keep the mark given before (--replace changes them)" if done.kept else "")
        return 0
    if options.comment is not None or options.replace:
        raise CourseError("--comment and --replace go with --mark GROUP POINTS: name a group, or leave them out.")
    asked = questions(course, assignment)
    chosen = [question for question in asked if options.question in (None, question.name)]
    if not chosen:
        names = ", ".join(question.name for question in asked) or "none"
        said = f"no written answers to {options.question!r}" if options.question else "no written answers"
        raise CourseError(f"{assignment}: {said}; questions that a reader marks: {names}.")
    show.show_answers(chosen, options.list)
    print("mark a group with: autograder why --mark GROUP POINTS --comment TEXT")
    return 0


def _points(given: Sequence[str]) -> tuple[str, float]:
    """GROUP and POINTS as they were typed."""
    try:
        return given[0], float(given[1])
    except ValueError:
        raise CourseError(f"{given[0]}: {given[1]!r} is no number; give the points such as 0.5.") from None


def _feedback(options: argparse.Namespace, course: Course) -> int:
    assignment = course.assignment(options.assignment)
    students = feedback(course, assignment)
    print(f"feedback for {len(students)} students: {course.folder('feedback', assignment, '<student>')}.html")
    return 0


def _export(options: argparse.Namespace, course: Course) -> int:
    if options.format == "csv" and (options.roster or options.open):
        raise CourseError("--roster and --open are for Canvas and Moodle: name one with --format, or leave them out.")
    asked = {"open_marks": options.open, "decimal": options.decimal}
    given = {name: value for name, value in asked.items() if value}
    if options.roster:
        given["roster"] = str(Path(options.roster).resolve())  # as the user sees it, not from the course's folder
    exporter = EXPORTERS[options.format](parent=course, **given)
    exporter.assignment = [course.assignment(options.assignment)] if options.assignment else course.graded()
    with course.gradebook() as book:
        exporter.export(book)
    print(*(f"marks: {path}" for path in exporter.written), *exporter.said, sep="\n")
    return 0


def _report(options: argparse.Namespace, course: Course) -> int:
    for assignment in [course.assignment(options.assignment)] if options.assignment else course.graded():
        print(*(f"report: {path}" for path in write_report(course, assignment)), sep="\n")
    return 0


def _reproduce(options: argparse.Namespace, course: Course) -> int:
    assignment = course.assignment(options.assignment)
    with show.progress("running again", len(course.students(assignment))) as step:
        found = reproduce(course, assignment, progress=step, unsafe=_unsafe(options))
    return int(any(said != "yes" for said in found.values()))


def _validate(options: argparse.Namespace, course: Course) -> int:
    failed = 0
    for path, outcome in validate(course, options.assignment):
        print(f"{'✓' if outcome.ok else '✗'} {path.relative_to(course.root)}")
        for failure in outcome.failures:
            print(f"  {failure}")
        failed += not outcome.ok
    return int(failed > 0)


def _outputs(options: argparse.Namespace, course: Course) -> int:
    for assignment in _chosen(options, course):
        refresh(course, assignment)
        print(f"outputs stored: {course.folder('source', assignment).resolve()}")
    return 0


def _demo(options: argparse.Namespace, course: Course) -> int:
    salt = SALT if options.own_numbers else ""
    demo = make_class(course, Path(options.folder).resolve(), options.students, options.seed, salt)
    unsafe = sandbox_if_any() == "none"
    if unsafe:
        print(BANNER, file=sys.stderr)
    with show.class_progress("grading", options.students) as bar:
        grade(demo, ASSIGNMENT, progress=bar, busy=bar.busy, unsafe=unsafe)
    results: Table = table(demo, ASSIGNMENT)
    show.show_table(results, picture=demo.root / "table.svg")
    write_csv(results, demo.root / "grades.csv")
    page, _ = write_report(demo, ASSIGNMENT)
    print(f"What the class knows: {page}")
    print(f"The class lies in {demo.root}; look at its written answers with: make formgrader COURSE={options.folder}")
    return 0


def _doctor(options: argparse.Namespace, course: Course) -> int:
    findings = examine(course)
    print(*findings, sep="\n")
    return int(not all(finding.ok for finding in findings))


def _lab(options: argparse.Namespace, course: Course) -> int:
    mine = lab.own_copy(course)
    print(f"Your notebooks: {mine} (your work stays there; git ignores it)", flush=True)
    lab.serve(mine, lab.first_page(course, mine), lab.LEARNERS)
    return 0


def _formgrader(options: argparse.Namespace, course: Course) -> int:
    lab.serve(course.root, "/formgrader")
    return 0


if __name__ == "__main__":
    sys.exit(main())
