"""autograded/ → feedback/: nbgrader's HTML a student, with nothing of the hidden tests and marking schemes left in it.

nbgrader itself prints both, the tests a second time in tracebacks. `CHAIN` takes the regions out of locked cells (what
a student writes into a cell of their own cannot upset it), and keeps of a test cell's error the message alone.
"""

from typing import Any

import nbformat
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbgrader.converters import GenerateFeedback
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, GetGrades, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked

from autograder.course.converter import convert
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.graded_notebooks import kept, sizes_kept
from autograder.model import Outcome
from autograder.notebook.landmarks import axes_of
from autograder.reports.compare_answers import compare_answers
from autograder.reports.shape_diagram import picture, words
from autograder.reports.student_page import Pages

Resources = dict[str, Any]


class WithoutHiddenTests(ClearHiddenTests):  # type: ignore[misc]
    """Take hidden tests out of the course's own cells."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Leave a learner's cells as they are."""
        return super().preprocess_cell(cell, resources, cell_index) if is_locked(cell) else (cell, resources)


class WithoutMarkScheme(ClearMarkScheme):  # type: ignore[misc]
    """Take marking schemes out of the course's own cells."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Leave a learner's cells as they are."""
        return super().preprocess_cell(cell, resources, cell_index) if is_locked(cell) else (cell, resources)


class MessagesOnly(NbGraderPreprocessor):  # type: ignore[misc]
    """Of an error in a test cell keep the message; its traceback quotes hidden tests."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Replace the tracebacks of one cell's outputs."""
        if is_grade(cell) and cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = [output.evalue or output.ename]
        return cell, resources


class Pictures(NbGraderPreprocessor):  # type: ignore[misc]
    """Under a test that did not hold show what was given beside what is right, where that can be drawn."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Add an output to each such cell."""
        names = sizes_kept(nb) or axes_of(nb)
        for cell in nb.cells:
            verdict = kept(cell)
            pairs = (
                compare_answers(verdict.given, verdict.expected)
                if verdict and verdict.outcome == Outcome.FAILED
                else ()
            )
            if drawn := picture(pairs, names):
                data = {"image/svg+xml": drawn, "text/plain": words(pairs, names)}
                cell.outputs.append(nbformat.v4.new_output("display_data", data=data))
        return nb, resources


CHAIN = [GetGrades, WithoutHiddenTests, WithoutMarkScheme, MessagesOnly, Pictures, CSSHTMLHeaderPreprocessor]


def feedback(course: Course, assignment: str, student: str = "*") -> list[str]:
    """Write feedback/<student>/<assignment>.html and nbgrader's page of each notebook, for one student or all.

    Gives the students they were written for.
    """
    graded = course.students(assignment, "autograded")
    if not graded:
        raise CourseError(
            f"{course.folder('autograded', assignment, '*')}: nothing is graded yet; run `autograder grade`."
        )
    convert(course, GenerateFeedback, assignment, student=student, force=True, preprocessors=CHAIN)
    students = graded if student == "*" else [student]
    Pages(course, assignment).write(students)
    return students
