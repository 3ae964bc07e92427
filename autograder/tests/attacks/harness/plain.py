"""Plain nbgrader under the same attack: its own command, its own preprocessors, in a throw-away course.

It runs in a process of its own, since an attack may stop it for good. What it leaves is found by the scene's mark,
which is in the environment of everything it starts.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress

from nbgrader.api import Gradebook, MissingEntry

from autograder.course.course import find_alembic
from autograder.tests.attacks.harness import browser
from autograder.tests.attacks.harness.attack import Attack
from autograder.tests.attacks.harness.outcome import Mark, Outcome
from autograder.tests.attacks.harness.scene import ATTACKER, SECRET, Scene, processes
from autograder.tests.attacks.harness.templates import ASSIGNMENT, CLASSMATE, FOLDER

PATIENCE = 120.0  # seconds until a class of two counts as never graded


def grade(place: Scene) -> Outcome:
    """Let `nbgrader autograde` grade attacker and classmate, and read from the gradebook what came of it."""
    started = time.monotonic()
    ended = autograde(place, PATIENCE)
    seconds = time.monotonic() - started
    time.sleep(2 if processes(place.mark) else 0)  # let what is left do its work
    trouble = ["grading never ends"] * (not ended) + place.left_behind()
    with Gradebook(f"sqlite:///{place.gradebook}") as book:
        marks, classmate = (_marks(book, place.attack, student) for student in (ATTACKER, CLASSMATE))
        changed = [g for s in book.assignment_submissions(ASSIGNMENT) for n in s.notebooks for g in n.grades]
        trouble += ["gradebook changed"] * any(g.extra_credit or g.manual_score for g in changed)
    if ended and not all(mark.full for mark in classmate.values()):
        trouble.append("class aborted")
    if place.attack.in_a_browser:
        shown = [path.read_bytes() for path in place.course.glob(f"autograded/{ATTACKER}/*/*.ipynb")]
        trouble += browser.trouble(place.mark, shown, [])
    return Outcome(marks, tuple(trouble), seconds)


def autograde(place: Scene, seconds: float, *arguments: str, hidden: Collection[str] = ()) -> bool:
    """Run nbgrader's command, without the environment variables `hidden`; False where it had to be stopped."""
    find_alembic()
    hidden = {*hidden, FOLDER}  # an attack that nothing holds could write to the templates
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    process = subprocess.Popen(
        [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT, *arguments],
        cwd=place.course,
        env={**kept, SECRET: place.mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return True


def _marks(book: Gradebook, attack: Attack, student: str) -> dict[str, Mark]:
    try:
        row = book.find_submission_notebook(attack.notebook, ASSIGNMENT, student)
    except MissingEntry:
        cells = book.find_notebook(attack.notebook, ASSIGNMENT).grade_cells
        return {str(cell.name).removesuffix("-test"): Mark(0, cell.max_score) for cell in cells}
    found = {}
    for grade in row.grades:
        written = grade.auto_score is None and grade.needs_manual_grade and grade.cell.cell_type == "markdown"
        found[str(grade.cell.name).removesuffix("-test")] = Mark(
            grade.max_score if written else grade.auto_score or 0.0, grade.max_score
        )
    return found
