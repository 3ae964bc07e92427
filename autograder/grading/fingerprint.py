"""Compute a digest of all that a mark depends on: submission, packages, source notebooks and limits."""

import dataclasses
import json
import platform
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import autograder
from autograder import distribution
from autograder.course.limits import Limits
from autograder.files import digest
from autograder.model import Assignment, Submission

PACKAGES = ("ipykernel", "numpy")  # every notebook and every test needs these
POINTS = ":"  # in a fingerprint, before the digest of the points
SHORT = 12  # characters of that digest


@cache
def versions(modules: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Return the version of each package that marks depend on.

    Args:
        modules: The modules that the course preloads; their packages are included.

    Returns:
        Versions by package name. The version of autograder includes a digest of its source files.
    """
    major, minor, _ = platform.python_version_tuple()
    always = {"Python": f"{major}.{minor}", "autograder": f"{_version(distribution.NAME)} ({_own_files()})"}
    return always | {name: _version(name) for name in sorted({*PACKAGES, *(name.split(".")[0] for name in modules)})}


def basis(assignment: Assignment, limits: Limits) -> str:
    """Return a digest of all that the marks of a whole class depend on.

    All kinds of sandbox count as the same, because marks do not depend on the kind or on the folders that it hides.
    No sandbox counts as different.
    Marks do not depend on checkpoints either. The points of tests have a digest of their own, which comes last.
    """
    limits = dataclasses.replace(limits, hidden=())
    limits = limits if limits.sandbox == "none" else dataclasses.replace(limits, sandbox="auto")
    limits = dataclasses.replace(limits, checkpoints=True)
    settings = json.dumps([dict(versions(limits.preload)), dataclasses.asdict(limits)], sort_keys=True, default=str)
    settings += json.dumps(assignment.wordings) if assignment.wordings else ""
    settings += assignment.personalization
    settings += json.dumps(assignment.edited) if assignment.edited else ""
    settings += json.dumps([assignment.proofs, assignment.visible, assignment.bound, assignment.read])
    parted = [_without_points(content) for _, content in assignment.notebooks]
    cells, points = ([pair[part] for pair in parted] for part in (0, 1))
    files = [part for name, content in assignment.helpers for part in (name, content)]
    names = [name for name, _ in assignment.notebooks]
    return f"{digest(settings, *names, *cells, *files)}{POINTS}{digest(*points)[:SHORT]}"


def _without_points(content: bytes) -> tuple[str, str]:
    """Return a notebook without the points of its cells, and the points; both as texts."""
    notebook, points = json.loads(content), []
    for about in (cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]):
        points.append((about.get("grade_id"), about.pop("points", None)))
        about.pop("checksum", None)  # of the cell's text, which is here, and of its points
    return json.dumps(notebook, sort_keys=True), json.dumps(points)


def fingerprint(submission: Submission, graded_by: str) -> str:
    """Return a digest of one submission and of `graded_by`, the `basis` of its class.

    If it is unchanged, grading again would have the same result.
    """
    judged_by, mark, points = graded_by.partition(POINTS)
    files = [part for name in sorted(submission.files) for part in (name, submission.files[name])]
    return f"{digest(judged_by, *submission.repairs, 'files', *files)}{mark}{points}"


def differ_in_points(one: str, other: str) -> bool:
    """Return whether only the points of tests differ between what two fingerprints stand for."""
    judged_by, mark, _ = one.partition(POINTS)
    return bool(mark) and one != other and other.startswith(f"{judged_by}{mark}")


def _version(name: str) -> str:
    """Return the version of the distribution with this name, or of the distributions with such a module."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ", ".join(sorted(installed_versions(name))) or "missing"


def installed_versions(module: str) -> set[str]:
    """Return the versions of the distributions that have a top-level module.

    A distribution lists its modules, or else its files. `packages_distributions` reads the same for all modules, and
    takes four times as long.
    """
    installed = re.compile(rf"^{re.escape(module)}(/[^,\n]*)?\.py,", re.MULTILINE)
    return {
        version(one.name)
        for one in distributions()
        if module in (one.read_text("top_level.txt") or "").split()
        or (not one.read_text("top_level.txt") and installed.search(one.read_text("RECORD") or ""))
    }


def _own_files() -> str:
    """Return a short digest of the package's source files, because a checkout can change without a new version."""
    root = Path(autograder.__file__).parent
    paths = sorted(path for path in root.rglob("*.py") if "tests" not in path.relative_to(root).parts)
    return digest(*(part for path in paths for part in (path.name, path.read_bytes())))[:8]
