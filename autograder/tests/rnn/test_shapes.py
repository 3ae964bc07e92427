"""The learner's helper: verdicts, the pictures of wrong answers, predictions, and its files."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from autograder.release.release import contents
from autograder.rnn.sample_answers import SAMPLES
from autograder.tests.rnn.answers import LAST, LIVE, ONE, SEQUENCE, STATES, WRONG
from autograder.tests.support import HELPERS, ROOT, SOURCE, copy_helper


def _svg(shown: Any) -> ElementTree.Element:
    """The picture in what is shown; raises where it is not well formed."""
    return _svgs(shown)[0]


def _svgs(shown: Any) -> list[ElementTree.Element]:
    found = re.findall(r"<svg.*?</svg>", shown._repr_html_(), re.DOTALL)
    assert found, shown
    return [ElementTree.fromstring(svg) for svg in found]


def _texts(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("{http://www.w3.org/2000/svg}text")]


# --- verdicts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "answer", "text"), WRONG[::5])
def test_a_verdict_is_shown_as_html_that_is_announced(shapes: Any, question: str, answer: Any, text: str) -> None:
    html = shapes.check(question, answer, **LIVE[question])._repr_html_()
    tree = ElementTree.fromstring(html)
    assert tree.get("role") == "status"
    assert tree.findtext("strong") == f"✗ {question}: not yet."
    assert text in "".join(tree.itertext())
    assert not re.search(r"(?<!-)color:(?!currentColor)", html), "the page's own colours, in light and dark"


def test_an_unanswered_part_is_named(shapes: Any) -> None:
    end = "Replace the ... in the cell above, run that cell, then run this cell again."
    for answer, text in (
        (..., end),
        ({"output": ..., "h": ..., "c": ...}, end),
        ([...], end),
        (ONE | {"h": ...}, f"Still unanswered: h. {end}"),
        (ONE | {"h": (1, ...), "c": ...}, f"Still unanswered: h, c. {end}"),
    ):
        assert repr(shapes.check("q3", answer, **STATES)) == f"○ q3: not answered. {text}"


def test_while_an_assignment_is_graded_the_tests_judge(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    for answer in (ONE, (3,), ...):
        verdict = shapes.check("q3", answer, **STATES)
        assert repr(verdict) == verdict.text == "q3: the tests below check this answer."
        assert verdict.verdict == ""
    assert shapes.check("mine", 3, observed=3).verdict == "right"
    assert "<svg" in shapes.draw(h=STATES["h"], after="q3").html, "no answer is given away any more"


def test_validate_fails_for_what_is_wrong_or_missing(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    for answer, text in (((3,), "✗ q3: not yet. output: you gave 1 axis"), (..., "○ q3: not answered. Replace")):
        with pytest.raises(AssertionError, match=re.escape(text)):
            shapes.check("q3", answer, **STATES)
    assert shapes.check("q3", ONE, **STATES).verdict == "right"


# --- pictures of wrong answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "title", "edges"),
    [
        ("q3", ONE | {"h": (3,)}, "h, as you gave it (3,)", ["✗ batch missing", "units: 3"]),
        ("q3", ONE | {"h": (8, 3)}, "h, as you gave it (8, 3)", ["units: 3", "✗ batch: 8"]),
        ("q3", ONE | {"h": (1, 8, 3)}, "h, as you gave it (1, 8, 3)", ["axis 0: 1", "axis 2: 3", "✗ axis 1: 8"]),
        ("q6", SEQUENCE | {"output": (1, 3, 8)}, None, ["batch: 1", "units: 8", "✗ timesteps: 3"]),
        ("q6", SEQUENCE | {"output": (1, 8, 2)}, None, ["batch: 1", "✗ units: 2", "timesteps: 8"]),
        ("q6", SEQUENCE | {"output": (2, 8, 3)}, None, ["✗ batch: 2", "units: 3", "timesteps: 8"]),
        ("q1", ("batch", "features", "timesteps"), None, ["batch: 1", "timesteps: 2", "✗ features: 8"]),
        ("q12", {"axis": "timesteps", "index": -2}, None, ["batch: 1", "units: 3", "timesteps: 8"]),
        ("q12", {"axis": "units", "index": 0}, None, ["batch: 1", "✗ units: 3", "timesteps: 8"]),
    ],
)
def test_a_wrong_answer_is_drawn_as_given_with_the_axis_at_fault_marked(
    shapes: Any, question: str, answer: Any, title: str | None, edges: list[str]
) -> None:
    if question == "q6":
        answer = {name: part if isinstance(part, tuple) else part.shape for name, part in answer.items()}
    svg = _svg(shapes.check(question, answer, **LIVE[question]))
    texts = _texts(svg)
    assert texts[0].endswith(", as you gave it")
    assert [text for text in texts if ":" in text or "missing" in text][: len(edges)] == edges
    assert title in (None, svg.findtext("{*}title"))
    assert ("stroke-dasharray" in ElementTree.tostring(svg, "unicode")) == any("✗" in edge for edge in edges)


def test_the_slice_that_was_taken_is_marked(shapes: Any) -> None:
    texts = _texts(_svg(shapes.check("q12", {"axis": "timesteps", "index": -2}, **LAST)))
    assert texts[texts.index("yours") - 1] == "6"


@pytest.mark.parametrize("shape", [(-1, 3), (10**12, 3), (1, 2, 3, 4, 5)])
def test_a_shape_that_cannot_be_drawn_is_only_told(shapes: Any, shape: tuple[int, ...]) -> None:
    said = shapes.check("q3", ONE | {"h": shape}, **STATES)
    assert said.verdict == "not yet"
    assert "<svg" not in said.html


@pytest.mark.parametrize("question", ["q3", "q6", "q9", "q11"])
def test_no_picture_of_a_wrong_answer_shows_what_was_expected(shapes: Any, question: str) -> None:
    for sample in SAMPLES[question]:
        if sample.points:
            continue
        namespace: dict[str, Any] = {"batch": 1, "units": 3, "np": np, **LIVE[question]}
        exec(sample.code, namespace)
        said = shapes.check(question, namespace[question], **LIVE[question])
        given = namespace[question] if isinstance(namespace[question], dict) else {"output": namespace[question]}
        shown = re.sub(r"<(?!title|desc|text)[^>]*>", "", said._repr_html_())
        for name, array in LIVE[question].items():
            assert str(array.shape) not in shown or str(array.shape) in str(given), (name, sample)


# --- predictions ----------------------------------------------------------------------------------------------------

PREDICTIONS: list[tuple[Any, Any, str]] = [
    ((3, 4), ..., "○ it: not answered. Replace the ... in the cell above, run that cell, then run this cell again."),
    ((3, 4), [3, 4], "✓ it: right. It matches the result."),
    ((3, 4), (4, 3), "✗ it: not yet. In (4, 3) axis 0 has the wrong size."),
    ((1, 3), (1, 4), "✗ it: not yet. In (1, 4) axis 1 has the wrong size."),
    ((3, 4), (4,), "✗ it: not yet. You gave 1 axis, (4,); the result has 2."),
    ((3, 4), 12, "✗ it: not yet. You gave the number 12; a shape is needed: a tuple with one size for each axis."),
    (3, 3.0, "✓ it: right. It matches the result."),
    (3, 4, "✗ it: not yet. 4 does not match the result."),
    (0.5, 0.500001, "✓ it: right. It matches the result."),
    (0.5, 0.6, "✗ it: not yet. 0.6 does not match the result."),
    (True, 1, "✗ it: not yet. 1 does not match the result."),
    ("a", "b", "✗ it: not yet. 'b' does not match the result."),
    ("a", np.zeros(2), "✗ it: not yet. an array does not match the result."),
    (("a", 2), ["a", 2], "✓ it: right. It matches the result."),
    (("a", 2), "a", "✗ it: not yet. Give 2 values."),
    (("a", 2), ("a", 3), "✗ it: not yet. 3 does not match the result."),
    (np.ones(2), [1, 1 + 1e-6], "✓ it: right. It matches the result."),
    (np.ones(2), [1, 2], "✗ it: not yet. The shape is right, but the values differ."),
    (np.ones(2), [1], "✗ it: not yet. In (1,) axis 0 has the wrong size."),
    (np.ones(2), "one", "✗ it: not yet. You gave a string; an array of numbers is needed."),
    (np.array(["a", "b"]), ["a", "b"], "✓ it: right. It matches the result."),
    ({"h": (1, 3)}, {"h": (1, 3)}, "✓ it: right. It matches the result."),
    ({"h": (1, 3)}, {"h": (3, 1)}, "✗ it: not yet. h: In (3, 1) axis 0 has the wrong size."),
    ({"h": (1, 3)}, {"c": (1, 3)}, "✗ it: not yet. Give a dict with one value for each of: h."),
    (
        {"h": (1, 3)},
        {"h": ...},
        "○ it: not answered. Replace the ... in the cell above, run that cell, then run this cell again.",
    ),
]


@pytest.mark.parametrize(("observed", "given", "text"), PREDICTIONS)
def test_a_prediction_is_compared_with_the_result(shapes: Any, observed: Any, given: Any, text: str) -> None:
    assert repr(shapes.check("it", given, result=observed)) == text


def test_a_prediction_needs_one_result(shapes: Any) -> None:
    with pytest.raises(TypeError, match=r"'it' is no question, so pass one result to compare with\."):
        shapes.check("it", 3)


def test_rules_of_practice_are_found_by_their_name(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    practice = type(sys)("shapes.practice")
    fault = vars(sys.modules["shapes.forms"])["Fault"]
    vars(practice)["PRACTICE"] = {"cure": lambda given, live: None if given == live["size"] else fault("No.", "Try.")}
    monkeypatch.setitem(sys.modules, "shapes.practice", practice)
    data = np.zeros((3, 4))  # not the data of the graded notebooks
    assert repr(shapes.check("cure", 3, size=4, data=data)) == "✗ cure: not yet. No. Try."
    assert repr(shapes.check("cure", 4, size=4, data=data)) == "✓ cure: right. Your own arrays confirm it."


def test_show_prints_a_shape_beside_its_axes(shapes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shapes.show("kernel", np.zeros((2, 12)), "features, 4·units")
    shapes.show("bias", np.zeros(7), "steps", steps=7)
    assert capsys.readouterr().out.splitlines() == [
        "kernel             (2, 12)       (features, 4·units)",
        "bias               (7,)          (steps,)",
    ]
    with pytest.raises(AssertionError, match=r"h: its shape is \(3, 1\), but \(batch, units\) means \(1, 3\)\."):
        shapes.show("h", np.zeros((3, 1)), "batch, units")
    with pytest.raises(KeyError, match="nodes"):
        shapes.show("h", np.zeros((3, 1)), "batch, nodes")


# --- the files ------------------------------------------------------------------------------------------------------


def test_the_helper_is_small_and_needs_numpy_alone() -> None:
    """What a file imports inside a function, it needs only there."""
    later = {
        "shapes/charts.py": {"matplotlib"},
        "shapes/player.py": {"ipywidgets", "IPython"},
        "shapes/walk.py": {"keras"},
    }
    for name in HELPERS:
        text = (SOURCE / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300, name
        names = {alias.name for node in ast.parse(text).body if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)}
        known = {"numpy", "shapes", *sys.stdlib_module_names, *later.get(name, ())}
        assert {name.split(".")[0] for name in names} <= known, name


def test_every_folder_has_the_same_helper() -> None:
    folders = (*ROOT.glob("solutions/*/"), *ROOT.glob("notebooks/*/"))
    assert len(folders) == 4
    for folder in folders:
        assert contents(folder / "shapes") == contents(SOURCE / "shapes"), folder
        assert {path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".ipynb"} == set(), folder


def test_the_notebooks_and_the_reports_have_the_same_drawing() -> None:
    theirs = ROOT / "autograder" / "reports" / "shape_boxes.py"
    assert theirs.read_bytes() == (SOURCE / "shapes/pictures.py").read_bytes()


def test_a_missing_file_is_named_in_one_sentence(shapes: Any, tmp_path: Path) -> None:
    assert {f"shapes/{name}.py" for name in ("__init__", *shapes.FILES.split())} == set(HELPERS)
    copy_helper(tmp_path)
    for name in ("hints.py", "pictures.py"):
        (tmp_path / "shapes" / name).unlink()
    done = subprocess.run([sys.executable, "-c", "import shapes"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: Files are missing in the folder shapes: hints.py, pictures.py. Upload the whole folder as "
        'shapes.zip, and run this in a new cell: import shutil; shutil.unpack_archive("shapes.zip")'
    )


def test_the_import_loads_neither_keras_nor_matplotlib_nor_widgets() -> None:
    script = "import sys, shapes; print(sorted({'keras', 'matplotlib', 'ipywidgets', 'IPython'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_is_imported_when_it_is_used_is_there(shapes: Any) -> None:
    for name, module in shapes.LATER.items():
        assert (SOURCE / f"shapes/{module}.py").exists()
        assert callable(getattr(shapes, name))
    with pytest.raises(AttributeError, match="module 'shapes' has no attribute 'plots'"):
        importlib.import_module("shapes").plots  # noqa: B018


def test_no_file_is_called_like_a_function(shapes: Any) -> None:
    """Python sets a package's attribute when a file of it is imported, so that the function would be lost."""
    for name in HELPERS[1:]:
        importlib.import_module(name.removesuffix(".py").replace("/", "."))
    assert all(callable(getattr(shapes, name)) for name in (*shapes.__all__, *shapes.LATER))
