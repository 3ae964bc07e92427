"""Find or create one submission's rows in nbgrader's gradebook, with a few queries that do not depend on class size.

nbgrader's tables have indexes only for their unique pairs of columns, so every query here names both columns of a pair.
The rows loaded belong to one submission: memory does not grow with the class.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
    new_uuid,
)
from sqlalchemy import select
from sqlalchemy.orm import load_only

from autograder.gradebook.queries import Key, question_names

Cells = dict[str, str]  # id → grade_id


@dataclass(frozen=True)
class NotebookGrades:
    """One submitted notebook: its row, and its grades and comments by grade_id."""

    row: SubmittedNotebook
    grades: dict[str, Grade]
    comments: dict[str, Comment]


class Rows:
    """The gradebook's rows of one assignment.

    Raises:
        MissingEntry: The assignment is not in the gradebook.
    """

    def __init__(self, book: Gradebook, assignment: str) -> None:
        row = book.find_assignment(assignment)
        self.db, self.assignment, self.due = book.db, row.id, row.duedate
        query = select(Notebook.name, Notebook.id).where(Notebook.assignment_id == self.assignment)
        self.notebooks: dict[str, str] = {row.name: row.id for row in self.db.execute(query)}
        self.graded = self._cells(GradeCell, TaskCell)
        self.commented = self._cells(SolutionCell, TaskCell)

    def names(self, answers: Mapping[Key, Sequence[str]]) -> dict[Key, str]:
        """Return the column name of each graded cell, by (notebook, grade_id); `answers` are those of each test."""
        graded = [(notebook, name) for notebook, id_ in self.notebooks.items() for name in self.graded[id_].values()]
        return question_names(graded, answers)

    def known(self, student: str) -> bool:
        """Return whether this student has a submission in the gradebook."""
        return self._found(student) is not None

    def submission(self, student: str) -> tuple[SubmittedAssignment, dict[str, NotebookGrades]]:
        """Return a student's submission and its grades by notebook. Missing rows are created."""
        if self.db.get(Student, student) is None:
            self.db.add(Student(id=student))
        submission = self._found(student)
        if submission is None:
            submission = SubmittedAssignment(id=new_uuid(), assignment_id=self.assignment, student_id=student)
            self.db.add(submission)
        where = SubmittedNotebook.notebook_id.in_(self.notebooks.values())
        query = select(SubmittedNotebook).where(where, SubmittedNotebook.assignment_id == submission.id)
        rows = {row.notebook_id: row for row in self.db.scalars(query)}
        return submission, {name: self._sheet(rows.get(key), key, submission) for name, key in self.notebooks.items()}

    def _found(self, student: str) -> SubmittedAssignment | None:
        table = SubmittedAssignment
        query = select(table).where(table.assignment_id == self.assignment, table.student_id == student)
        return self.db.scalar(query.options(load_only(table.student_id, table.timestamp, table.extension)))

    def _sheet(self, row: SubmittedNotebook | None, notebook: str, submission: SubmittedAssignment) -> NotebookGrades:
        if row is None:
            row = SubmittedNotebook(id=new_uuid(), notebook_id=notebook, assignment_id=submission.id)
            self.db.add(row)
        grades = self._of_cells(Grade, row.id, self.graded[notebook])
        return NotebookGrades(row, grades, self._of_cells(Comment, row.id, self.commented[notebook]))

    def _of_cells(self, kind: Any, row: str, cells: Cells) -> dict[str, Any]:
        """Return the grades or comments of a submitted notebook, one for each of these cells, by grade_id."""
        query = select(kind).where(kind.cell_id.in_(cells), kind.notebook_id == row)
        by_cell = {each.cell_id: each for each in self.db.scalars(query)}
        for cell in cells.keys() - by_cell.keys():
            by_cell[cell] = kind(cell_id=cell, notebook_id=row)
            self.db.add(by_cell[cell])
        return {name: by_cell[cell] for cell, name in cells.items()}

    def _cells(self, *kinds: type[BaseCell]) -> defaultdict[str, Cells]:
        """Return the cells of these kinds, by notebook."""
        cells: defaultdict[str, Cells] = defaultdict(dict)
        for kind in kinds:
            query = select(kind.notebook_id, kind.id, kind.name).where(kind.notebook_id.in_(self.notebooks.values()))
            for notebook, cell, name in self.db.execute(query):
                cells[notebook][cell] = name
        return cells
