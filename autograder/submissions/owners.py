"""Find out whose a zip or a folder is that no learning platform has named.

One student's zip or folder is called like the student. But `autograder submit` calls its zip like the assignment, and
who packs a folder by hand gets a zip that is called like the course or the folder. Such a name is nobody's. Then a
folder inside may have the student's name; otherwise nobody knows whose it is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course.course import COPY, Course
from autograder.course.roster import Roster, plain
from autograder.submissions.downloads import Entry
from autograder.submissions.platforms import senders
from autograder.text import printable

_COPIED = re.compile(r"(?:\s*\(\d+\)|[\s_.-]+(?:copy|\d+))$", re.IGNORECASE)  # what browsers and file managers add


@dataclass(frozen=True)
class Owners:
    """Tell names of students from names of the course.

    Attributes:
        roster: The students of the course.
        own: The names of the course, its folders, assignments and notebooks, as `plain` writes them.
    """

    roster: Roster
    own: frozenset[str]

    @classmethod
    def of(cls, course: Course, roster: Roster, notebooks: Iterable[str]) -> "Owners":
        """Return the owners for a course; `notebooks` are the names of an assignment's notebooks."""
        paths = course.directory
        folders = (paths.source_directory, paths.release_directory, paths.submitted_directory)
        names = {course.root.name, paths.course_id, COPY, *course.assignments(), *notebooks}
        return cls(roster, frozenset(map(plain, names.union(Path(folder).name for folder in folders))) - {""})

    def is_nobodys(self, name: str) -> bool:
        """Return whether this is a name of the course, or of a copy of it, and of no student in the roster."""
        is_own = not self.own.isdisjoint((plain(name), plain(_COPIED.sub("", name))))
        return is_own and self.roster.known_as(name) is None

    def with_owner(self, listed: list[Entry], source: Path) -> list[Entry]:
        """Return the files of a source. For one student's zip, each path starts with the student's name, or the zip's.

        Args:
            listed: The files of the source.
            source: A folder or a zip.
        """
        if source.is_dir():
            return listed
        paths = [entry.path for entry in listed]
        if not senders(source.name, is_folder=False) and not _is_one_students(paths):
            return listed
        owner = self._folder_in(paths) if self.is_nobodys(source.stem) else ""
        return [replace(entry, path=f"{owner or source.name}/{entry.path}", packed=None) for entry in listed]

    def _folder_in(self, paths: Sequence[str]) -> str:
        """Return the folder inside one student's zip that has the student's name; "" if there is none."""
        folder = next(iter(_folders(paths)), "")
        names = [name for name in folder.split("/") if name and not self.is_nobodys(name)]
        return next((name for name in names if self.roster.known_as(name)), names[0] if names else "")


def unknown(name: str) -> str:
    """Return the message about a zip or folder that is nobody's."""
    advice = "rename it to the student's id and collect it again"
    return f"{printable(name)}: skipped, because its name is the course's and does not say whose it is; {advice}."


def _is_one_students(paths: Sequence[str]) -> bool:
    """Return whether a zip is one student's: all notebooks are in one folder, and no path has a platform's naming."""
    if any(senders(path.partition("/")[0], is_folder=False) for path in paths):
        return False
    return len(_folders(paths)) == 1 and not any(path.casefold().endswith(".zip") for path in paths)


def _folders(paths: Sequence[str]) -> set[str]:
    """Return the folders that have notebooks."""
    return {path.rpartition("/")[0] for path in paths if path.endswith(".ipynb")}
