"""Exporters: plugins of `nbgrader export` that write marks for other programs. `autograder export` runs the same ones.

    nbgrader export --exporter=autograder.export.exporters.CsvExporter
    nbgrader export --exporter=autograder.export.canvas.CanvasExporter --to=canvas.csv \\
        --CanvasExporter.roster=roster.csv
    nbgrader export --exporter=autograder.export.moodle.MoodleExporter --to=moodle.csv \\
        --MoodleExporter.roster=roster.csv

No student is dropped. Students with marks but no row in the roster, and students with a row but no marks, are listed in
a file beside the export, `…-unmatched.csv`. A score is held back while an answer is not marked yet, unless `open_marks`
is "sum". Where there is no score to send, the platform keeps the score it has.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Enum, Unicode

from autograder.course.course import Course
from autograder.course.people import Matched, match
from autograder.course.roster import Person, plain
from autograder.course.times import write_time
from autograder.csv_files import CsvTable, Style, number_cell, read_sheet, write_sheet
from autograder.distribution import own_command
from autograder.errors import CourseError, UsageError
from autograder.gradebook.queries import Row, Table, table


class Exporter(ExportPlugin):  # type: ignore[misc]
    """The base of all exporters. After `export`, `written` has the files and `messages` has sentences for the user."""

    decimal = Enum(
        ["auto", ".", ","], "auto", help="The decimal sign. auto: the roster's, or a point where there is no roster."
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the marks of `self.assignment` to `self.to`; of all assignments where none is named."""
        try:
            self._export(gradebook)
        except CourseError as error:
            if isinstance(self.parent, Course):
                raise
            self.parent.fail("%s", error)  # nbgrader's own way to end with a sentence
        for sentence in () if isinstance(self.parent, Course) else self.messages:
            self.log.warning(sentence)

    def _export(self, gradebook: Gradebook) -> None:
        self.written: list[Path] = []
        self.messages: list[str] = []
        chosen = list(map(str, self.assignment)) or sorted(assignment.name for assignment in gradebook.assignments)
        if not chosen:
            command = own_command()
            raise CourseError(f"the gradebook has no assignment; run `{command} release`, then `{command} grade`.")
        self.write([self._narrowed(table(self.course, name)) for name in chosen], gradebook)

    def write(self, tables: Sequence[Table], gradebook: Gradebook) -> None:
        """Write the files."""
        raise NotImplementedError

    @property
    def course(self) -> Course:
        """The course to export: the one of our own command, or the folder of nbgrader's."""
        if isinstance(self.parent, Course):
            return self.parent
        settings = deepcopy(self.config)
        settings.CourseDirectory.root = self.parent.coursedir.root
        return Course(config=settings)

    def path(self, default: str) -> Path:
        """Return the file to write, relative to the course."""
        return self.course.root / (self.to or default)

    def _narrowed(self, results: Table) -> Table:
        """Keep only the students that were asked for."""
        wanted = set(map(str, self.student))
        return replace(results, rows=tuple(row for row in results.rows if not wanted or row.student in wanted))


def write_csv(results: Table, path: Path, style: Style | None = None) -> None:
    """Write one row for each student, in UTF-8: the student, the marks by question, the score and its parts, …."""
    sums = ["raw_score", "late_penalty", "score", "max_score"]
    end = ["status", "handed_in", "reproducible", "repairs"]
    header = ["student_id", "last_name", "first_name", "email", *results.points, *sums, *end]
    write_sheet(path, [header, *(_cells_of(row, style) for row in results.rows)], style)


def _cells_of(row: Row, style: Style | None) -> list[str]:
    values = (*row.marks.values(), row.raw_score, row.penalty, row.score, row.max_score)
    names = (row.person.last_name, row.person.first_name, row.person.email)
    handed_in = write_time(row.handed_in) if row.handed_in else ""
    end = (row.status, handed_in, row.reproducible, "; ".join(row.repairs))
    return [row.student, *names, *(number_cell(value, style) for value in values), *end]


class CsvExporter(Exporter):
    """A row for each student and a column for each question; semicolons separate cells with decimal commas."""

    def write(self, tables: Sequence[Table], gradebook: Gradebook) -> None:
        """Write one file for each assignment."""
        comma = self.decimal == ","
        style = Style(
            ";" if comma else ",", "," if comma else ".", mark=comma
        )  # the byte-order mark tells Excel that the file is UTF-8
        for results in tables:
            path = self.path("grades.csv" if len(tables) == 1 else f"grades-{results.assignment}.csv")
            if self.to and len(tables) > 1:
                path = path.with_name(f"{path.stem}-{results.assignment}{path.suffix}")
            write_csv(results, path, style)
            self.written.append(path)
            self.messages += _not_marked(results)


def _not_marked(results: Table) -> list[str]:
    """Name the students whose cells are empty because an answer is not marked yet, and the open tests among these."""
    rows = [row for row in results.rows if row.score is not None and None in row.marks.values()]
    if not rows:
        return []
    tests = [name for name in results.points if name not in results.written]
    open_tests = [name for name in tests if any(row.marks[name] is None for row in rows)]
    sentences = [f"{results.assignment}: not all answers are marked yet: {_names([row.student for row in rows])}."]
    if open_tests:
        sentences.append(
            f"{results.assignment}: tests without a mark, for you to mark in formgrader: {_names(open_tests)}."
        )
    return sentences


class RosterExporter(Exporter):
    """An export that matches students against a roster, the file that a learning platform exports."""

    platform = hint = ""  # the platform's name, and how to get its list of students
    roster = Unicode("", help="The CSV file of students that the platform exports.").tag(config=True)
    open_marks = Enum(
        ["hold", "sum"], "hold", help="While an answer is not marked yet: hold the score back, or send the sum so far."
    ).tag(config=True)
    columns = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="The platform's names of assignments, where they differ: {'ps1': 'Problem set 1'}.",
    ).tag(config=True)

    def sheet(self) -> CsvTable:
        """Read the roster; raise CourseError where none is named or it cannot be read."""
        if not self.roster:
            raise UsageError(
                f"{self.platform} needs its list of students: {self.hint}, and pass the file with --roster."
            )
        return read_sheet(self.course.root / self.roster)

    def style(self, sheet: CsvTable) -> Style:
        """Return the roster's style, with the decimal sign that was asked for."""
        return sheet.style if self.decimal == "auto" else replace(sheet.style, decimal=self.decimal)

    def score(self, row: Row) -> float | None:
        """Return the score to send, or None where none is sent."""
        held = self.open_marks == "hold" and None in row.marks.values()
        return None if held else row.score

    def matched(
        self, tables: Sequence[Table], rows: Sequence[Sequence[str]], users: Sequence[Sequence[str]]
    ) -> Matched:
        """Match the gradebook's students against the roster's rows.

        Args:
            tables: The results.
            rows: The cells of each row that may have a student's id or e-mail address, the surest first.
            users: The platform's id of each row, and the name.
        """
        people = {row.student: row.person for row in tables[0].rows}
        sure = self._by_user(people, {user: place for place, (user, _) in enumerate(users) if user})
        free = [() if place in sure.values() else row for place, row in enumerate(rows)]
        others = {name: [name, *filter(None, [one.email])] for name, one in people.items() if name not in sure}
        found = match(others, free)
        taken = {*sure.values(), *found.rows.values()}
        left = {place: user for place, user in enumerate(users) if place not in taken}
        named = {name: place for name in found.unmatched if (place := _by_folder(name, left)) is not None}
        unmatched = {name: why for name, why in found.unmatched.items() if name not in named}
        return Matched({**sure, **found.rows, **named}, unmatched)

    def _by_user(self, people: Mapping[str, Person], places: Mapping[str, int]) -> dict[str, int]:
        """Return the row of each student whose id on the platform is in the course's roster."""
        sure: dict[str, int] = {}
        for name, person in people.items():
            users = person.moodle_ids if self.platform == "Moodle" else (person.canvas_id,)
            found = {places[user] for user in users if user in places} - set(sure.values())
            sure |= {name: found.pop()} if len(found) == 1 else {}
        return sure

    def report(self, tables: Sequence[Table], found: Matched, alone: Sequence[str], path: Path, style: Style) -> None:
        """List the students on one side only, and name those whose score is held back."""
        scores = by_student(tables)
        lines = [
            [student, *(number_cell(row.score, style) for row in scores[student]), why]
            for student, why in found.unmatched.items()
        ]
        alone = [] if self.student else alone  # otherwise students that were not asked for would seem absent
        lines += [[name, *([""] * len(tables)), "only in the roster"] for name in alone]
        aside = path.with_name(f"{path.stem}-unmatched.csv")
        aside.unlink(missing_ok=True)
        if lines:
            write_sheet(aside, [["student", *(results.assignment for results in tables), "why"], *lines], style)
            self.written.append(aside)
            if found.unmatched:
                self.messages.append(f"{len(found.unmatched)} not in the roster: {_names(list(found.unmatched))}.")
            if alone:
                self.messages.append(f"{len(alone)} only in the roster: {_names(alone)}.")
            self.messages.append(f"{aside} lists them all.")
        held = [s for s, rows in scores.items() for row in rows if row.score is not None and self.score(row) is None]
        if held:
            names = _names(list(dict.fromkeys(held)))
            self.messages.append(
                f"Held back because answers are not marked yet: {names}. --open sum sends the sum so far."
            )


def by_student(tables: Sequence[Table]) -> dict[str, list[Row]]:
    """Return each student's rows, in the order of the tables. All tables have the same students."""
    return {rows[0].student: list(rows) for rows in zip(*(results.rows for results in tables), strict=True)}


def _by_folder(student: str, users: Mapping[int, Sequence[str]]) -> int | None:
    """Return the row of a student whose folder `collect` named after the platform's name and id, without a roster."""
    name, _, user = student.rpartition("_")
    places = [place for place, row in users.items() if user and row[0] == user and plain(row[1]) == plain(name)]
    return places[0] if len(places) == 1 else None


def to_number(cell: str) -> float | None:
    """Read a cell as a number with a decimal point or comma; return None where it is not a number."""
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        return None


def _names(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
