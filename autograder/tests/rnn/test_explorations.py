"""The explorations: what they prove and print, what the release leaves open, the way through all seven notebooks."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np
import pytest
from matplotlib import colors
from matplotlib.figure import Figure
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution
from nbgrader.validator import Validator

from autograder.course.course import Course
from autograder.learner.jupyterlab import own_copy
from autograder.release.release import is_stale, release
from autograder.replay.nbval import code_cells, is_marked
from autograder.tests.support import NOTEBOOKS, ROOT

ASSIGNMENT = "explorations"
NAMES = ("stacked", "state_test", "step_by_step")
SOLVED = ROOT / "solutions" / ASSIGNMENT
RELEASED = ROOT / "notebooks" / ASSIGNMENT
AXIS_WORDS = {"timesteps", "units", "one of the units", "epochs", "loss, mean over batch and timesteps"}

X = "[[[1, 2], [2, 2], [5, 2], [6, 2]], [[5, 2], [7, 2], [7, 2], [8, 2]], [[3, 2], [4, 2], [5, 2], [7, 2]]]"
PRINTED = {  # what a cell must print: outputs that nbval compares
    "state_test": """(3, 10, 2)|(3, 10, 4)|(3, 4)|(3, (3, 10, 4))|(2, (3, 10, 4))|expected ndim=3, found ndim=2
        expects 1 input(s), but it received 3 input tensors|lstm_last: h is output
        lstm_all: h is the last timestep of output|h of gru_last equals h of gru_all|equal without shared weights: False
        timesteps of output that equal c: 0""",
    "step_by_step": """(3, 4, 2)|(2, 40)|(features, 4·units)|(10, 40)|(units, 4·units)|(40,)|(4·units,)
        520 parameters; the forget gate's bias starts at 1.0|gates in [0, 1]|(3, 4, 10)|(3, 10)|(10, 1)|(1, 10, 1)
        (3, 10, 1)|(3, 4, 1)|(3, 4)|(4,)|(1, 4, 4)|(1, 40)|520 with two features, 480 with one|(3, 2, 1)
        could not be broadcast together with shapes (3,2) (3,4)|swapped         no error, wrong result
        forgotten       no error, wrong result|reset to zeros  same as on its own|floor: 0.889
        below the floor by epoch 60""",
    "stacked": """(1, 1, 6)|(1, 1, 4)|(1, 4)|ignored|error|has no attribute 'assign'|(2, 3, 6)|(2, 3, 5)|(2, 4)|(2, 5)
        (2, 2, 4)|(2, 2, 5)|(2, 7, 4)|(2, 7, 5)|(2, 3, 8)|(2, 8)|the same numbers|(batch, timesteps, 2·units)""",
}
WRITTEN = {  # what stands in code that runs: givens, and what is asserted
    "state_test": """batch, timesteps, features, units = 3, 10, 2, 4|np.array_equal(last, h)|atol=1e-5""",
    "step_by_step": f"""{X}|[[1, 3, 7, 11], [5, 12, 14, 15], [3, 7, 9, 12]]|== 520|np.isclose(floor, 8 / 9)
        (f == 1).all()|sorted(y[now == 5]) == [5, 7, 9]|np.array_equal(y, now + before)|Adam(0.05)|epoch <= 60
        np.array_equal(broadcast, prediction)|initial_state=[h_half, c_half]|(np.abs(h1) < np.abs(c1)).all()""",
    "stacked": """[[[3, 2, 2, 2, 2, 2]]]|[[1, 2, 3, 4, 3, 2], [1, 2, 1, 1, 1, 2], [1, 2, 2, 2, 2, 2]]
        [[1, 2, 3, 4, 3, 2], [3, 2, 2, 1, 1, 2], [0, 0, 0, 0, 3, 2]]|layer.states = [ones, ones]|.assign(ones)
        reset_state()|np.array_equal(h_backward, output[:, 0, 4:])
        assert not np.isclose(h_backward, output[:, -1, 4:]""",
}


def wanted(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, part.strip()) for name, parts in table.items() for part in re.split(r"[|\n]", parts)]


def read(folder: Path, name: str) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(folder / f"{name}.ipynb", 4)
    return notebook


def printed(notebook: NotebookNode) -> str:
    """What the marked cells have stored."""
    outputs = [output for cell in code_cells(notebook) if is_marked(cell) for output in cell.outputs]
    return "\n".join(output.get("text") or output.data["text/plain"] for output in outputs)


@pytest.fixture(scope="module")
def explore() -> Iterator[Any]:
    """The explorations' helper, which reads sizes into itself."""
    sys.path.insert(0, str(SOLVED))
    import explore  # type: ignore[import-not-found,unused-ignore]

    yield explore
    sys.path.remove(str(SOLVED))


class Lived(NamedTuple):
    """What a notebook has shown: verdicts, pictures."""

    verdicts: list[str]
    figures: list[Figure]


@pytest.fixture
def live(explore: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[NotebookNode], Lived]:
    """Runs a notebook in this process."""

    def run(notebook: NotebookNode) -> Lived:
        seen = Lived([], [])
        check, plt = explore.check, explore.plt

        def noted(*given: Any) -> Any:
            verdict = check(*given)
            seen.verdicts.append(verdict.verdict)
            return verdict

        def keep() -> None:
            seen.figures.append(plt.gcf())
            plt.close()

        monkeypatch.setattr(explore, "check", noted)
        monkeypatch.setattr(plt, "show", keep)
        namespace: dict[str, Any] = {"__name__": "notebook"}
        for cell in code_cells(notebook):
            exec(cell.source, namespace)
        return seen

    plt = explore.plt
    plt.switch_backend("agg")
    return run


@pytest.mark.parametrize(("name", "part"), wanted(PRINTED))
def test_what_the_course_promises_is_printed_by_a_cell(name: str, part: str) -> None:
    assert part in printed(read(SOLVED, name))


@pytest.mark.parametrize(("name", "part"), wanted(WRITTEN))
def test_what_the_course_promises_stands_in_code_that_runs(name: str, part: str) -> None:
    assert part in "\n".join(cell.source for cell in code_cells(read(SOLVED, name)))


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", NAMES)
def test_the_solution_is_right_throughout_and_its_pictures_are_labelled(
    name: str, live: Callable[[NotebookNode], Lived]
) -> None:
    notebook = read(SOLVED, name)
    seen = live(notebook)
    assert seen.verdicts == ["right"] * sum(map(is_solution, notebook.cells))
    assert len(seen.verdicts) >= 4
    assert seen.figures
    for figure in seen.figures:
        assert all(place.get_xlabel() in AXIS_WORDS for place in figure.axes)
        assert figure.axes[0].get_ylabel() in AXIS_WORDS
        assert figure.axes[0].get_title()
        _holds_no_colour(figure)


def _holds_no_colour(figure: Figure) -> None:
    for place in figure.axes:
        inks = [line.get_color() for line in place.lines] + [text.get_color() for text in place.texts]
        assert all(len({*colors.to_rgb(ink)}) == 1 for ink in inks)
        looks = [(line.get_linestyle(), line.get_marker()) for line in place.lines if line.get_marker() != "None"]
        assert len(set(looks)) == len(looks)
        assert all(image.get_cmap().name == "Greys" for image in place.images)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", NAMES)
def test_the_released_notebook_runs_to_its_end_with_everything_open(
    name: str, live: Callable[[NotebookNode], Lived]
) -> None:
    seen = live(read(RELEASED, name))
    assert set(seen.verdicts) == {"not answered"}


def test_the_release_is_what_the_sources_give_and_holds_no_solution(course: Course) -> None:
    assert not is_stale(course, ASSIGNMENT)
    for name in NAMES:
        source, text = read(SOLVED, name), (RELEASED / f"{name}.ipynb").read_text(encoding="utf-8")
        assert "BEGIN" not in text
        assert text.count("# put your answer in place of ...") == sum(map(is_solution, source.cells))
        released = "\n".join(cell.source for cell in nbformat.reads(text, 4).cells)
        for cell in filter(is_solution, source.cells):
            solution = re.search(r"### BEGIN SOLUTION\n(.*)\n### END", cell.source, re.DOTALL)
            assert solution
            assert solution[1] not in released


def test_explorations_stay_out_of_the_gradebook(course: Course, tmp_path: Path) -> None:
    assert course.ungraded == [ASSIGNMENT]
    assert course.graded() == ["rnn_shapes"]
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(SOLVED, tmp_path / "solutions" / ASSIGNMENT)
    own = Course.at(tmp_path)
    release(own, ASSIGNMENT)
    assert not (tmp_path / "gradebook.db").exists()
    mine = own_copy(own) / ASSIGNMENT
    assert sorted(path.name for path in mine.iterdir()) == [
        "explore.py",
        *(f"{name}.ipynb" for name in NAMES),
        "verdicts.py",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_an_exploration_is_short_and_each_prediction_has_its_check(name: str) -> None:
    cells = read(SOLVED, name).cells
    assert len(cells) <= 42
    for cell in cells:
        assert cell.cell_type != "code" or len(cell.source.splitlines()) <= 15, cell.id
    checks = [cell for cell in cells if re.search(r"^(check|compare)\(", cell.source, re.M)]
    assert {f"{cell.id}-check" for cell in cells if is_solution(cell)} == {cell.id for cell in checks}
    assert all(is_grade(cell) and cell.metadata.nbgrader.points == 0 for cell in checks)  # Validate looks at these


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_that_prints_is_compared(name: str) -> None:
    pictures = ("curves(", "heat_map(")
    for cell in code_cells(read(SOLVED, name)):
        prints = re.search(r"^\s*(print|show|check|compare)\(", cell.source, re.M)
        assert is_marked(cell) == bool(prints and not any(picture in cell.source for picture in pictures)), cell.id


def links(notebook: NotebookNode) -> list[str]:
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [link for text in texts for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]


def test_links_lead_from_graded_notebooks_to_explorations_and_back() -> None:
    for folder, names in (("rnn_shapes", NOTEBOOKS), (ASSIGNMENT, NAMES)):
        for name in names:
            notebook = read(ROOT / "notebooks" / folder, name)
            assert all((ROOT / "notebooks" / folder / link).is_file() for link in links(notebook))
            other = "../explorations/" if folder == "rnn_shapes" else "../rnn_shapes/"
            assert other in notebook.cells[-1].source
    ends = "".join(read(ROOT / "notebooks/rnn_shapes", name).cells[-1].source for name in NOTEBOOKS)
    assert all(f"../explorations/{name}.ipynb" in ends for name in NAMES)


def test_the_readme_shows_the_way_through_all_seven() -> None:
    student = (ROOT / "README.md").read_text(encoding="utf-8").partition("## I am an instructor")[0]
    rows = re.findall(r"^\| (\d) \| `([\w/]+)` \|", student, re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 8))
    there = {f"rnn_shapes/{name}" for name in NOTEBOOKS} | {f"{ASSIGNMENT}/{name}" for name in NAMES}
    assert {path for _, path in rows} == there


@pytest.mark.kernel
def test_validate_says_which_predictions_are_open(tmp_path: Path) -> None:
    for name in ("explore.py", "verdicts.py", "state_test.ipynb"):
        shutil.copy(RELEASED / name, tmp_path)
    notebook = read(tmp_path, "state_test")
    for cell in notebook.cells:
        cell.source = {"second": "choice = 'A'", "where": "mine = ..."}.get(cell.id, cell.source)
    nbformat.write(notebook, tmp_path / "state_test.ipynb")
    results = Validator().validate(str(tmp_path / "state_test.ipynb"))
    said = "\n".join(failed["error"] for failed in results["failed"])
    assert "○ table: not answered." in said
    assert "✗ choice: not yet. &#39;A&#39; does not match the result." in said


# The helper


SHAPES = {"output": (3, 10, 4), "h": (3, 4)}
MESSAGES = [
    ((3, 4), ..., "○ it: not answered. Replace the ... in the cell above, run that cell, then run this cell again."),
    (SHAPES, {"output": (3, 10, 4), "h": ...}, "○ it: not answered."),
    ((3, 4), (3, 4), "✓ it: right. It matches the result."),
    ((3, 4), [3, 4], "✓ it: right."),
    (SHAPES, dict(SHAPES), "✓ it: right."),
    (2, 2, "✓ it: right."),
    ((3, (3, 4)), (3, (3, 4)), "✓ it: right."),
    (np.ones((2, 2)), [[1, 1], [1, 1.000001]], "✓ it: right."),
    ((3, 4), (3, 10, 4), "✗ it: not yet. You gave 3 axes, (3, 10, 4); the result has 2."),
    ((3, 4), (3, 10), "✗ it: not yet. In (3, 10) the units axis has the wrong size."),
    ((3, 4), "(3, 4)", "✗ it: not yet. '(3, 4)' is not a shape. A shape is a tuple with one size for each axis."),
    (SHAPES, {"output": (3, 10, 4)}, "✗ it: not yet. Give a dict with one value for each of: output, h."),
    (SHAPES, {**SHAPES, "h": (3,)}, "✗ it: not yet. h: You gave 1 axis, (3,); the result has 2."),
    (2, True, "✗ it: not yet. True does not match the result."),
    (1, True, "✗ it: not yet. True does not match the result."),
    ("C", "A", "✗ it: not yet. 'A' does not match the result."),
    ((3, (3, 4)), 3, "✗ it: not yet. Give 2 values."),
    ((3, (3, 4)), (2, (3, 4)), "✗ it: not yet. 2 does not match the result."),
    (np.ones((2, 2)), np.ones(2), "✗ it: not yet. You gave 1 axis, (2,); the result has 2."),
    (np.ones((2, 2)), np.zeros((2, 2)), "✗ it: not yet. The shape is right, but the values differ."),
    (np.ones((2, 2)), "ones", "✗ it: not yet. You gave a string; an array of numbers is needed."),
]


@pytest.mark.parametrize(("came", "given", "says"), MESSAGES)
def test_a_check_says_what_it_sees(explore: Any, came: Any, given: Any, says: str) -> None:
    assert repr(explore.check("it", given, came, "batch, units")).startswith(says)


def test_without_axis_names_a_check_counts_the_axes(explore: Any) -> None:
    assert "In (3, 5) axis 1 has the wrong size." in repr(explore.check("it", (3, 5), (3, 4)))


class _Odd:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("odd")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("came", [2, (3, 4), SHAPES, "C", (3, (3, 4)), np.ones(2)])
def test_a_check_never_raises_in_a_session(explore: Any, came: Any) -> None:
    for odd in (_Odd(), [_Odd(), _Odd()], {"output": _Odd(), "h": _Odd()}, np.ones(3), [[1], [1, 2]], None, 3 + 4j):
        assert explore.check("it", odd, came).verdict == "not yet"
    text = "Your answer could not be read (RuntimeError). Use strings, numbers, tuples or arrays."
    assert explore.check("it", _Odd(), 2).text == text


def test_a_check_raises_under_validate_alone(explore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert explore.check("it", 2, 2).verdict == "right"
    with pytest.raises(AssertionError, match=r"✗ it: not yet\. 3 does not match the result\."):
        explore.check("it", 3, 2)


def test_a_verdict_is_shown_as_html_that_cannot_be_code(explore: Any) -> None:
    shown = explore.check("<i>", "<b>", "C")._repr_html_()
    assert "✗ &lt;i&gt;: not yet." in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


def test_a_table_hides_what_came_until_there_is_a_prediction(explore: Any, capsys: pytest.CaptureFixture[str]) -> None:
    came = {"a": (3, 4), "bb": (3, 10, 4), "c": 7}
    verdict = explore.compare("table", {"a": (3, 4), "bb": ..., "c": 8}, came)
    assert capsys.readouterr().out.splitlines() == [
        "      result                your prediction",
        "✓ a   (3, 4)                (3, 4)",
        "○ bb  ?                     ...",
        "✗ c   7                     8",
    ]
    assert verdict.verdict == "not answered"
    assert explore.compare("table", "no dict", came).text == "Give a dict with one value for each of: a, bb, c."


def test_show_names_the_axes_and_holds_the_array_to_them(explore: Any, capsys: pytest.CaptureFixture[str]) -> None:
    explore.name_axes(batch=3, timesteps=10, features=2, units=4)
    explore.show("W", np.ones((2, 16)), "features, 4·units")
    explore.show("b", np.ones(16), "4·units")
    explore.show("x", np.ones((1, 5, 1)), "1, timesteps, features", timesteps=5, features=1)
    assert capsys.readouterr().out.splitlines() == [
        "W                  (2, 16)       (features, 4·units)",
        "b                  (16,)         (4·units,)",
        "x                  (1, 5, 1)     (1, timesteps, features)",
    ]
    with pytest.raises(AssertionError, match=r"W: its shape is \(2, 16\), but \(batch, units\) means \(3, 4\)\."):
        explore.show("W", np.ones((2, 16)), "batch, units")
    with pytest.raises(KeyError, match="nodes"):
        explore.show("W", np.ones(4), "nodes")


def test_pictures_are_the_same_each_time_and_stand_below_as_text(
    explore: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plt, shots = explore.plt, []
    plt.switch_backend("agg")

    def shoot() -> None:
        plt.gcf().canvas.draw()
        shots.append(bytes(plt.gcf().canvas.buffer_rgba()))
        plt.close()

    monkeypatch.setattr(plt, "show", shoot)
    for _ in range(2):
        explore.curves({"h": np.arange(30) / 30}, "title", "timesteps", "units", {"level": 0.5})
        explore.heat_map({"f": np.array([[0.25, 1.0], [0.75, 0.0]])}, "title")
    assert shots[:2] == shots[2:]
    assert capsys.readouterr().out.splitlines()[:2] == [
        "h (one value in 2): 0.00 0.07 0.13 0.20 0.27 0.33 0.40 0.47 0.53 0.60 0.67 0.73 0.80 0.87 0.93",
        "f, mean over units: 0.50 0.50",
    ]
