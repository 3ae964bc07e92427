"""Make nbgrader's feedback pages for each student, without hidden tests and marking schemes.

nbgrader itself shows both, and shows the tests again in tracebacks. `CHAIN` removes these regions from locked cells, so
nothing that a student writes in other cells can break it. Of a test cell's error it keeps only the message.
"""

from typing import Any

import nbformat
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbgrader.converters import GenerateFeedback
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, GetGrades, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked

from autograder.course.converter import convert
from autograder.course.course import Course, Feedback
from autograder.distribution import own_command
from autograder.errors import CourseError
from autograder.gradebook.graded_notebooks import kept, sizes_kept
from autograder.model import Outcome
from autograder.notebook.landmarks import axes_of
from autograder.reports.compare_answers import compare_answers
from autograder.reports.failed_check import explain
from autograder.reports.shape_diagram import picture, words
from autograder.reports.student_page import Pages

Resources = dict[str, Any]


class WithoutHiddenTests(ClearHiddenTests):  # type: ignore[misc]
    """Remove hidden tests from locked cells."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Leave other cells, which students can edit, unchanged."""
        return super().preprocess_cell(cell, resources, cell_index) if is_locked(cell) else (cell, resources)


class WithoutMarkScheme(ClearMarkScheme):  # type: ignore[misc]
    """Remove marking schemes from locked cells."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Leave other cells, which students can edit, unchanged."""
        return super().preprocess_cell(cell, resources, cell_index) if is_locked(cell) else (cell, resources)


class MessagesOnly(NbGraderPreprocessor):  # type: ignore[misc]
    """Keep of an error in a test cell what students may read; its traceback quotes hidden tests."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Look up what the course shows of hidden tests, for all cells."""
        self.hidden_tests = _hidden_tests(self)
        nb, resources = super().preprocess(nb, resources)
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Replace the tracebacks of one cell's outputs."""
        if is_grade(cell) and cell.cell_type == "code":
            verdict = kept(cell)
            failed = explain(verdict, self.hidden_tests) if verdict and verdict.outcome is Outcome.FAILED else None
            for output in cell.outputs:
                if output.output_type == "error":
                    if failed and (failed.line or not failed.is_open):
                        output.evalue = failed.text
                    output.traceback = (output.evalue or output.ename).splitlines()
        return cell, resources


class Pictures(NbGraderPreprocessor):  # type: ignore[misc]
    """Under a failed test, draw the student's answer next to the right one, if they can be drawn."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Add a picture to the outputs of each failed test."""
        names, hidden_tests = sizes_kept(nb) or axes_of(nb), _hidden_tests(self)
        for cell in nb.cells:
            verdict = kept(cell)
            is_shown = verdict and verdict.outcome == Outcome.FAILED and explain(verdict, hidden_tests).is_open
            pairs = compare_answers(verdict.given, verdict.expected) if verdict and is_shown else ()
            if drawn := picture(pairs, names):
                data = {"image/svg+xml": drawn, "text/plain": words(pairs, names)}
                cell.outputs.append(nbformat.v4.new_output("display_data", data=data))
        return nb, resources


def _hidden_tests(step: NbGraderPreprocessor) -> str:
    """Return the course's setting for hidden tests."""
    return str(Feedback(parent=step).hidden_tests)


CHAIN = [GetGrades, WithoutHiddenTests, WithoutMarkScheme, MessagesOnly, Pictures, CSSHTMLHeaderPreprocessor]


def feedback(course: Course, assignment: str, student: str = "*") -> list[str]:
    """Write feedback/<student>/<assignment>.html and nbgrader's page of each notebook.

    Args:
        course: The course.
        assignment: The name of the assignment.
        student: A student's id; "*" means all.

    Returns:
        The students whose pages were written.

    Raises:
        CourseError: Nothing is graded yet.
    """
    graded = course.students(assignment, "autograded")
    if not graded:
        raise CourseError(
            f"{course.folder('autograded', assignment, '*')}: nothing is graded yet; run `{own_command()} grade`."
        )
    convert(course, GenerateFeedback, assignment, student=student, force=True, preprocessors=CHAIN)
    students = graded if student == "*" else [student]
    Pages(course, assignment).write(students)
    return students
