"""Make the released notebooks in notebooks/ from solutions/, with nbgrader's generate_assignment.

A release is first made in a temporary folder. Then the gradebook is updated, and a rename puts the folder in its place.
If anything fails before, the old release and the gradebook stay unchanged.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.course.course import Course
from autograder.files import replace_folder
from autograder.gradebook.assignment_sync import generate, update_gradebook
from autograder.gradebook.source_assignment import SourceAssignment


def release(course: Course, assignment: str) -> Path:
    """Make an assignment's released notebooks, update the gradebook, and return the folder of the notebooks."""
    course.masters(assignment)
    with _aside(course, assignment) as made:
        if assignment not in course.ungraded:
            update_gradebook(SourceAssignment.load(course, assignment))
        place = course.folder("release", assignment).resolve()
        replace_folder(made, place)
    return place


def is_stale(course: Course, assignment: str) -> bool:
    """Return whether a release would change the released files. This changes neither the folder nor the gradebook."""
    course.masters(assignment)
    with _aside(course, assignment) as made:
        return contents(made) != contents(course.folder("release", assignment))


@contextmanager
def _aside(course: Course, assignment: str) -> Iterator[Path]:
    """Make a release in a temporary folder on the same disk as the real one, without a gradebook, and yield it."""
    with tempfile.TemporaryDirectory(dir=course.root, prefix=".release-") as folder:
        generate(course, assignment, folder, database=False)
        yield Path(course.directory.format_path(folder, ".", assignment)).resolve()


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files in a folder and its subfolders, except the caches of Jupyter and Python."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts and "__pycache__" not in path.parts
    }
