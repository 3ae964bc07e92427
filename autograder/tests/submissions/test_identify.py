"""Which notebook a file is."""

import pytest
from nbformat import NotebookNode

from autograder.notebook.variants import released_copy
from autograder.submissions.identify import identify_notebooks
from autograder.tests.harness.handed_in import LSTM, NAMES, UNANSWERED, code, of, saved, solved, starter

FILE = f"{LSTM}.ipynb"

# --- place --------------------------------------------------------------------------------------------------------

CONTENTS = {name: saved(solved(name)) for name in NAMES}
OTHERS = {f"{name}.ipynb": content for name, content in CONTENTS.items() if name != LSTM}


def placed(*paths: str, unanswered: bool = False) -> tuple[bytes | None, list[str]]:
    """Where the first notebook was found, its path being its content, and what was said."""
    files = {path: path.encode() for path in paths}
    found, said = identify_notebooks(files | OTHERS, NAMES, UNANSWERED if unanswered else None)
    assert {name: content for name, content in found.items() if name != LSTM} == {
        name: content for name, content in CONTENTS.items() if name != LSTM
    }
    return found[LSTM], said


def test_exact_names() -> None:
    assert placed(FILE, "shapes.py", "notes.txt") == (FILE.encode(), [])
    assert identify_notebooks({FILE: b"1"}, [FILE]) == ({FILE: b"1"}, [])


@pytest.mark.parametrize(
    "path",
    [
        "1_lstm (1).ipynb",
        "1_lstm-Copy1.ipynb",
        "1_LSTM.ipynb",
        "alice_1_lstm.ipynb",
        "alice_9_1_lstm-2.ipynb",
        "1-lstm.ipynb",
    ]
    + [
        "1 LSTM final.ipynb",
        "1_lstm.ipynb.txt",
        "1_lstm.ipynb.json",
        "1_lstm.json",
        "a/1_lstm.ipynb",
        "a.zip/b/1_lstm.ipynb",
    ],
)
def test_renamed_and_misplaced(path: str) -> None:
    assert placed(path) == (path.encode(), [f"1_lstm: read from {path}."])
    assert placed(path, unanswered=True) == placed(path)


@pytest.mark.parametrize("path", ["1_lstmx.ipynb", "11_lstm.ipynb", "lstm.ipynb", "lstm_1.ipynb", "Untitled.ipynb"])
def test_other_names_are_not_taken(path: str) -> None:
    sentence = f"{path}: could not be matched to a missing notebook; skipped."
    assert placed(path) == (None, [sentence])


def test_missing() -> None:
    assert placed() == (None, [])
    assert identify_notebooks({}, ["a", "b"]) == ({"a": None, "b": None}, [])


def test_a_name_that_holds_another() -> None:
    files = {"bob_lstm_two.ipynb": b"2", "bob_lstm.ipynb": b"1"}
    assert identify_notebooks(files, ["lstm", "lstm_two"])[0] == {"lstm": b"1", "lstm_two": b"2"}
    assert identify_notebooks({"lstm gru.ipynb": b"1"}, ["lstm", "gru_"])[0]["lstm"] is None


@pytest.mark.parametrize("name", NAMES)
def test_by_its_cells(name: str) -> None:
    for nb in (solved(name), starter(name)):
        found, said = identify_notebooks({"Untitled.ipynb": saved(nb)}, NAMES, UNANSWERED)
        assert found == {other: saved(nb) if other == name else None for other in NAMES}
        assert said == [f"{name}: read from Untitled.ipynb, identified by its cells."]
    bare = NotebookNode(nb, cells=[NotebookNode(cell, metadata={}, id=f"x{n}") for n, cell in enumerate(nb.cells)])
    assert identify_notebooks({"a.ipynb": saved(bare)}, NAMES, UNANSWERED)[0][name] == saved(bare)
    few = NotebookNode(nb, cells=nb.cells[::3])
    assert identify_notebooks({"a.ipynb": saved(few)}, NAMES, UNANSWERED)[0][name] == saved(few)


def test_cells_of_two_notebooks_decide_nothing() -> None:
    both = starter()
    both.cells += [cell for cell in starter(NAMES[3]).cells if cell.id not in {known.id for known in both.cells}]
    found, said = identify_notebooks({"all.ipynb": saved(both), "no.ipynb": b"{"}, NAMES, UNANSWERED)
    assert set(found.values()) == {None}
    assert said == [
        "all.ipynb: could not be matched to a missing notebook; skipped.",
        "no.ipynb: could not be matched to a missing notebook; skipped.",
    ]


def test_a_name_that_its_cells_belie() -> None:
    files = {"1_lstm-Copy1.ipynb": CONTENTS[NAMES[2]]}
    found, said = identify_notebooks(files, NAMES, UNANSWERED)
    assert found == {name: CONTENTS[name] if name == NAMES[2] else None for name in NAMES}
    assert said == ["3_gru: read from 1_lstm-Copy1.ipynb, identified by its cells."]


def best(files: dict[str, bytes], unanswered: bool = True) -> tuple[str, list[str]]:
    found, said = identify_notebooks(files, [LSTM], {LSTM: UNANSWERED[LSTM]} if unanswered else None)
    return next(path for path, content in files.items() if content == found[LSTM]), said


def test_of_several_the_exact_name_counts() -> None:
    files = {FILE: saved(starter()), "1_lstm-Copy1.ipynb": CONTENTS[LSTM], "old/1_lstm.ipynb": CONTENTS[LSTM]}
    assert best(files) == (FILE, ["1_lstm: 3 files match; 1_lstm.ipynb was used: its name matches better."])


def test_of_several_alike_the_most_answered_counts() -> None:
    some = solved(q1=of(starter(), "q1").source)
    files = {"1_lstm (1).ipynb": saved(some), "1_lstm (2).ipynb": CONTENTS[LSTM], "1_lstm (3).ipynb": saved(starter())}
    sentence = "1_lstm: 3 files match; 1_lstm (2).ipynb was used: it has more answers."
    assert best(files) == ("1_lstm (2).ipynb", [sentence])
    sentence = "1_lstm: 3 files match; 1_lstm (1).ipynb was used: its name comes first."
    assert best(files, unanswered=False) == ("1_lstm (1).ipynb", [sentence])


def test_of_several_one_that_can_be_read_counts() -> None:
    files = {FILE: b"", "1_lstm (1).ipynb": CONTENTS[LSTM]}
    sentence = "1_lstm: 2 files match; 1_lstm (1).ipynb was used: the others cannot be read."
    assert best(files) == ("1_lstm (1).ipynb", [sentence])


def test_the_same_file_twice_is_no_choice() -> None:
    assert best({FILE: CONTENTS[LSTM], "1_lstm (1).ipynb": CONTENTS[LSTM]}) == (FILE, [])


def test_more_written_counts_where_names_of_cells_are_lost() -> None:
    short = starter()
    short.cells.append(code("q1 = 1"))
    files = {"1_lstm (1).ipynb": saved(starter()), "1_lstm (2).ipynb": saved(short)}
    assert best(files)[0] == "1_lstm (2).ipynb"


def test_a_released_copy_is_as_good_a_master() -> None:
    released = {name: released_copy(nb) for name, nb in UNANSWERED.items()}
    assert identify_notebooks({"a.ipynb": CONTENTS[LSTM]}, NAMES, released)[0][LSTM] == CONTENTS[LSTM]
