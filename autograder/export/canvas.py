"""Canvas: its gradebook import, made from the gradebook that Canvas exports.

Canvas identifies a student by the numbers in its own columns, and an assignment by the number after its title. A blank
score would delete the one in Canvas. So where there is no score to send, the score that Canvas has is sent again.
"""

import re
from collections.abc import Sequence

from nbgrader.api import Gradebook

from autograder.course.roster import TEST_STUDENT
from autograder.csv_files import CsvTable, number_cell, write_sheet
from autograder.errors import CourseError
from autograder.export.exporters import RosterExporter, by_student, to_number
from autograder.gradebook.queries import Table


class CanvasExporter(RosterExporter):
    """Write Canvas' gradebook import from the gradebook that Canvas exports (Grades, Export)."""

    platform, hint = "Canvas", "in Canvas open Grades and choose Export"

    def write(self, tables: Sequence[Table], gradebook: Gradebook) -> None:
        """Write one file with a column for each assignment, and Canvas' row of points possible."""
        sheet = self.sheet()
        last = sheet.place("Section")
        if last is None or sheet.place("ID") is None:
            raise CourseError(
                f"{self.roster}: not a gradebook exported by Canvas (no columns ID and Section); {self.hint}."
            )
        style, path = self.style(sheet), self.path("canvas.csv")
        students = [row for row in sheet.rows if row[sheet.place("ID") or 0].strip()]
        keys = [i for i in map(sheet.place, ("SIS Login ID", "SIS User ID", "ID", "Integration ID")) if i is not None]
        users = [(row[sheet.place("ID") or 0].strip(), row[sheet.place("Student") or 0]) for row in students]
        found = self.matched(tables, [[row[i] for i in keys] for row in students], users)
        columns = [self._column(sheet, results) for results in tables]
        points = ["    Points Possible", *[""] * last]
        points += [number_cell(sum(results.points.values()), style) for results in tables]
        lines = [[*sheet.header[: last + 1], *(name for name, _ in columns)], points]
        self._check_points(sheet, tables, columns)
        owners = {place: student for student, place in found.rows.items()}
        scores = by_student(tables)
        for place, row in enumerate(students):
            cells = [*row[: last + 1]]
            for i, (_, column) in enumerate(columns):
                score = self.score(scores[owners[place]][i]) if place in owners else None
                now = "" if column is None else row[column]
                cells.append(now if score is None else number_cell(score, style))
            lines.append(cells)
        write_sheet(path, lines, style)
        self.written.append(path)
        alone = [row[0] for i, row in enumerate(students) if i not in owners and row[0] != TEST_STUDENT]
        self.report(tables, found, alone, path, style)

    def _column(self, sheet: CsvTable, results: Table) -> tuple[str, int | None]:
        """Return the column's name, with Canvas' number where it has one, and its index in the roster."""
        wanted = self.columns.get(results.assignment, results.assignment)
        fits = [i for i, name in enumerate(sheet.header) if name == wanted or re.fullmatch(_numbered(wanted), name)]
        if len(fits) > 1:
            names = ", ".join(sheet.header[i] for i in fits)
            raise CourseError(f"{self.roster}: {wanted} matches several columns ({names}); choose one in `columns`.")
        if not fits:
            self.messages.append(f"Canvas has no assignment {wanted} yet; the import will offer to create it.")
        return (sheet.header[fits[0]], fits[0]) if fits else (wanted, None)

    def _check_points(
        self, sheet: CsvTable, tables: Sequence[Table], columns: Sequence[tuple[str, int | None]]
    ) -> None:
        row = next((row for row in sheet.rows if "Points Possible" in row[0]), None)
        for results, (name, column) in zip(tables, columns, strict=True):
            there = to_number(row[column]) if row and column is not None else None
            most = sum(results.points.values())
            if there not in (None, most):
                self.messages.append(f"{name} has {there:g} points in Canvas; the import changes them to {most:g}.")


def _numbered(title: str) -> str:
    return rf"{re.escape(title)} \(\d+\)"
