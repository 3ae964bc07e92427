"""Represent a course folder: its settings, assignments and gradebook. Most of this package takes a `Course`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets import Dict, List, TraitError, Unicode
from traitlets.config import Config
from traitlets.config.configurable import LoggingConfigurable
from traitlets.config.loader import PyFileConfigLoader

from autograder.course.database import opened
from autograder.course.limits import Limits
from autograder.errors import CourseError, UsageError

CONFIG = "nbgrader_config.py"


class Course(LoggingConfigurable):
    """One course folder: an `nbgrader_config.py` and its source notebooks.

    Its settings (`c.Course.… = …`) and nbgrader's own settings are read from the same nbgrader_config.py.
    """

    due_dates = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="When each assignment is due: {'name': '2027-01-31 23:59 UTC'}.",
    ).tag(config=True)
    ungraded = List(
        Unicode(), help="Assignments that are released but not graded, so they are not in the gradebook."
    ).tag(config=True)

    requirements = List(
        Unicode(),
        default_value=["jupyterlab"],
        help="Packages that a student installs: the lines of requirements.txt in the handout.",
    ).tag(config=True)

    @classmethod
    def at(cls, folder: Path) -> "Course":
        """Read the course in `folder`; raise UsageError if it is no course, CourseError if its settings are invalid."""
        folder = folder.resolve()
        if not (folder / CONFIG).is_file():
            raise UsageError(f"{folder}: not a course folder (no {CONFIG}); pass --course DIR.")
        try:
            config = PyFileConfigLoader(CONFIG, path=str(folder)).load_config()
            config.CourseDirectory.root = str(folder)
            course = cls(config=config)
        except Exception as error:
            raise CourseError(
                f"{folder / CONFIG}: cannot be read ({type(error).__name__}: {error}); fix the file."
            ) from error
        return course

    @cached_property
    def directory(self) -> CourseDirectory:
        """Return nbgrader's object for the folder."""
        return CourseDirectory(parent=self)

    @property
    def root(self) -> Path:
        """Return the path of the course folder."""
        return Path(self.directory.root)

    @property
    def limits(self) -> Limits:
        """Return the limits of a notebook; raise CourseError if a setting is invalid."""
        try:
            return Limits.configured(self)
        except TraitError as error:
            raise CourseError(f"{self.root / CONFIG}: c.Limits: {error}") from error

    @property
    def settings(self) -> Config:
        """Return a copy of all settings, which can be changed for one run of an nbgrader converter."""
        return deepcopy(self.config)

    def folder(self, step: str, assignment: str = ".", student: str = ".") -> Path:
        """Return an assignment's folder at a step: `source`, `release`, `submitted`, `autograded` or `feedback`."""
        return Path(self.directory.format_path(getattr(self.directory, f"{step}_directory"), student, assignment))

    def assignments(self) -> list[str]:
        """Return the sorted names of all assignments that have source notebooks."""
        source = self.folder("source")
        names = {path.parent.name for path in source.glob("*/*.ipynb")} if source.is_dir() else set()
        if not names:
            raise CourseError(f"{source}: no source notebooks found; put them in {source.name}/ASSIGNMENT/.")
        return sorted(names)

    def graded(self) -> list[str]:
        """Return the sorted names of the assignments that are graded."""
        return [name for name in self.assignments() if name not in self.ungraded]

    def assignment(self, name: str | None) -> str:
        """Check the name of a graded assignment and return it; None means the only one in the course."""
        known = self.graded()
        if name is None and len(known) == 1:
            return known[0]
        if name not in known:
            problem = "name an assignment" if name is None else f"no assignment {name!r}"
            if name in self.ungraded:
                problem = f"{name!r} is not graded (c.Course.ungraded)"
            raise UsageError(f"{self.folder('source')}: {problem}; there are: {', '.join(known)}.")
        return name

    def masters(self, assignment: str) -> list[Path]:
        """Return the paths of an assignment's source notebooks, sorted by name."""
        paths = sorted(self.folder("source", assignment).glob("*.ipynb"))
        if not paths:
            raise CourseError(
                f"{self.folder('source', assignment)}: no notebooks found; put the source notebooks there."
            )
        return paths

    def students(self, assignment: str, step: str = "submitted") -> list[str]:
        """Return the sorted ids of all students who have a folder for this assignment at a step."""
        pattern = self.folder(step, assignment, "*").relative_to(self.root)
        place = pattern.parts.index("*")
        folders = [path for path in self.root.glob(str(pattern)) if path.is_dir()]
        return sorted(path.relative_to(self.root).parts[place] for path in folders)

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """Open nbgrader's gradebook, and create it if needed; raise CourseError if its database cannot be used."""
        find_alembic()
        with opened(self.directory.db_url, self.directory.course_id, self.root / CONFIG) as book:
            yield book


def find_alembic() -> None:
    """Add this Python's scripts to PATH, because nbgrader runs `alembic` by name even if no environment is active."""
    scripts = str(Path(sys.executable).parent)
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if scripts not in paths:
        os.environ["PATH"] = os.pathsep.join([scripts, *paths])
