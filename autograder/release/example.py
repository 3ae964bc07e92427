"""Make the example of a new course: a notebook with one function and one written answer, and two submissions of it."""

from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ASSIGNMENT = NOTEBOOK = "example"
TITLE = """\
# An example: one function, one written answer

Run the cells from top to bottom. Type your answers where the notebook asks for them."""
ASK_MEAN = """\
## 1 · The mean of a list

Complete `mean`, so that it returns the mean of a list of numbers, and `0` for an empty list."""
MEAN = "def mean(numbers):\n    {}"
SOLUTION = "return sum(numbers) / len(numbers) if numbers else 0"
TEST = """\
# Students see these checks, and what the line read if one fails.
assert mean([1, 2, 6]) == 3
assert mean([5]) == 5
{}"""
HIDDEN = """\
### BEGIN HIDDEN TESTS
# Students never see this part. Of a check that fails they read your message, or only which one it is.
assert mean([]) == 0, "What does your function return for an empty list?"
assert mean([0.5, -0.5]) == 0
### END HIDDEN TESTS"""
ASK_WHY = """\
## 2 · When is a mean misleading?

Name a list of numbers for which the mean says little, and why. You may write $\\LaTeX$ and attach a picture."""
WHY = """\
### BEGIN SOLUTION
In $1, 1, 1, 97$ nearly all numbers are far below the mean, $25$: one large number moves it.
### END SOLUTION"""
SAMPLES = {  # the answers of two submissions, to try the commands with
    "sample-right": (SOLUTION, "For $1, 1, 1, 97$ the mean is $25$, but no number is near it."),
    "sample-wrong": ("return sum(numbers) / 2", "If the numbers are not sorted."),
}


def source_notebook() -> NotebookNode:
    """Return the source notebook, with solutions and hidden tests."""
    solution = f"### BEGIN SOLUTION\n    {SOLUTION}\n    ### END SOLUTION"
    return _notebook(MEAN.format(solution), TEST.format(HIDDEN), WHY)


def submission(student: str) -> NotebookNode:
    """Return what a student of `SAMPLES` hands in."""
    mean, why = SAMPLES[student]
    return _notebook(MEAN.format(mean), TEST.format("").rstrip(), why)


def _notebook(mean: str, test: str, why: str) -> NotebookNode:
    answer: Mapping[str, Any] = {"solution": True, "locked": False}
    cells = [
        new_markdown_cell(TITLE, id="title", metadata=_named("title")),
        new_markdown_cell(ASK_MEAN, id="ask-mean", metadata=_named("ask-mean")),
        new_code_cell(mean, id="mean", metadata=_named("mean", **answer)),
        new_code_cell(test, id="mean-test", metadata=_named("mean-test", grade=True, points=2)),
        new_markdown_cell(ASK_WHY, id="ask-misleading", metadata=_named("ask-misleading")),
        new_markdown_cell(why, id="why", metadata=_named("why", grade=True, points=1, **answer)),
    ]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return notebook


def _named(name: str, **rights: Any) -> dict[str, Any]:
    plain = {"grade": False, "locked": True, "solution": False, "schema_version": 3, "task": False}
    return {"nbgrader": {**plain, "grade_id": name, **rights}}
