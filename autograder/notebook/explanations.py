"""Tell what a student wrote in a written answer, and what the course's own notebook answers there."""

from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from nbgrader.utils import is_grade, is_solution
from traitlets.config import Config

from autograder.notebook.cells import grade_id
from autograder.notebook.source import added


@dataclass(frozen=True)
class WrittenQuestion:
    """A question with a written answer.

    Attributes:
        stub: The text of the released cell: the question, and what to replace.
        model: The answer of the source notebook, which earns full marks; "" if it has none.
    """

    stub: str
    model: str


def written_questions(source: NotebookNode, config: Config) -> dict[str, WrittenQuestion]:
    """Return a source notebook's questions with written answers, by grade_id.

    Args:
        source: The notebook, with its solutions.
        config: nbgrader's settings, which name the marks around a solution.
    """
    clear, questions = ClearSolutions(config=config), {}
    marks = (clear.begin_solution_delimeter, clear.end_solution_delimeter)
    for cell in source.cells:
        if cell.cell_type == "markdown" and is_grade(cell) and is_solution(cell):
            stub, _ = clear.preprocess_cell(nbformat.from_dict(cell), {"language": "python"}, 0)
            lines = [line for line in cell.source.splitlines() if not any(mark in line for mark in marks)]
            questions[grade_id(cell)] = WrittenQuestion(stub.source, added("\n".join(lines), stub.source))
    return questions


def own_text(source: str, stub: str) -> str:
    """Return the text that a student added to a stub; `source` is the whole cell as they typed it."""
    return added(source, stub)
