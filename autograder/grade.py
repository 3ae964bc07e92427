"""A class → graded: submissions read here, graded by any `concurrent.futures.Executor`, recorded here one by one."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager

import nbformat
from nbgrader.api import MissingEntry

from autograder.copies import teaching_copy
from autograder.course import Course
from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.placing import read_folder
from autograder.record import Recorder
from autograder.release import tell_gradebook
from autograder.result import Result
from autograder.submission import Masters, Submission, grade_submission

Progress = Callable[[str, str], None]  # student, status


def grade(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    progress: Progress = lambda student, status: None,
    executor: Executor | None = None,
    limits: Limits | None = None,
) -> dict[str, str]:
    """Grade submissions into the gradebook and autograded/; gives each student's status ("" where all went well).

    Raises CourseError where there is nothing to grade; what is wrong with one submission is that one's status.
    """
    chosen = _chosen(course, assignment, students)
    masters = masters_of(course, assignment)
    _known(course, assignment)
    statuses = {}
    with _pool(executor) as pool, Recorder(course, assignment) as recorder:
        futures = [
            pool.submit(grade_submission, _read(course, assignment, student), masters, limits) for student in chosen
        ]
        try:
            for future in as_completed(futures):
                result: Result = future.result()
                recorder.record(result)
                statuses[result.student] = result.status
                progress(result.student, result.status)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return {student: statuses[student] for student in chosen}


def masters_of(course: Course, assignment: str) -> Masters:
    """An assignment's teaching copies and helper files, as bytes."""
    notebooks = []
    for path in course.masters(assignment):
        try:
            source = nbformat.read(path, 4)
        except Exception as error:
            raise CourseError(f"{path}: cannot be read ({type(error).__name__}: {error}); mend it.") from error
        notebooks.append((path.stem, nbformat.writes(teaching_copy(source, course.settings)).encode()))
    files, _ = read_folder(course.folder("source", assignment))
    helpers = {name: content for name, content in files.items() if not name.endswith(".ipynb")}
    return Masters(tuple(notebooks), tuple(sorted(helpers.items())))


def _chosen(course: Course, assignment: str, students: Sequence[str] | None) -> list[str]:
    found = course.students(assignment)
    if not found:
        where = course.folder("submitted", assignment, "<student>")
        raise CourseError(f"{where}: no submissions here; put each student's notebooks into a folder like this one.")
    for student in students or ():
        if student not in found:
            raise CourseError(f"{course.folder('submitted', assignment, student)}: not here; check the student's id.")
    return list(students or found)


def _read(course: Course, assignment: str, student: str) -> Submission:
    files, left_out = read_folder(course.folder("submitted", assignment, student))
    return Submission(student, files, tuple(left_out))


def _known(course: Course, assignment: str) -> None:
    """Tell the gradebook of the assignment where it does not know it yet, as in a fresh checkout."""
    with course.gradebook() as book:
        try:
            book.find_assignment(assignment)
            return
        except MissingEntry:
            pass
    tell_gradebook(course, assignment)


@contextmanager
def _pool(executor: Executor | None) -> Iterator[Executor]:
    """The executor given, or threads, one a core: each drives a kernel, which is a process of its own."""
    if executor is not None:
        yield executor
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield pool
