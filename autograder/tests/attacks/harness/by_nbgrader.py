"""Our grader under attack as `nbgrader autograde` and formgrader's button call it, by hooks in the configuration.

It runs in a separate process, since nbgrader's command does.
"""

import time
from dataclasses import replace
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from autograder.course.limits import Sandbox
from autograder.gradebook.graded_notebooks import kept
from autograder.kernels.launcher import GIVEN
from autograder.model import Verdict
from autograder.tests.attacks.harness import browser
from autograder.tests.attacks.harness.outcome import Mark, Outcome
from autograder.tests.attacks.harness.plain import autograde
from autograder.tests.attacks.harness.scene import ATTACKER, Scene
from autograder.tests.attacks.harness.templates import ASSIGNMENT, limit_settings

TIMEOUT = 240.0  # seconds until a submission counts as never graded
HOOKS = "\nfrom autograder import hooks\nhooks.configure(c)\n"


def grade(place: Scene, shape: Sandbox) -> Outcome:
    """Let `nbgrader autograde` grade the attacker's submission, and look at what is left."""
    _configure(place, shape)
    started = time.monotonic()
    ended = autograde(place, TIMEOUT, "--student", ATTACKER, hidden=(GIVEN,))
    seconds = time.monotonic() - started
    trouble = ["grading never ends"] * (not ended) + place.left_behind()
    path = place.course / "autograded" / ATTACKER / ASSIGNMENT / f"{place.attack.notebook}.ipynb"
    if not path.is_file():
        return Outcome({}, (*trouble, "submission not graded"), seconds)
    cells = nbformat.read(path, 4).cells
    verdicts = {verdict.cell: verdict for verdict in map(kept, cells) if verdict}
    with Gradebook(f"sqlite:///{place.gradebook}") as book:
        grades = book.find_submission_notebook(place.attack.notebook, ASSIGNMENT, ATTACKER).grades
        marks = {str(grade.cell.name).removesuffix("-test"): _mark(grade, verdicts) for grade in grades}
        changed = [
            grade for row in book.assignment_submissions(ASSIGNMENT) for n in row.notebooks for grade in n.grades
        ]
        trouble += ["gradebook changed"] * any(grade.extra_credit or grade.manual_score for grade in changed)
    if place.attack.in_a_browser:
        trouble += browser.trouble(place.mark, [path.read_bytes()], [])
    return Outcome(marks, tuple(trouble), seconds)


def _mark(grade: object, verdicts: dict[str, Verdict]) -> Mark:
    cell, score, waits = (getattr(grade, name) for name in ("cell", "auto_score", "needs_manual_grade"))
    most = float(getattr(grade, "max_score"))  # noqa: B009 - nbgrader's rows have no types
    verdict = verdicts.get(str(cell.name))
    if verdict:
        points = (0.0 if verdict.outcome == "open" else float("nan")) if verdict.points is None else float(score)
        return Mark(points, most, verdict.outcome, verdict.rationale, verdict.reason)
    return Mark(most * bool(waits), most, "to be read" if waits else "closed")


def _configure(place: Scene, shape: Sandbox) -> None:
    """Add the hooks and the attack's limits to the course's configuration."""
    limits = replace(place.attack.bounds(), sandbox=shape)
    config = Path(place.course, "nbgrader_config.py")
    config.write_text(config.read_text() + HOOKS + limit_settings(limits))
