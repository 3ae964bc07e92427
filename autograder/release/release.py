"""Make the released notebooks in notebooks/ from solutions/, with nbgrader's generate_assignment.

A release is first made in a temporary folder. Then the gradebook is updated, and a rename puts the folder in its place.
If anything fails before, the old release and the gradebook stay unchanged.

The tests were proved on copies that nbgrader's first steps have made. A release goes on from these copies: nothing is
converted twice, and students get what was proved. If a course adds steps, a header or a footer, or notebooks
of an older format, nbgrader starts from the files, because its copies can differ then.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import InstantiateTests, SaveCells
from traitlets.config import Config

from autograder.course.converter import convert
from autograder.course.course import Course
from autograder.files import replace_folder
from autograder.gradebook.assignment_sync import update_gradebook
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.notebook.autotests import FillAutotests, with_autotests_file
from autograder.notebook.landmarks import parsed
from autograder.notebook.personalize import RELEASE, class_named, personalization

WITH_IDS = (4, 5)  # the notebook format since which cells have ids


def release(course: Course, assignment: str, source: SourceAssignment | None = None) -> Path:
    """Make an assignment's released notebooks, and update the gradebook unless the assignment is not graded.

    Args:
        course: The course.
        assignment: The name of the assignment.
        source: The assignment's source, if it is loaded already.

    Returns:
        The folder of the released notebooks.

    Raises:
        CourseError: The notebooks cannot be made, or the gradebook cannot be updated. The old release is kept.
    """
    course.source_notebooks(assignment)
    with _aside(course, assignment, source) as made:
        if assignment not in course.ungraded:
            update_gradebook(source or SourceAssignment.load(course, assignment))
        place = course.folder("release", assignment).resolve()
        replace_folder(made, place)
    return place


def is_stale(course: Course, assignment: str) -> bool:
    """Return whether a release would change the released files. This changes neither the folder nor the gradebook."""
    course.source_notebooks(assignment)
    with _aside(course, assignment) as made:
        return contents(made) != contents(course.folder("release", assignment))


@contextmanager
def _aside(course: Course, assignment: str, source: SourceAssignment | None = None) -> Iterator[Path]:
    """Make a release in a temporary folder on the same disk as the real one, without a gradebook, and yield it."""
    with tempfile.TemporaryDirectory(dir=course.root, prefix=".release-") as folder:
        _generate(course, assignment, folder, source)
        yield Path(course.directory.format_path(folder, ".", assignment)).resolve()


class _Generate(GenerateAssignment):  # type: ignore[misc]
    """Nbgrader's converter, which takes copies that its first steps have made where there are any."""

    copies: Mapping[str, NotebookNode] = {}  # by the notebook's name

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Convert one notebook and write it."""
        copy = self.copies.get(Path(notebook_filename).stem)
        if copy is None:
            super().convert_single_notebook(notebook_filename)
            return
        resources = self.init_single_notebook_resources(notebook_filename)
        self.write_single_notebook(*self.exporter.from_notebook_node(copy, resources=resources))


def _is_usual(settings: Config, steps: Sequence[Any], source: SourceAssignment) -> bool:
    """Return whether the source's copies are what nbgrader's steps up to SaveCells make of its notebooks."""
    edges = [settings.IncludeHeaderFooter.get(edge, "") for edge in ("header", "footer")]
    formats = [(notebook.nbformat, notebook.nbformat_minor) for notebook in map(parsed, source.contents.values())]
    return list(steps) in (RELEASE, RELEASE[1:]) and not any(edges) and min(formats) >= WITH_IDS


def _generate(course: Course, assignment: str, folder: str, source: SourceAssignment | None = None) -> None:
    """Make the released notebooks in `folder` with nbgrader's generate_assignment and the course's settings for it."""
    personalization(class_named(course.settings))  # here, so that the error names the setting and not a notebook
    settings = with_autotests_file(course.settings, course.folder("source", assignment), course.root)
    steps = settings.GenerateAssignment.get("preprocessors") or GenerateAssignment.preprocessors.default()
    copies = source.notebooks if source and _is_usual(settings, steps, source) else {}
    steps = steps[steps.index(SaveCells) :] if copies else steps
    steps = [FillAutotests if step is InstantiateTests else step for step in steps]
    settings.merge(Config({"SaveCells": {"enabled": False}, "GenerateAssignment": {"preprocessors": steps}}))
    convert(
        Course(config=settings),
        _Generate,
        assignment,
        student=".",
        release_directory=folder,
        no_database=True,
        force=True,
        copies=copies,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files in a folder and its subfolders, except the caches of Jupyter and Python."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts and "__pycache__" not in path.parts
    }
