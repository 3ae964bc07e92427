"""Decide whether student code may run on this machine, and in which kind of sandbox, before a class is graded."""

from contextlib import suppress
from dataclasses import replace

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError, NoSandboxError
from autograder.kernels import launcher
from autograder.kernels.bubblewrap import python_folders
from autograder.kernels.launcher import Loaded

ROUND = (
    "Without one, student code runs with your permissions. To accept that, pass --unsafe-no-sandbox "
    "(the results get the status `unsandboxed`)."
)


WARNING = (
    "student code runs with your permissions and can read, change and send everything that you can; "
    "submissions that are graded without problems get the status `unsandboxed`."
)
PROVISIONER = "JUPYTER_DEFAULT_PROVISIONER_NAME"  # Jupyter's own variable


def for_tools(limits: Limits, own: bool = False) -> dict[str, str]:
    """Return environment variables that make any Jupyter tool start its kernels in a sandbox, on this process' server.

    With `own`, for the course's own notebooks, kernels may import all of this package.
    """
    if limits.sandbox == "none":
        return {}
    server = launcher.server(replace(loaded(limits), prepare="", whole=own), limits.sandbox)
    return {PROVISIONER: "autograder-sandbox", **launcher.shared(server)}


def for_own_notebooks(course: Course) -> dict[str, str]:
    """Return the same variables for the course's own notebooks; none if this machine has no sandbox."""
    with suppress(NoSandboxError):
        return for_tools(replace(course.limits, sandbox="auto"), own=True)
    return {}


def remote_limits(course: Course, unsafe: bool = False) -> Limits:
    """Return a course's limits for grading on other machines; each machine chooses its own sandbox."""
    return replace(course.limits, sandbox="none") if unsafe else course.limits


def own_limits(course: Course) -> Limits:
    """Return a course's limits for its own notebooks, with the fastest available sandbox, or with none."""
    try:
        return sandboxed(replace(course.limits, sandbox="auto"))
    except NoSandboxError:
        return replace(course.limits, sandbox="none")


def grading_limits(course: Course, unsafe: bool = False) -> Limits:
    """Return a course's limits with the kind of sandbox that this machine supports.

    Raise CourseError if it supports none, unless `unsafe` explicitly asks to grade without a sandbox.
    """
    limits = remote_limits(course, unsafe)
    if unsafe:
        return limits
    try:
        shown = [place for place in python_folders() if course.root.is_relative_to(place)]
        if shown:
            raise NoSandboxError(f"the course is inside {shown[0]}, which kernels can read; move it elsewhere.")
        return sandboxed(limits)
    except NoSandboxError as error:
        raise CourseError(f"no sandbox: {error} {ROUND}") from error


def sandboxed(limits: Limits) -> Limits:
    """Return limits with the kind of sandbox that this machine supports; NoSandboxError: it lacks the requested one."""
    if limits.sandbox == "none":
        return limits
    return replace(limits, sandbox=launcher.shape_of(launcher.server(loaded(limits), limits.sandbox)))


def loaded(limits: Limits) -> Loaded:
    """Return what is preloaded and prepared for a course's kernels."""
    return Loaded(" ".join(limits.preload), limits.prepare, limits.environment)
