"""What a course may change in its notebooks for each student, such as the numbers that they work with.

Nothing, unless nbgrader_config.py names a class by `c.Personalization.cls`. The class derives from `Personalization`,
is made without arguments and keeps nothing: its name goes with the assignment to any process that grades.
"""

from collections.abc import Container, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from autograder.errors import CourseError
from autograder.model import Status

Values = Mapping[str, int]  # a student's own values by name


class Personalization:
    """The hook, which changes nothing."""

    def prepare(self, notebook: NotebookNode, settings: Config) -> NotebookNode:
        """Return a source notebook as it is released and graded by."""
        return notebook

    def check(self, notebook: NotebookNode, helpers: Container[str], where: Path) -> None:
        """Raise CourseError where a prepared notebook needs a helper that is not in the folder `where`."""

    def with_defaults(self, notebook: NotebookNode) -> NotebookNode:
        """Return a prepared notebook with everybody's values in place of a student's own, to plan its tests."""
        return notebook

    def values_for(self, notebook: NotebookNode, helpers: Mapping[str, bytes], student: str) -> Values | None:
        """Return a student's own values in a prepared notebook; None where it has no own values."""
        return None

    def with_values(self, prelude: str, values: Values) -> str:
        """Return the prelude of a test with a student's own values in place of everybody's."""
        return prelude

    def remark(
        self, notebook: NotebookNode, helpers: Mapping[str, bytes], student: str
    ) -> tuple[Status, tuple[str, ...]]:
        """Return a status and sentences about whose values a restored notebook shows."""
        return Status.OK, ()


def class_named(settings: Config) -> str:
    """Return the name of the class that a course sets; "" where it sets none."""
    return str(settings.Personalization.get("cls", ""))


@lru_cache
def personalization(name: str) -> Personalization:
    """Return the hook of this name; raise CourseError where there is none."""
    if not name:
        return Personalization()
    try:
        found = import_item(name)()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise CourseError(f"c.Personalization.cls: {name} cannot be loaded ({said}); correct its name.") from error
    if not isinstance(found, Personalization):
        base = f"{__name__}.{Personalization.__name__}"
        raise CourseError(f"c.Personalization.cls: {name} does not derive from {base}; name a class that does.")
    return found


class Personalize(NbGraderPreprocessor):  # type: ignore[misc]
    """Prepare a notebook by the course's hook."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook as the hook prepares it."""
        return personalization(class_named(self.config)).prepare(nb, self.config), resources


RELEASE = [Personalize, *GenerateAssignment.preprocessors.default()]
