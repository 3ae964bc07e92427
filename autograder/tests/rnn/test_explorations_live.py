"""The explorations, run as learners run them: with other numbers, with open answers, and answered from the top."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbgrader.validator import Validator

from autograder.course.course import Course
from autograder.learner.jupyterlab import own_copy
from autograder.release.release import contents, release
from autograder.replay.nbval import code_cells
from autograder.tests.rnn.exploration_facts import FACTS
from autograder.tests.rnn.live_notebook import (
    EXPLORATIONS,
    RELEASED,
    LiveNotebook,
    check_cell,
    is_check,
    read,
    solved_cells,
)
from autograder.tests.support import HELPERS, ROOT, SOURCE, copy_helper

ASSIGNMENT = "explorations"
NAMES = tuple(FACTS)
EPOCHS = {"epochs=200": "epochs=100"}  # the LSTM is below the floor after 60, and an MLP cannot get there
OTHERS = [  # two others for each: sizes and seed, few and many
    ("step_by_step", {"3, 6, 2, 4, 4": "1, 2, 1, 3, 1"}),
    ("step_by_step", {"3, 6, 2, 4, 4": "4, 9, 5, 16, 2"}),
    ("output_to_target", {"units, seed = 10, 4": "units, seed = 8, 1", **EPOCHS}),
    ("output_to_target", {"units, seed = 10, 4": "units, seed = 32, 3", **EPOCHS}),
    ("state_test", {"1, 10, 2, 4, 3": "2, 3, 4, 2, 12", "more = 3": "more = 1"}),
    ("state_test", {"1, 10, 2, 4, 3": "40, 7, 1, 9, 13", "more = 3": "more = 6"}),
    ("stacked", {"seed = 4, 5, 5": "seed = 3, 7, 1", "ones = np": "ones = 2 * np"}),
    ("stacked", {"seed = 4, 5, 5": "seed = 6, 2, 2"}),
]


@pytest.fixture
def beside_the_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Import the helpers, keep what they write in a temporary folder, and rewrite no graphs, as `c.Limits.prepare`.

    To rewrite the graph of the data takes half of a training's time, once an epoch; the numbers are the same.
    """
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    monkeypatch.chdir(tmp_path)
    sys.path.insert(0, str(SOURCE))
    yield
    sys.path.remove(str(SOURCE))
    tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.mark.tensorflow
@pytest.mark.xdist_group("tensorflow")
@pytest.mark.parametrize(("name", "changes"), OTHERS, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.usefixtures("beside_the_helpers")
def test_everything_is_right_with_other_numbers(name: str, changes: dict[str, str]) -> None:
    live = LiveNotebook(read(EXPLORATIONS, name), changes)
    live.run_all()
    judging = [cell for cell, code in live.cells.items() if is_check(code)]
    assert judging
    assert not [(cell, live.shown[cell]) for cell in judging if not live.is_right(cell)]


@pytest.mark.tensorflow
@pytest.mark.xdist_group("tensorflow")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("beside_the_helpers")
def test_run_all_then_answer_from_the_top(name: str) -> None:
    released = read(RELEASED, name)
    live = LiveNotebook(released, EPOCHS if name == "output_to_target" else {})
    live.run_all()
    judging = [cell for cell, code in live.cells.items() if is_check(code)]
    assert not [(cell, live.shown[cell]) for cell in judging if not live.is_open(cell)]
    for answer, code in solved_cells(name).items():
        check = check_cell(released, answer)
        live.run(answer, code)
        live.run(check)  # at once, with all later cells run before
        assert live.is_right(check), live.shown[check]
        live.run_after(answer, check)  # or cell by cell
        assert live.is_right(check), live.shown[check]


def test_explorations_stay_out_of_the_gradebook(course: Course, tmp_path: Path) -> None:
    assert course.ungraded == [ASSIGNMENT]
    assert course.graded() == ["rnn_shapes"]
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(EXPLORATIONS, tmp_path / "solutions" / ASSIGNMENT)
    own = Course.at(tmp_path)
    release(own, ASSIGNMENT)
    assert not (tmp_path / "gradebook.db").exists()
    mine = set(contents(own_copy(own) / ASSIGNMENT))
    assert mine == {*HELPERS, *(path.name for path in EXPLORATIONS.glob("*.ipynb"))}


def test_the_helpers_are_those_of_the_graded_notebooks() -> None:
    beside = {name: content for name, content in contents(EXPLORATIONS).items() if not name.endswith(".ipynb")}
    assert beside == {name: (SOURCE / name).read_bytes() for name in HELPERS}


@pytest.mark.kernel
def test_validate_lists_what_is_open_or_wrong(tmp_path: Path) -> None:
    shutil.copy(RELEASED / "state_test.ipynb", tmp_path)
    copy_helper(tmp_path, RELEASED)
    notebook = read(tmp_path, "state_test")
    for cell in code_cells(notebook):
        cell.source = cell.source.replace("mine = ...  # output[...]", "mine = output[:, 0]")
    nbformat.write(notebook, tmp_path / "state_test.ipynb")
    results = Validator().validate(str(tmp_path / "state_test.ipynb"))
    errors = "\n".join(failed["error"] for failed in results["failed"])
    assert "○ below: not answered." in errors
    assert "✗ mine: not yet. The shape is right, but the values differ." in errors
