"""What is made once for a class and used for each of its submissions."""

from dataclasses import replace

import nbformat
import pytest

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading import notebook_grader
from autograder.grading.notebook_grader import NotebookGrader, notebook_graders
from autograder.model import TestPlan
from autograder.notebook import variants
from autograder.notebook.sanitize import new_output
from autograder.submissions import matching
from autograder.tests.harness.small_class import hand_in

pytestmark = pytest.mark.xdist_group("plain")


@pytest.fixture
def grader(course: Course) -> NotebookGrader:
    hand_in(course, ada="right")
    notebook_graders.cache_clear()
    return notebook_graders(SourceAssignment.load(course, "ps1").packed())[0]


def test_the_released_copy_is_made_once(grader: NotebookGrader, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[nbformat.NotebookNode] = []

    def counted(teaching: nbformat.NotebookNode, *settings: object) -> nbformat.NotebookNode:
        made.append(teaching)
        return variants.released_copy(teaching, None)

    monkeypatch.setattr(matching, "released_copy", counted)
    for student in ("ada", "bob"):
        assert grader.sized_for(student).cells is grader.cells
    assert made == [grader.source_notebook]


def test_the_courses_own_values_are_asked_for_once_for_each_limits(
    grader: NotebookGrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def with_givens(plans: tuple[TestPlan, ...], *about: object) -> tuple[TestPlan, ...]:
        asked.append(about[-1])
        return plans

    monkeypatch.setattr(notebook_grader, "with_givens", with_givens)
    assert grader.with_givens(None) is grader, "no test has any"
    plans = tuple(replace(plan, proof='{"givens": {"n": "sizes"}}') for plan in grader.plans)
    proved = replace(grader, plans=plans)
    assert [bool(plan.proved_givens) for plan in plans] == [True]
    few, many = Limits(cell_seconds=5), Limits(cell_seconds=50)
    assert [proved.with_givens(limits) is proved.with_givens(limits) for limits in (few, many)] == [True, True]
    assert asked == [few, many]
    proved.sized_for("ada")
    assert replace(proved, student="ada").with_givens(few) is not proved.with_givens(few), "of each student"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("stream", {"name": "stderr", "text": "a"}),
        ("error", {"ename": "ValueError", "evalue": "a", "traceback": ["b"]}),
        ("display_data", {"data": {"text/plain": "a"}, "metadata": {}}),
    ],
)
def test_an_output_that_is_not_validated_is_as_nbformats(kind: str, fields: dict[str, object]) -> None:
    assert new_output(kind, **fields) == nbformat.v4.new_output(kind, **fields)
