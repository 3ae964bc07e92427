"""Measure plain nbgrader and this grader, then write a table, a picture and a page (`make bench`)."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from autograder.bench import figures, functions, large, limit, machine, ours, plain, plot, scale
from autograder.bench.figures import COLD, IMPORTS, MIXED, WARM, Report, Run
from autograder.bench.scene import GRADEBOOK, distinct, make_mixed, make_right, part_of, require_full_marks
from autograder.bench.table import HEAD, LINE, markdown
from autograder.bench.table import functions as rows_of_functions
from autograder.cli.parser import number_of
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import proved
from autograder.rnn.sample_class import ASSIGNMENT

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"  # in the page
MOST_STUDENTS = 100_000


@dataclass(frozen=True)
class Plan:
    """What to measure: submissions in each class, how many are graded at a time, how many rounds."""

    plain: int = 2
    cold: int = 4
    warm: int = 40
    large: tuple[int, ...] = (400,)  # each graded once
    functions: int = 12
    jobs: tuple[int, ...] = (1, 2, 4)
    rounds: int = 3


QUICK = Plan(plain=1, cold=1, warm=2, large=(4,), functions=3, jobs=(1, 2), rounds=1)


class Bench:
    """Take measurements on copies of one class, in a temporary folder."""

    def __init__(self, course: Course, folder: Path, size: Plan) -> None:
        self.size, self.folder = size, folder
        self.whole = make_right(course, folder / "whole", max(size.large) + 1)
        self.mixed = make_mixed(course, folder / "mixed", size.warm + 1)
        for released in (self.whole, self.mixed):
            proved(SourceAssignment.load(released, ASSIGNMENT))  # as `autograder release` does
        self.empty = (self.whole.root / GRADEBOOK).stat().st_size
        self.stored: dict[str, float] = {}

    def report(self) -> Report:
        """Take all measurements.

        Raises:
            CourseError: a measurement failed.
        """
        described, runs, limits, unset, forked, loading = machine.describe(), [], [], [], [], []
        for number in range(self.size.rounds):
            steps = list(self._steps())
            for step in reversed(steps) if number % 2 else steps:
                runs.append(step())
                _say(f"{number + 1}/{self.size.rounds} {runs[-1].what}, {runs[-1].jobs}: {runs[-1].each:.3f} s")
            limits.append(limit.measure(self.whole, self.whole.limits.prepare))
            unset.append(limit.measure(self.whole))
            forked.append(limit.measure(self.whole, self.whole.limits.prepare, "forked"))
            loading.append(limit.loading(self.whole))
        most = max(self.size.jobs)
        for students in self.size.large:
            runs.append(self._ours(WARM, students, most))
            _say(f"{runs[-1].what}, {students} submissions: {runs[-1].each:.3f} s, {runs[-1].peak >> 20} MiB")
        with self._part(1 + most) as part:
            kernels = ours.memory(part, WARM, most)
        quickstart = functions.make_quickstart(self.folder / "quickstart", self.size.functions)
        return Report(
            machine=described,
            cores=machine.cores(),
            runs=tuple(runs),
            limit=tuple(limits),
            unset=tuple(unset),
            forked=tuple(forked),
            unique=tuple(unique for unique, _ in kernels),
            proportional=tuple(proportional for _, proportional in kernels),
            stored=self.stored,
            functions=tuple(functions.measure(quickstart, self.folder / "functions", (1, most))),
            loading=tuple(loading),
            distinct=distinct(self.mixed),
        )

    def _steps(self) -> Iterator[Callable[[], Run]]:
        """Yield each measurement of a round, in any order."""
        for setting in plain.SETTINGS_TRIED:
            yield partial(self._plain, setting)
        for shape, students in ((COLD, self.size.cold), (IMPORTS, self.size.warm), (WARM, self.size.warm)):
            for jobs in self.size.jobs:
                yield partial(self._ours, shape, students, jobs)
        yield self._graded_mixed

    def _plain(self, setting: plain.Setting) -> Run:
        students = max(self.size.plain, setting.processes)
        with self._part(students, setting.settings) as part:
            run = plain.measure(part, setting)
            require_full_marks(part, students)
        return run

    def _ours(self, shape: str, students: int, jobs: int) -> Run:
        with self._part(students + 1) as part:  # the first one is graded before the measurement starts
            run = ours.measure(part, shape, jobs)
            require_full_marks(part, students + 1)
            if students == max(self.size.large):
                self.stored = _stored(part, students + 1, self.empty)
        return run

    def _graded_mixed(self) -> Run:
        with self._part(self.size.warm + 1, of=self.mixed) as part:
            return ours.measure(part, MIXED, max(self.size.jobs))

    @contextmanager
    def _part(self, students: int, settings: str = "", of: Course | None = None) -> Iterator[Course]:
        """Copy the first students of a class, by default the right one, into a temporary course."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
            yield part_of(of or self.whole, Path(folder) / "course", students, settings)


def _stored(course: Course, students: int, empty: int) -> dict[str, float]:
    """Return bytes per submission, by folder; `empty` is the size of the gradebook before grading."""
    sizes = {step: _bytes(course.root / step) for step in ("submitted", "autograded")}
    sizes["in the gradebook"] = (course.root / GRADEBOOK).stat().st_size - empty
    return {place: size / students for place, size in sizes.items()}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or read an earlier report, and show it.

    Returns:
        The exit status: 1 if something could not be measured.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.functions:
            sys.stdout.write("\n".join([HEAD, LINE, *rows_of_functions(_functions(options)), ""]))
            return 0
        if options.large:
            sys.stdout.write(f"{_large(options)}\n")
            return 0
        report = figures.read(options.read) if options.read else _measured(options)
        _write(report, options)
    except CourseError as error:
        _say(f"autograder: {error}")
        return 1
    sys.stdout.write(f"{markdown(report)}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autograder.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="very small classes, one round: a test of the bench, not a measurement"
    )
    parser.add_argument("--course", type=Path, default=Path(), help="the course whose notebooks are graded")
    parser.add_argument(
        "--folder", type=Path, help="where to write bench.png, bench.json and scale.md (default: autograder/docs/pages)"
    )
    parser.add_argument("--page", type=Path, help=f"the file to write the table into, between {BEGIN} and {END}")
    rounds, students = number_of("rounds"), number_of("students", MOST_STUDENTS)
    parser.add_argument("--rounds", type=rounds, metavar="N", help=f"measure all N times (default: {Plan.rounds})")
    parser.add_argument("--students", type=students, metavar="N", help="also grade a class of N students, once")
    parser.add_argument("--large", type=students, metavar="N", help="only grade a class of N students, once")
    parser.add_argument("--functions", action="store_true", help="measure only the course of functions; write nothing")
    parser.add_argument("--read", type=Path, metavar="JSON", help="show the figures of an earlier run; measure nothing")
    return parser


def _measured(options: argparse.Namespace) -> Report:
    course = Course.at(options.course)
    course.assignment(ASSIGNMENT)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        size = QUICK if options.quick else Plan()
        size = replace(size, rounds=options.rounds or size.rounds)
        more = (options.students,) if options.students else ()
        return Bench(course, Path(folder), replace(size, large=(*size.large, *more))).report()


def _large(options: argparse.Namespace) -> str:
    """Grade a large class, and write what it took into the page. Return that."""
    if options.page:
        _parts(options.page, large.BEGIN, large.END)  # before hours of measuring
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        found = large.measure(Course.at(options.course), Path(folder), options.large).markdown()
    if options.page:
        _replace(options.page, large.BEGIN, large.END, found)
    return found


def _functions(options: argparse.Namespace) -> list[Run]:
    size = QUICK if options.quick else Plan()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        course = functions.make_quickstart(Path(folder, "quickstart"), size.functions)
        return functions.measure(course, Path(folder, "functions"), (1, max(size.jobs)))


def _write(report: Report, options: argparse.Namespace) -> None:
    """Write picture, data, page and table; a quick run's figures mean nothing and stay out of the repository."""
    folder = options.folder or Path("build/bench" if options.quick else "autograder/docs/pages")
    folder.mkdir(parents=True, exist_ok=True)
    plot.draw(report, folder / "bench.png")
    (folder / "bench.json").write_text(report.text(), encoding="utf-8")
    (folder / "scale.md").write_text(scale.page(report), encoding="utf-8")
    if options.page and not options.quick:
        _replace(options.page, BEGIN, END, markdown(report))


def _replace(page: Path, begin: str, end: str, new: str) -> None:
    """Replace what a page has between two lines."""
    before, after = _parts(page, begin, end)
    page.write_text(f"{before}{begin}\n{new}\n{end}{after}", encoding="utf-8")


def _parts(page: Path, begin: str, end: str) -> tuple[str, str]:
    """Return what a page has before and after two lines; CourseError: it does not have them."""
    text = page.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise CourseError(f"{page}: has no place for the table; add the lines {begin} and {end}.")
    return text.partition(begin)[0], text.partition(end)[2]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
