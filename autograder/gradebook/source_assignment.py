"""Load an assignment from its source folder: once for each command, and passed on from there.

Loading converts each source notebook to its unanswered version. This is slow, so no other module does it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import find_all_files, is_grade, is_solution

from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.gradebook.queries import Key
from autograder.judging.test_plan import bound_by_answers, read_by_cells
from autograder.model import Assignment
from autograder.notebook.autotests import with_autotests_file
from autograder.notebook.cells import grade_id
from autograder.notebook.landmarks import parsed
from autograder.notebook.personalize import class_named, personalization
from autograder.notebook.source_faults import listed, source_faults
from autograder.notebook.variants import hidden_lines, released_copy, teaching_copy
from autograder.text import normalize_whitespace

UNUSABLE = "+[]*?"  # in an assignment's name: nbgrader refuses it, or takes it for a pattern
Stamps = tuple[tuple[str, int, int], ...]  # path, time, size
Wordings = dict[Key, tuple[str, ...]]  # of stubs, by notebook and grade_id


@dataclass(frozen=True)
class SourceAssignment:
    """The source of one assignment. Do not modify its notebooks: a whole class is graded with them."""

    course: Course
    name: str
    contents: Mapping[str, bytes]  # the source notebooks, by name
    notebooks: Mapping[str, NotebookNode]  # unanswered versions of the source notebooks, by name
    helpers: Mapping[str, bytes]  # the other files of the source folder, by name

    edited: Mapping[str, bytes]  # those that students edit (c.Autograde.exclude_overwriting); they are not in `helpers`
    findings: tuple[str, ...] = ()  # of the source notebooks that are not in `notebooks`

    @classmethod
    def load(cls, course: Course, name: str) -> "SourceAssignment":
        """Read and convert the source notebooks of an assignment.

        Raises:
            CourseError: There is no source notebook, one has a fault, or a helper that it needs is missing. The message
                lists all faults, one on each line.
        """
        source = cls.examined(course, name)
        if source.findings:
            raise CourseError(listed(source.findings))
        return source

    @classmethod
    def examined(cls, course: Course, name: str) -> "SourceAssignment":
        """Read and convert the source notebooks that have no fault; the faults of all others are its `findings`.

        Raises:
            CourseError: There is no source notebook, or the course's personalization cannot be loaded.
        """
        files = _released_files(course, name)
        hook = personalization(class_named(course.settings))
        contents: dict[str, bytes] = {}
        notebooks: dict[str, NotebookNode] = {}
        findings = _name_faults(name)
        for path in course.source_notebooks(name):
            content = path.read_bytes()
            try:
                notebook, faults = _converted(path, content, course)
                findings += faults
                if notebook is not None:
                    hook.check(notebook, files, path.parent)
                    contents[path.stem], notebooks[path.stem] = content, notebook
            except CourseError as error:
                findings += {str(error)} - set(findings)  # a missing helper is at fault for several notebooks
        helpers = dict(files)
        edited = {file: helpers.pop(file) for file in _edited_files(course, name) if file in helpers}
        return cls(course, name, contents, notebooks, helpers, edited, tuple(findings))

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
        hook = class_named(self.course.settings)
        helpers, edited = tuple(self.helpers.items()), tuple(self.edited)
        bound = tuple((name, tuple(sorted(bound_by_answers(parsed(self.contents[name]))))) for name in self.notebooks)
        read = tuple((name, tuple(sorted(read_by_cells(parsed(self.contents[name]))))) for name in self.notebooks)
        visible, hidden = self._visible_tests(), self._hidden_lines()
        return Assignment(notebooks, helpers, wordings, hook, edited, visible, bound, read, hidden=hidden)

    def _visible_tests(self) -> tuple[tuple[Key, str], ...]:
        """Return the source of each test cell as students get it, by notebook and grade_id."""
        return tuple(
            ((name, grade_id(cell)), cell.source)
            for name, notebook in self.notebooks.items()
            for cell in released_copy(notebook, self.course.settings).cells
            if is_grade(cell) and not is_solution(cell) and cell.cell_type == "code"
        )

    def _hidden_lines(self) -> tuple[tuple[Key, tuple[int, ...]], ...]:
        """Return the lines of each test cell that students do not get, by notebook and grade_id."""
        return tuple(
            (key, lines)
            for key, cell in self.cells.items()
            if is_grade(cell) and not is_solution(cell) and cell.cell_type == "code"
            if (lines := hidden_lines(cell.source, self.course.settings))
        )


def file_stamps(course: Course, name: str) -> Stamps:
    """Return the path, time and size of each file on which a loaded assignment depends: equal if none has changed."""
    edges = [course.settings.IncludeHeaderFooter.get(edge, "") for edge in ("header", "footer")]
    paths = [course.root / CONFIG, _history(course, name), *(course.root / edge for edge in edges if edge)]
    paths += sorted(course.folder("source", name).rglob("*"))
    stats = [(str(path), path.stat()) for path in paths if path.is_file()]
    return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)


def _released_files(course: Course, assignment: str) -> dict[str, bytes]:
    """Return the files that nbgrader's release copies from the source folder, by name, without the notebooks."""
    source = course.folder("source", assignment)
    paths = map(Path, find_all_files(str(source), [*course.directory.ignore, "*.ipynb"]))
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in sorted(paths) if path.is_file()}


def _edited_files(course: Course, assignment: str) -> list[str]:
    """Return the files of an assignment that students edit, by nbgrader's own setting."""
    setting = course.settings.Autograde.get("exclude_overwriting", {})
    names = setting.get(assignment, []) if isinstance(setting, Mapping) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        example = f'{{"{assignment}": ["helper.py"]}}'
        raise CourseError(
            f"nbgrader_config.py: c.Autograde.exclude_overwriting is not a dict of lists; write it like {example}."
        )
    return sorted({Path(name).as_posix() for name in names})


def _name_faults(assignment: str) -> list[str]:
    """Return what nbgrader cannot do with an assignment of this name."""
    wrong = sorted(set(UNUSABLE) & set(assignment))
    marks = " or ".join(f"`{mark}`" for mark in wrong)
    return [f"{assignment}: nbgrader cannot use {marks} in an assignment's name; rename its folder."] if wrong else []


def _converted(path: Path, content: bytes, course: Course) -> tuple[NotebookNode | None, list[str]]:
    """Return the unanswered version of a source notebook, or its faults; CourseError: it cannot be read."""
    try:
        notebook = parsed(content)
    except Exception as error:
        raise CourseError(f"{path}: cannot be read ({type(error).__name__}: {error}); fix the file.") from error
    place = os.path.relpath(path, course.root)
    settings = with_autotests_file(course.settings, path.parent, course.root)
    if findings := source_faults(notebook, place, settings):
        return None, list(map(str, findings))
    try:
        return teaching_copy(notebook, settings, path), []
    except CourseError:
        raise
    except Exception as error:  # nbgrader's steps raise many types
        reason = normalize_whitespace(f"{type(error).__name__}: {error}").rstrip(".")
        return None, [f"{place}: nbgrader cannot convert the notebook ({reason}); fix the notebook."]


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
