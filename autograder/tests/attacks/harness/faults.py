"""Kill what grading starts, and the grading process itself, at random moments; compare the marks with a quiet run.

A mark may be missing as long as processes are killed, because nothing is decided without a verdict. It must never be
another one, and the next quiet run must complete it.
"""

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil

from autograder.course.course import Course
from autograder.errors import AutograderError
from autograder.gradebook.queries import table
from autograder.grading.class_run import ClassRun
from autograder.tests.harness.kills import kill, victims
from autograder.tests.harness.tiny_course import locked, make_course, make_question

ASSIGNMENT = "ps1"
GRADER = "grader"
PAUSE = 0.01, 0.2  # seconds between two kills, at least and at most
PAUSE_APART = 0.2, 3.0  # if a run takes longer, because it begins with a new process and proves the tests
GRADER_SHARE = 0.1  # of the kills, if the grading process is killed, too: most runs come to the kernels
ANSWERS = {
    "ada": {},
    "bob": {"x": "x = [1, 2]", "f": "def f(n):\n    return 0", "stack": "stack = None"},
    "cy": {"x": "import os\nos._exit(1)"},
}
Marks = dict[str, dict[str, float | None]]
Grade = Callable[[bool], None]  # grades the class; True grades also what is unchanged


def make_class(folder: Path) -> Course:
    """Return a course whose tests need data, functions and the names of earlier tests, and its submissions."""
    cells = [
        locked("setup", "import time\n\nsizes = [2, 3, 4]"),
        *make_question("x", "x = [n * n for n in sizes]", "assert len(x) == 3\nassert x == [4, 9, 16]"),
        *make_question(
            "f", "def f(n):\n    return [n] * n", "assert f(2) == [2, 2]\nassert [f(n) for n in sizes][1] == [3] * 3"
        ),
        *make_question(
            "stack",
            "class Stack(list):\n    def top(self):\n        return self[-1]\n\nstack = Stack()",
            "stack.append(f)\nassert len(stack) == 1\nassert stack.top() is f",
        ),
    ]
    course = make_course(folder, cells)
    source = nbformat.read(course.source_notebooks(ASSIGNMENT)[0], 4)
    for student, answers in ANSWERS.items():
        place = course.folder("submitted", ASSIGNMENT, student)
        place.mkdir(parents=True)
        notebook = nbformat.from_dict(source)
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
        nbformat.write(notebook, place / "book.ipynb")
    return course


def marks(course: Course) -> Marks:
    """Return the marks of the gradebook by student and question; None for what is not marked."""
    return {row.student: dict(row.marks) for row in table(course, ASSIGNMENT).rows}


@dataclass
class Report:
    """What was killed, and what became of the marks."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    stopped: list[str] = field(default_factory=list)  # sentences with which a run ended early
    missing: int = 0  # marks that were missing after a disturbed run
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the figures as sentences."""
        killed = ", ".join(f"{role} {times}" for role, times in sorted(self.kills.items()))
        return [
            f"{self.kills.total()} kills ({killed}) in {self.runs} runs of a class of {len(ANSWERS)}.",
            f"{len(self.stopped)} runs ended early, {self.missing} marks were missing until a later run.",
            f"{len(self.wrong)} marks differ from those of a quiet run.",
            *self.wrong,
        ]


class _Killer:
    """A thread that kills, at random moments, a process below another one, or that one."""

    def __init__(self, report: Report, kills: int, numbers: random.Random) -> None:
        self.report, self.kills, self.numbers = report, kills, numbers
        self.below, self.may_kill_it = os.getpid(), False
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _pause(self) -> float:
        return self.numbers.uniform(*(PAUSE_APART if self.may_kill_it else PAUSE))

    def _run(self) -> None:
        while self.report.kills.total() < self.kills and not self.done.wait(self._pause()):
            found = {}
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                found = victims(self.below)
                if self.may_kill_it and found and self.numbers.random() < GRADER_SHARE:
                    found = {GRADER: [psutil.Process(self.below)]}
            if found:
                role = self.numbers.choice(sorted(found))
                kill(self.numbers.choice(found[role]))
                self.report.kills[role] += 1


def disturbed(course: Course, kills: int, seed: int, apart: bool = False) -> Report:
    """Grade a class again and again while so many processes are killed, then once more in peace.

    Args:
        course: The course that `make_class` returned.
        kills: How many processes are killed.
        seed: Of the random moments and victims.
        apart: Grade in a separate process, which is killed, too, and prove the tests each time.
    """
    report = Report()
    ClassRun(course, ASSIGNMENT, jobs=2).grade()
    expected, killer = marks(course), _Killer(report, kills, random.Random(seed))
    killer.thread.start()
    try:
        while killer.thread.is_alive():
            if apart:
                _grade_apart(course, killer)
            else:
                _grade_here(course, report)
            report.runs += 1
            _compare(expected, marks(course), report)
    finally:
        killer.done.set()
        killer.thread.join()
    ClassRun(course, ASSIGNMENT, jobs=2).grade()
    last = marks(course)
    report.wrong += [f"{student} has {last[student]}" for student in expected if last[student] != expected[student]]
    return report


def _grade_here(course: Course, report: Report) -> None:
    try:
        ClassRun(course, ASSIGNMENT, jobs=2, force=True).grade()
    except AutograderError as error:
        report.stopped.append(str(error))


def _grade_apart(course: Course, killer: _Killer) -> None:
    for proofs in course.root.glob("reports/*.proofs"):
        proofs.unlink()
    command = [sys.executable, "-m", "autograder.cli", "--course", str(course.root), "grade", "--force", "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        killer.below, killer.may_kill_it = process.pid, True
        _, said = process.communicate()
    if process.returncode:
        killer.report.stopped.append(said.strip())


def _compare(expected: Marks, found: Marks, report: Report) -> None:
    for student, questions in expected.items():
        for question, mark in questions.items():
            now = found[student][question]
            report.missing += now is None and mark is not None
            if now is not None and now != mark:
                report.wrong.append(f"{student}: {question} has {now} in place of {mark}")


def main(kills: int) -> Report:
    """Kill so many processes; return what became of the marks."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        return disturbed(make_class(Path(folder)), kills, seed=random.randrange(1 << 30), apart=True)
