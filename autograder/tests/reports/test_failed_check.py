"""What a student reads about a failed check: its line and values, and nothing that is hidden."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.graded_notebooks import keep, kept
from autograder.grading.annotate import show_verdict
from autograder.model import Check, Outcome, Value, Verdict, Words
from autograder.notebook.landmarks import titles
from autograder.reports.failed_check import MESSAGE, NUMBER, explain
from autograder.reports.nbgrader_feedback import MessagesOnly, Pictures
from autograder.tests.harness.tiny_course import make_cell, make_course, make_question

VALUES = (Value("f(2)", "5", False), Value("secret", "77", True))
SEEN = Check(3, "assert f(2) == 4", VALUES, False, Words.NONE, "", 1, 2)
HIDDEN = replace(SEEN, source="assert f(secret) == 88", is_hidden=True, number=2, of=3)
NO_MESSAGE = Verdict("t", Outcome.FAILED, 0.0, "`assert f(2) == 4` failed: f(2) is 5, secret is 77.", mistake="`…`.")
MINE = Verdict("t", Outcome.FAILED, 0.0, "Too big. Right: (1, 3)", mistake="Too big.", help="Look.", expected="(1, 3)")
ERROR = Verdict("t", Outcome.FAILED, 0.0, "the test cannot use this answer (KeyError: 77).")
LINE = "assert f(2) == 4\n    f(2) is 5"
CASES = [  # a verdict, its check, the setting; what a student reads
    (NO_MESSAGE, SEEN, MESSAGE, f"This check failed:\n{LINE}"),
    (MINE, replace(SEEN, words=Words.COURSE), NUMBER, f"Too big.\n{LINE}"),
    (ERROR, replace(SEEN, words=Words.OTHER, error="KeyError"), MESSAGE, f"{ERROR.rationale}\n{LINE}"),
    (NO_MESSAGE, HIDDEN, MESSAGE, "Hidden check 2 of 3 failed."),
    (NO_MESSAGE, replace(HIDDEN, of=1), MESSAGE, "The hidden check failed."),
    (MINE, replace(HIDDEN, words=Words.COURSE), MESSAGE, "Too big."),
    (MINE, replace(HIDDEN, words=Words.COURSE), NUMBER, "Hidden check 2 of 3 failed."),
    (MINE, replace(HIDDEN, words=Words.OTHER), MESSAGE, "Hidden check 2 of 3 failed."),
    (
        ERROR,
        replace(HIDDEN, words=Words.OTHER, error="KeyError"),
        MESSAGE,
        "Hidden check 2 of 3 could not use your answer (KeyError).",
    ),
    (replace(MINE, points=1.0), replace(HIDDEN, of=1), NUMBER, "The hidden check did not give all points."),
    (MINE, None, NUMBER, "Too big."),
]


@pytest.mark.parametrize(("verdict", "check", "setting", "text"), CASES)
def test_a_failed_check_is_explained(verdict: Verdict, check: Check | None, setting: str, text: str) -> None:
    explained = explain(replace(verdict, check=check), setting)
    assert explained.text == text
    assert explained.is_open is not explained.says.startswith(("Hidden", "The hidden"))


@pytest.mark.parametrize(("verdict", "check", "setting", "text"), CASES)
def test_nbgraders_page_says_the_same(verdict: Verdict, check: Check | None, setting: str, text: str) -> None:
    """Where the course's own message is shown, it is with the hint and the right answer, as on the student's page."""
    verdict = replace(verdict, check=check, given="(3,)")
    cell = make_cell("t", "assert f(2) == 4", grade=True, points=2)
    cell.outputs = show_verdict(verdict)
    keep(cell, verdict)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    config = Config({"Feedback": {"hidden_tests": setting}})
    notebook, _ = MessagesOnly(config=config).preprocess(notebook, {})
    notebook, _ = Pictures(config=config).preprocess(notebook, {})
    text = verdict.rationale if text == "Too big." else text
    assert notebook.cells[0].outputs[0].traceback == text.splitlines()
    is_drawn = len(notebook.cells[0].outputs) == 2
    assert is_drawn is (verdict.expected != "" and "idden" not in text)


def test_formgrader_shows_the_instructor_all_of_it() -> None:
    line = "line 3 (hidden): assert f(secret) == 88"
    values = ["    f(2) is 5", "    secret is 77"]
    assert show_verdict(replace(NO_MESSAGE, check=HIDDEN))[0].traceback == [f"failed: {line}", *values]
    (output,) = show_verdict(replace(MINE, check=replace(HIDDEN, words=Words.COURSE)))
    assert output.traceback == [f"failed: {MINE.rationale}", line, *values]


def test_a_check_survives_being_kept() -> None:
    cell = make_cell("t", "assert f(2) == 4", grade=True, points=2)
    verdict = replace(MINE, check=HIDDEN)
    keep(cell, verdict)
    assert kept(nbformat.from_dict(cell)) == verdict


def test_a_setting_that_is_none_is_refused(tmp_path: Path) -> None:
    course = make_course(tmp_path, make_question("a", "a = 1", "assert a == 1"), "c.Feedback.hidden_tests = 'all'")
    with pytest.raises(CourseError, match=r"c\.Feedback: .*hidden_tests"):
        _ = Course.at(course.root).hidden_tests


def test_titles_are_the_headings_of_any_course() -> None:
    markdown: Callable[..., NotebookNode] = nbformat.v4.new_markdown_cell
    cells = [
        markdown("# Sheet 1\n```\n# no heading\n```\n## **Part A** (`f`, [see](http://x.example)) ##"),
        *make_question("a", "a = 1", "assert a == 1"),
        markdown("Part B\n------\ntext\n#nor this"),
        *make_question("b", "b = 1", "assert b == 1"),
        markdown("<h2 id='c'>Part <em>C</em></h2>"),
        markdown("# mine", metadata=make_cell("why", "", grade=True, solution=True, points=1).metadata),
    ]
    found = titles(nbformat.v4.new_notebook(cells=cells))
    assert found["a-test"] == "Part A (f, see)"
    assert found["b"] == found["b-test"] == "Part B"
    assert found["why"] == "Part C (in your own words)"
