"""Run one of nbgrader's converters (release, autograde, feedback) silently, and report an error in one sentence."""

import re
from typing import Any

from nbgrader.converters.base import BaseConverter
from nbgrader.utils import capture_log, temp_attrs

from autograder.course.course import Course, find_alembic
from autograder.errors import CourseError


def convert(course: Course, converter: type[BaseConverter], assignment: str, student: str = "*", **traits: Any) -> None:
    """Run `converter` on an assignment, for one student or all; raise CourseError with its error message."""
    find_alembic()
    folders = {name: value for name, value in traits.items() if name.endswith("_directory")}
    rest = {name: value for name, value in traits.items() if name not in folders}
    with temp_attrs(course.directory, assignment_id=assignment, student_id=student, **folders):
        app = converter(coursedir=course.directory, parent=course)
        app.log.setLevel("INFO")  # the level at which nbgrader logs the name of each notebook
        for name, value in rest.items():
            setattr(app, name, value)
        result = capture_log(app)
    if not result["success"]:
        raise CourseError(_reason(result))


def _reason(result: dict[str, str]) -> str:
    """Return the message of the exception that stopped nbgrader, and the notebook in which it happened.

    Both are read from the log, for display only: nbgrader catches the exception and only logs it.
    """
    log = result.get("log", "") + result["error"]
    messages = re.findall(r"^\s*[\w.]*(?:Error|Exception): (\S.*)$", log, re.MULTILINE)
    notebooks = re.findall(r"Converting notebook (.+)", log)
    reason = re.sub(r"\s+", " ", messages[0] if messages else log.strip().splitlines()[-1]).strip().rstrip(".")
    return f"{notebooks[-1]}: {reason}; fix the notebook." if notebooks else f"{reason}."
