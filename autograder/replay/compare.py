"""Run notebooks again and compare outputs: the course's notebooks (`validate`) and submissions (`reproduce`).

Theory of operation. Each notebook is copied to a separate folder together with the course's helpers, and nbval runs it
there, several notebooks at a time. Nothing is written into the course, and a student's helpers are not used. A
submission's cells get the tags of the source notebook, matched by grade_id or id; a student's own tags and nbval
comments are removed. So only cells tagged `nbval-check-output` are compared, with the output that the student stored.
An error that the student also saw, and a cell that was never run, are no differences. A cell that fails only here is
one. If nothing differs but a tagged cell was never run, the result is `not run`.

A released notebook is unanswered, so `validate` expects an error in an answer cell or test cell, nbgrader's
NotImplementedError in any cell, and any error after one of these. Other errors in it are failures.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.course.course import Course
from autograder.distribution import own_command
from autograder.errors import CourseError, UsageError
from autograder.execution.sandbox import for_own_notebooks, for_tools, grading_limits
from autograder.gradebook.ledger import Ledger
from autograder.model import Status
from autograder.replay.nbval import (
    CELL_SECONDS,
    TAG,
    Failure,
    Outcome,
    code_cells,
    is_marked,
    keys,
    name_of,
    nbval,
    read,
)

WORKERS = min(os.cpu_count() or 1, 8)  # notebooks that run at the same time
NAMED = 3  # differing cells listed in a student's result
NBVAL_COMMENT = re.compile(r"#(?=[#\s]*(?:NBVAL|PYTEST_VALIDATE)_)")  # nbval prefers these to any tag


@dataclass(frozen=True)
class Difference:
    """A cell of a submission whose output differs from the stored one; without a cell, the whole notebook."""

    notebook: str
    cell: str = ""
    whole: Status = Status.OK  # why the whole notebook cannot be run: MISSING or DAMAGED

    def __str__(self) -> str:
        cell = f"{self.notebook}/{self.cell}" if self.cell else self.notebook
        return f"{cell} {self.whole}" if self.whole else cell


@dataclass(frozen=True)
class Replay:
    """One submitted notebook, run again.

    Attributes:
        differences: What differs from the stored outputs.
        ran: All tagged cells had been run before.
        raised: The cells that raised an exception, by name, with the exception in one line.
    """

    differences: tuple[Difference, ...]
    ran: bool = True
    raised: Mapping[str, str] = field(default_factory=dict)


class Reproduced(StrEnum):
    """Whether a submission reproduces its stored outputs."""

    YES = "yes"
    NO = "no"
    NOT_RUN = "not run"  # nothing differs, but a tagged cell was never run


@dataclass(frozen=True)
class Reproduction:
    """The result of running a submission again."""

    outcome: Reproduced
    differences: tuple[Difference, ...] = ()

    @classmethod
    def of(cls, notebooks: Iterable[Replay]) -> "Reproduction":
        """Return the result for a submission's notebooks."""
        parts = list(notebooks)
        if differences := tuple(difference for part in parts for difference in part.differences):
            return cls(Reproduced.NO, differences)
        return cls(Reproduced.YES if all(part.ran for part in parts) else Reproduced.NOT_RUN)

    def __str__(self) -> str:
        named = ", ".join(map(str, self.differences[:NAMED])) + (", …" if len(self.differences) > NAMED else "")
        return f"{self.outcome}: {named}" if named else self.outcome


def validate(course: Course, assignment: str | None = None, timeout: int = CELL_SECONDS) -> list[tuple[Path, Outcome]]:
    """Run the source notebooks of an assignment (or of all), then the released ones; return each path's outcome.

    Cells of released notebooks have no stored outputs, so none of them is compared. Errors that come from unanswered
    questions are expected there.
    """
    originals = sources(course, assignment)
    released = [_released(course, path.parent.name) / path.name for path in originals]
    for path in released:
        if not path.is_file():
            raise CourseError(f"{path.parent}: {path.name} is not released; run `{own_command()} release`.")
    unstored = {path: _unstored(read_source(path)) for path in originals}
    kernels = for_own_notebooks(course)

    def run(path: Path) -> Outcome:
        if unstored.get(path):
            return Outcome.of(unstored[path])
        with _workspace(path.parent) as workspace:
            outcome = nbval(Path(shutil.copy(path, workspace)), workspace, timeout, kernels)
        return outcome if path in unstored or outcome.ok else _of_unanswered(read(path), outcome)

    return list(each(run, originals + released))


def _of_unanswered(notebook: NotebookNode, outcome: Outcome) -> Outcome:
    """Return the outcome of a released notebook without the errors that come from its unanswered questions."""
    cells = enumerate(code_cells(notebook), 1)
    students = {name_of(cell, number) for number, cell in cells if is_solution(cell) or is_grade(cell)}
    failures: list[Failure] = []
    expected: list[Failure] = []
    for failure in outcome.failures:
        is_stub = failure.cell in students or failure.raised.partition(":")[0] == NotImplementedError.__name__
        (expected if failure.raised and (expected or is_stub) else failures).append(failure)
    return replace(outcome, ok=not failures, failures=tuple(failures), unanswered=tuple(expected))


def reproduce(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    progress: Callable[[str, str], None] = lambda *_: None,
    timeout: int = CELL_SECONDS,
    unsafe: bool = False,
) -> dict[str, Reproduction]:
    """Run submissions again; return the result for each student.

    The texts of the results are also written to the ledger.
    """
    originals = {path.name: read_source(path) for path in course.source_notebooks(course.assignment(assignment))}
    helpers, ledger = _released(course, assignment), Ledger(course, assignment)
    chosen, results = _submitted(course, assignment, students), {}
    kernels = for_tools(grading_limits(course, unsafe))

    def run(student: str) -> Reproduction:
        folder = course.folder("submitted", assignment, student)
        return Reproduction.of(again(folder / name, originals[name], helpers, timeout, kernels) for name in originals)

    for student, result in each(run, chosen):
        results[student] = result
        ledger.note(student, reproducible=str(result))
        progress(student, str(result))
    return results


def sources(course: Course, assignment: str | None) -> list[Path]:
    """Return the source notebooks of an assignment, or of all; unlike `Course.assignment`, ungraded ones count too."""
    known = course.assignments()
    if assignment is not None and assignment not in known:
        raise UsageError(f"{course.folder('source')}: no assignment {assignment!r}; there are: {', '.join(known)}.")
    chosen = known if assignment is None else [assignment]
    return [path for name in chosen for path in course.source_notebooks(name)]


def read_source(path: Path) -> NotebookNode:
    """Read a source notebook; raise CourseError if the file is not a notebook."""
    try:
        return read(path)
    except Exception as error:
        raise CourseError(f"{path}: not a notebook ({type(error).__name__}); put one there.") from error


def _released(course: Course, assignment: str) -> Path:
    folder = course.folder("release", assignment)
    if not folder.is_dir():
        raise CourseError(f"{folder}: nothing is released yet; run `{own_command()} release`.")
    return folder


def _submitted(course: Course, assignment: str, students: Sequence[str] | None) -> list[str]:
    known = course.students(assignment)
    if not known:
        where = course.folder("submitted", assignment, "<student>")
        raise CourseError(f"{where}: no submissions here; put each student's notebooks into a folder like this one.")
    for student in set(students or ()) - set(known):
        raise UsageError(f"{course.folder('submitted', assignment, student)}: no submission here; check the name.")
    return list(students or known)


def each(job: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield items with their results, in order, working on several at a time; when stopped, drop those not begun."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield from zip(items, pool.map(job, items), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _unstored(source: NotebookNode) -> list[Failure]:
    cells = [name_of(cell, i) for i, cell in enumerate(code_cells(source), 1) if is_marked(cell) and not cell.outputs]
    sentence = f"is tagged {TAG} but has no stored output; run `{own_command()} outputs`."
    return [Failure.at(cell, sentence) for cell in cells]


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    """Create a temporary folder with a copy of the files next to the notebooks in `folder`."""
    with TemporaryDirectory(prefix="reproduce-", ignore_cleanup_errors=True) as workspace:
        others = shutil.ignore_patterns("*.ipynb", "__pycache__", ".ipynb_checkpoints")
        shutil.copytree(folder, workspace, ignore=others, dirs_exist_ok=True)
        yield Path(workspace)


def again(path: Path, source_notebook: NotebookNode, helpers: Path, timeout: int, kernels: Mapping[str, str]) -> Replay:
    """Run a submitted notebook again, with the source notebook's tags and the course's helpers."""
    if not path.is_file():
        return Replay((Difference(path.stem, whole=Status.MISSING),))
    try:
        notebook = read(path)
        ran = _mark(notebook, source_notebook)
        text = json.dumps(notebook)
    except Exception:  # a submission can be anything
        return Replay((Difference(path.stem, whole=Status.DAMAGED),))
    with _workspace(helpers) as workspace:
        copy = workspace / path.name
        copy.write_text(text, encoding="utf-8")
        outcome = nbval(copy, workspace, timeout, kernels)
    raised = {failure.cell: failure.raised for failure in (*outcome.failures, *outcome.tolerated) if failure.raised}
    return Replay(tuple(Difference(path.stem, failure.cell) for failure in outcome.failures), ran, raised)


def _mark(notebook: NotebookNode, source_notebook: NotebookNode) -> bool:
    """Restore the source notebook's tags; return whether all tagged cells that print something there were run."""
    originals = {key: cell for cell in code_cells(source_notebook) for key in reversed(keys(cell))}
    ran: set[str] = set()
    for cell in code_cells(notebook):
        twin = next((originals[key] for key in keys(cell) if key in originals), None)
        if twin and cell.outputs and cell.execution_count is not None:
            ran.update(keys(twin))
        _prepare(cell, list(twin.metadata.get("tags", [])) if twin else [])
    return all(
        ran.issuperset(keys(cell)[:1]) for cell in code_cells(source_notebook) if is_marked(cell) and cell.outputs
    )


def _prepare(cell: Any, tags: list[str]) -> None:
    """Tag a submitted cell; its stored outputs are kept only if they are compared."""
    unseen = cell.execution_count is None and not cell.outputs
    if unseen or any(output.output_type == "error" for output in cell.outputs):
        tags.append("raises-exception")  # an error in a cell that was never run, or a stored error, is no difference
    compared = TAG in tags and cell.outputs
    cell.execution_count, cell.outputs = (1, cell.outputs) if compared else (None, [])
    cell.source = NBVAL_COMMENT.sub("#.", cell.source)
    cell.metadata["tags"] = tags
