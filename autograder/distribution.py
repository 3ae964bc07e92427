"""Describe this package: its name and command, its requirements, and the versions that it is tested with."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.errors import CourseError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NAME = "notebook-autograder"  # `autograder` on PyPI is a different project
CONSTRAINTS = Path(__file__).with_name("constraints.txt")


def install_command(extra: str) -> str:
    """Return the command that installs an extra of this package."""
    return f"pip install '{NAME}[{extra}]'"


_extended: dict[str, str] = {}  # each PATH that `extend_path` has made, and the one before: that of the user's shell


def extend_path(folder: str) -> None:
    """Add a folder to PATH for the programs that this process starts. The user's shell still does not search it."""
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if folder not in paths:
        extended = os.pathsep.join([folder, *paths])
        _extended[extended] = os.environ.get("PATH", "")
        os.environ["PATH"] = extended


def own_command(folder: Path | None = None) -> str:
    """Return how to call `autograder`: its path if it is installed beside this Python but not found by its name.

    Below the folder in which it is called, the current one by default, the path is relative: `.venv/bin/autograder`.
    """
    folder = (folder or Path()).resolve()
    ours = Path(sys.executable).with_name("autograder.exe" if os.name == "nt" else "autograder")
    path = os.environ.get("PATH", "")
    found = shutil.which("autograder", path=_extended.get(path, path))
    if not ours.exists() or (found and Path(found).samefile(ours)):
        return "autograder"
    return shlex.quote(str(ours.relative_to(folder) if ours.is_relative_to(folder) else ours))


def requirements() -> "list[Requirement]":
    """Return the requirements of this package and all its extras.

    Raises:
        CourseError: the package is not installed; only its folder is on the path.
    """
    from packaging.requirements import Requirement  # the import takes 0.1 s, and few commands need it

    try:
        lines = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        raise CourseError(f"{NAME} is not installed in this environment; run `pip install --editable .`.") from None
    return [Requirement(line) for line in lines]


def pins() -> Mapping[str, str]:
    """Return the tested version of each required package, by the name of the package."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def pinned(extra: str) -> list[str]:
    """Return the requirements of an extra as lines of a requirements.txt, with the tested versions.

    For `c.Course.requirements` in nbgrader_config.py. Raises CourseError like `requirements`.
    """
    versions = pins()
    return [
        f"{one.name}=={versions[one.name]}" + (f" ; {others}" if others else "")
        for one in requirements()
        if (others := _markers_besides(extra, one)) is not None
    ]


def _markers_besides(extra: str, requirement: "Requirement") -> str | None:
    """Return a requirement's other markers, without the extra; None if the extra does not include it."""
    marker = str(requirement.marker or "")
    if f'extra == "{extra}"' not in marker:
        return None
    others = marker.replace(f'extra == "{extra}"', "").strip().removesuffix("and").strip()
    return others.removeprefix("(").removesuffix(")")
