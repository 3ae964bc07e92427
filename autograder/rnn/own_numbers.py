"""Give each student different sizes: notebooks ask for a student id, and tests use that student's sizes.

This is off unless nbgrader_config.py sets `c.Personalization.salt`. Then this line of a source notebook

    batch, timesteps, features, units = 1, 8, 2, 3

is replaced in the released notebook, and in the copy used for grading. The new line calls `sizes_of` from the student's
helper with the id that the student types above it. Tests use the sizes of the student who owns the submission folder,
whatever id the notebook has. So answers copied from another student's notebook are wrong. The salt is public; it only
makes the numbers differ between courses.
"""

import ast
import copy
import logging
import re
from collections.abc import Callable, Container, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked
from traitlets.config import Config

from autograder.errors import CourseError
from autograder.model import Status
from autograder.notebook.personalize import Personalization, Values
from autograder.notebook.source import assigned
from autograder.text import printable

HELPER = "shapes/own.py"  # the student's helper, which computes the sizes
ID = "student-id"  # grade_id of the cell that asks for the id

AXES = ("batch", "timesteps", "features", "units")
Sizes = tuple[int, int, int, int]  # in the order of AXES

_NAMES = ", ".join(AXES)
_USUAL = re.compile(rf"^{_NAMES} = \(?(\d+, \d+, \d+, \d+)\)?$", re.MULTILINE)
_ASKED = re.compile(rf"^{_NAMES} = sizes_of\(student, (.+), \((\d+, \d+, \d+, \d+)\)\)$", re.MULTILINE)

_TEXT = (
    "**Your own sizes.** In this course every student has different sizes. Type your student id between quotation "
    "marks, exactly as your instructor has it. Until then the notebook uses the usual sizes. You are graded on yours."
)


class OwnNumbers(Personalization):
    """Make a notebook ask for the student's id and derive its sizes from it."""

    def prepare(self, notebook: NotebookNode, settings: Config) -> NotebookNode:
        """Change the first cell that sets the usual sizes; change nothing without a salt or such a cell."""
        salt = _salt(settings)
        return asking(notebook, salt) if salt else notebook

    def check(self, notebook: NotebookNode, helpers: Container[str], where: Path) -> None:
        """Raise CourseError if a notebook asks for an id and the helper is not next to it."""
        check(notebook, helpers, where)

    def with_defaults(self, notebook: NotebookNode) -> NotebookNode:
        """Return the notebook with the usual sizes."""
        return with_default_sizes(notebook)

    def values_for(self, notebook: NotebookNode, helpers: Mapping[str, bytes], student: str) -> Values | None:
        """Return a student's sizes by axis."""
        sizes = sizes_for(notebook, helpers, student)
        return sizes and dict(zip(AXES, sizes, strict=True))

    def with_values(self, prelude: str, values: Values) -> str:
        """Return the prelude with these sizes."""
        batch, timesteps, features, units = (values[axis] for axis in AXES)
        return with_sizes(prelude, (batch, timesteps, features, units))

    def remark(
        self, notebook: NotebookNode, helpers: Mapping[str, bytes], student: str
    ) -> tuple[Status, tuple[str, ...]]:
        """Return the status and repair sentence that follow from the id in a restored notebook."""
        return remark(notebook, helpers, student)


def _salt(settings: Config) -> str:
    """Return the course's salt; accept its older name too, with a warning."""
    salt = settings.Personalization.get("salt", "")
    if not salt and (salt := settings.OwnNumbers.get("salt", "")):
        _notice("c.OwnNumbers.salt is now c.Personalization.salt; rename it in nbgrader_config.py.")
    if not isinstance(salt, str):
        raise CourseError(f"c.Personalization.salt: {salt!r} is not a string; put it in quotation marks.")
    return salt


@lru_cache
def _notice(sentence: str) -> None:
    logging.getLogger(__name__).warning(sentence)


def asking(notebook: NotebookNode, salt: str) -> NotebookNode:
    """Return the notebook with a cell for the id above the sizes, and sizes that depend on the id."""
    asks = copy.deepcopy(notebook)
    place = _place(asks, _USUAL)
    if place is not None:
        cell = asks.cells[place]
        asked = _USUAL.sub(lambda usual: f"{_NAMES} = sizes_of(student, {salt!r}, ({usual[1]}))", cell.source, count=1)
        described = f"print(describe_sizes(student, {_NAMES}))"
        cell.source = f"from shapes import describe_sizes, sizes_of\n\n{asked}\n{described}"
        asks.cells[place:place] = _cells()
    return asks


def _cells() -> list[NotebookNode]:
    about = {"schema_version": 3, "grade": False, "task": False}
    text = {**about, "grade_id": f"{ID}-text", "locked": True, "solution": False}
    asked = {**about, "grade_id": ID, "locked": False, "solution": True}
    stub = "\n### BEGIN SOLUTION\n### END SOLUTION"  # nbgrader puts its stub here, as in every answer cell
    return [
        nbformat.v4.new_markdown_cell(_TEXT, id=f"{ID}-text", metadata={"nbgrader": text}),
        nbformat.v4.new_code_cell(f'student = ...  # "..."{stub}', id=ID, metadata={"nbgrader": asked}),
    ]


def check(source_notebook: NotebookNode, helpers: Container[str], where: Path) -> None:
    """Raise CourseError if a notebook asks for an id and the helper is not next to it."""
    if HELPER not in helpers and _place(source_notebook, _ASKED) is not None:
        raise CourseError(
            f"{where / HELPER}: not found, but c.Personalization.salt needs it; copy it there, or remove the salt."
        )


def with_default_sizes(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook that asks for an id as one that does not, with the usual sizes."""
    plain = copy.deepcopy(notebook)
    place = _place(plain, _ASKED)
    if place is not None:
        plain.cells[place].source = _ASKED.sub(rf"{_NAMES} = \2", plain.cells[place].source)
    return plain


def sizes_for(source_notebook: NotebookNode, helpers: Mapping[str, bytes], student: str) -> Sizes | None:
    """Return a student's sizes from the course's helper; None if the source notebook asks for no id."""
    place = _place(source_notebook, _ASKED)
    if place is None:
        return None
    match = _ASKED.search(source_notebook.cells[place].source)
    assert match is not None
    salt, usual = ast.literal_eval(match[1]), ast.literal_eval(f"({match[2]})")
    sizes: Sizes = _helper(helpers[HELPER])["sizes_of"](student, salt, usual)
    return sizes


def with_sizes(prelude: str, sizes: Sizes) -> str:
    """Return a test's prelude with these sizes instead of the usual ones."""
    return _USUAL.sub(f"{_NAMES} = {sizes}", prelude)


def remark(notebook: NotebookNode, helpers: Mapping[str, bytes], student: str) -> tuple[Status, tuple[str, ...]]:
    """Return a status and a sentence about the id in a restored notebook; no sentence if it is the student's id.

    Only an id written as a literal can be read. An id that code computes shows only in the sizes.
    """
    place = _place(notebook, _ASKED)
    if place is None:
        return Status.OK, ()
    cells = [cell for cell in notebook.cells[:place] if cell.cell_type == "code"]
    typed = next((text for cell in reversed(cells) if (text := assigned(cell.source, "student"))), "''")
    try:
        given = ast.literal_eval(typed)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return Status.OK, ()
    same: Callable[[object], str] = _helper(helpers[HELPER])["spelled"]
    if not same(given):
        return Status.NO_ID, (
            "it has no student id, so it ran with the usual sizes; it is graded by the student's own sizes.",
        )
    if same(given) == same(student):
        return Status.OK, ()
    cause = f"its student id is {printable(str(given))}: it is a copy of another student's notebook, or a typing error"
    return Status.OTHER_ID, (f"{cause}; it is graded by the sizes of {student}.",)


def _place(notebook: NotebookNode, line: re.Pattern[str]) -> int | None:
    cells = enumerate(notebook.cells)
    return next(
        (i for i, cell in cells if cell.cell_type == "code" and is_locked(cell) and line.search(cell.source)), None
    )


@lru_cache(maxsize=4)
def _helper(content: bytes) -> dict[str, Any]:
    """Return the helper's names; the helper is trusted, because it is the course's code like nbgrader_config.py."""
    names: dict[str, Any] = {"__name__": HELPER.removesuffix(".py")}
    exec(compile(content, HELPER, "exec"), names)
    return names
