"""Load an assignment from its source folder: once for each command, and passed on from there.

Loading converts each source notebook to its unanswered version. This is slow, so no other module does it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.gradebook.queries import Key
from autograder.model import Assignment
from autograder.notebook.cells import grade_id
from autograder.notebook.personalize import class_named, personalization
from autograder.notebook.variants import teaching_copy
from autograder.submissions.identify import read_folder

Wordings = dict[Key, tuple[str, ...]]  # of stubs, by notebook and grade_id


@dataclass(frozen=True)
class SourceAssignment:
    """The source of one assignment. Do not modify its notebooks: a whole class is graded with them."""

    course: Course
    name: str
    notebooks: Mapping[str, NotebookNode]  # unanswered versions of the source notebooks, by name
    helpers: Mapping[str, bytes]  # the other files of the source folder, by name

    @classmethod
    def load(cls, course: Course, name: str) -> "SourceAssignment":
        """Read and convert the source notebooks of an assignment.

        Raises:
            CourseError: There is no source notebook, one cannot be read, or a helper that it needs is missing.
        """
        files, _ = read_folder(course.folder("source", name))
        hook = personalization(class_named(course.settings))
        notebooks = {}
        for path in course.masters(name):
            notebooks[path.stem] = teaching_copy(_read(path), course.settings)
            hook.check(notebooks[path.stem], files, path.parent)
        helpers = {file: content for file, content in sorted(files.items()) if not file.endswith(".ipynb")}
        return cls(course, name, notebooks, helpers)

    @cached_property
    def cells(self) -> Mapping[Key, NotebookNode]:
        """Return the cells with nbgrader metadata, by notebook and grade_id."""
        return {
            (name, grade_id(cell)): cell
            for name, notebook in self.notebooks.items()
            for cell in notebook.cells
            if "nbgrader" in cell.metadata
        }

    def packed(self) -> Assignment:
        """Return what a worker needs, as bytes, including the earlier wordings of the stubs that are stored now."""
        notebooks = tuple((name, nbformat.writes(copy).encode()) for name, copy in self.notebooks.items())
        wordings = tuple(sorted(earlier_wordings(self.course, self.name).items()))
        return Assignment(notebooks, tuple(self.helpers.items()), wordings, class_named(self.course.settings))


def _read(path: Path) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.read(path, 4)
    except Exception as error:
        raise CourseError(f"{path}: cannot be read ({type(error).__name__}: {error}); fix the file.") from error
    return notebook


def earlier_wordings(course: Course, assignment: str) -> Wordings:
    """Return the wordings that an assignment's stubs had in earlier releases.

    Raises:
        CourseError: The file that stores them cannot be read.
    """
    path = _history(course, assignment)
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {(notebook, cell): tuple(texts) for notebook, cell, texts in rows}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise CourseError(f"{path}: cannot be read ({error}); delete the file and grade again.") from error


def keep_wordings(course: Course, assignment: str, wordings: Wordings) -> None:
    """Store the wordings that `earlier_wordings` returns."""
    path = _history(course, assignment)
    path.parent.mkdir(exist_ok=True)
    rows = [[*key, list(texts)] for key, texts in sorted(wordings.items())]
    write_atomically(path, json.dumps(rows, indent=1, ensure_ascii=False))


def _history(course: Course, assignment: str) -> Path:
    return course.root / "reports" / f"{assignment}.wordings"
