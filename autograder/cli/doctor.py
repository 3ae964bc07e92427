"""Check the installation and the course: what is installed, what is missing, and how to fix it."""

import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from jupyter_client.kernelspec import KernelSpecManager
from packaging.requirements import InvalidRequirement, Requirement

from autograder.course.course import Course, find_alembic
from autograder.distribution import own_command, pins, requirements
from autograder.errors import CourseError, KernelError
from autograder.execution.sandbox import grading_limits
from autograder.execution.sandbox_check import ATTEMPTS, escapes
from autograder.kernels.manager import RESOURCES

INSTALL_SPEC = f"jupyter kernelspec install --sys-prefix {RESOURCES}"
SHAPES = {
    "warm": "kernels start from a process that has everything loaded",
    "cold": "each kernel loads everything itself, because this machine does not allow nested namespaces",
}


@dataclass(frozen=True)
class Finding:
    """The result of one check; `remedy` says how to fix it if it is not ok."""

    ok: bool
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{'✓' if self.ok else '✗'} {self.what}" + (f": {self.remedy}" if self.remedy and not self.ok else "")


def examine(course: Course | None) -> list[Finding]:
    """Check Python, the required packages, alembic and the kernelspec; with a course, check it and the sandbox too."""
    findings = [_python(), *_packages(course), _alembic(), _kernelspec()]
    return [*findings, *_course(course), *_sandbox(course)] if course else findings


def _python() -> Finding:
    known = (3, 11) <= sys.version_info[:2] <= (3, 13)
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding(known, system, "use Python 3.11, 3.12 or 3.13")


def _packages(course: Course | None) -> list[Finding]:
    """Compare the installed packages with those that the grader and the course require."""
    try:
        known = requirements()
    except CourseError as error:
        return [Finding(False, "packages", str(error))]
    wanted = {one.name: one for one in known if not one.marker or one.marker.evaluate({"extra": ""})}
    offered = {one.name: one for one in known if one.marker and one.marker.evaluate({"extra": "learn"})}
    for line in course.requirements if course else ():
        with suppress(InvalidRequirement):  # pip reads other lines, too, such as addresses
            own = Requirement(line)
            if not own.marker or own.marker.evaluate():
                wanted.setdefault(own.name, offered.get(own.name, own))  # in the range that works with the grader
    return _installed_findings([*wanted.values()])


def _installed_findings(wanted: Sequence[Requirement]) -> list[Finding]:
    installed = {one.name: _installed(one.name) for one in wanted}
    wrong = [one for one in wanted if not _admits(one, installed[one.name])]
    return [
        Finding(False, f"{one.name} {installed[one.name]}", f"run `pip install '{one.name}{one.specifier}'`")
        for one in wrong
    ] or [Finding(True, _versions(installed))]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _admits(requirement: Requirement, installed: str) -> bool:
    return installed != "missing" and requirement.specifier.contains(installed)


def _versions(installed: Mapping[str, str]) -> str:
    """Summarize the installed versions; list those that differ from the tested ones."""
    tested = pins()
    others = [
        f"{name} {there} (tested: {tested[name]})"
        for name, there in installed.items()
        if there != tested.get(name, there)
    ]
    if others:
        return f"packages in the required ranges; {len(others)} not in the tested version: {', '.join(others)}"
    return f"packages as pinned (nbgrader {installed['nbgrader']}, nbval {installed['nbval']})"


def _alembic() -> Finding:
    find_alembic()
    return Finding(
        shutil.which("alembic") is not None, "alembic (needed to create gradebooks)", "run `pip install alembic`"
    )


def _kernelspec() -> Finding:
    known = KernelSpecManager().find_kernel_specs()
    return Finding("autograder" in known, "kernelspec autograder (for other Jupyter tools)", f"run `{INSTALL_SPEC}`")


def _sandbox(course: Course) -> list[Finding]:
    """Report which kind of sandbox this machine supports, and try to escape from it."""
    try:
        limits = grading_limits(course)
    except CourseError as error:
        return [Finding(False, "sandbox", str(error))]
    try:
        out = escapes(limits)
    except KernelError as error:
        return [Finding(False, f"sandbox, {limits.sandbox}", str(error))]
    sandbox = f"sandbox, {limits.sandbox}: {SHAPES[limits.sandbox]}"
    outcome = (
        f"{len(out)} of {len(ATTEMPTS)} escape attempts succeeded" if out else f"{len(ATTEMPTS)} escape attempts failed"
    )
    return [Finding(not out, f"{sandbox}; {outcome}", "; ".join(out))]


def _course(course: Course) -> list[Finding]:
    try:
        assignments = course.assignments()
    except CourseError as error:
        return [Finding(False, "course", str(error))]
    findings = [Finding(True, f"course {course.root}: {', '.join(assignments)}")]
    for assignment in assignments:
        folder = course.folder("release", assignment)
        findings.append(Finding(folder.is_dir(), f"release {folder.resolve()}", f"run `{own_command()} release`"))
        findings += _shared_cells(course, assignment)
    return findings


def _shared_cells(course: Course, assignment: str) -> list[Finding]:
    """Report which cells of each notebook ran once when the class was graded last, and why not more."""
    with suppress(OSError):
        report = (course.root / "reports" / f"{assignment}.shared").read_text(encoding="utf-8")
        return [Finding(True, f"{assignment}/{sentence}") for sentence in report.splitlines()]
    return []
