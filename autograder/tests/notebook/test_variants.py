"""The copy that is graded by, and the copy that a student gets."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import NotebookExporter
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ComputeChecksums

from autograder.notebook.variants import TEACHING, released_copy, teaching_copy
from autograder.submissions.matching import course_cells
from autograder.submissions.restore import restore
from autograder.tests.harness.handed_in import CONFIG, LSTM, NAMES, SOURCES, UNANSWERED, mend, of, solved, starter


@pytest.mark.parametrize("name", NAMES)
def test_the_copies_are_nbgraders_own(name: str) -> None:
    config = copy.deepcopy(CONFIG)
    config.Exporter.default_preprocessors = []
    exporter = NotebookExporter(config=config)
    for preprocessor in (*TEACHING, ClearHiddenTests, ClearMarkScheme, ComputeChecksums):
        exporter.register_preprocessor(preprocessor, enabled=True)
    released = nbformat.reads(exporter.from_notebook_node(SOURCES[name])[0], 4)
    assert released_copy(UNANSWERED[name], CONFIG) == released
    assert any("BEGIN HIDDEN TESTS" in cell.source for cell in UNANSWERED[name].cells)
    assert not any("BEGIN SOLUTION" in cell.source for cell in UNANSWERED[name].cells)


def test_only_the_courses_own_cells_lose_regions() -> None:
    nb = mend(solved(q1="### BEGIN HIDDEN TESTS\nq1 = 1")).notebook
    assert of(released_copy(nb), "q1").source == "### BEGIN HIDDEN TESTS\nq1 = 1"
    assert of(released_copy(nb), "q1-test").source == of(starter(), "q1-test").source


def test_headers_and_cells_of_an_old_format_get_the_same_ids_each_time(tmp_path: Path) -> None:
    old = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Text"), nbformat.v4.new_code_cell("x = 1")])
    for cell in old.cells:
        del cell["id"]
    old.nbformat_minor = 0
    nbformat.write(old, tmp_path / "header.ipynb")
    config = copy.deepcopy(CONFIG)
    config.IncludeHeaderFooter.header = str(tmp_path / "header.ipynb")
    first, second = teaching_copy(old, config), teaching_copy(old, config)
    assert first == second
    assert len({cell.id for cell in first.cells}) == 4


def test_a_course_may_have_markers_of_its_own() -> None:
    config = copy.deepcopy(CONFIG)
    config.ClearHiddenTests.begin_test_delimeter = "BEGIN SECRET"
    config.ClearHiddenTests.end_test_delimeter = "END SECRET"
    source = copy.deepcopy(SOURCES[LSTM])
    for cell in source.cells:
        cell.source = cell.source.replace("HIDDEN TESTS", "SECRET")
    master = teaching_copy(source, config)
    assert [cell.source for cell in released_copy(master, config).cells] == [cell.source for cell in starter().cells]
    assert restore(solved(), master, course_cells(master, config)).repairs == ()
