"""The gradebook's comments on answers: the grader's own and the reader's."""

from collections.abc import Mapping
from dataclasses import dataclass

from nbgrader.api import Assignment, Comment, Gradebook, Notebook, SolutionCell, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import select

from autograder.gradebook.recorder import NO_RESPONSE

Key = tuple[str, str]  # notebook, grade_id of the answer


@dataclass(frozen=True)
class Comments:
    """What is said of one answer."""

    by_grader: str
    by_reader: str

    @property
    def no_response(self) -> bool:
        """Was the answer left as released?"""
        return self.by_grader == NO_RESPONSE


def comments(book: Gradebook, assignment: str) -> Mapping[tuple[str, Key], Comments]:
    """All comments of an assignment that say something, by (student, (notebook, grade_id))."""
    query = (
        select(
            SubmittedAssignment.student_id,
            Notebook.name,
            SolutionCell.name,
            Comment.auto_comment,
            Comment.manual_comment,
        )
        .join(SubmittedNotebook, Comment.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(SolutionCell, Comment.cell_id == SolutionCell.id)
        .join(Notebook, SolutionCell.notebook_id == Notebook.id)
        .where(Assignment.name == assignment)
    )
    found = {}
    for student, notebook, cell, auto, manual in book.db.execute(query):
        if auto or manual:
            found[student, (notebook, cell)] = Comments(auto or "", manual or "")
    return found
