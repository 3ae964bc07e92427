"""May student code run here, and in what kind of sandbox? Asked once, before a class is graded."""

from dataclasses import replace

from autograder.course import Course
from autograder.errors import CourseError
from autograder.kernels import client
from autograder.kernels.client import Loaded
from autograder.kernels.host import NoSandboxError, python_folders
from autograder.kernels.provisioner import MODULES
from autograder.limits import Limits

ROUND = (
    "Student code would run with your rights; if you want that, say --unsafe-no-sandbox (the marks will be marked so)."
)


def limits_of(course: Course, unsafe: bool = False) -> Limits:
    """A course's limits, with the kind of sandbox that there is.

    Raises CourseError where there is none, and `unsafe` does not ask to go without one in so many words.
    """
    limits = course.limits
    if unsafe or limits.sandbox == "none":
        return replace(limits, sandbox="none")
    try:
        shown = [place for place in python_folders() if course.root.is_relative_to(place)]
        if shown:
            raise NoSandboxError(f"the course lies within {shown[0]}, which kernels can read; move it elsewhere.")
        server = client.server(Loaded(MODULES, limits.prepare), limits.sandbox)
    except NoSandboxError as error:
        raise CourseError(f"no sandbox: {error} {ROUND}") from error
    return replace(limits, sandbox=client.shape_of(server))
