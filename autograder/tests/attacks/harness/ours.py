"""Our grader under attack: one submission read, graded and recorded."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from unittest.mock import patch

from nbgrader.api import Grade

from autograder.course.course import Course
from autograder.course.limits import Sandbox
from autograder.gradebook.recorder import Recorder
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.notebook_grader import notebook_graders
from autograder.grading.pipeline import grade_submission, judge_for
from autograder.grading.proving import proved
from autograder.model import Assignment, Result, Submission, Verdict
from autograder.model import Outcome as Verdicts
from autograder.submissions.files import read_folder
from autograder.tests.attacks.harness import browser
from autograder.tests.attacks.harness.outcome import Mark, Outcome
from autograder.tests.attacks.harness.scene import ATTACKER, SECRET, Scene
from autograder.tests.attacks.harness.templates import ASSIGNMENT, template
from autograder.tests.harness.recorded import record


def grade(place: Scene, shape: Sandbox = "auto") -> Outcome:
    """Grade the attacker's submission as `autograder grade` does, in this shape of sandbox; look at what is left."""
    files, left_out = read_folder(place.submitted(ATTACKER))
    assignment = _assignment(place.attack.notebook)
    _start_judge(assignment)
    gradebook, started = place.gradebook.read_bytes(), time.monotonic()
    limits = replace(place.attack.bounds(), sandbox=shape)
    with patch.dict(os.environ, {SECRET: place.mark}):
        result = grade_submission(Submission(ATTACKER, files, tuple(left_out)), assignment, limits)
    seconds = time.monotonic() - started
    trouble = place.left_behind() + ["gradebook changed"] * (place.gradebook.read_bytes() != gradebook)
    marks, more = _recorded(Course.at(place.course), place, result)
    return Outcome(marks, tuple(trouble + more), seconds)


@cache
def _assignment(notebook: str) -> Assignment:
    """A class has one assignment, which is loaded before the submissions; the release has proved its tests."""
    source = SourceAssignment.load(Course.at(template(notebook)), ASSIGNMENT)
    return proved(source, write=False).attached(source.packed())


def _start_judge(assignment: Assignment) -> None:
    """A class has one judge, which earlier submissions have started."""
    (grader,) = notebook_graders(assignment)
    judge_for(assignment.helpers).verdict(grader.plans[0], "")


def _recorded(course: Course, place: Scene, result: Result) -> tuple[dict[str, Mark], list[str]]:
    """Record a result; gives the marks, and in what the gradebook differs from the verdicts."""
    verdicts = {verdict.cell: verdict for notebook in result.notebooks for verdict in notebook.verdicts}
    with Recorder(course, ASSIGNMENT) as recorder:
        record(recorder, result)
        rows = recorder.book.find_submission(ASSIGNMENT, ATTACKER).notebooks
        grades = [grade for row in rows for grade in row.grades]
        comments = [str(comment.auto_comment or "") for row in rows for comment in row.comments]
        marks = {}
        for grade in grades:
            verdict = verdicts.get(grade.cell.name)
            name = str(grade.cell.name).removesuffix("-test")
            if verdict:
                unknown = 0.0 if verdict.outcome is Verdicts.OPEN else math.nan  # an open test earns nothing yet
                points = unknown if verdict.points is None else verdict.points
                marks[name] = Mark(points, grade.max_score, verdict.outcome, verdict.rationale, verdict.reason)
            else:
                waits = bool(grade.needs_manual_grade)
                marks[name] = Mark(grade.max_score * waits, grade.max_score, "to be read" if waits else "closed")
        said = list(_differing(grades, verdicts))
    if place.attack.in_a_browser:
        said += browser.trouble(place.mark, [notebook.content for notebook in result.notebooks], comments)
    return marks, said


def _differing(grades: list[Grade], verdicts: dict[str, Verdict]) -> Iterator[str]:
    for grade in grades:
        verdict = verdicts.get(grade.cell.name)
        if verdict and grade.auto_score != verdict.points:
            yield f"gradebook has {grade.auto_score} for {grade.cell.name}"
