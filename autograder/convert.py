"""Run one of nbgrader's converters (release, autograde, feedback) quietly, and turn its log into one sentence."""

import re
from typing import Any

from nbgrader.converters.base import BaseConverter
from nbgrader.utils import capture_log, temp_attrs

from autograder.course import Course, find_alembic
from autograder.errors import CourseError


def convert(course: Course, converter: type[BaseConverter], assignment: str, student: str = "*", **traits: Any) -> None:
    """Run `converter` over an assignment, for one student or all; raise CourseError with what it said went wrong."""
    find_alembic()
    places = {name: value for name, value in traits.items() if name.endswith("_directory")}
    rest = {name: value for name, value in traits.items() if name not in places}
    with temp_attrs(course.directory, assignment_id=assignment, student_id=student, **places):
        app = converter(coursedir=course.directory, parent=course)
        for name, value in rest.items():
            setattr(app, name, value)
        result = capture_log(app)
    if not result["success"]:
        raise CourseError(_reason(result))


def _reason(result: dict[str, str]) -> str:
    """The last error that is a sentence: of the exception, or else of the log."""
    last = result["error"].strip().splitlines()[-1]
    said = last.split(": ", 1)[-1] if ": " in last else last
    errors = [line for line in result.get("log", "").splitlines() if line.startswith("[ERROR]")]
    if "logs for details" in said and errors:
        said = errors[-1].removeprefix("[ERROR] ")
    return re.sub(r"\s+", " ", said)
