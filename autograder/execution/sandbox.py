"""May student code run here, and in what kind of sandbox? Asked once, before a class is graded."""

from dataclasses import replace

from autograder.course.course import Course
from autograder.course.limits import Limits, Sandbox
from autograder.errors import CourseError, NoSandboxError
from autograder.kernels import launcher
from autograder.kernels.bubblewrap import python_folders
from autograder.kernels.launcher import Loaded
from autograder.kernels.provisioner import MODULES

ROUND = (
    "Student code would run with your rights; if you want that, say --unsafe-no-sandbox (the marks will be marked so)."
)


WARNING = (
    "Warning: student code runs with your rights and can read, change and send whatever you can; "
    "what goes well in this run has the status `unsandboxed`."
)
PROVISIONER = "JUPYTER_DEFAULT_PROVISIONER_NAME"  # Jupyter's own variable


def for_tools(sandbox: Sandbox, own: bool = False) -> dict[str, str]:
    """Environment in which any Jupyter tool starts its kernels in a sandbox of this shape, by this process' server.

    `own` notebooks may import all of this package.
    """
    if sandbox == "none":
        return {}
    server = launcher.server(Loaded(MODULES, whole=own), sandbox)
    return {PROVISIONER: "autograder-sandbox", **launcher.shared(server)}


def remote_limits(course: Course, unsafe: bool = False) -> Limits:
    """A course's limits where other machines grade: the sandbox is for each of them to find."""
    return replace(course.limits, sandbox="none") if unsafe else course.limits


def sandbox_if_any() -> Sandbox:
    """The shape of sandbox to run one's own notebooks in: the fastest there is, or none."""
    try:
        return launcher.shape_of(launcher.server(Loaded(MODULES)))
    except NoSandboxError:
        return "none"


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
    return replace(limits, sandbox=launcher.shape_of(launcher.server(Loaded(MODULES, limits.prepare), limits.sandbox)))
