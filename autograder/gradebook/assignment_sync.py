"""Detect differences between an assignment in the gradebook and its source notebooks, and update the gradebook.

Tests, points and wording may change after students handed in. Notebooks and cells with nbgrader's metadata may not be
added or removed. Older wordings of stubs are kept in `reports/`: an unchanged stub from an older release still counts
as unanswered.
"""

from nbformat import NotebookNode
from nbgrader.api import GradeCell, MissingEntry, SolutionCell, SourceCell, TaskCell
from nbgrader.preprocessors import SaveCells
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.queries import above_maximum, source_cells
from autograder.gradebook.source_assignment import SourceAssignment, earlier_wordings, keep_wordings
from autograder.text import summarize


def _is_recorded(cell: NotebookNode) -> bool:
    return bool(is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell))


KINDS = ((GradeCell, is_grade), (SolutionCell, is_solution), (TaskCell, is_task), (SourceCell, _is_recorded))


def in_gradebook(source: SourceAssignment) -> bool:
    """Return whether the gradebook has every cell of the assignment with its current source and points."""
    with source.course.gradebook() as book:
        texts = {key: cell.source for key, cell in source_cells(book, source.name, SourceCell).items()}
        points = {
            key: cell.max_score
            for kind in (GradeCell, TaskCell)
            for key, cell in source_cells(book, source.name, kind).items()
        }
    graded = {key: cell for key, cell in source.cells.items() if is_grade(cell) or is_task(cell)}
    return texts == {key: cell.source for key, cell in source.cells.items()} and points == {
        key: float(cell.metadata.nbgrader.points) for key, cell in graded.items()
    }


def check_cells(source: SourceAssignment) -> None:
    """Raise CourseError if a notebook or recorded cell was added or removed after students' work was recorded."""
    with source.course.gradebook() as book:
        try:
            row = book.find_assignment(source.name)
            if not row.submissions:
                return
        except MissingEntry:
            return
        new: set[str] = set()
        gone: set[str] = set()
        for kind, is_kind in KINDS:
            recorded = set(source_cells(book, source.name, kind))
            present = {key for key, cell in source.cells.items() if is_kind(cell)}
            new |= {"/".join(key) for key in present - recorded}
            gone |= {"/".join(key) for key in recorded - present}
        notebooks = {notebook.name for notebook in row.notebooks}
    if not new | gone:  # a notebook without such cells
        new, gone = source.notebooks.keys() - notebooks, notebooks - source.notebooks.keys()
    changes = [f"{name} was added" for name in sorted(new - gone)]
    changes += [f"{name} was removed" for name in sorted(gone - new)]
    changes += [f"{name} changed its type" for name in sorted(new & gone)]
    if changes:
        raise CourseError(
            f"{source.name}: students' marks are already recorded, but {', '.join(changes)}; undo this change "
            "(you may change tests, points and wording), or create a new assignment."
        )


def marks_above_maximum(course: Course, assignment: str) -> list[str]:
    """Return a message for each question with instructors' marks above its current points, sorted by question name."""
    with course.gradebook() as book:
        marked = above_maximum(book, assignment)
    return [
        f"{name} is now worth {most:g}, but an instructor gave more to {', '.join(summarize(students))}; "
        "mark their answers again."
        for (name, most), students in marked.items()
    ]


def update_gradebook(source: SourceAssignment) -> None:
    """Save an assignment's cells and due date in the gradebook. Call this only when the release is known to succeed.

    Raises:
        CourseError: A cell was added or removed after students' marks were recorded, or the due date is not a date;
            nothing is saved.
    """
    course, assignment = source.course, source.name
    duedate = course.due_date(assignment)
    check_cells(source)
    save_stub_history(source)
    with course.gradebook() as book:
        row = book.update_or_create_assignment(assignment, duedate=duedate)
        for name in {notebook.name for notebook in row.notebooks} - source.notebooks.keys():
            book.remove_notebook(name, assignment)
    _save_cells(source)


def _save_cells(source: SourceAssignment) -> None:
    """Save the cells with nbgrader's own step, which is applied to the notebooks that are converted already."""
    settings, url = source.course.settings, source.course.directory.db_url
    step = SaveCells(config=settings)
    for name, notebook in source.notebooks.items():
        step.preprocess(notebook, {"nbgrader": {"notebook": name, "assignment": source.name, "db_url": url}})


def save_stub_history(source: SourceAssignment) -> None:
    """Save the stub wordings that are in the gradebook but no longer in the source notebooks."""
    with source.course.gradebook() as book:
        texts = {key: cell.source for key, cell in source_cells(book, source.name, SourceCell).items()}
        stubs = set(source_cells(book, source.name, SolutionCell))
    wordings = earlier_wordings(source.course, source.name)
    before = dict(wordings)
    for key in stubs & source.cells.keys() & texts.keys():
        known = wordings.get(key, ())
        if texts[key] != source.cells[key].source and texts[key] not in known:
            wordings[key] = (*known, texts[key])
    if wordings != before:
        keep_wordings(source.course, source.name, wordings)
