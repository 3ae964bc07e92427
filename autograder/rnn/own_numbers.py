"""Each student's own sizes: how notebooks come to ask for an id, and what a student's tests go by.

Off unless nbgrader_config.py sets `c.Personalization.salt`. Then the line of a master that sets the usual sizes

    batch, timesteps, features, units = 1, 8, 2, 3

asks in the released notebook, and in the copy that is graded by, `sizes_of` of the learner's helper, with the id that
the learner types above it. A test is held to the same draw for the student whose folder it is, whatever is typed in the
notebook: so what somebody else's notebook shows is wrong here. The salt is public; it only keeps one course's numbers
from being another's.
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

HELPER = "own.py"  # the learner's helper that draws
ID = "student-id"  # grade_id of the cell that asks

AXES = ("batch", "timesteps", "features", "units")
Sizes = tuple[int, int, int, int]  # of these

_NAMES = ", ".join(AXES)
_USUAL = re.compile(rf"^{_NAMES} = \(?(\d+, \d+, \d+, \d+)\)?$", re.MULTILINE)
_ASKED = re.compile(rf"^{_NAMES} = sizes_of\(student, (.+), \((\d+, \d+, \d+, \d+)\)\)$", re.MULTILINE)

_TEXT = (
    "**Your own sizes.** In this course every student has different sizes. Type your student id between quotation "
    "marks, exactly as your instructor has it. Until then the notebook uses the usual sizes. You are graded on yours."
)


class OwnNumbers(Personalization):
    """Has a notebook ask for the student's id and take its sizes from it."""

    def prepare(self, notebook: NotebookNode, settings: Config) -> NotebookNode:
        """Change the first cell that sets the usual sizes; without a salt, or such a cell, nothing."""
        salt = _salt(settings)
        return asking(notebook, salt) if salt else notebook

    def check(self, notebook: NotebookNode, helpers: Container[str], where: Path) -> None:
        """Raise CourseError where a notebook asks for an id, and the helper that draws is not beside it."""
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
        """Return what the id in a restored notebook says of it."""
        return remark(notebook, helpers, student)


def _salt(settings: Config) -> str:
    """Return the course's salt; read it under its older name as well, with a notice."""
    salt = settings.Personalization.get("salt", "")
    if not salt and (salt := settings.OwnNumbers.get("salt", "")):
        _notice("c.OwnNumbers.salt is now c.Personalization.salt; rename it in nbgrader_config.py.")
    if not isinstance(salt, str):
        raise CourseError(f"c.Personalization.salt: {salt!r} is not a text; put it in quotation marks.")
    return salt


@lru_cache
def _notice(sentence: str) -> None:
    logging.getLogger(__name__).warning(sentence)


def asking(notebook: NotebookNode, salt: str) -> NotebookNode:
    """The notebook with a cell for the id above its sizes, and sizes that go by it."""
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


def check(master: NotebookNode, helpers: Container[str], where: Path) -> None:
    """Raise CourseError where a notebook asks for an id, and the helper that draws is not beside it."""
    if HELPER not in helpers and _place(master, _ASKED) is not None:
        raise CourseError(
            f"{where / HELPER}: not here, but c.Personalization.salt asks for it; copy it, or clear the salt."
        )


def with_default_sizes(notebook: NotebookNode) -> NotebookNode:
    """A notebook that asks for an id as one that does not: with the usual sizes."""
    plain = copy.deepcopy(notebook)
    place = _place(plain, _ASKED)
    if place is not None:
        plain.cells[place].source = _ASKED.sub(rf"{_NAMES} = \2", plain.cells[place].source)
    return plain


def sizes_for(master: NotebookNode, helpers: Mapping[str, bytes], student: str) -> Sizes | None:
    """What the course's own helper draws for a student; None where the master asks for no id."""
    place = _place(master, _ASKED)
    if place is None:
        return None
    found = _ASKED.search(master.cells[place].source)
    assert found is not None
    salt, usual = ast.literal_eval(found[1]), ast.literal_eval(f"({found[2]})")
    sizes: Sizes = _helper(helpers[HELPER])["sizes_of"](student, salt, usual)
    return sizes


def with_sizes(prelude: str, sizes: Sizes) -> str:
    """The prelude of a test that goes by these sizes in place of the usual ones."""
    return _USUAL.sub(f"{_NAMES} = {sizes}", prelude)


def remark(notebook: NotebookNode, helpers: Mapping[str, bytes], student: str) -> tuple[Status, tuple[str, ...]]:
    """What the id in a restored notebook says of it: a status and a sentence; none where the id is the student's.

    Only an id that is typed as it stands can be read; one that code makes up shows in the sizes alone.
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
            "no student id is typed in it, so it ran on the usual sizes; it is held to the student's own.",
        )
    if same(given) == same(student):
        return Status.OK, ()
    said = f"the id typed in it is {printable(str(given))}: it is a copy of somebody else's, or the id is mistyped"
    return Status.OTHER_ID, (f"{said}; it is held to the sizes of {student}.",)


def _place(notebook: NotebookNode, line: re.Pattern[str]) -> int | None:
    cells = enumerate(notebook.cells)
    return next(
        (i for i, cell in cells if cell.cell_type == "code" and is_locked(cell) and line.search(cell.source)), None
    )


@lru_cache(maxsize=4)
def _helper(content: bytes) -> dict[str, Any]:
    """The helper's names; it is the course's own code, as nbgrader_config.py is."""
    names: dict[str, Any] = {"__name__": HELPER.removesuffix(".py")}
    exec(compile(content, HELPER, "exec"), names)
    return names
