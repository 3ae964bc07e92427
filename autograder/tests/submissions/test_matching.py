"""Notebooks from editors that strip what a cell is known by."""

import copy
from collections.abc import Callable

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.submissions.matching import course_cells
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore
from autograder.tests.harness.handed_in import (
    ANSWERS,
    LSTM,
    NAMES,
    UNANSWERED,
    answers,
    at,
    code,
    mend,
    neighbours,
    of,
    solved,
    sources,
    starter,
)


def colab(nb: NotebookNode) -> NotebookNode:
    """Format 4.0: ids move into metadata and are new; nbgrader's metadata get lost."""
    nb.metadata = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for n, cell in enumerate(nb.cells):
        cell.metadata = {
            "id": f"x{n:011}",
            "colab": {"base_uri": "https://localhost:8080/"},
            "executionInfo": {"status": "ok"},
        }
        del cell["id"]
    nb.nbformat_minor = 0
    return nb


def vscode(nb: NotebookNode) -> NotebookNode:
    """Ids are new, keys that say nothing are dropped, the language is added."""
    for n, cell in enumerate(nb.cells):
        meta = cell.metadata.pop("nbgrader", None)
        cell.metadata = {"vscode": {"languageId": "python"}}
        cell.id = f"{n:08x}"
        if meta:
            cell.metadata["nbgrader"] = {"grade_id": meta.grade_id, "locked": meta.locked}
    return nb


def deepnote(nb: NotebookNode) -> NotebookNode:
    nb.metadata = {"deepnote": {}, "deepnote_notebook_id": "9f", "kernelspec": nb.metadata.kernelspec}
    for n, cell in enumerate(nb.cells):
        cell.metadata = {"cell_id": f"{n:032x}", "deepnote_cell_type": "code", "source_hash": "1"}
        cell.id = f"{n:032x}"
    return nb


def bare(nb: NotebookNode) -> NotebookNode:
    """Nothing left but the ids."""
    for cell in nb.cells:
        cell.metadata = {}
    return nb


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("editor", "by"),
    [(colab, " (saved by Google Colab)"), (vscode, None), (deepnote, " (saved by Deepnote)"), (bare, "")],
)
def test_editors_that_strip_metadata(editor: Callable[[NotebookNode], NotebookNode], by: str | None, name: str) -> None:
    nb = solved(name)
    nb.cells.insert(at(nb, "guess-compare"), code("scratch = 1"))
    guesses = [cell for cell in nb.cells if cell.id.endswith("guess")]
    for cell in guesses:
        cell.source = cell.source.replace("...", "3")
    count = sum("nbgrader" in cell.metadata for cell in nb.cells)
    expected = {cell.id: cell.source for cell in (*guesses, *[c for c in nb.cells if c.id in ANSWERS[name]])}
    restored = mend(editor(nb), name)
    assert {id_: sources(restored)[id_] for id_ in expected} == expected
    assert neighbours(restored, "scratch = 1") == ("guess", "guess-compare")
    lost = f"{count} cells: nbgrader's metadata was lost{by}; identified by id, text or position."
    assert restored.repairs == ((lost,) if by is not None else ())


def test_an_edited_cell_without_metadata_is_known_by_its_place() -> None:
    nb = solved()
    of(nb, "predict").source = of(nb, "predict").source.replace("verbose=0", "verbose=1")
    restored = mend(deepnote(nb))
    assert restored.repairs[1:] == ("predict: the cell was edited; the original was used.",)


def test_unanswered_and_stripped() -> None:
    restored = mend(deepnote(starter()))
    assert restored.notebook == UNANSWERED[LSTM]


def test_stripped_moved_and_answered() -> None:
    nb = solved()
    nb.cells += [nb.cells.pop(at(nb, name)) for name in ("q4-why", "q3", "guess")]
    restored = mend(deepnote(nb))
    assert answers(restored) == ANSWERS[LSTM]
    assert restored.repairs[1:] == (
        "guess: the cell was moved; it was moved back.",
        "q3: the answer cell was moved; it was moved back.",
        "q4-why: the answer cell was moved; it was moved back.",
    )


def test_the_source_notebooks_cells_serve_a_whole_class_and_stay_as_they_are() -> None:
    source, incomplete = UNANSWERED[LSTM], solved()
    incomplete.cells.pop(at(incomplete, "q3"))
    before, shared = copy.deepcopy(source), course_cells(source)
    for submitted in (solved(), deepnote(incomplete), starter(), solved()):
        assert restore(submitted, source, shared) == restore(submitted, source)
    assert all(cell.claims == [] and cell.chosen is None for cell in shared)
    assert source == before


def test_old_format_keeps_the_answers() -> None:
    old = nbformat.convert(solved(), 3)
    submitted, said = parse(nbformat.versions[3].writes_json(old).encode(), LSTM)
    assert said == ["the file was saved in an old notebook format; it was converted."]
    assert restore(submitted, UNANSWERED[LSTM]).repairs == ()
    assert answers(restore(submitted, UNANSWERED[LSTM])) == ANSWERS[LSTM]
