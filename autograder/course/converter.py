"""Run one of nbgrader's converters (release, autograde, feedback) quietly, and turn its log into one sentence."""

import re
from typing import Any

from nbgrader.converters.base import BaseConverter
from nbgrader.utils import capture_log, temp_attrs

from autograder.course.course import Course, find_alembic
from autograder.errors import CourseError


def convert(course: Course, converter: type[BaseConverter], assignment: str, student: str = "*", **traits: Any) -> None:
    """Run `converter` over an assignment, for one student or all; raise CourseError with what it said went wrong."""
    find_alembic()
    places = {name: value for name, value in traits.items() if name.endswith("_directory")}
    rest = {name: value for name, value in traits.items() if name not in places}
    with temp_attrs(course.directory, assignment_id=assignment, student_id=student, **places):
        app = converter(coursedir=course.directory, parent=course)
        app.log.setLevel("INFO")  # at which nbgrader says which notebook it is at
        for name, value in rest.items():
            setattr(app, name, value)
        result = capture_log(app)
    if not result["success"]:
        raise CourseError(_reason(result))


def _reason(result: dict[str, str]) -> str:
    """Return the exception that ended it, in nbgrader's words, with the notebook that it was at.

    Read out of the log, for display only: nbgrader catches the exception and keeps nothing else of it.
    """
    log = result.get("log", "") + result["error"]
    said = re.findall(r"^\s*[\w.]*(?:Error|Exception): (\S.*)$", log, re.MULTILINE)
    at = re.findall(r"Converting notebook (.+)", log)
    reason = re.sub(r"\s+", " ", said[0] if said else log.strip().splitlines()[-1]).strip().rstrip(".")
    return f"{at[-1]}: {reason}; mend it." if at else f"{reason}."
