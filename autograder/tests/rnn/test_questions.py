"""Every question with its right and wrong answers: what the grader says of each, and what the learner's check says."""

import copy
from typing import Any

import pytest
from nbformat import NotebookNode

from autograder.evidence.encoder import encode_all
from autograder.judging.judge import Judge
from autograder.judging.test_plan import plans
from autograder.model import TestPlan
from autograder.rnn.sample_answers import SAMPLES, Sample
from autograder.tests.support import NOTEBOOKS

pytestmark = pytest.mark.tensorflow

CASES = [(question, sample) for question, samples in SAMPLES.items() for sample in samples]
RECORDED = ("q2", "q5", "q7", "q8")  # of these the learner's check sees the form only
Lived = dict[str, dict[str, Any]]


def _answered(lived: Lived, question: str, code: str) -> dict[str, Any]:
    namespace = dict(lived[question])
    exec(code, namespace)
    return namespace


def _taken(namespace: dict[str, Any], plan: TestPlan) -> str:
    return encode_all(dict(namespace), plan.answers, dict(plan.evidence))


@pytest.mark.parametrize(("question", "sample"), CASES)
def test_an_answer_earns_its_points_and_meets_its_message(
    question: str, sample: Sample, lived: Lived, all_plans: dict[str, TestPlan], judge: Judge
) -> None:
    plan = all_plans[question]
    verdict = judge.verdict(plan, _taken(_answered(lived, question, sample.code), plan))
    assert (verdict.points, verdict.outcome) == (sample.points, "passed" if sample.points == 2 else "failed"), verdict
    assert sample.says in verdict.rationale
    assert (verdict.rationale == "") == (sample.points == 2)


@pytest.mark.parametrize("question", list(SAMPLES))
def test_an_open_answer_is_not_attempted(
    question: str, lived: Lived, all_plans: dict[str, TestPlan], judge: Judge
) -> None:
    code = "model5 = output5 = q5 = ..." if question == "q5" else f"{question} = ..."
    verdict = judge.verdict(all_plans[question], _taken(_answered(lived, question, code), all_plans[question]))
    assert (verdict.outcome, verdict.points) == ("not attempted", 0)


@pytest.mark.parametrize("question", list(SAMPLES))
def test_each_question_has_three_wrong_and_two_right_samples(question: str) -> None:
    points = [sample.points for sample in SAMPLES[question]]
    assert points.count(2) >= 2
    assert len(points) - points.count(2) >= 3


def _check(namespace: dict[str, Any], question: str, plan: TestPlan) -> Any:
    """Run the visible line of a test cell, as the learner does."""
    call = next(line for line in plan.test.splitlines() if line.startswith("check("))
    return eval(call, namespace)


@pytest.mark.parametrize(("question", "sample"), CASES)
def test_the_check_agrees_with_the_grader_and_never_shows_what_is_right(
    question: str, sample: Sample, lived: Lived, all_plans: dict[str, TestPlan]
) -> None:
    namespace = _answered(lived, question, sample.code)
    said = _check(namespace, question, all_plans[question])
    if question not in RECORDED:
        assert said.verdict == ("right" if sample.points == 2 else "not yet")
    elif sample.points == 2:
        assert said.verdict == "recorded"
    assert "Right:" not in said.text
    if said.verdict == "not yet" and question in ("q3", "q6", "q9", "q11"):
        shapes = {str(namespace[name].shape) for name in ("output", "h")}
        assert not [shape for shape in shapes if shape in said.text and shape not in sample.code]


@pytest.mark.parametrize("question", list(SAMPLES))
def test_the_check_says_that_an_answer_is_open(question: str, lived: Lived, all_plans: dict[str, TestPlan]) -> None:
    code = "model5 = output5 = q5 = ..." if question == "q5" else f"{question} = ..."
    said = _check(_answered(lived, question, code), question, all_plans[question])
    assert said.verdict == "not answered"
    assert repr(said) == (
        f"○ {question}: not answered. Replace the ... in the cell above, run that cell, then run this cell again."
    )


def test_a_part_left_open_is_an_open_answer(lived: Lived, all_plans: dict[str, TestPlan], judge: Judge) -> None:
    namespace = _answered(lived, "q3", "q3 = {'output': (1, 3), 'h': ..., 'c': (1, 3)}")
    assert _check(namespace, "q3", all_plans["q3"]).verdict == "not answered"
    assert judge.verdict(all_plans["q3"], _taken(namespace, all_plans["q3"])).outcome == "not attempted"


def test_the_check_raises_under_validate_alone(
    lived: Lived, all_plans: dict[str, TestPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    wrong, open_ = _answered(lived, "q3", "q3 = (3,)"), _answered(lived, "q3", "q3 = ...")
    with pytest.raises(AssertionError, match=r"✗ q3: not yet\. output: you gave 1 axis"):
        _check(wrong, "q3", all_plans["q3"])
    with pytest.raises(AssertionError, match="○ q3: not answered"):
        _check(open_, "q3", all_plans["q3"])
    assert _check(lived["q3"], "q3", all_plans["q3"]).verdict == "right"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert _check(wrong, "q3", all_plans["q3"]).verdict == "not yet"


class _Odd:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("odd")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("question", list(SAMPLES))
def test_the_check_never_raises_in_a_session(question: str, lived: Lived, all_plans: dict[str, TestPlan]) -> None:
    odds: list[Any] = [
        _Odd(),
        {"output": _Odd()},
        [_Odd()],
        {"axis": [], "index": {}},
        {"holds": [], "axes": [[]]},
        3 + 4j,
    ]
    for odd in odds:
        said = _check({**lived[question], question: odd}, question, all_plans[question])
        assert said.verdict == "not yet"


def test_a_verdict_is_shown_as_text_and_as_html(lived: Lived, all_plans: dict[str, TestPlan]) -> None:
    said = _check(_answered(lived, "q3", "q3 = {'output': '<b>', 'h': 1, 'c': 1}"), "q3", all_plans["q3"])
    assert repr(said) == "✗ q3: not yet. output: '<b>' is a string, not a shape. Leave out the quotation marks."
    shown = said._repr_html_()
    assert "✗ q3: not yet." in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("data = np.zeros_like(data)", "data: numbers repeat"),
        ("data = data[:, :4]", "data: the timesteps axis has size 4, not 8."),
        ("data = data[0]", "data: 2 axes, (8, 2); 3 are needed."),
        ("data = data * np.nan", "data: not every number is finite."),
        ("data = data.tolist()", "data: an array is needed, not a list."),
        ("output = output + 1e-3", "output: the numbers are not what this layer computes from data."),
        ("h = np.zeros((0, 3), 'float32')", "h: the batch axis has size 0, not 1."),
        ("output = output.astype(int)", "output: the array has numbers of type int64, not decimal numbers."),
        ("c = h", "c: the numbers are not what this layer computes from data."),
        ("units = 1; output = h = c = np.zeros((1, 1), 'float32')", "output: the units axis has size 1, not 3."),
    ],
)
def test_arrays_made_up_by_hand_earn_nothing(
    code: str, says: str, lived: Lived, all_plans: dict[str, TestPlan], judge: Judge
) -> None:
    verdict = judge.verdict(all_plans["q3"], _taken(_answered(lived, "q3", code), all_plans["q3"]))
    assert (verdict.outcome, verdict.points) == ("failed", 0)
    assert verdict.rationale.startswith(says)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ("[w * 0 for w in kept]", "weights: the kernel is constant; a layer never starts with constant weights."),
        ("kept[:2]", "weights: 2 arrays; a recurrent layer has three."),
        ("kept[0]", "weights: a list of arrays is needed, not a ndarray."),
        ("[kept[0][:, :3], *kept[1:]]", "weights: kernel: the units axis has size 3, not 12."),
    ],
)
def test_weights_made_up_by_hand_earn_nothing(
    weights: str, says: str, lived: Lived, all_plans: dict[str, TestPlan], judge: Judge
) -> None:
    code = f"kept = model.get_weights()\nclass model:\n    get_weights = staticmethod(lambda: {weights})"
    verdict = judge.verdict(all_plans["q3"], _taken(_answered(lived, "q3", code), all_plans["q3"]))
    assert verdict.outcome == "failed"
    assert verdict.rationale.startswith(says)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_shape_is_a_literal(name: str, sources: dict[str, NotebookNode], judge: Judge) -> None:
    """With other sizes the solution is still right."""
    notebook = copy.deepcopy(sources[name])
    for cell in notebook.cells:
        cell.source = cell.source.replace("= 1, 8, 2, 3\n", "= 2, 5, 4, 7\n")
    found = {plan.cell: plan for plan in plans(notebook, name)}
    namespace: dict[str, Any] = {"__name__": "notebook"}
    for cell in notebook.cells:
        plan = found.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if plan:
            assert judge.verdict(plan, _taken(namespace, plan)).outcome == "passed"
        elif cell.cell_type == "code":
            exec(cell.source, namespace)
