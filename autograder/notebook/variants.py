"""The master's two copies: the one that is graded by, and the one that a student gets.

Both are nbgrader's own work: the teaching copy is what its release makes, minus the steps that take hidden tests and
marking schemes out; the released copy is the teaching copy after those steps.
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
    """nbgrader's chain up to SaveCells: stubs for solutions; hidden tests and marking schemes still inside."""
    config, source = copy.deepcopy(config), copy.deepcopy(source)
    source.nbformat_minor = max(source.nbformat_minor, 5)
    for number, cell in enumerate(source.cells):
        cell.setdefault("id", f"master-{number}")  # a master of an older format has none
    config.Exporter.default_preprocessors = []
    exporter = NotebookExporter(config=config)
    for preprocessor in TEACHING:
        exporter.register_preprocessor(preprocessor, enabled=True)
    text, _ = exporter.from_notebook_node(source)
    notebook: NotebookNode = nbformat.reads(text, as_version=4)
    return notebook


def released_copy(teaching: NotebookNode, config: Config | None = None) -> NotebookNode:
    """What a student gets of it: hidden tests and marking schemes removed.

    Only the course's own cells are gone through: whatever markers a student writes, his text stays as it is.
    """
    config = copy.deepcopy(config or Config())
    config.ClearMarkScheme.enforce_metadata = False  # here, marking schemes stand in locked cells
    chain = [step(config=config) for step in (ClearHiddenTests, ClearMarkScheme, ComputeChecksums)]
    released = copy.deepcopy(teaching)
    for index, cell in enumerate(released.cells):
        if is_locked(cell) or is_task(cell) or (is_grade(cell) and cell.cell_type == "code"):
            for step in chain:
                step.preprocess_cell(cell, {}, index)
    return released
