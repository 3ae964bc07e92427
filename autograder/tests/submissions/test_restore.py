"""The real notebooks, handed in in every state that editors and students leave them in."""

import copy

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbgrader.utils import is_locked

from autograder.notebook.source import bindings
from autograder.notebook.variants import released_copy, teaching_copy
from autograder.submissions.restore import Restored, restore
from autograder.tests.harness.handed_in import (
    ANSWERS,
    CONFIG,
    LSTM,
    NAMES,
    SOURCES,
    UNANSWERED,
    answers,
    at,
    code,
    duplicate,
    hold,
    mend,
    neighbours,
    of,
    retype,
    solved,
    sources,
    starter,
    text,
)

# --- nothing to mend ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_notebook_needs_no_repair(name: str) -> None:
    restored = mend(solved(name), name)
    assert restored.repairs == ()
    assert answers(restored, name) == ANSWERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_needs_no_repair(name: str) -> None:
    assert mend(starter(name), name) == Restored(UNANSWERED[name], ())


def test_what_jupyterlab_leaves_behind_is_no_repair() -> None:
    nb = solved(q3='q3 = {"output": (1, 3), "h": (1, 3), "c": (1, 3)}  \n\n')
    nb.metadata.language_info = {"name": "python", "version": "3.11.4", "mimetype": "text/x-python"}
    nb.metadata.kernelspec.display_name = "Python 3"
    for n, cell in enumerate(nb.cells):
        cell.metadata.update(collapsed=True, trusted=True, jupyter={"source_hidden": False})
        cell.metadata.get("nbgrader", {}).pop("checksum", None)
        if is_locked(cell):
            cell.source = cell.source.replace("\n", "  \r\n") + "\n"
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = n, [nbformat.v4.new_output("stream", text="a" * n)]
    of(nb, "guess").source = "guess = 3"
    restored = mend(nb)
    assert restored.repairs == ()
    assert sources(restored)["guess"] == "guess = 3"
    assert sources(restored)["q3"] == of(nb, "q3").source


def test_cells_of_the_students_own_stay_where_they_were() -> None:
    nb = solved()
    nb.cells.insert(at(nb, "q3-test"), code("print(output)"))
    nb.cells.insert(at(nb, "q3-test"), text("my notes"))
    nb.cells.insert(0, code("import this"))
    nb.cells.append(code(of(nb, "q4-test").source))  # typed once more, which is no copy
    restored = mend(nb)
    assert restored.repairs == ()
    assert neighbours(restored, "my notes")[1] == "q3-test"
    assert neighbours(restored, "print(output)")[0] == "q3"
    assert [restored.notebook.cells[i].source for i in (0, -1)] == ["import this", of(nb, "q4-test").source]


# --- locked cells -------------------------------------------------------------------------------------------------


def delete(nb: NotebookNode, name: str) -> None:
    del nb.cells[at(nb, name)]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("q3-test", "q3-test: the test cell was deleted; it was restored."),
        ("sizes", "sizes: the cell was deleted; it was restored."),
        ("q2-scheme", "q2-scheme: the cell was deleted; it was restored."),
        ("guess", "guess: the cell was deleted; it was restored."),
        ("q3", "q3: the answer cell was deleted; it was restored."),
        ("q2-why", "q2-why: the answer cell was deleted; it was restored."),
    ],
)
def test_deleted(name: str, sentence: str) -> None:
    nb = solved()
    delete(nb, name)
    restored = mend(nb)
    assert restored.repairs == (sentence,)
    assert sources(restored)[name] == of(UNANSWERED[LSTM], name).source


def test_edited() -> None:
    nb = solved()
    of(nb, "sizes").source = "batch, timesteps, features, units = 1, 1, 1, 1"
    of(nb, "q4-test").source = ""
    assert mend(nb).repairs == (
        "sizes: the cell was edited; the original was used.",
        "q4-test: the test cell was edited; the original was used.",
    )


def test_retyped() -> None:
    nb = solved()
    for name, kind in (("setup", "raw"), ("q3", "markdown"), ("q2-why", "code"), ("q4-test", "markdown")):
        retype(of(nb, name), kind)
    restored = mend(nb)
    assert answers(restored) == ANSWERS[LSTM]
    assert restored.repairs == (
        "setup: the cell was changed to a raw cell; it was changed back to code.",
        "q2-why: the answer cell was changed to a code cell; it was changed back to markdown.",
        "q3: the answer cell was changed to a markdown cell; it was changed back to code.",
        "q4-test: the test cell was changed to a markdown cell; it was changed back to code.",
    )


def test_metadata_changed_to_gain_points() -> None:
    nb = solved()
    of(nb, "q3-test").metadata.nbgrader.points = 200
    of(nb, "q4-test").metadata.nbgrader.update(solution=True, locked=False)
    assert mend(nb).repairs == (
        "q3-test: its nbgrader metadata was changed; the original was used.",
        "q4-test: its nbgrader metadata was changed; the original was used.",
    )


def test_moved() -> None:
    nb = solved()
    nb.cells.insert(at(nb, "q3") + 1, code("print(q3)"))
    taken = nb.cells[at(nb, "q3") : at(nb, "q3") + 2]
    nb.cells = [cell for cell in nb.cells if cell not in taken] + taken
    restored = mend(nb)
    assert restored.repairs == ("q3: the answer cell was moved; it was moved back.",)
    assert neighbours(restored, "print(q3)") == ("q3", "q3-test")


def test_copies_of_locked_cells() -> None:
    nb = solved()
    nb.cells.append(duplicate(of(nb, "sizes")))
    nb.cells.insert(at(nb, "q3-test"), duplicate(of(nb, "q3-test"), 'check("q3", [])'))
    restored = mend(nb)
    assert restored.repairs == (
        "sizes: there are 2 copies of the cell; the original was used.",
        "q3-test: there are 2 copies of the test cell; the original was used.",
        "q3-test: a changed copy was kept as an extra cell.",
    )
    assert restored.notebook.cells[-1].id == "end"
    assert neighbours(restored, 'check("q3", [])') == ("q3", "q3-test")


def test_a_cell_that_borrows_metadata_does_not_push_out_the_real_one() -> None:
    nb = solved()
    meta = of(nb, "q3-test").metadata
    nb.cells.insert(0, code("q3 = 1", **copy.deepcopy(meta)))
    of(nb, "q3-test").metadata = {}
    of(nb, "q3-test").id = "other"
    assert mend(nb).repairs == (
        "q3-test: nbgrader's metadata was lost; identified by id, text or position.",
        "q3-test: there are 2 copies of the test cell; the original was used.",
        "q3-test: a changed copy was kept as an extra cell.",
    )


def test_made_up_names() -> None:
    nb = solved()
    made_up = {"grade_id": "q99-test\n<b>", "grade": True, "points": 100, "locked": True, "solution": False}
    nb.cells.append(code("1 + 1", nbgrader=made_up))
    restored = mend(nb)
    assert restored.repairs == (
        'an extra cell has the nbgrader name "q99-test?<b>"; the cell was kept without that name.',
    )
    assert restored.notebook.cells[-1].source == "1 + 1"


def test_another_kernel() -> None:
    nb = solved()
    nb.metadata.kernelspec = {"name": "ir", "display_name": "R"}
    assert mend(nb).repairs == ('the notebook names the kernel "ir"; the course\'s "python3" was used.',)


def test_the_kernel_of_a_browser_is_no_repair() -> None:
    nb = solved()
    nb.metadata.kernelspec = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
    assert mend(nb).repairs == ()


# --- answers ------------------------------------------------------------------------------------------------------


def test_of_two_copies_the_last_one_answered_counts() -> None:
    nb = solved(q4='q4 = [("h", "c")]')
    nb.cells.insert(at(nb, "q4") + 1, duplicate(of(nb, "q4"), 'q4 = [("output", "h")]'))
    nb.cells.insert(at(nb, "q4") + 2, duplicate(of(starter(), "q4")))
    restored = mend(nb)
    assert restored.repairs == ("q4: there are 3 copies of the answer cell; the last answered copy counts.",)
    assert sources(restored)["q4"] == 'q4 = [("output", "h")]'
    assert neighbours(restored, 'q4 = [("h", "c")]') == ("q4-ask", "q4")


def test_a_copy_cannot_undo_the_answer() -> None:
    nb = solved()
    nb.cells.insert(at(nb, "q4-test"), duplicate(of(nb, "q4"), "q4 = ...\nprint(h)"))
    restored = mend(nb)
    assert neighbours(restored, "q4 = ...\nprint(h)") == ("q4-ask", "q4")


def test_an_answer_split_into_cells_runs_in_its_order() -> None:
    nb = solved()
    lines = ["mine = inputs", *ANSWERS[LSTM]["q5"].replace("inputs,", "mine,", 1).splitlines()]
    i = at(nb, "q5")
    nb.cells[i : i + 1] = [duplicate(nb.cells[i], line) for line in lines]
    restored = mend(nb)
    i = at(restored.notebook, "q5")
    assert [cell.source for cell in restored.notebook.cells[i - 3 : i + 1]] == lines


def test_an_answer_typed_into_the_test_cell() -> None:
    nb = solved(q3=of(starter(), "q3").source)
    of(nb, "q3-test").source = 'shape = (1, 3); q3 = dict.fromkeys("hc", shape)\n' + of(nb, "q3-test").source
    restored = mend(nb)
    assert restored.repairs == (
        "q3: the answer was typed into q3-test; it was moved to a new cell.",
        "q3-test: the test cell was edited; the original was used.",
    )
    assert neighbours(restored, 'shape = (1, 3)\nq3 = dict.fromkeys("hc", shape)') == ("q3", "q3-test")


def test_an_answer_typed_into_a_test_cell_that_is_no_python_any_more() -> None:
    nb = solved(q4=of(starter(), "q4").source)
    of(nb, "q4-test").source = 'q4 = [("output", "h")]\ncheck("q4", q4,'
    assert "q4: the answer was typed into q4-test; it was moved to a new cell." not in mend(nb).repairs
    of(nb, "q4-test").source = '!date\nq4 = [("output", "h")]\n' + of(starter(), "q4-test").source
    restored = mend(nb)
    assert neighbours(restored, 'get_ipython().system(\'date\')\nq4 = [("output", "h")]') == ("q4", "q4-test")


def test_what_is_typed_into_a_test_cell_beside_an_answer_is_dropped() -> None:
    nb = solved()
    of(nb, "q3-test").source = "q3 = 1\n" + of(nb, "q3-test").source
    assert mend(nb).repairs == ("q3-test: the test cell was edited; the original was used.",)


@pytest.mark.parametrize(
    ("place", "said"), [("q3-ask", "after q3-ask"), ("q3-test", "after q3-test"), ("end", "after end")]
)
def test_an_answer_typed_into_a_cell_on_the_wrong_side(place: str, said: str) -> None:
    nb = solved(q3=of(starter(), "q3").source)
    nb.cells.insert(at(nb, place) + 1, code(ANSWERS[LSTM]["q3"]))
    restored = mend(nb)
    assert restored.repairs == (f"q3: the answer was {said}; it was moved above q3-test.",)
    assert neighbours(restored, ANSWERS[LSTM]["q3"]) == ("q3", "q3-test")


def test_an_answer_typed_at_the_top() -> None:
    nb = solved(q3=of(starter(), "q3").source)
    nb.cells.insert(0, code("q3 = 1"))
    assert mend(nb).repairs == ("q3: the answer was at the top; it was moved above q3-test.",)


def test_an_answer_without_a_test() -> None:
    master = teaching_copy(SOURCES[LSTM], CONFIG)
    master.cells = master.cells[: at(master, "q3") + 1]
    nb = released_copy(master)
    nb.cells.insert(0, code("q3 = 1"))
    restored = restore(nb, master)
    assert restored.repairs == ("q3: the answer was at the top; it was moved to the end.",)
    assert restored.notebook.cells[-1].source == "q3 = 1"


def test_an_answer_typed_below_its_stub_is_in_order() -> None:
    nb = solved(q3=of(starter(), "q3").source)
    nb.cells.insert(at(nb, "q3-test"), code(ANSWERS[LSTM]["q3"]))
    restored = mend(nb)
    assert restored.repairs == ()
    assert neighbours(restored, ANSWERS[LSTM]["q3"]) == ("q3", "q3-test")


def test_one_cell_that_answers_all() -> None:
    nb = starter()
    every = "\n".join(source for name, source in ANSWERS[LSTM].items() if not name.endswith("why"))
    nb.cells.append(code(every))
    restored = mend(nb)
    assert restored.repairs == tuple(
        f"q{n}: the answer was after end; it was moved above q{n}-test." for n in range(1, 6)
    )
    assert [cell.source for cell in restored.notebook.cells].count(every) == 5
    assert restored.notebook.cells[-1].id == "end"


def test_a_deleted_answer_cell_is_found_by_what_it_assigns() -> None:
    nb = solved()
    delete(nb, "q3")
    nb.cells.append(code("q3 = 1"))
    nb.cells.append(code("q3 = 2"))
    restored = mend(nb)
    assert restored.repairs == (
        "q3: nbgrader's metadata was lost; identified by id, text or position.",
        "q3: the answer cell was moved; it was moved back.",
    )
    assert sources(restored)["q3"] == "q3 = 2"


def test_a_stub_put_back_does_not_undo_an_answer_given_elsewhere() -> None:
    nb = solved(q3=f"{ANSWERS[LSTM]['q3']}\n{ANSWERS[LSTM]['q4']}")
    delete(nb, "q4")
    restored = mend(nb)
    assert sources(restored)["q4"] == ""
    assert restored.repairs == ("q4: the answer cell was deleted; another cell assigns the answer.",)


# --- written answers ----------------------------------------------------------------------------------------------


def test_a_written_answer_that_fits_no_question_is_left_to_a_reader() -> None:
    nb = solved()
    delete(nb, "q2-why")
    nb.cells.insert(at(nb, "q2-scheme"), text("h sums up every step."))
    restored = mend(nb)
    assert restored.repairs == (
        "q2-why: the answer cell was deleted; it was restored.",
        "the text after q2-hint matches no question; the instructor should check it (unanswered: q2-why).",
    )
    assert neighbours(restored, "h sums up every step.") == ("q2-hint", "q2-why")


def test_a_written_answer_typed_into_a_locked_text() -> None:
    nb = solved(**{"q2-why": of(starter(), "q2-why").source})
    of(nb, "q2-scheme").source += "\n\nh sums up every step."
    restored = mend(nb)
    assert restored.repairs == (
        "q2-scheme: the cell was edited; the original was used.",
        "the text after q2-scheme matches no question; the instructor should check it (unanswered: q2-why).",
    )
    assert neighbours(restored, "h sums up every step.") == ("q2-scheme", "q3-ask")


def test_notes_beside_written_answers_are_nobodys_business() -> None:
    nb = solved()
    nb.cells.insert(0, text("my notes"))
    of(nb, "title").source += "\n\nAnd more notes."
    assert mend(nb).repairs == ("title: the cell was edited; the original was used.",)


def test_pictures_in_a_written_answer_are_kept() -> None:
    nb = solved()
    of(nb, "q2-why").attachments = {"a.png": {"image/png": "iVBORw0KGgo="}}
    of(nb, "title").attachments = {"b.png": {"image/png": "iVBORw0KGgo="}}
    nb.cells.append(text("![c](attachment:c.png)"))
    nb.cells[-1].attachments = {"c.png": {"image/png": "iVBORw0KGgo="}}
    restored = mend(nb)
    assert of(restored.notebook, "q2-why").attachments == {"a.png": {"image/png": "iVBORw0KGgo="}}
    assert "attachments" not in of(restored.notebook, "title")
    assert "c.png" in restored.notebook.cells[-1].attachments


# --- little left --------------------------------------------------------------------------------------------------


def test_nothing_of_the_course_left() -> None:
    nb = starter()
    nb.cells = [code("1 + 1")]
    restored = mend(nb)
    assert restored.repairs == ("no cell of the released notebook was found; all of them were restored.",)
    assert restored.notebook.cells[1:] == UNANSWERED[LSTM].cells


def test_a_long_list_of_repairs_is_cut() -> None:
    nb = starter()
    nb.cells = [of(nb, "q1")]
    repairs = mend(nb).repairs
    assert len(repairs) == 21
    assert repairs[-1] == f"and {len(UNANSWERED[LSTM].cells) - 1 - 20} more"


def test_another_notebook_of_the_course() -> None:
    restored = mend(solved(NAMES[3]), NAMES[0])
    assert "q12" in {name for cell in restored.notebook.cells for name in bindings(cell.source) or {}}


# --- whatever is done to it ---------------------------------------------------------------------------------------

LOOK = "the instructor should check it"
FOREIGN = [
    "",
    "q3 = 1",
    "q3 = q4 = 2",
    "print(1)",
    "### BEGIN HIDDEN TESTS",
    "x = (",
    "*Write your answer here*",
    "guess = 2",
]


@st.composite
def submissions(draw: st.DrawFn) -> tuple[str, NotebookNode]:
    """A notebook whose cells were shuffled, copied, deleted, edited, retyped, stripped and mixed with others."""
    name = draw(st.sampled_from(NAMES))
    nb = draw(st.sampled_from([solved, starter]))(name)
    cells = [nb.cells[i] for i in draw(st.lists(st.integers(0, len(nb.cells) - 1), max_size=60))]
    if draw(st.booleans()):
        cells = nb.cells[: draw(st.integers(0, 40))] + cells[:5]
    nb.cells = [copy.deepcopy(cell) for cell in cells]
    texts = st.sampled_from([*FOREIGN, *(cell.source for cell in UNANSWERED[name].cells)])
    for cell in nb.cells:
        change = draw(st.sampled_from(["", "", "", "id", "metadata", "both", "source", "append", "type", "name"]))
        if change in ("id", "both"):
            cell.id = draw(st.sampled_from(["x", "q3", "q3-test", "guess"]))
        if change in ("metadata", "both"):
            cell.metadata = {}
        if change == "source":
            cell.source = draw(texts)
        if change == "append":
            cell.source += "\n" + draw(texts)
        if change == "type":
            retype(cell, draw(st.sampled_from(["code", "markdown", "raw"])))
        if change == "name":
            cell.metadata.setdefault("nbgrader", {})["grade_id"] = draw(
                st.sampled_from(["q3", "q3-test", "", "made-up", 3])
            )
    return name, nb


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(submissions())
def test_whatever_is_done_to_a_notebook(handed_in: tuple[str, NotebookNode]) -> None:
    name, nb = handed_in
    first = restore(nb, UNANSWERED[name])
    hold(first, UNANSWERED[name])
    again = restore(released_copy(first.notebook), UNANSWERED[name])
    assert again.notebook == first.notebook
    assert all(LOOK in sentence or sentence.startswith("and ") for sentence in again.repairs)
    given_out = {cell.source for cell in (*nb.cells, *UNANSWERED[name].cells)} | {""}
    owned = [cell for cell in first.notebook.cells if cell.id in ANSWERS[name]]
    assert all(cell.source in given_out for cell in owned)
