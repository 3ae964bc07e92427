"""Bytes as editors and students leave them, and as nobody should."""

import copy
import json
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from autograder.errors import Damaged
from autograder.notebook.cells import grade_id
from autograder.submissions.parser import MAX_CELLS, MIB, parse
from autograder.submissions.restore import restore
from autograder.tests.harness.handed_in import LSTM, NAMES, UNANSWERED, of, saved, solved, text
from autograder.text import printable, summarize

FILE = f"{LSTM}.ipynb"


def tree(nb: NotebookNode | None = None) -> Any:
    return json.loads(saved(nb or solved()))


def read(content: bytes | str | Any) -> tuple[NotebookNode, list[str]]:
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    nb, said = parse(content if isinstance(content, bytes) else content.encode(), FILE)
    nbformat.validate(nb)
    return nb, said


def sources(nb: NotebookNode) -> list[str]:
    return [cell.source for cell in nb.cells]


# --- what survives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_file(name: str) -> None:
    nb, said = read(saved(solved(name)))
    assert said == []
    assert [(cell.id, grade_id(cell), cell.source) for cell in nb.cells] == [
        (cell.id, grade_id(cell), cell.source) for cell in solved(name).cells
    ]


@pytest.mark.parametrize(
    "state",
    [
        {"application/vnd.jupyter.widget-state+json": {"state": {"a": {"model_name": "OutputModel"}}}},
        {"application/vnd.jupyter.widget-state+json": {}},  # as some editors write it; GitHub refuses the file
        {"state": {}, "version": "1.1.2"},
        [],
    ],
)
def test_the_saved_state_of_widgets_is_dropped(state: object) -> None:
    made = tree()
    made["metadata"]["widgets"] = state
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}
    code = next(cell for cell in made["cells"] if cell["cell_type"] == "code")
    code["outputs"] = [{"output_type": "display_data", "data": view, "metadata": {}}]
    nb, said = read(made)
    assert said == []
    assert "widget" not in json.dumps([nb.metadata, [cell.get("outputs") for cell in nb.cells]])


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", "UTF-8 with a byte-order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16-le"),
        ("utf-32", "UTF-32"),
        ("latin-1", "Latin-1"),
        ("cp1252", "Latin-1"),
    ],
)
def test_encodings(encoding: str, said: str) -> None:
    nb = solved(q1="q1 = 'é'")
    nb.cells = [cell for cell in nb.cells if "c̃" not in cell.source]  # nothing but Unicode has it
    mended, repairs = read(saved(nb).decode().encode(encoding))
    assert repairs == [f"the file was decoded as {said}; plain UTF-8 was expected."]
    assert sources(mended) == sources(nb)


def test_a_few_damaged_bytes() -> None:
    nb, said = read(saved(solved(q1="q1 = 'é'")).replace("é".encode(), b"\xe9"))
    assert said == ["damaged characters in the file were replaced with a placeholder."]
    assert of(nb, "q1").source == "q1 = '\ufffd'"


def test_line_ends() -> None:
    nb = tree()
    for cell in nb["cells"]:
        cell["source"] = [line.replace("\n", "\r\n") for line in cell["source"]]
    assert read(nb) == read(tree())
    nb["cells"][0]["source"] = "a\rb\r\nc"
    assert read(nb)[0].cells[0].source == "a\nb\nc"


@pytest.mark.parametrize("version", [2, 3])
def test_old_formats_come_out_as_nbformat_converts_them(version: int) -> None:
    nb = solved()
    nb.cells.insert(0, text("### A heading"))
    old = nbformat.convert(copy.deepcopy(nb), 3)
    old.nbformat = version
    mended, said = read(json.dumps(old))
    assert said == ["the file was saved in an old notebook format; it was converted."]
    expected = nbformat.convert(nbformat.from_dict(json.loads(json.dumps(old))), 4)
    assert sources(mended) == sources(expected)
    assert [grade_id(cell) for cell in mended.cells] == [grade_id(cell) for cell in nb.cells]


def test_old_minor_versions_have_no_ids() -> None:
    nb = tree()
    nb["nbformat_minor"] = 2
    for cell in nb["cells"]:
        del cell["id"]
    mended, said = read(nb)
    assert said == []
    assert len({cell.id for cell in mended.cells}) == len(nb["cells"])


def test_cells_that_miss_what_they_need() -> None:
    odd: list[Any] = [
        {"cell_type": "code"},
        {"cell_type": "markdown", "source": ["a", "b"], "metadata": None, "id": "q"},
        {"cell_type": "code", "source": ["a\n", "b"], "id": "q", "outputs": "none", "execution_count": "x"},
        {"cell_type": "code", "source": 3, "id": "not valid!"},
        {"cell_type": "markdown", "source": ["c", None, 4], "id": 7, "attachments": 1},
        {"cell_type": "vega", "source": "d"},
        {"source": "e", "outputs": []},
        {"cell_type": [], "source": "NUL \0 and half \ud800"},
        "no cell",
        None,
    ]
    mended, said = read({"cells": odd, "metadata": {"kernelspec": {"name": 3}, "tags": "x"}, "nbformat": "four"})
    assert sources(mended) == ["", "a\nb", "a\nb", "", "c", "d", "e", "NUL \ufffd and half \ufffd"]
    assert [cell.cell_type for cell in mended.cells[-3:]] == ["raw", "code", "raw"]
    assert sorted(said) == [
        "invalid cells were dropped (cells: 2).",
        "invalid characters were replaced (cells: 1).",
        "invalid or duplicate cell ids were replaced (cells: 3).",
        "lines that are not text were dropped (cells: 2).",
        "unknown cell types were replaced (cells: 3).",
    ]


def test_metadata_of_any_kind() -> None:
    nb = tree()
    nb["metadata"] |= {"authors": 3, "title": [], "colab": {"a": [[[]]]}, "orig_nbformat": -1, "celltoolbar": None}
    for cell in nb["cells"]:
        cell["metadata"] |= {"tags": "a,b", "collapsed": "yes", "jupyter": 3, "name": [], "deepnote_cell_type": 4}
    nb["cells"][0]["metadata"]["nbgrader"] = {"grade_id": ["title"], "points": {}, "locked": "\ud800"}
    nb["cells"][1]["metadata"] = {"nbgrader": [1], 'x"': 2}
    mended, said = read(nb)
    assert said == []
    assert mended.metadata == {"colab": {}, "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    assert mended.cells[0].metadata == {"deepnote": {}, "nbgrader": {"locked": "\ufffd"}}
    assert mended.cells[1].metadata == {}


def test_outputs_of_50_megabytes() -> None:
    nb = tree()
    outputs = [{"output_type": "stream", "name": "stdout", "text": '[1, 2], "{' * (5 * MIB)}]
    next(cell for cell in nb["cells"] if cell["id"] == "predict")["outputs"] = outputs
    content = json.dumps(nb)
    assert len(content) > 50 * MIB
    assert read(content) == read(tree())


def test_outputs_that_break_other_readers() -> None:
    nb = json.dumps(tree()).replace('"outputs": []', '"outputs": [{"a": %s, "b": NaN, "c": 1e999, "d": -Infinity}]', 1)
    assert read(nb % ("9" * 9_000)) == read(tree())
    assert read(nb % ("[" * 500 + "]" * 500)) == read(tree())


def test_pictures_are_kept() -> None:
    nb = tree()
    svg = ["<svg>\n", "</svg>"]
    nb["cells"][0]["attachments"] = {"a.png": {"image/png": "aGk="}, "b": {"image/svg+xml": svg, "x": 3}, "c": None}
    assert read(nb)[0].cells[0].attachments == {"a.png": {"image/png": "aGk="}, "b": {"image/svg+xml": "<svg>\n</svg>"}}


def test_a_file_written_over_a_longer_one() -> None:
    nb, said = read(saved(solved()) + b"\n }\n ],\n")
    assert said == ["text after the end of the notebook was dropped."]
    assert sources(nb) == sources(solved())
    assert read(saved(solved()) + b"\n\0\0")[1] == []


# --- what does not ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b"\0\0\0\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (saved(solved())[:5000], "not JSON (the file is cut off at byte 5000)"),
        (saved(solved()).decode().encode("utf-16")[:5001], "not JSON (the file is cut off at byte 5001)"),
        (b'{"cells": [], "metadata": {}, "nb', "not JSON (the file is cut off at byte 33)"),
        (b'{"cells": [{"source": "\\u00', "not JSON (the file is cut off at byte 27)"),
        (b'{"cells": tru', "not JSON (the file is cut off at byte 13)"),
        (b"print(1)\nprint(2)", "not JSON (line 1, column 1: Expecting value)"),
        (b'{\n"cells": [}, "metadata": {}}', "not JSON (line 2, column 11: Expecting value)"),
        (b"<!DOCTYPE html><html></html>", "not JSON (the file is a web page)"),
        (b"PK\3\4" + bytes(range(256)), "not JSON (line 1, column 1: Expecting value)"),
        (b"[1, 2]", "valid JSON, but not a notebook"),
        (b"42", "valid JSON, but not a notebook"),
        (b"null", "valid JSON, but not a notebook"),
        (b"{}", "valid JSON, but not a notebook (it has no list of cells)"),
        (b'{"cells": {"0": {}}}', "valid JSON, but not a notebook (it has no list of cells)"),
        (b'{"worksheets": 3}', "valid JSON, but not a notebook (it has no list of cells)"),
        (b"[" * 100_000, "the JSON is nested too deeply"),
        (b'{"cells": ' + b'[{"a":' * 50_000, "the JSON is nested too deeply"),
        (b'{"cells": [' + b"{}," * 2_000_000 + b"{}]}", "the JSON has too many parts for a notebook"),
        (b'{"cells": [' + b"{}," * MAX_CELLS + b"{}]}", f"more than {MAX_CELLS} cells"),
        (b'{"cells": [{"source": "' + b"x" * (17 * MIB) + b'"}]}', "its cells have more than 16 MiB of text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged(content: bytes, why: str) -> None:
    with pytest.raises(Damaged) as caught:
        parse(content, FILE)
    assert str(caught.value) == f"1_lstm.ipynb: {why}; hand in the file that Jupyter saved."


def test_a_notebook_without_cells_is_one() -> None:
    assert read(b'{"cells": []}')[0].cells == []
    assert restore(read(b'{"cells": []}')[0], UNANSWERED[LSTM]).notebook.cells == UNANSWERED[LSTM].cells


def test_names_are_fit_to_be_shown() -> None:
    assert printable("a\nb\x1b[0m\u202e") == "a?b?[0m?"
    assert len(printable("x" * 500)) == 80
    with pytest.raises(Damaged, match=r"^a\?b: the file is empty; "):
        parse(b"", "a\nb")


def test_a_long_list_is_cut() -> None:
    assert summarize(["a", "b", "a"]) == ["a", "b"]
    assert summarize(map(str, range(25)))[-2:] == ["19", "and 5 more"]


CONTENT = saved(solved(NAMES[2]))


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, len(CONTENT)), st.integers(0, 40), st.binary(max_size=9)), max_size=5), st.none()
)
@example([], "utf-16")
def test_whatever_happens_to_the_bytes(changes: list[tuple[int, int, bytes]], encoding: str | None) -> None:
    content = CONTENT if encoding is None else CONTENT.decode().encode(encoding)
    for start, length, new in changes:
        content = content[:start] + new + content[start + length :]
    survives(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters(), max_size=9) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cells", "source", "id", "metadata", "nbgrader", "grade_id", "x"]), inner)
    ),
    max_leaves=8,
)
CELL = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading", "x"]) | JSON,
        "metadata": JSON,
        "source": JSON,
    },
    optional={"id": JSON, "attachments": JSON, "level": JSON, "outputs": JSON, "input": JSON},
)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries({"cells": st.lists(CELL | JSON, max_size=4)}, optional={"metadata": JSON, "nbformat": JSON})
)
def test_whatever_stands_in_the_json(notebook: dict[str, Any]) -> None:
    survives(json.dumps(notebook).encode())


def survives(content: bytes) -> None:
    try:
        nb, said = read(content)
    except Damaged as damage:
        said = [str(damage).removeprefix(f"{FILE}: ").removesuffix("; hand in the file that Jupyter saved.")]
    else:
        nbformat.validate(restore(nb, UNANSWERED[LSTM]).notebook)
        saved(nb)
    assert all(sentence.isprintable() and FILE not in sentence for sentence in said)
