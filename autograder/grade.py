"""A class → graded: every submission of an assignment, one after another; what one of them breaks stays its own."""

from collections.abc import Callable, Sequence

from nbgrader.converters import Autograde

from autograder.convert import convert
from autograder.course import Course
from autograder.errors import CourseError
from autograder.ledger import Ledger

Progress = Callable[[str, str], None]  # student, status


def grade(
    course: Course, assignment: str, students: Sequence[str] | None = None, progress: Progress = lambda *_: None
) -> dict[str, str]:
    """Grade submissions into the gradebook and autograded/; gives each student's status ("" where all went well)."""
    found = course.students(assignment)
    if not found:
        where = course.folder("submitted", assignment, "<student>")
        raise CourseError(f"{where}: no submissions here; put each student's notebooks into a folder like this one.")
    unknown = sorted(set(students or ()) - set(found))
    if unknown:
        raise CourseError(f"{course.folder('submitted', assignment, unknown[0])}: no submission here; check the name.")
    ledger, statuses = Ledger(course, assignment), {}
    for student in students or found:
        statuses[student] = _grade_one(course, assignment, student)
        ledger.note(student, status=statuses[student])
        progress(student, statuses[student])
    return statuses


def _grade_one(course: Course, assignment: str, student: str) -> str:
    try:
        convert(course, Autograde, assignment, student=student, force=True)
    except CourseError:
        return "damaged"
    return ""
