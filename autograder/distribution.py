"""This package as pip knows it: its name there, what it requires, and the versions that it is tested with."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.errors import CourseError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NAME = "notebook-autograder"  # `autograder` on the Python package index is another project
CONSTRAINTS = Path(__file__).with_name("constraints.txt")


def install_command(extra: str) -> str:
    """Return the command that installs an extra of this package."""
    return f"pip install '{NAME}[{extra}]'"


def requirements() -> "list[Requirement]":
    """Return what this package requires, with all its extras.

    Raises:
        CourseError: the package is not installed, only its folder is on the path.
    """
    from packaging.requirements import Requirement  # takes 0.1 s, and few commands need it

    try:
        lines = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        raise CourseError(f"{NAME} is not installed in this environment; run `pip install --editable .`.") from None
    return [Requirement(line) for line in lines]


def pins() -> Mapping[str, str]:
    """Return the version of each package that this one is tested with, by the package's name."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def pinned(extra: str) -> list[str]:
    """Return what an extra installs, one line each as in requirements.txt, with the version that is tested.

    For `c.Course.requirements` in nbgrader_config.py. Raises CourseError like `requirements`.
    """
    known = pins()
    return [
        f"{one.name}=={known[one.name]}" + (f" ; {others}" if others else "")
        for one in requirements()
        if (others := _markers_besides(extra, one)) is not None
    ]


def _markers_besides(extra: str, requirement: "Requirement") -> str | None:
    """Return the markers of an extra's requirement without the extra itself; None where it is not in the extra."""
    marker = str(requirement.marker or "")
    if f'extra == "{extra}"' not in marker:
        return None
    others = marker.replace(f'extra == "{extra}"', "").strip().removesuffix("and").strip()
    return others.removeprefix("(").removesuffix(")")
