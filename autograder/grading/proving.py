"""Check an assignment's tests: grade the solution and the unanswered notebook, and report each test cell at fault.

Each source notebook is graded like a submission twice: with its solutions, and as students get it. This finds tests
that cannot be judged outside the student's process. If a checked test fails later, the student's answer is the cause.
`judging.proof` describes what is wrong with a test; this module runs the notebooks.
"""

import os
from concurrent.futures import ThreadPoolExecutor

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.execution.sandbox import own_limits
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.pipeline import NotebookGrader, grade_notebook
from autograder.judging.proof import notebook_faults

NAMED = 3  # faults that one message lists


def prove(course: Course, assignment: str, limits: Limits | None = None) -> None:
    """Grade the solutions and the unanswered notebooks of an assignment.

    Raises:
        CourseError: A test cell is at fault. The message names the cells and what to do.
    """
    messages = faults(course, assignment, limits)
    if messages:
        more = [f"And {len(messages) - NAMED} more."] if len(messages) > NAMED else []
        raise CourseError(" ".join([*messages[:NAMED], *more]))


def faults(course: Course, assignment: str, limits: Limits | None = None) -> list[str]:
    """Return a message for each test cell at fault, in the order of the course."""
    source = SourceAssignment.load(course, assignment)
    packed = source.packed()
    limits = limits or own_limits(course)
    graders = {name: NotebookGrader.of(name, copy, packed) for name, copy in source.notebooks.items()}
    unanswered = dict(packed.notebooks)
    contents = {
        path.stem: (path.read_bytes(), unanswered[path.stem])
        for path in course.masters(assignment)
        if graders[path.stem].plans
    }
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = {
            name: [pool.submit(grade_notebook, graders[name], content, {}, limits) for content in both]
            for name, both in contents.items()
        }
    return [
        f"{assignment}/{name}.ipynb: cell {fault}."
        for name, (solution, stub) in results.items()
        for fault in notebook_faults(graders[name].plans, solution.result(), stub.result())
    ]
