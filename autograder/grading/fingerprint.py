"""What a mark depends on besides the submission: packages, source notebooks, limits."""

import dataclasses
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import autograder
from autograder import distribution
from autograder.course.limits import Limits
from autograder.files import digest
from autograder.model import Assignment, Submission

PACKAGES = ("ipykernel", "numpy")  # that every notebook and every test runs on


@cache
def versions(modules: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Return versions by package: what grades every course, and what has the `modules` that a course preloads.

    Of autograder its files count as well as its number.
    """
    major, minor, _ = platform.python_version_tuple()
    found = {"Python": f"{major}.{minor}", "autograder": f"{_version(distribution.NAME)} ({_own_files()})"}
    return found | {name: _version(name) for name in sorted({*PACKAGES, *(name.split(".")[0] for name in modules)})}


def basis(assignment: Assignment, limits: Limits) -> str:
    """A digest of what a whole class is graded by; all shapes of sandbox give the same marks, having none may not."""
    limits = limits if limits.sandbox == "none" else dataclasses.replace(limits, sandbox="auto")
    said = json.dumps([dict(versions(limits.preload)), dataclasses.asdict(limits)], sort_keys=True, default=str)
    said += json.dumps(assignment.wordings) if assignment.wordings else ""
    said += assignment.personalization
    files = [part for name, content in (*assignment.notebooks, *assignment.helpers) for part in (name, content)]
    return digest(said, *files)


def fingerprint(submission: Submission, graded_by: str) -> str:
    """A digest of one submission and the class's basis: the same where grading again would give the same."""
    files = [part for name in sorted(submission.files) for part in (name, submission.files[name])]
    return digest(graded_by, *submission.repairs, "files", *files)


def _version(name: str) -> str:
    """Return the version of the distribution of this name, or of those that have a module of this name."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ", ".join(sorted(version(other) for other in set(packages_distributions().get(name, ())))) or "missing"


def _own_files() -> str:
    """A short digest of the package's source files: a checkout changes without a new number."""
    root = Path(autograder.__file__).parent
    paths = sorted(path for path in root.rglob("*.py") if "tests" not in path.relative_to(root).parts)
    return digest(*(part for path in paths for part in (path.name, path.read_bytes())))[:8]
