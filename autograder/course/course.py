"""A course folder: its settings, its assignments, its gradebook. Everything else in this package starts from one."""

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

    Settings (`c.Course.… = …` in nbgrader_config.py) stand beside nbgrader's own, which are read from the same file.
    """

    due_dates = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="When each assignment is due: {'name': '2027-01-31 23:59 UTC'}.",
    ).tag(config=True)
    ungraded = List(
        Unicode(), help="Assignments that are released, but not graded: they stay out of the gradebook."
    ).tag(config=True)

    requirements = List(
        Unicode(),
        default_value=["jupyterlab"],
        help="What a learner installs: lines of the handout's requirements.txt.",
    ).tag(config=True)

    @classmethod
    def at(cls, folder: Path) -> "Course":
        """Read the course in `folder`; raise UsageError where there is none, CourseError for unreadable settings."""
        folder = folder.resolve()
        if not (folder / CONFIG).is_file():
            raise UsageError(f"{folder}: not a course folder (no {CONFIG}); pass --course DIR.")
        try:
            config = PyFileConfigLoader(CONFIG, path=str(folder)).load_config()
            config.CourseDirectory.root = str(folder)
            course = cls(config=config)
        except Exception as error:
            raise CourseError(
                f"{folder / CONFIG}: cannot be read ({type(error).__name__}: {error}); mend it."
            ) from error
        return course

    @cached_property
    def directory(self) -> CourseDirectory:
        """nbgrader's own view of the folder."""
        return CourseDirectory(parent=self)

    @property
    def root(self) -> Path:
        """The course folder."""
        return Path(self.directory.root)

    @property
    def limits(self) -> Limits:
        """What a notebook may use; raises CourseError where a setting is none."""
        try:
            return Limits.configured(self)
        except TraitError as error:
            raise CourseError(f"{self.root / CONFIG}: c.Limits: {error}") from error

    @property
    def settings(self) -> Config:
        """A copy of all settings, to be changed for one run of an nbgrader converter."""
        return deepcopy(self.config)

    def folder(self, step: str, assignment: str = ".", student: str = ".") -> Path:
        """The folder of a step (`source`, `release`, `submitted`, `autograded`, `feedback`) of an assignment."""
        return Path(self.directory.format_path(getattr(self.directory, f"{step}_directory"), student, assignment))

    def assignments(self) -> list[str]:
        """Names of all assignments that have source notebooks, sorted."""
        source = self.folder("source")
        found = {path.parent.name for path in source.glob("*/*.ipynb")} if source.is_dir() else set()
        if not found:
            raise CourseError(f"{source}: no assignment with notebooks here; put the source notebooks there.")
        return sorted(found)

    def graded(self) -> list[str]:
        """Names of the assignments that are graded, sorted."""
        return [name for name in self.assignments() if name not in self.ungraded]

    def assignment(self, name: str | None) -> str:
        """Check the name of a graded assignment; None means the only one there is."""
        known = self.graded()
        if name is None and len(known) == 1:
            return known[0]
        if name not in known:
            said = "no assignment named" if name is None else f"no assignment {name!r}"
            raise UsageError(f"{self.folder('source')}: {said}; there are: {', '.join(known)}.")
        return name

    def masters(self, assignment: str) -> list[Path]:
        """The source notebooks of an assignment, sorted by name."""
        found = sorted(self.folder("source", assignment).glob("*.ipynb"))
        if not found:
            raise CourseError(
                f"{self.folder('source', assignment)}: no notebooks here; put the source notebooks there."
            )
        return found

    def students(self, assignment: str, step: str = "submitted") -> list[str]:
        """Ids of all students with a folder for this assignment at a step, sorted."""
        pattern = self.folder(step, assignment, "*").relative_to(self.root)
        place = pattern.parts.index("*")
        folders = [path for path in self.root.glob(str(pattern)) if path.is_dir()]
        return sorted(path.relative_to(self.root).parts[place] for path in folders)

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """nbgrader's gradebook, made where there is none yet; CourseError where its database cannot be used."""
        find_alembic()
        with opened(self.directory.db_url, self.directory.course_id, self.root / CONFIG) as book:
            yield book


def find_alembic() -> None:
    """Put this Python's scripts on PATH: nbgrader calls `alembic` by name, also where no environment is activated."""
    scripts = str(Path(sys.executable).parent)
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if scripts not in paths:
        os.environ["PATH"] = os.pathsep.join([scripts, *paths])
