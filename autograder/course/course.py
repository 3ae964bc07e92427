"""Represent a course folder: its settings, assignments and gradebook. Most of this package takes a `Course`."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import fields
from datetime import datetime, tzinfo
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets import Dict, Enum, List, TraitError, Unicode
from traitlets.config import Config
from traitlets.config.configurable import Configurable, LoggingConfigurable
from traitlets.config.loader import PyFileConfigLoader

from autograder.course.database import opened
from autograder.course.limits import Limits
from autograder.course.times import read_time, zone_named
from autograder.distribution import extend_path
from autograder.errors import CourseError, UsageError

CONFIG = "nbgrader_config.py"
COPY = "my-notebooks"  # the folder of a student's own copy of the notebooks
_Section = TypeVar("_Section", bound=Configurable)


class Release(Configurable):
    """Settings of a release: `c.Release.… = …` in nbgrader_config.py."""

    free_points = List(Unicode(), help="IDs of test cells that give points for an unanswered notebook on purpose.").tag(
        config=True
    )
    from_student = List(
        Unicode(),
        help="Names that locked cells set and that tests read from the student's notebook on purpose, such as a model.",
    ).tag(config=True)


class Feedback(Configurable):
    """Settings of the feedback pages: `c.Feedback.… = …` in nbgrader_config.py."""

    hidden_tests = Enum(
        ("message", "number"),
        "message",
        help="What students read of a hidden check that failed: your own message in the test ('message', the default), "
        "or only which check it is ('number'). A check without a message of yours is only numbered.",
    ).tag(config=True)


class Course(LoggingConfigurable):
    """One course folder: an `nbgrader_config.py` and its source notebooks.

    Its settings (`c.Course.… = …`) and nbgrader's own settings are read from the same nbgrader_config.py.
    """

    due_dates = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="When each assignment is due: {'name': '2027-01-31 23:59 UTC'}.",
    ).tag(config=True)
    timezone = Unicode(
        "UTC", help="The time zone of due dates and hand-in times that name none, such as 'Europe/Berlin'."
    ).tag(config=True)
    roster = Unicode(
        "roster.csv",
        help="A CSV file of the course's students: id, first_name, last_name, email, canvas_id, moodle_id. "
        "`collect --roster` adds to it.",
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
            _resolve_header_and_footer(config, folder)
            course = cls(config=config)
        except Exception as error:
            raise CourseError(
                f"{folder / CONFIG}: cannot be read ({type(error).__name__}: {error}); fix the file."
            ) from error
        check_names(config, "Course", cls.class_trait_names(config=True))
        check_names(config, "Release", Release.class_trait_names(config=True))
        check_names(config, "Feedback", Feedback.class_trait_names(config=True))
        check_names(config, "Limits", (one.name for one in fields(Limits)))
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
    def free_points(self) -> frozenset[str]:
        """Return `c.Release.free_points`; raise CourseError if the setting is invalid."""
        return frozenset(self._section(Release).free_points)

    @property
    def from_student(self) -> frozenset[str]:
        """Return `c.Release.from_student`; raise CourseError if the setting is invalid."""
        return frozenset(self._section(Release).from_student)

    @property
    def hidden_tests(self) -> str:
        """Return `c.Feedback.hidden_tests`; raise CourseError if the setting is invalid."""
        return str(self._section(Feedback).hidden_tests)

    def _section(self, kind: type[_Section]) -> _Section:
        try:
            return kind(parent=self)
        except TraitError as error:
            raise CourseError(f"{self.root / CONFIG}: c.{kind.__name__}: {error}") from error

    @property
    def zone(self) -> tzinfo:
        """Return the course's time zone; raise CourseError if `c.Course.timezone` does not name one."""
        try:
            return zone_named(self.timezone)
        except ValueError as error:
            raise CourseError(f"{CONFIG}: c.Course.timezone: {error}; write a name such as 'Europe/Berlin'.") from error

    def due_date(self, assignment: str) -> datetime | None:
        """Return when an assignment is due, in UTC; raise CourseError if `c.Course.due_dates` has no readable time."""
        due = self.due_dates.get(assignment)
        try:
            return read_time(due, self.zone) if due else None
        except ValueError as error:
            raise CourseError(f"{CONFIG}: the due date {due!r} of {assignment} cannot be read: {error}.") from error

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

    def source_notebooks(self, assignment: str) -> list[Path]:
        """Return the paths of an assignment's source notebooks, sorted by name."""
        paths = sorted(self.folder("source", assignment).glob("*.ipynb"))
        if not paths:
            raise CourseError(
                f"{self.folder('source', assignment)}: no notebooks found; put the source notebooks there."
            )
        return paths

    def students(self, assignment: str, step: str = "submitted") -> list[str]:
        """Return the sorted ids of all students who have a folder for this assignment at a step, and not a link."""
        return [student for student, is_linked in self._folders(assignment, step) if not is_linked]

    def linked_students(self, assignment: str) -> list[str]:
        """Return the sorted ids of all students whose `submitted` folder is reached through a link."""
        return [student for student, is_linked in self._folders(assignment, "submitted") if is_linked]

    def _folders(self, assignment: str, step: str) -> list[tuple[str, bool]]:
        """Return the student of each folder, sorted, and whether a link leads to it from the folder of all students."""
        pattern = self.folder(step, assignment, "*").relative_to(self.root)
        place, below = pattern.parts.index("*"), len(pattern.parts)
        found = []
        for path in (path for path in self.root.glob(str(pattern)) if path.is_dir()):
            parts = path.relative_to(self.root).parts
            links = [self.root.joinpath(*parts[:count]).is_symlink() for count in range(place + 1, below + 1)]
            found.append((parts[place], any(links)))
        return sorted(found)

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """Open nbgrader's gradebook, and create it if needed; raise CourseError if its database cannot be used."""
        find_alembic()
        with opened(self.directory.db_url, self.directory.course_id, self.root / CONFIG) as book:
            yield book


def _resolve_header_and_footer(config: Config, folder: Path) -> None:
    """Make their paths absolute: nbgrader finds them only if the course is the working folder."""
    settings = config.IncludeHeaderFooter
    for edge in ("header", "footer"):
        if isinstance(path := settings.get(edge), str) and path:
            settings[edge] = str(folder / path)


def check_names(settings: Config, section: str, known: Iterable[str]) -> None:
    """Check the names that a course sets in a section of its nbgrader_config.py.

    Args:
        settings: The course's settings.
        section: The section's name, such as "Limits".
        known: The names of the section's settings.

    Raises:
        CourseError: There is no setting of that name.
    """
    names = sorted(known)
    for name in sorted(set(settings.get(section, {})) - set(names)):
        close = get_close_matches(name, names, 1)
        advice = f"did you mean c.{section}.{close[0]}?" if close else f"there are: {', '.join(names)}."
        raise CourseError(f"{CONFIG}: c.{section}.{name}: no such setting; {advice}")


def find_alembic() -> None:
    """Add this Python's scripts to PATH, because nbgrader runs `alembic` by name even if no environment is active."""
    extend_path(str(Path(sys.executable).parent))
