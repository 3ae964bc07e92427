"""Decide whether student code may run on this machine, and in which kind of sandbox, before a class is graded."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from autograder.course.course import Course
from autograder.course.limits import OF_A_SANDBOX, Limits
from autograder.errors import CourseError, NoSandboxError
from autograder.evidence.kernel_source import program_source
from autograder.kernels import launcher
from autograder.kernels.bubblewrap import needed_in
from autograder.kernels.launcher import Loaded
from autograder.kernels.limits import Policy

ROUND = (
    "Without one, student code runs with your permissions. To accept that, pass --unsafe-no-sandbox "
    "(the results get the status `unsandboxed`)."
)


WARNING = (
    "student code runs with your permissions and can read, change and send everything that you can; "
    "submissions that are graded without problems get the status `unsandboxed`."
)
WALL = 1.5  # factor on the notebook's time limit: a kernel that outlives its notebook ends itself after that time
EXCHANGE = "/usr/local/share/nbgrader/exchange"  # nbgrader's own default
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
    limits = replace(course.limits, hidden=(*course.limits.hidden, *map(str, private_folders(course))))
    return replace(limits, sandbox="none") if unsafe else limits


def private_folders(course: Course) -> list[Path]:
    """Return the folders that student code must not see: the course, what it keeps elsewhere, and the exchange."""
    steps = [course.folder(step) for step in ("source", "release", "submitted", "autograded", "feedback")]
    kind, _, database = course.directory.db_url.partition(":///")
    stored = [(course.root / database).parent] if kind == "sqlite" else []
    exchange = course.settings.Exchange.get("root") or EXCHANGE
    folders = [course.root, *steps, *stored, Path(str(exchange))]
    return sorted({folder for folder in folders if not folder.is_relative_to(course.root)} | {course.root})


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
        for folder in map(Path, limits.hidden):
            if place := needed_in(folder):
                raise NoSandboxError(
                    f"student code must not see {folder}, but every kernel needs {place}; move one of them elsewhere."
                )
        return sandboxed(limits)
    except NoSandboxError as error:
        raise CourseError(f"no sandbox: {error} {ROUND}") from error


def sandboxed(limits: Limits) -> Limits:
    """Return limits with the kind of sandbox that this machine supports; NoSandboxError: it lacks the requested one."""
    if limits.sandbox == "none":
        return limits
    return replace(limits, sandbox=launcher.shape_of(launcher.server(loaded(limits), limits.sandbox)))


def loaded(limits: Limits) -> Loaded:
    """Return what is loaded and prepared for a course's kernels."""
    modules = " ".join(limits.preload)
    return Loaded(modules, limits.prepare, limits.environment, hidden=limits.hidden, program=program_source())


def policy(limits: Limits) -> Policy:
    """Return the limits of a kernel."""
    enforced = {name: getattr(limits, name) for name in OF_A_SANDBOX}
    return Policy(**enforced, output=limits.cell_output, wall_seconds=WALL * limits.notebook_seconds)
