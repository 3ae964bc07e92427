"""What `autograder submit` tells a learner, in the learner's words, and what it runs."""

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.distribution import own_command
from autograder.learner.submit import FRESH, submit
from autograder.notebook.landmarks import labels
from autograder.tests.harness.toy import CONFIG, at, write

LOCKED: dict[str, object] = {"schema_version": 3, "locked": True, "grade": False, "solution": False}
ANSWER = {**LOCKED, "locked": False, "solution": True}
TEST = {**LOCKED, "grade": True, "points": 1}
WRITTEN = {**ANSWER, "grade": True, "points": 1}


def _named(cell: Any, name: str, about: dict[str, object]) -> Any:
    cell.id, cell.metadata = name, {"nbgrader": {**about, "grade_id": name}}
    return cell


def _question(name: str, title: str) -> list[Any]:
    return [
        _named(new_markdown_cell(f"## {title}"), f"{name}-ask", LOCKED),
        _named(new_code_cell(f"{name} = ..."), name, ANSWER),
        _named(new_code_cell(f"print({name})"), f"{name}-test", TEST),
    ]


def _cells() -> list[Any]:
    return [
        *_question("q1", "Q1 · What is `x`?"),
        _named(new_markdown_cell("*Write here.*"), "q1-why", WRITTEN),
        *_question("q2", "Exercise 2. Divide"),
        *_question("q3", "A question without a number"),
    ]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """An assignment of two equal notebooks, and a copy of them in `mine`."""
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    for step in ("solutions/ps1", "notebooks/ps1", "mine"):
        for name in ("one", "two"):
            write(tmp_path / step / f"{name}.ipynb", *_cells())
    return Course.at(tmp_path)


def _answer(course: Course, **answers: str) -> None:
    path = course.root / "mine/one.ipynb"
    notebook = nbformat.read(path, 4)
    for name, source in answers.items():
        at(notebook, name).source = source
    shown = at(notebook, "q1-test")
    shown.outputs, shown.execution_count = [new_output("stream", name="stdout", text="3\n")], 2
    nbformat.write(notebook, path)


def test_questions_have_the_names_that_learners_know() -> None:
    notebook = nbformat.v4.new_notebook(cells=copy.deepcopy(_cells()))
    named = labels(notebook)
    assert named["q1"] == named["q1-test"] == "Q1"
    assert named["q1-why"] == "Q1, in your own words"
    assert named["q2"] == "Exercise 2"
    assert named["q3"] == "“A question without a number”"


@pytest.mark.kernel
@pytest.mark.process
def test_a_learner_reads_what_is_open_what_raises_and_what_differs(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    _answer(course, q1="q1 = 4", q2="q2 = 1 / 0")
    target = course.root / "hand-in.zip"
    assert (
        main(["--course", str(course.root), "submit", "--folder", str(course.root / "mine"), "--to", str(target)]) == 0
    )
    assert capsys.readouterr().out.splitlines() == [
        "running your notebooks from the top, to check that their outputs stay the same",
        "checked: two has no answers yet, so it was not run",
        "checked: one ran, and some outputs changed",
        "one: not answered: Q1, in your own words; “A question without a number”.",
        "one: Exercise 2 raises ZeroDivisionError: division by zero; fix it and submit again, or hand it in as it is.",
        f"one: a run from the top changes the output of Q1: {FRESH}.",
        "two: not answered: Q1; Q1, in your own words; Exercise 2; “A question without a number”.",
        f"packed 2 notebooks; hand in this file: {target}",
    ]
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == ["manifest.json", "one.ipynb", "two.ipynb"]
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["unanswered"] == {"one": ["q1-why", "q3"], "two": ["q1", "q1-why", "q2", "q3"]}


def test_submit_does_not_say_that_it_runs_what_is_not_there(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--course", str(course.root), "submit"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    folder = course.root / "my-notebooks" / "ps1"
    assert said.err.startswith(f"autograder: {folder}: no such folder; run `{own_command()} lab` first, ")


@pytest.mark.kernel
@pytest.mark.process
def test_an_answer_that_raised_before_is_named_too(course: Course) -> None:
    _answer(course, q1="q1 = 3", q2="q2 = 1 / 0", **{"q1-why": "Because."})
    path = course.root / "mine/one.ipynb"
    notebook = nbformat.read(path, 4)
    error = new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])
    at(notebook, "q2").update(outputs=[error], execution_count=3)
    nbformat.write(notebook, path)
    path.rename(path.with_name("one (1).ipynb"))
    packed = submit(course, "ps1", path.parent, course.root / "x.zip")
    own = [sentence for sentence in packed.messages if sentence.startswith("one: ")]
    assert own[1] == "one: not answered: “A question without a number”."
    assert [sentence for sentence in own if "Exercise 2 raises ZeroDivisionError" in sentence]
    assert not [sentence for sentence in own if "run from the top" in sentence]


def test_nothing_runs_where_nothing_is_answered(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.learner.submit.again", None)
    done: list[tuple[str, str]] = []
    mine, target = course.root / "mine", course.root / "x.zip"
    submit(course, "ps1", mine, target, starting=lambda: pytest.fail("ran"), progress=lambda *step: done.append(step))
    assert done == [(name, "has no answers yet, so it was not run") for name in ("one", "two")]
