"""A released course of one question, its class, and workers that look a verdict up instead of running anything."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.course.course import CONFIG, Course
from autograder.course.limits import Limits
from autograder.grading import class_run, fingerprint
from autograder.grading.class_run import ClassRun
from autograder.grading.proving import Proofs
from autograder.grading.workers import WorkerPool
from autograder.model import Assignment, NotebookResult, Outcome, Reason, Result, Status, Submission, Verdict
from autograder.release.release import release

SETTINGS = """
from autograder import hooks
c = get_config()
c.CourseDirectory.course_id = "small"
c.ClearSolutions.code_stub = {"python": ""}
c.Course.due_dates = {"ps1": "2027-01-31 12:00 UTC"}
hooks.configure(c)
c.AssignLatePenalties.plugin_class = "autograder.gradebook.late_policy.DailyPenalty"
"""
ANSWERS = {
    "ada": "x = 42",
    "bob": "x = 41",
    "cy": "x = ...",
    "dan": "class Yes(int):\n    __eq__ = lambda self, other: True\nx = Yes(1)",
    "eve": "import os\nos._exit(1)",
    "fay": "x = 42",  # late
    "gil": "x = 21",  # half right
}
VERDICTS = {
    "right": Verdict("x-test", Outcome.PASSED, 2.0),
    "wrong": Verdict("x-test", Outcome.FAILED, 0.0, "why"),
    "empty": Verdict("x-test", Outcome.NOT_ATTEMPTED, 0.0),
    "slow": Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "it ran too long.", Reason.TIMEOUT),
    "loud": Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "it said too much.", Reason.OUTPUT),
    "crashed": Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "it died.", Reason.CRASH),
    "ours": Verdict("x-test", Outcome.GRADER_ERROR, None, "our fault."),
}


def _meta(grade_id: str, **changed: object) -> dict[str, object]:
    plain = {"grade": False, "locked": True, "solution": False, "schema_version": 3, "task": False}
    return {"nbgrader": {**plain, "grade_id": grade_id, **changed}}


def _source() -> nbformat.NotebookNode:
    answer = "x = ...\n### BEGIN SOLUTION\nx = 42\n### END SOLUTION"
    test = "### BEGIN HIDDEN TESTS\nassert x in (42, 21), f'x is {x}'\n1 if x == 21 else 2\n### END HIDDEN TESTS"
    cells = [
        nbformat.v4.new_code_cell(answer, metadata=_meta("x", solution=True, locked=False)),
        nbformat.v4.new_code_cell(test, metadata=_meta("x-test", grade=True, points=2)),
        nbformat.v4.new_markdown_cell(
            "why", metadata=_meta("x-why", grade=True, solution=True, locked=False, points=1)
        ),
    ]
    for cell in cells:
        cell.id = cell.metadata.nbgrader["grade_id"]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    notebook: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    return notebook


def make_ungraded(root: Path) -> Path:
    """Make a released course with a class's submissions."""
    (root / "source" / "ps1").mkdir(parents=True)
    (root / CONFIG).write_text(SETTINGS)
    nbformat.write(_source(), root / "source" / "ps1" / "one.ipynb")
    release(Course.at(root), "ps1")
    for student, answer in ANSWERS.items():
        place = root / "submitted" / student / "ps1"
        place.mkdir(parents=True)
        notebook = nbformat.read(root / "release" / "ps1" / "one.ipynb", 4)
        notebook.cells[0].source = answer
        notebook.cells[2].source = notebook.cells[2].source if student == "cy" else "because"
        if student == "bob":
            del notebook.cells[1]
        nbformat.write(notebook, place / "one.ipynb")
        (place / "timestamp.txt").write_text("2027-02-02 09:00 UTC" if student == "fay" else "2027-01-30 09:00 UTC")
    return root


def judged(submission: Submission, assignment: Assignment, limits: Limits | None = None) -> Result:
    """The verdict that a submission's file names, in place of running it."""
    verdict = VERDICTS[submission.files["one.ipynb"].decode().split()[0]]
    ((name, content),) = assignment.notebooks
    status = Status.GRADER_ERROR if verdict.outcome is Outcome.GRADER_ERROR else Status(verdict.reason)
    return Result(submission.student, (NotebookResult(name, content, (verdict,), frozenset(), status=status),))


@dataclass
class Watched:
    """Work that notes whom it was asked to grade, and what else was being graded then."""

    work: Callable[[Submission, Assignment, Limits], Result] = judged
    seen: list[str] = field(default_factory=list)
    most: int = 0
    beside: dict[str, int] = field(default_factory=dict)  # of the last time that a student was graded
    at_work: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        with self.lock:
            self.seen.append(submission.student)
            self.beside[submission.student] = self.at_work
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        try:
            return self.work(submission, assignment, limits)
        finally:
            with self.lock:
                self.at_work -= 1


@contextmanager
def crew(work: Any, jobs: int = 2) -> Iterator[WorkerPool]:
    """Workers that do `work` for each submission; so nothing is run, and no test is proved."""
    with nothing_proved(), ThreadPoolExecutor(jobs) as pool:
        yield WorkerPool(pool, jobs, work)


@contextmanager
def nothing_proved() -> Iterator[None]:
    """Grade without proofs, since they need kernels, and work that runs nothing does not read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_run, "proved", lambda *_: Proofs())
        yield


def run(course: Course, work: Any = None, **options: Any) -> tuple[list[str], dict[str, Status]]:
    """Grade a class; gives whose work was done, in order, and the statuses."""
    watched = work if isinstance(work, Watched) else Watched(work or judged)
    with crew(watched, options.pop("jobs", 2)) as workers:
        statuses = ClassRun(course, "ps1", executor=workers, **{"limits": Limits(), **options}).grade()
    return watched.seen, statuses


def hand_in(course: Course, **said: str) -> None:
    for student, text in said.items():
        place = course.folder("submitted", "ps1", student)
        place.mkdir(parents=True, exist_ok=True)
        (place / "one.ipynb").write_text(text)


def new_helper(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    (course.folder("source", "ps1") / "lab.py").write_text("y = 1")


def new_version(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {**fingerprint.versions(), "numpy": "4.0"}
    monkeypatch.setattr(fingerprint, "versions", lambda modules: found)
