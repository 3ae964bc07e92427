"""Write verdicts in the rows of nbgrader's gradebook. How verdicts are made does not matter here.

How each verdict is recorded:

    verdict          auto_score         needs_manual_grade   comment at the answer
    passed           the points         no                   –
    failed           its points or 0    no                   –  (the test cell's output gives the reason)
    not attempted    0                  no                   No response.
    no evidence      0                  no                   why there is no evidence
    open             none (not marked)  yes                  that the instructor will mark it
    grader error     none (not marked)  yes                  what failed in the grader

A manual mark is kept, and needs no new grading, unless the student's work has changed since it was last graded: for a
written answer its own cell, for a test any of the student's code in the notebook. A written answer that was left as
released gets 0 points and "No response."; any other needs manual grading.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Comment, Grade
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.files import digest
from autograder.model import NO_RESPONSE, NOT_MARKED, NotebookResult, Outcome, Status, Verdict
from autograder.notebook.cells import grade_id
from autograder.notebook.sanitize import inert_sentence, typed_answer

CODE = ""  # in place of a grade_id: all of the student's code in a notebook

Written = dict[str, str]  # digest of a text, by grade_id


def write_notebook(
    grades: Mapping[str, Grade],
    comments: Mapping[str, Comment],
    result: NotebookResult,
    before: Callable[[], Written] = dict,
) -> None:
    """Write one notebook's verdicts by the table above.

    Args:
        grades: The gradebook's grades, by grade_id.
        comments: The gradebook's comments, by grade_id.
        result: The notebook's result.
        before: Returns what the student had written when it was last graded.
    """
    verdicts = {verdict.cell: verdict for verdict in result.verdicts}
    cells = cells_of(result.content)
    written, last = _written(cells), before() if any(g.manual_score is not None for g in grades.values()) else {}
    changed = {name for name, text in last.items() if text != written.get(name)}
    for name, grade in grades.items():
        if name in verdicts:
            _write_verdict(grade, verdicts[name], CODE in changed)
        elif result.status is Status.MISSING or name in result.untouched:
            grade.auto_score, grade.needs_manual_grade = 0.0, False
        else:
            grade.auto_score, grade.needs_manual_grade = (
                None,
                grade.manual_score is None or _is_open(grade, name in changed),
            )
    notes = _comments(result, cells)
    for name, comment in comments.items():
        comment.auto_comment = notes.get(name)


def _write_verdict(grade: Grade, verdict: Verdict, is_changed: bool) -> None:
    grade.auto_score = verdict.points
    grade.needs_manual_grade = verdict.points is None if grade.manual_score is None else _is_open(grade, is_changed)


def _is_open(grade: Grade, is_changed: bool) -> bool:
    """Return whether a manual mark has to be given again: also if it was open before, until the instructor gives it."""
    return bool(grade.needs_manual_grade) or is_changed


def _comments(result: NotebookResult, cells: list[NotebookNode]) -> dict[str, str]:
    """Return comments by answer: NO_RESPONSE if it is untouched, else the comment for its test cell's verdict."""
    notes, answer = dict.fromkeys(result.untouched, NO_RESPONSE), ""
    verdicts = {verdict.cell: verdict for verdict in result.verdicts}
    for cell in cells:
        name = grade_id(cell)
        if is_solution(cell) and not is_grade(cell):
            answer = name
        if answer and name in verdicts:
            _comment(notes, answer, verdicts[name])
    return notes


def _comment(notes: dict[str, str], answer: str, verdict: Verdict) -> None:
    if verdict.outcome in (Outcome.PASSED, Outcome.FAILED):
        notes.pop(answer, None)  # the cell was left as released, but the student answered in another cell
    elif verdict.outcome == Outcome.NOT_ATTEMPTED:
        notes[answer] = NO_RESPONSE
    elif verdict.outcome is Outcome.OPEN:
        notes[answer] = NOT_MARKED
    elif answer not in notes:
        notes[answer] = inert_sentence(f"{verdict.outcome}: {verdict.rationale}")


def cells_of(content: bytes) -> list[NotebookNode]:
    """Return an autograded notebook's cells. We wrote it, so it needs no validation."""
    cells = json.loads(content)["cells"]
    return [nbformat.from_dict({**cell, "source": "".join(cell["source"])}) for cell in cells]


def _written(cells: list[NotebookNode]) -> Written:
    code = digest(*(cell.source for cell in cells if cell.cell_type == "code" and not is_locked(cell)))
    answers = {grade_id(cell): digest(typed_answer(cell)) for cell in cells if is_grade(cell) and is_solution(cell)}
    return {CODE: code, **answers}


def last_written(path: Path) -> Written:
    """Return what a student wrote in an autograded notebook; nothing if the file is missing or damaged."""
    try:
        return _written(cells_of(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return {}
