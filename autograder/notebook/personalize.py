"""Let a course change its notebooks for each student, for example the numbers that they work with.

By default nothing changes. A course sets `c.Personalization.cls` in nbgrader_config.py to the name of a class that
derives from `Personalization`. The class is created without arguments and must not keep state, because every grading
process gets only its name and creates its own instance.
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

SETTING = "nbgrader_config.py: c.Personalization.cls"
Values = Mapping[str, int]  # one student's values, by name


class Personalization:
    """The hook's base class, which changes nothing."""

    def prepare(self, notebook: NotebookNode, settings: Config) -> NotebookNode:
        """Return a source notebook in the form that is released and used for grading."""
        return notebook

    def check(self, notebook: NotebookNode, helpers: Container[str], where: Path) -> None:
        """Raise CourseError if a prepared notebook needs a helper that is not in the folder `where`."""

    def with_defaults(self, notebook: NotebookNode) -> NotebookNode:
        """Return a prepared notebook with the default values, to plan its tests."""
        return notebook

    def values_for(self, notebook: NotebookNode, helpers: Mapping[str, bytes], student: str) -> Values | None:
        """Return a student's values for a prepared notebook, or None if the notebook is the same for all students."""
        return None

    def with_values(self, prelude: str, values: Values) -> str:
        """Return code with a student's values in place of the default values: a test's prelude, or a locked cell."""
        return prelude

    def remark(
        self, notebook: NotebookNode, helpers: Mapping[str, bytes], student: str
    ) -> tuple[Status, tuple[str, ...]]:
        """Return a status and messages about whose values a restored notebook contains."""
        return Status.OK, ()


def class_named(settings: Config) -> str:
    """Return the name of the class that a course sets, or "" if it sets none."""
    return str(settings.Personalization.get("cls", ""))


@lru_cache
def personalization(name: str) -> Personalization:
    """Return an instance of the class with this name, or of the base class for "".

    Raises:
        CourseError: The class cannot be loaded, or does not derive from `Personalization`.
    """
    if not name:
        return Personalization()
    try:
        hook = import_item(name)()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise CourseError(f"{SETTING}: {name!r} cannot be loaded ({reason}); correct its name.") from error
    if not isinstance(hook, Personalization):
        base = f"{__name__}.{Personalization.__name__}"
        raise CourseError(f"{SETTING}: {name!r} does not derive from {base}; name a class that does.")
    return hook


class Personalize(NbGraderPreprocessor):  # type: ignore[misc]
    """Prepare a notebook with the course's hook."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the prepared notebook and the resources."""
        return personalization(class_named(self.config)).prepare(nb, self.config), resources


RELEASE = [Personalize, *GenerateAssignment.preprocessors.default()]
