"""What a mark depends on besides the submission: the packages that run and judge it, the masters, the limits."""

import dataclasses
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import autograder
from autograder.course.limits import Limits
from autograder.files import digest
from autograder.model import Assignment, Submission

PACKAGES = ("ipykernel", "keras", "numpy", "tensorflow")
VARIANTS = {"tensorflow": ("tensorflow", "tensorflow-cpu")}  # one library under several names


@cache
def versions() -> Mapping[str, str]:
    """Versions by package as this process finds them; of autograder its files count as well as its number."""
    major, minor, _ = platform.python_version_tuple()
    found = {"Python": f"{major}.{minor}", "autograder": f"{_version('autograder')} ({_own_files()})"}
    return found | {name: _version(*VARIANTS.get(name, (name,))) for name in PACKAGES}


def basis(masters: Assignment, limits: Limits) -> str:
    """A digest of what a whole class is graded by; all shapes of sandbox give the same marks, having none may not."""
    limits = limits if limits.sandbox == "none" else dataclasses.replace(limits, sandbox="auto")
    said = json.dumps([dict(versions()), dataclasses.asdict(limits)], sort_keys=True, default=str)
    said += json.dumps(masters.wordings) if masters.wordings else ""
    files = [part for name, content in (*masters.notebooks, *masters.helpers) for part in (name, content)]
    return digest(said, *files)


def fingerprint(submission: Submission, graded_by: str) -> str:
    """A digest of one submission and the class's basis: the same where grading again would give the same."""
    files = [part for name in sorted(submission.files) for part in (name, submission.files[name])]
    return digest(graded_by, *submission.repairs, "files", *files)


def _version(*names: str) -> str:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "missing"


def _own_files() -> str:
    """A short digest of the package's source files: a checkout changes without a new number."""
    root = Path(autograder.__file__).parent
    paths = sorted(path for path in root.rglob("*.py") if "tests" not in path.relative_to(root).parts)
    return digest(*(part for path in paths for part in (path.name, path.read_bytes())))[:8]
