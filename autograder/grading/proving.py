"""Prove an assignment's tests: run the solution and the stub, and name each test cell that does not hold.

Each source notebook goes the way of a submission twice, with its solutions and as students get it. So a test that
cannot be judged across the trust line is found here, and what fails later, on a student's data, is that student's.
`judging.proof` says what is wrong with a test; here the notebooks are run.
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

NAMED = 3  # faults that one sentence names


def prove(course: Course, assignment: str, limits: Limits | None = None) -> None:
    """Judge the solution and the unanswered notebooks; raise CourseError naming the cells at fault and what to do."""
    found = faults(course, assignment, limits)
    if found:
        more = [f"And {len(found) - NAMED} more."] if len(found) > NAMED else []
        raise CourseError(" ".join([*found[:NAMED], *more]))


def faults(course: Course, assignment: str, limits: Limits | None = None) -> list[str]:
    """A sentence for each test cell at fault, in the order of the course."""
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
