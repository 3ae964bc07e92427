"""Moodle: an assignment's grading worksheet, filled in, or a CSV file for the grade import.

Moodle identifies a student by the columns `Username`, `ID number` or `Email address`, and in a worksheet by
`Identifier`.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.course.people import Matched
from autograder.csv_files import CsvTable, Style, number_cell, write_sheet
from autograder.errors import CourseError
from autograder.export.exporters import RosterExporter, by_student, to_number
from autograder.gradebook.queries import Table


class MoodleExporter(RosterExporter):
    """Fill in Moodle's grading worksheet of an assignment, or write a CSV file for Moodle's grade import."""

    platform, hint = "Moodle", "in Moodle download the participants or the grading worksheet"

    KEYS = ("Username", "ID number", "Email address")
    NAMES = ("First name", "Last name", "Surname", "Full name")

    def write(self, tables: Sequence[Table], gradebook: Gradebook) -> None:
        """Fill in the worksheet where the roster is one; otherwise write the identifying columns and the scores."""
        path = self.path("moodle.csv")
        if not self.roster:
            self._write_ids(tables, path)
            return
        sheet = self.sheet()
        keys = [i for i in map(sheet.place, self.KEYS) if i is not None]
        if not keys and sheet.place("Identifier") is None:
            raise CourseError(f"{self.roster}: none of the columns {', '.join(self.KEYS)}; {self.hint}.")
        found = self.matched(tables, [[row[i] for i in keys] for row in sheet.rows], _users(sheet))
        style = self.style(sheet)
        worksheet = sheet.place("Identifier") is not None and sheet.place("Grade") is not None
        fill = self._worksheet if worksheet else self._import
        write_sheet(path, fill(sheet, tables, found, style), style)
        self.written.append(path)
        taken = set(found.rows.values())
        named = [sheet.place(name) for name in (*self.NAMES, *self.KEYS)]
        alone = [_label(row, named) for i, row in enumerate(sheet.rows) if i not in taken]
        self.report(tables, found, alone, path, style)

    def _worksheet(self, sheet: CsvTable, tables: Sequence[Table], found: Matched, style: Style) -> list[list[str]]:
        if len(tables) > 1:
            names = ", ".join(results.assignment for results in tables)
            raise CourseError(f"{self.roster}: a grading worksheet is for one assignment; choose one of {names}.")
        grade, most = sheet.place("Grade") or 0, sheet.place("Maximum Grade")
        lines = [list(row) for row in sheet.rows]
        scores = {row.student: self.score(row) for row in tables[0].rows}
        for student, place in found.rows.items():
            if scores[student] is not None:
                lines[place][grade] = number_cell(scores[student], style)
        there = {to_number(row[most]) for row in sheet.rows} - {None} if most is not None else set()
        points = sum(tables[0].points.values())
        if there - {points}:
            said = ", ".join(f"{number:g}" for number in sorted(filter(None, there)))
            differs = f"Moodle's maximum grade is {said}, but the assignment has {points:g} points"
            self.messages.append(f"{differs}; change it to {points:g} in Moodle first.")
        return [list(sheet.header), *lines]

    def _import(self, sheet: CsvTable, tables: Sequence[Table], found: Matched, style: Style) -> list[list[str]]:
        """Write only students with a score: a blank would delete the one in Moodle."""
        kept = [i for i in map(sheet.place, (*self.NAMES, *self.KEYS)) if i is not None]
        scores = by_student(tables)
        lines = [[*(sheet.header[i] for i in kept), *self._titles(tables)]]
        for student, place in sorted(found.rows.items(), key=lambda item: item[1]):
            own = [self.score(row) for row in scores[student]]
            if any(score is not None for score in own):
                lines.append([*(sheet.rows[place][i] for i in kept), *(number_cell(score, style) for score in own)])
        return lines

    def _write_ids(self, tables: Sequence[Table], path: Path) -> None:
        style = Style(decimal="," if self.decimal == "," else ".")
        scores = {student: [self.score(row) for row in rows] for student, rows in by_student(tables).items()}
        sent = {student: own for student, own in scores.items() if any(score is not None for score in own)}
        lines = [[student, *(number_cell(score, style) for score in own)] for student, own in sent.items()]
        write_sheet(path, [["Username", *self._titles(tables)], *lines], style)
        self.written.append(path)
        self.messages.append(
            "No roster was given, so students are listed by user name and were not checked against Moodle's list."
        )
        self.report(tables, Matched({}, {}), [], path, style)

    def _titles(self, tables: Sequence[Table]) -> Iterator[str]:
        return (self.columns.get(results.assignment, results.assignment) for results in tables)


def _users(sheet: CsvTable) -> list[tuple[str, str]]:
    """Return each row's number in the assignment, if the roster is its worksheet, and the name."""
    identifier = sheet.place("Identifier")
    places = [sheet.place("Full name")] if sheet.place("Full name") is not None else []
    places = places or [sheet.place("First name"), sheet.place("Last name", "Surname")]
    numbers = [re.findall(r"\d+$", row[identifier].strip()) if identifier is not None else [] for row in sheet.rows]
    return [("".join(number), _label(row, places)) for number, row in zip(numbers, sheet.rows, strict=True)]


def _label(row: Sequence[str], places: Sequence[int | None]) -> str:
    return " ".join(cell for i in places if i is not None and (cell := row[i].strip()))
