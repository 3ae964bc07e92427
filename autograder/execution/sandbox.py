"""May student code run here, and in what kind of sandbox? Asked once, before a class is graded."""

from contextlib import suppress
from dataclasses import replace

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError, NoSandboxError
from autograder.kernels import launcher
from autograder.kernels.bubblewrap import python_folders
from autograder.kernels.launcher import Loaded

ROUND = (
    "Student code would run with your rights; if you want that, say --unsafe-no-sandbox (the marks will be marked so)."
)


WARNING = (
    "student code runs with your rights and can read, change and send whatever you can; "
    "what goes well in this run has the status `unsandboxed`."
)
PROVISIONER = "JUPYTER_DEFAULT_PROVISIONER_NAME"  # Jupyter's own variable


def for_tools(limits: Limits, own: bool = False) -> dict[str, str]:
    """Environment in which any Jupyter tool starts its kernels in a sandbox of this shape, by this process' server.

    `own` notebooks may import all of this package.
    """
    if limits.sandbox == "none":
        return {}
    server = launcher.server(replace(loaded(limits), prepare="", whole=own), limits.sandbox)
    return {PROVISIONER: "autograder-sandbox", **launcher.shared(server)}


def for_own_notebooks(course: Course) -> dict[str, str]:
    """The same for one's own notebooks, which run without a sandbox where there is none."""
    with suppress(NoSandboxError):
        return for_tools(replace(course.limits, sandbox="auto"), own=True)
    return {}


def remote_limits(course: Course, unsafe: bool = False) -> Limits:
    """A course's limits where other machines grade: the sandbox is for each of them to find."""
    return replace(course.limits, sandbox="none") if unsafe else course.limits


def own_limits(course: Course) -> Limits:
    """A course's limits for one's own notebooks: in the fastest sandbox that there is, or without one."""
    try:
        return sandboxed(replace(course.limits, sandbox="auto"))
    except NoSandboxError:
        return replace(course.limits, sandbox="none")


def grading_limits(course: Course, unsafe: bool = False) -> Limits:
    """A course's limits, with the kind of sandbox that there is.

    Raises CourseError where there is none, and `unsafe` does not ask to go without one in so many words.
    """
    limits = remote_limits(course, unsafe)
    if unsafe:
        return limits
    try:
        shown = [place for place in python_folders() if course.root.is_relative_to(place)]
        if shown:
            raise NoSandboxError(f"the course lies within {shown[0]}, which kernels can read; move it elsewhere.")
        return sandboxed(limits)
    except NoSandboxError as error:
        raise CourseError(f"no sandbox: {error} {ROUND}") from error


def sandboxed(limits: Limits) -> Limits:
    """Limits with the kind of sandbox that this machine gives; raises NoSandboxError where it gives none asked for."""
    if limits.sandbox == "none":
        return limits
    return replace(limits, sandbox=launcher.shape_of(launcher.server(loaded(limits), limits.sandbox)))


def loaded(limits: Limits) -> Loaded:
    """What a course's kernels find loaded."""
    return Loaded(" ".join(limits.preload), limits.prepare, limits.environment)
