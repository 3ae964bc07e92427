"""Make the two copies of a source notebook: one that submissions are graded against, and one for students.

Both are made by nbgrader's own release steps. `teaching_copy` makes the one for grading: it has stubs in place of
solutions, but still contains hidden tests and marking schemes. `released_copy` removes those, too, for students.
"""

import copy
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
)
from nbgrader.utils import is_grade, is_locked, is_task
from traitlets.config import Config

from autograder.notebook.autotests import FillAutotests
from autograder.notebook.personalize import Personalize


class IncludeWithIds(IncludeHeaderFooter):  # type: ignore[misc]
    """Add nbgrader's header and footer; give cells of older notebook formats ids that are the same each time."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Return the notebook with header and footer, and an id for each cell."""
        nb, resources = super().preprocess(nb, resources)
        for number, cell in enumerate(nb.cells):
            cell.setdefault("id", f"edge-{number}")
        return nb, resources


TEACHING = (
    Personalize,
    IncludeWithIds,
    FillAutotests,
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
)


def teaching_copy(source: NotebookNode, config: Config, path: Path = Path()) -> NotebookNode:
    """Return the copy for grading: stubs in place of solutions, with hidden tests and marking schemes.

    It applies nbgrader's release steps up to SaveCells.

    Args:
        source: The source notebook.
        config: The course's settings.
        path: The path of its file; a notebook with `### AUTOTEST` lines is run in that folder.

    Raises:
        CourseError: The course's personalization cannot be used, or a cell raised when `### AUTOTEST` lines were
            filled in.
    """
    metadata = {"path": str(path.parent), "name": f"{path.parent.name}/{path.name}"}
    config, source = copy.deepcopy(config), copy.deepcopy(source)
    source.nbformat_minor = max(source.nbformat_minor, 5)
    for number, cell in enumerate(source.cells):
        cell.setdefault("id", f"master-{number}")  # older notebook formats have no cell ids
    config.Exporter.default_preprocessors = []
    exporter = NotebookExporter(config=config)
    for preprocessor in TEACHING:
        exporter.register_preprocessor(preprocessor, enabled=True)
    text, _ = exporter.from_notebook_node(source, {"metadata": metadata})
    notebook: NotebookNode = nbformat.reads(text, as_version=4)
    return notebook


def released_copy(teaching: NotebookNode, config: Config | None = None) -> NotebookNode:
    """Return the copy for students: `teaching` without hidden tests and marking schemes.

    Only locked, task and graded code cells are changed: markers that a student types elsewhere stay as they are.
    """
    config = copy.deepcopy(config or Config())
    config.ClearMarkScheme.enforce_metadata = False  # allow marking schemes in locked cells
    chain = [step(config=config) for step in (ClearHiddenTests, ClearMarkScheme, ComputeChecksums)]
    released = copy.deepcopy(teaching)
    for index, cell in enumerate(released.cells):
        if is_locked(cell) or is_task(cell) or (is_grade(cell) and cell.cell_type == "code"):
            for step in chain:
                step.preprocess_cell(cell, {}, index)
    return released


def hidden_lines(source: str, config: Config) -> tuple[int, ...]:
    """Return the numbers of the lines of a test cell that `released_copy` removes, with those of the marks.

    Args:
        source: The cell.
        config: The course's settings, which may have other marks than nbgrader's.
    """
    tests, schemes = ClearHiddenTests(config=config), ClearMarkScheme(config=config)
    marks = {
        tests.begin_test_delimeter: tests.end_test_delimeter,
        schemes.begin_mark_scheme_delimeter: schemes.end_mark_scheme_delimeter,
    }
    numbers, end = [], ""
    for number, line in enumerate(source.splitlines(), 1):
        begins = next((last for first, last in marks.items() if first in line), "")
        if end or begins:
            numbers.append(number)
        end = begins or ("" if end and end in line else end)
    return tuple(numbers)
