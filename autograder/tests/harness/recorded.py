"""A course of one notebook in whose gradebook tests record answers, and the groups that they make."""

from pathlib import Path

import nbformat
from nbgrader.utils import is_solution

from autograder.course.course import CONFIG, Course
from autograder.gradebook.assignment_sync import update_gradebook
from autograder.gradebook.recorder import Graded, Recorder
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.marking import Group, Question, questions
from autograder.model import NotebookResult, Outcome, Result, Status, Verdict
from autograder.notebook.sanitize import inert
from autograder.notebook.source import answered
from autograder.notebook.variants import teaching_copy
from autograder.tests.support import SOURCE

NAME = "3_gru"  # five test cells and written answers enough
MEMORY = "h is memory and output at once."


def make_known(root: Path) -> Path:
    """Make the folder of a course of one notebook that its gradebook knows, with one student's submission."""
    source = root / "source" / "ps1"
    source.mkdir(parents=True)
    (root / CONFIG).write_text(
        "c = get_config()\nc.ClearMarkScheme.enforce_metadata = False\n"
        "c.Course.due_dates = {'ps1': '2027-01-31 12:00 UTC'}\n"
    )
    (source / f"{NAME}.ipynb").write_bytes((SOURCE / f"{NAME}.ipynb").read_bytes())
    (root / "submitted" / "ada" / "ps1").mkdir(parents=True)
    update_gradebook(SourceAssignment.load(Course.at(root), "ps1"))
    return root


def record(recorder: Recorder, result: Result) -> None:
    """Record one result, and raise the error if that fails."""
    for error in recorder.record_all([Graded(result)]).values():
        raise error


def read_in(course: Course, **texts: str | tuple[str, str] | None) -> None:
    """Record these written answers to Q8 as grading does; None is a notebook that is damaged.

    A text can have a PNG, in base64, that is attached as image.png.
    """
    master = teaching_copy(nbformat.read(SOURCE / f"{NAME}.ipynb", 4), course.settings)
    with Recorder(course, "ps1") as recorder:
        for student, text in texts.items():
            record(recorder, Result(student, (_graded(master, text),)))


def _graded(master: nbformat.NotebookNode, answer: str | tuple[str, str] | None) -> NotebookResult:
    text, picture = answer if isinstance(answer, tuple) else (answer, "")
    notebook = nbformat.from_dict(master)
    stubs = {cell.id: cell.source for cell in notebook.cells if is_solution(cell)}
    for cell in notebook.cells:
        if cell.id == "q8-why" and text:
            cell.source = f"{cell.source.splitlines()[0]}\n\n{text}"
            cell |= {"attachments": {"image.png": {"image/png": picture}}} if picture else {}
    left = {c.id for c in notebook.cells if c.id in stubs and not answered(c.source, stubs[c.id], code=False)}
    verdicts = tuple(Verdict(f"{name}-test", Outcome.PASSED, 2.0) for name in ("q8", "q9", "q10"))
    status = Status.DAMAGED if text is None else Status.OK
    return NotebookResult(
        NAME, nbformat.writes(inert(notebook, master)).encode(), verdicts, frozenset(left), status=status
    )


def groups(course: Course) -> dict[str, Group]:
    """The groups of Q8 by one student of each."""
    return {group.answers[0].student: group for group in q8(course).groups}


def q8(course: Course) -> Question:
    """The written answers to Q8; those to the notebook's other written question stay as released."""
    return next(question for question in questions(course, "ps1") if question.name == "q8-why")
