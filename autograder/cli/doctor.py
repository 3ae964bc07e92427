"""What is installed here, what is missing, and what to do about it, in a few lines."""

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from jupyter_client.kernelspec import KernelSpecManager
from packaging.requirements import Requirement

from autograder.course.course import Course, find_alembic
from autograder.errors import CourseError, KernelError
from autograder.execution.sandbox import grading_limits
from autograder.execution.sandbox_check import ATTEMPTS, escapes

SHAPES = {
    "warm": "kernels are forked with everything loaded",
    "cold": "each kernel starts anew, since namespaces do not nest here",
}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: is it well, what was found, and what to do where it is not."""

    ok: bool
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{'✓' if self.ok else '✗'} {self.what}" + (f": {self.remedy}" if self.remedy and not self.ok else "")


def examine(course: Course | None) -> list[Finding]:
    """Look at Python, the pinned packages, alembic, and the course if there is one."""
    findings = [_python(), *_packages(), _alembic(), _kernelspec()]
    return [*findings, *_course(course), *_sandbox(course)] if course else findings


def _python() -> Finding:
    known = (3, 11) <= sys.version_info[:2] <= (3, 13)
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding(known, system, "use Python 3.11, 3.12 or 3.13")


def _packages() -> list[Finding]:
    """The pins of the grader and of the learner's side, each held to what is installed."""
    wrong = []
    for line in requires("autograder") or ():
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": "learn"}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = "missing"
        if found == "missing" or not requirement.specifier.contains(found):
            wrong.append(
                Finding(False, f"{requirement.name} {found}", f"run `make setup` (wanted {requirement.specifier})")
            )
    return wrong or [Finding(True, f"packages as pinned (nbgrader {version('nbgrader')}, nbval {version('nbval')})")]


def _alembic() -> Finding:
    find_alembic()
    return Finding(shutil.which("alembic") is not None, "alembic, which makes gradebooks", "run `make setup`")


def _kernelspec() -> Finding:
    known = KernelSpecManager().find_kernel_specs()
    return Finding("autograder" in known, "kernelspec autograder, for other Jupyter tools", "run `make setup`")


def _sandbox(course: Course) -> list[Finding]:
    """Which shape of sandbox this machine gives, and whether it holds: the escape attempts are made."""
    try:
        limits = grading_limits(course)
    except CourseError as error:
        return [Finding(False, "sandbox", str(error))]
    try:
        out = escapes(limits)
    except KernelError as error:
        return [Finding(False, f"sandbox, {limits.sandbox}", str(error))]
    held = f"sandbox, {limits.sandbox}: {SHAPES[limits.sandbox]}; {len(ATTEMPTS)} escape attempts"
    return [Finding(not out, f"{held} {'failed' if not out else 'made'}", "; ".join(out))]


def _course(course: Course) -> list[Finding]:
    try:
        assignments = course.assignments()
    except CourseError as error:
        return [Finding(False, "course", str(error))]
    found = [Finding(True, f"course {course.root}: {', '.join(assignments)}")]
    for assignment in assignments:
        folder = course.folder("release", assignment)
        found.append(Finding(folder.is_dir(), f"release {folder.resolve()}", "run `make release`"))
    return found
