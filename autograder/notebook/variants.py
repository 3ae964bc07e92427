"""Make the two copies of a source notebook: one that submissions are graded against, and one for students.

Both are made by nbgrader's own release steps. `teaching_copy` makes the one for grading: it has stubs in place of
solutions, but still contains hidden tests and marking schemes. `released_copy` removes those, too, for students.
"""

import copy

import nbformat
from nbconvert.exporters import NotebookExporter
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

from autograder.notebook.personalize import Personalize

TEACHING = (
    Personalize,
    IncludeHeaderFooter,
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
)


def teaching_copy(source: NotebookNode, config: Config) -> NotebookNode:
    """Return the copy for grading: stubs in place of solutions, with hidden tests and marking schemes.

    It applies nbgrader's release steps up to SaveCells.
    """
    config, source = copy.deepcopy(config), copy.deepcopy(source)
    source.nbformat_minor = max(source.nbformat_minor, 5)
    for number, cell in enumerate(source.cells):
        cell.setdefault("id", f"master-{number}")  # older notebook formats have no cell ids
    config.Exporter.default_preprocessors = []
    exporter = NotebookExporter(config=config)
    for preprocessor in TEACHING:
        exporter.register_preprocessor(preprocessor, enabled=True)
    text, _ = exporter.from_notebook_node(source)
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
