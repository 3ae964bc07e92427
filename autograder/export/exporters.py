"""Marks for other programs, as plugins of `nbgrader export`; `autograder export` runs the same ones.

    nbgrader export --exporter=autograder.export.exporters.CsvExporter
    nbgrader export --exporter=autograder.export.canvas.CanvasExporter --to=canvas.csv \\
        --CanvasExporter.roster=roster.csv
    nbgrader export --exporter=autograder.export.moodle.MoodleExporter --to=moodle.csv \\
        --MoodleExporter.roster=roster.csv

No student is dropped: who has marks and no row in the roster, and who has a row and no marks, is listed in a file
beside the export, `…-unmatched.csv`, and said. A score with marks still open is held back unless `open_marks` is "sum";
where there is no score, what the platform has now stays as it is.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nbgrader.api import Gradebook, Student
from nbgrader.plugins import ExportPlugin
from sqlalchemy import select
from traitlets import Dict, Enum, Unicode
from traitlets.config import Config

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.export.csv_files import CsvTable, Style, number_cell, read_sheet, write_sheet
from autograder.export.roster import Matched, match
from autograder.gradebook.queries import Row, Table, table


class Exporter(ExportPlugin):  # type: ignore[misc]
    """What all have in common. After `export`, `written` has the files, `said` one sentence for each thing of note."""

    decimal = Enum(["auto", ".", ","], "auto", help="The decimal sign; auto: as the roster has it, else a point.").tag(
        config=True
    )

    def export(self, gradebook: Gradebook) -> None:
        """Write the marks of `self.assignment` (all where it names none) to `self.to`."""
        try:
            self._export(gradebook)
        except CourseError as error:
            if isinstance(self.parent, Course):
                raise
            self.parent.fail("%s", error)  # nbgrader's own way to end with a sentence
        for sentence in () if isinstance(self.parent, Course) else self.said:
            self.log.warning(sentence)

    def _export(self, gradebook: Gradebook) -> None:
        self.written: list[Path] = []
        self.said: list[str] = []
        chosen = list(map(str, self.assignment)) or sorted(assignment.name for assignment in gradebook.assignments)
        if not chosen:
            raise CourseError("the gradebook knows no assignment; run `make release`, then `make grade`.")
        self.write([self._narrowed(table(self.course, name)) for name in chosen], gradebook)

    def write(self, tables: Sequence[Table], gradebook: Gradebook) -> None:
        """Write the files."""
        raise NotImplementedError

    @property
    def course(self) -> Course:
        """The course that this runs for: our own command's, or the folder of nbgrader's."""
        if isinstance(self.parent, Course):
            return self.parent
        settings = Config(self.config)
        settings.CourseDirectory.root = self.parent.coursedir.root
        return Course(config=settings)

    def path(self, default: str) -> Path:
        """Where to write; relative to the course."""
        return self.course.root / (self.to or default)

    def _narrowed(self, results: Table) -> Table:
        """Only the students asked for."""
        wanted = set(map(str, self.student))
        return replace(results, rows=tuple(row for row in results.rows if not wanted or row.student in wanted))


def write_csv(results: Table, path: Path, style: Style | None = None) -> None:
    """One row a student, in UTF-8: `student_id`, the questions, `score`, `max_score`, `status`, …."""
    header = ["student_id", *results.points, "score", "max_score", "status", "reproducible", "repairs"]
    write_sheet(path, [header, *(_cells_of(row, style) for row in results.rows)], style)


def _cells_of(row: Row, style: Style | None) -> list[str]:
    numbers = [number_cell(value, style) for value in (*row.marks.values(), row.score, row.max_score)]
    return [row.student, *numbers, row.status, row.reproducible, "; ".join(row.repairs)]


class CsvExporter(Exporter):
    """A row a student and a column a question, for a spreadsheet; a decimal comma comes with semicolons."""

    def write(self, tables: Sequence[Table], gradebook: Gradebook) -> None:
        """Write a file for each assignment."""
        comma = self.decimal == ","
        style = Style(";" if comma else ",", "," if comma else ".", mark=comma)  # a mark tells Excel that it is UTF-8
        for results in tables:
            path = self.path("grades.csv" if len(tables) == 1 else f"grades-{results.assignment}.csv")
            if self.to and len(tables) > 1:
                path = path.with_name(f"{path.stem}-{results.assignment}{path.suffix}")
            write_csv(results, path, style)
            self.written.append(path)


class RosterExporter(Exporter):
    """An export that goes by a roster, the file that a learning platform exports."""

    platform = hint = ""  # what it is called, and how to get its list of students
    roster = Unicode("", help="The platform's own export of its students: a CSV file.").tag(config=True)
    open_marks = Enum(
        ["hold", "sum"], "hold", help="Where marks are open: hold the score back, or give the sum so far."
    ).tag(config=True)
    columns = Dict(
        key_trait=Unicode(), value_trait=Unicode(), help="What an assignment is called there, if otherwise."
    ).tag(config=True)

    def sheet(self) -> CsvTable:
        """The roster; CourseError where none is named or it cannot be read."""
        if not self.roster:
            raise CourseError(f"{self.platform} needs its own list: {self.hint}, and name that file with --roster.")
        return read_sheet(self.course.root / self.roster)

    def style(self, sheet: CsvTable) -> Style:
        """As the roster is written, but for a decimal sign that was asked for."""
        return sheet.style if self.decimal == "auto" else replace(sheet.style, decimal=self.decimal)

    def score(self, row: Row) -> float | None:
        """What is sent of a student; None where nothing is."""
        held = self.open_marks == "hold" and None in row.marks.values()
        return None if held else row.score

    def matched(self, tables: Sequence[Table], rows: Sequence[Sequence[str]], gradebook: Gradebook) -> Matched:
        """Match whoever is in the gradebook against the roster's rows."""
        emails = dict(gradebook.db.execute(select(Student.id, Student.email)).all())
        students = {row.student: [row.student, *filter(None, [emails.get(row.student)])] for row in tables[0].rows}
        return match(students, rows)

    def report(self, tables: Sequence[Table], found: Matched, alone: Sequence[str], path: Path, style: Style) -> None:
        """List who is on one side only, and say who was held back."""
        scores = by_student(tables)
        lines = [
            [student, *(number_cell(row.score, style) for row in scores[student]), why]
            for student, why in found.unmatched.items()
        ]
        alone = [] if self.student else alone  # then whoever was not asked for would look absent
        lines += [[name, *([""] * len(tables)), "in the roster alone"] for name in alone]
        aside = path.with_name(f"{path.stem}-unmatched.csv")
        aside.unlink(missing_ok=True)
        if lines:
            write_sheet(aside, [["student", *(results.assignment for results in tables), "why"], *lines], style)
            self.written.append(aside)
            if found.unmatched:
                self.said.append(f"{len(found.unmatched)} with no row in the roster: {_names(list(found.unmatched))}.")
            if alone:
                self.said.append(f"{len(alone)} in the roster alone: {_names(alone)}.")
            self.said.append(f"All of them are listed in {aside}.")
        held = [s for s, rows in scores.items() for row in rows if row.score is not None and self.score(row) is None]
        if held:
            names = _names(list(dict.fromkeys(held)))
            self.said.append(f"Held back, since marks are open: {names}; --open sum sends what there is so far.")


def by_student(tables: Sequence[Table]) -> dict[str, list[Row]]:
    """Each student's rows in the order of the tables, which hold the same students."""
    return {rows[0].student: list(rows) for rows in zip(*(results.rows for results in tables), strict=True)}


def to_number(cell: str) -> float | None:
    """A cell as a number, with a decimal point or comma; None where it is none."""
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        return None


def _names(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
