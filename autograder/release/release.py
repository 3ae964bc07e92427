"""solutions/ → notebooks/: the released notebooks, made by nbgrader's own generate_assignment.

A release is made aside and proved there; only then does the gradebook learn of it, and a rename puts it in its place.
Whatever fails on the way leaves the old release, and the gradebook, as they were.
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
    """Make the released notebooks of an assignment and tell the gradebook; gives the folder they lie in."""
    course.masters(assignment)
    with _aside(course, assignment) as made:
        if assignment not in course.ungraded:
            update_gradebook(SourceAssignment.load(course, assignment))
        place = course.folder("release", assignment).resolve()
        replace_folder(made, place)
    return place


def is_stale(course: Course, assignment: str) -> bool:
    """Would a release give other files than lie there now? Touches neither the folder nor a gradebook."""
    course.masters(assignment)
    with _aside(course, assignment) as made:
        return contents(made) != contents(course.folder("release", assignment))


@contextmanager
def _aside(course: Course, assignment: str) -> Iterator[Path]:
    """A release in a folder of its own, on the same disk as the real one, without a gradebook."""
    with tempfile.TemporaryDirectory(dir=course.root, prefix=".release-") as folder:
        generate(course, assignment, folder, database=False)
        yield Path(course.directory.format_path(folder, ".", assignment)).resolve()


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, without what Jupyter and Python leave there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts and "__pycache__" not in path.parts
    }
