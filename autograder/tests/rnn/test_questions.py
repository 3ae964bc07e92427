"""Every question with its right and wrong answers: what the grader says of each, and what the learner's check says."""

import ast
import copy
import functools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from nbformat import NotebookNode

from autograder.judging.judge import Judge
from autograder.judging.test_plan import plans
from autograder.model import TestPlan, Verdict
from autograder.rnn.assertions import assert_one_state
from autograder.rnn.sample_answers import SAMPLES, Sample
from autograder.tests.harness.same_process import verdict
from autograder.tests.support import NOTEBOOKS, SOURCE

pytestmark = [
    *(pytest.mark.tensorflow, pytest.mark.xdist_group("tensorflow"), pytest.mark.usefixtures("eager")),
    pytest.mark.filterwarnings("ignore:Even though the .tf.config"),  # as `c.Limits.prepare`
]

ONE_ARRAY = """model5 = Model(inputs, {})
output5 = model5{}(data)
q5 = "last hidden state\""""
RARE = [  # answers that the sample class does not give
    Sample(ONE_ARRAY.format("LSTM(units)(inputs)", ""), 2),
    Sample(
        ONE_ARRAY.format("LSTM(units, return_state=True)(inputs)[0]", ".predict"),
        1,
        "The model's layer has return_state=True; return_state=False is needed.",
    ),
    Sample(ONE_ARRAY.format("LSTM(4)(inputs)", ".predict"), 1, "The model has a layer LSTM(4); LSTM(3) is needed."),
]
CASES = [(question, sample) for question, samples in SAMPLES.items() for sample in samples]
CASES += [("q5", sample) for sample in RARE]
OPEN = {question: f"{question} = ..." for question in SAMPLES} | {
    "q2": "q2 = {'output': ..., 'h': ..., 'c': ...}",
    "q5": "model5 = output5 = q5 = ...",
    "q7": "q7 = {'holds': ..., 'axes': ...}",
}
PLAIN = {  # what may stand in place of a helper, for answers in the form of the "Answer with" line
    "q3": """assert q3["output"] == (1, 3)
assert q3["h"] == (1, 3)
assert q3["c"] == (1, 3)""",
    "q4": 'assert q4 == [("output", "h")]',
    "q6": 'assert q6 == {"output": (1, 8, 3), "h": (1, 3), "c": (1, 3)}',
    "q12": 'assert q12["axis"] == "timesteps"\nassert q12["index"] == -1',
}
IN_FORM = {
    "q3": [
        ("q3 = {'output': (1, 3), 'h': (1, 3), 'c': (1, 3)}", 2),
        ("q3 = {'output': output.shape, 'h': h.shape, 'c': c.shape}", 2),
        ("q3 = {'output': (1, 8, 3), 'h': (1, 3), 'c': (1, 3)}", 0),
        ("q3 = {'output': (1, 3), 'h': (3,), 'c': (1, 3)}", 0),
        ("q3 = {'output': (1, 3), 'h': (1, 3), 'c': ...}", 0),
    ],
    "q4": [("q4 = [('output', 'h')]", 2), ("q4 = []", 0), ("q4 = [('h', 'c')]", 0), ("q4 = ...", 0)],
    "q6": [
        ("q6 = {'output': (1, 8, 3), 'h': (1, 3), 'c': (1, 3)}", 2),
        ("q6 = {'output': (1, 3), 'h': (1, 3), 'c': (1, 3)}", 0),
        ("q6 = {'output': (8, 3), 'h': (1, 3), 'c': (1, 3)}", 0),
    ],
    "q12": [
        ("q12 = {'axis': 'timesteps', 'index': -1}", 2),
        ("q12 = {'axis': 'units', 'index': -1}", 0),
        ("q12 = {'axis': 'timesteps', 'index': 0}", 0),
        ("q12 = None", 0),
    ],
}
NOTHING_EXPECTED = (  # these say what is wrong with a model or an array, or that a part is unanswered
    "Not answered.",
    "The model returns an array with 3 axes;",
    "The model's layer has return_state=True; return_state=False is needed.",
    "The model has a layer LSTM(4); LSTM(3) is needed.",
    "output5: the numbers are not what this layer computes from data.",
    "output5: 1 axis, (3,); 2 are needed.",
)
Lived = dict[str, dict[str, Any]]
Answered = Callable[[str, str], dict[str, Any]]  # a question and the code of an answer


@pytest.fixture(scope="module")
def proved(lived: Lived, all_plans: dict[str, TestPlan], judge: Judge) -> dict[str, TestPlan]:
    """The plan of each test, with what the solution's run has proved."""
    return {
        question: _proved(judge, plan, _answered(lived, question, SAMPLES[question][0].code))
        for question, plan in all_plans.items()
    }


@pytest.fixture(scope="module")
def answered(lived: Lived) -> Answered:
    """A notebook's names with an answer, which makes its layers once for all tests that ask."""
    made = functools.cache(functools.partial(_answered, lived))
    return lambda question, code: dict(made(question, code))


@pytest.fixture(scope="module")
def judged(answered: Answered, proved: dict[str, TestPlan], judge: Judge) -> Callable[[str, str], Verdict]:
    """What the grader says of an answer, found once for all tests that ask."""
    return functools.cache(lambda question, code: verdict(judge, proved[question], answered(question, code)))


@pytest.fixture(scope="module")
def checked(answered: Answered, all_plans: dict[str, TestPlan]) -> Callable[[str, str], Any]:
    """What the learner's check says of an answer, found once for all tests that ask."""
    return functools.cache(lambda question, code: _check(answered(question, code), question, all_plans[question]))


def _proved(judge: Judge, plan: TestPlan, names: dict[str, Any]) -> TestPlan:
    found = verdict(judge, plan, names)
    assert (found.outcome, found.points) == ("passed", 2), found
    return replace(plan, proof=found.proof)


def _answered(lived: Lived, question: str, code: str) -> dict[str, Any]:
    namespace = dict(lived[question])
    exec(code, namespace)
    return namespace


def _judged(judge: Judge, plan: TestPlan, lived: Lived, question: str, code: str) -> Verdict:
    return verdict(judge, plan, _answered(lived, question, code))


def _plain_points(plan: TestPlan, names: dict[str, Any]) -> float:
    """Return the points that nbgrader gives: it runs the test cell where the answers are."""
    tree, namespace, final = ast.parse(plan.test), dict(names), None
    end = tree.body[-1]
    last = ast.Expression(end.value) if isinstance(end, ast.Expr) else None
    tree.body = tree.body[:-1] if last else tree.body
    try:
        exec(compile(tree, "<test>", "exec"), namespace)
        if last:
            final = eval(compile(last, "<test>", "eval"), namespace)
    except Exception:
        return 0.0
    return float(final) if isinstance(final, int) else plan.points


@pytest.mark.parametrize(("question", "sample"), CASES)
def test_an_answer_earns_its_points_and_meets_its_message(
    question: str, sample: Sample, judged: Callable[[str, str], Verdict]
) -> None:
    found = judged(question, sample.code)
    assert (found.points, found.outcome) == (sample.points, "passed" if sample.points == 2 else "failed"), found
    assert sample.says in found.rationale
    assert (found.rationale == "") == (sample.points == 2)
    assert bool(found.expected) == (sample.points < 2) or sample.says in NOTHING_EXPECTED


@pytest.mark.parametrize(("question", "sample"), CASES)
def test_plain_nbgrader_gives_the_same_points(
    question: str, sample: Sample, answered: Answered, all_plans: dict[str, TestPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert _plain_points(all_plans[question], answered(question, sample.code)) == sample.points


@pytest.mark.parametrize("question", list(SAMPLES))
def test_an_unanswered_question_is_not_attempted(
    question: str, lived: Lived, proved: dict[str, TestPlan], judge: Judge
) -> None:
    found = _judged(judge, proved[question], lived, question, OPEN[question])
    assert (found.outcome, found.points) == ("not attempted", 0)
    assert _plain_points(proved[question], _answered(lived, question, OPEN[question])) == 0


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
    question: str, sample: Sample, answered: Answered, checked: Callable[[str, str], Any]
) -> None:
    found = checked(question, sample.code)
    wrong = "not answered" if "..." in sample.code else "not yet"
    assert found.verdict == ("right" if sample.points == 2 else wrong), found
    assert "Right:" not in found.text
    if found.verdict == "not yet" and question in ("q3", "q6", "q9", "q11"):
        namespace = answered(question, sample.code)
        shapes = {str(namespace[name].shape) for name in ("output", "h")}
        assert not [shape for shape in shapes if shape in found.text and shape not in sample.code]


@pytest.mark.parametrize("question", ["q1", "q2", "q3", "q4", "q6", "q8", "q9", "q10", "q11", "q12"])
def test_the_test_says_what_the_check_says(
    question: str, judged: Callable[[str, str], Verdict], checked: Callable[[str, str], Any]
) -> None:
    """Questions of two parts have more to say in the test, and random draws of a layer are no numbers of the other."""
    for sample in SAMPLES[question]:
        if sample.points == 0:
            found, shown = judged(question, sample.code), checked(question, sample.code)
            assert question == "q8" or _words(found.mistake) in _words(shown.text), (found, shown)


OWN = """class Text(str):
    pass

class Shape(tuple):
    pass

class Yes:
    __eq__ = __contains__ = lambda self, other: True
    __len__ = __hash__ = lambda self: 3
    __getitem__ = lambda self, key: self

"""
SHAPE = "a shape is needed. A shape is a tuple with one size for each axis."
OF_OTHER_TYPES = [  # answers of types that the question does not ask for, and what the student reads; "" if it is right
    ("q1", "(Text('Batch size'), Text('timesteps'), 'features')", ""),
    ("q1", "[Yes()] * 3", "<Yes object> is not an axis name."),
    ("q2", "{name: Text('last step') for name in ('output', 'h', 'c')}", "output: 'last step' is not one of the"),
    ("q3", "Text('1, 3')", "output: '1, 3' is a string, not a shape. Leave out the quotation marks."),
    ("q3", "Yes()", f"output: you gave a value of type Yes; {SHAPE}"),
    ("q3", "dict.fromkeys(('output', 'h', 'c'), Text('small'))", "output: 'small' is a string, not a shape."),
    ("q3", "dict.fromkeys(('output', 'h', 'c'), (Yes(), 3))", "output: <Yes object> is not a size."),
    ("q3", "{Text('output'): (1, 3), Text('h '): Shape((1, 3)), 'c': [1, 3]}", ""),
    ("q4", "[(Text('output'), Text('h'))]", ""),
    ("q4", "Text('output, h')", "You gave a string; a list of pairs is needed."),
    ("q8", "{'LSTM': Text('h, c'), 'GRU': Yes()}", "LSTM: 'h, c' is not one of the names."),
    ("q9", "Text('(1, 3)')", "output: '(1, 3)' is a string, not a shape. Leave out the quotation marks."),
    ("q9", "{'output': Yes(), 'h': (1, 3)}", f"output: you gave a value of type Yes; {SHAPE}"),
    ("q12", "{'axis': Text('timesteps'), 'index': Text('-1')}", "The index is a string; a whole number is needed."),
]


@pytest.mark.parametrize(("question", "answer", "text"), OF_OTHER_TYPES)
def test_an_answer_of_another_type_has_a_message_about_its_type(
    question: str, answer: str, text: str, lived: Lived, proved: dict[str, TestPlan], judge: Judge
) -> None:
    found = _judged(judge, proved[question], lived, question, f"{OWN}{question} = {answer}")
    assert (found.outcome, found.points) == (("failed", 0) if text else ("passed", 2)), found
    assert found.rationale.startswith(text)
    assert "Error" not in found.rationale


def _words(text: str) -> str:
    return re.sub(r"\d+\.\d+", "#", text)


@pytest.mark.parametrize("question", list(SAMPLES))
def test_the_check_says_that_an_answer_is_unanswered(
    question: str, lived: Lived, all_plans: dict[str, TestPlan]
) -> None:
    found = _check(_answered(lived, question, OPEN[question]), question, all_plans[question])
    assert found.verdict == "not answered"
    assert repr(found).startswith(f"○ {question}: not answered.")
    assert repr(found).endswith("Replace the ... in the cell above, run that cell, then run this cell again.")


def test_a_part_left_open_is_an_unanswered_shape(lived: Lived, proved: dict[str, TestPlan], judge: Judge) -> None:
    code = "q3 = {'output': (1, 3), 'h': ..., 'c': (1, 3)}"
    assert _check(_answered(lived, "q3", code), "q3", proved["q3"]).verdict == "not answered"
    assert _judged(judge, proved["q3"], lived, "q3", code).outcome == "not attempted"


@pytest.mark.parametrize("question", list(PLAIN))
def test_a_helper_can_be_replaced_by_a_plain_assertion(
    question: str,
    lived: Lived,
    proved: dict[str, TestPlan],
    all_plans: dict[str, TestPlan],
    judge: Judge,
    sources: dict[str, NotebookNode],
) -> None:
    name = next(name for name, source in sources.items() if any(cell.id == f"{question}-test" for cell in source.cells))
    notebook = copy.deepcopy(sources[name])
    for cell in notebook.cells:
        if cell.id == f"{question}-test":
            visible = cell.source.partition("### BEGIN HIDDEN TESTS")[0]
            cell.source = f"{visible}### BEGIN HIDDEN TESTS\n{PLAIN[question]}\n### END HIDDEN TESTS"
    plain = next(plan for plan in plans(notebook) if plan.cell == f"{question}-test")
    plain = _proved(judge, plain, _answered(lived, question, SAMPLES[question][0].code))
    for code, points in IN_FORM[question]:
        marks = [_judged(judge, plan, lived, question, code).points for plan in (plain, proved[question])]
        assert marks == [points, points], code
        assert _plain_points(plain, _answered(lived, question, code)) == points


class _Odd:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("odd")

    __hash__ = None  # type: ignore[assignment]


ODD: list[Any] = [_Odd(), {"output": _Odd()}, [_Odd()], {"axis": [], "index": {}}, {"holds": [], "axes": [[]]}, 3 + 4j]


@pytest.mark.parametrize("question", list(SAMPLES))
def test_odd_answers_end_neither_the_check_nor_the_test(
    question: str, lived: Lived, proved: dict[str, TestPlan], judge: Judge
) -> None:
    for odd in ODD:
        names = {**lived[question], question: odd} | ({"model5": odd, "output5": odd} if question == "q5" else {})
        assert _check(names, question, proved[question]).verdict == "not yet"
        assert not verdict(judge, proved[question], names).points


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("data = np.zeros_like(data)", "data: numbers repeat"),
        ("data = data[:, :4]", "output: the numbers are not what this layer computes from data."),
        ("data = data[0]", "data: 2 axes, (8, 2); 3 are needed."),
        ("data = data * np.nan", "data: not every number is finite."),
        ("data = data.tolist()", "data: you gave a list; an array is needed."),
        ("output = output + 1e-3", "output: the numbers are not what this layer computes from data."),
        ("h = np.zeros((0, 3), 'float32')", "h: the batch axis has size 0."),
        ("output = output.astype(int)", "output: the array has numbers of type int64, not decimal numbers."),
        ("c = h", "c: the numbers are not what this layer computes from data."),
        ("output = h = c = np.zeros((1, 1), 'float32')", "output: the units axis has size 1, not 3."),
    ],
)
def test_arrays_made_up_by_hand_earn_nothing(
    code: str, says: str, lived: Lived, proved: dict[str, TestPlan], judge: Judge
) -> None:
    code = f"q3 = {{'output': (1, 3), 'h': (1, 3), 'c': (1, 3)}}; {code}"
    found = _judged(judge, proved["q3"], lived, "q3", code)
    assert (found.outcome, found.points) == ("failed", 0)
    assert found.rationale.startswith(says)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ("[w * 0 for w in kept]", "weights: the kernel is constant; a layer never starts with constant weights."),
        ("kept[:2]", "weights: 2 arrays; a recurrent layer has three."),
        ("kept[0]", "weights: a list of arrays is needed, not a ndarray."),
        ("[kept[0][:, :3], *kept[1:]]", "weights: kernel: the columns axis has size 3, not 12."),
        ("[kept[0], kept[1][:, :5], kept[2]]", "weights: recurrent kernel: 5 is not 3 or 4 times 3 units."),
        ("[kept[0], kept[1], kept[2][:5]]", "weights: bias: 5 along 4 × units; 12 is needed."),
        ("[2 * kept[0], *kept[1:]]", "output: the numbers are not what this layer computes from data."),
    ],
)
def test_weights_made_up_by_hand_earn_nothing(
    weights: str, says: str, lived: Lived, proved: dict[str, TestPlan], judge: Judge
) -> None:
    code = "q3 = {'output': (1, 3), 'h': (1, 3), 'c': (1, 3)}\nkept = model.get_weights()\n"
    code += f"class model:\n    get_weights = staticmethod(lambda: {weights})"
    found = _judged(judge, proved["q3"], lived, "q3", code)
    assert found.outcome == "failed"
    assert found.rationale.startswith(says)


def test_one_state_is_found_with_one_call_of_the_model_and_one_reading_of_its_weights() -> None:
    import keras

    model = keras.Sequential([keras.Input((8, 2)), keras.layers.LSTM(3)])
    data = np.random.default_rng(7).normal(size=(1, 8, 2))
    asked: list[str] = []

    class Listened:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(model, name)

    assert_one_state(Listened(), data, output5=model.predict(data, verbose=0), layer="LSTM", units=3)
    assert asked == ["get_weights", "predict_on_batch", "layers"]


def test_a_layer_in_place_of_the_model_is_refused_by_a_name_that_learners_know() -> None:
    import keras

    layer, data = keras.layers.LSTM(3), np.random.default_rng(7).normal(size=(1, 8, 2))
    output = np.asarray(layer(data))
    with pytest.raises(AttributeError, match=r"no attribute 'predict'$"):
        assert_one_state(layer, data, output5=output, layer="LSTM", units=3)


FIVE_UNITS = """
other = Model(inputs, LSTM(5, return_state=True)(inputs))
output, h, c = other.predict(data, verbose=0)
class model:
    get_weights = staticmethod(other.get_weights)
"""
SEQUENCES = """
model = Model(inputs, LSTM(units, return_sequences=True, return_state=True)(inputs))
output, h, c = model.predict(data, verbose=0)
"""
SAME = """
kept = model.get_weights()
kept[2] = np.repeat(np.float32([-20, -20, 0, 60]), units)
model.set_weights(kept)
output, h, c = model.predict(data, verbose=0)
"""


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("q3", f"{FIVE_UNITS}q3 = {{name: (1, 5) for name in ('output', 'h', 'c')}}"),
        ("q3", f"{SEQUENCES}q3 = {{'output': output.shape, 'h': h.shape, 'c': c.shape}}"),
        ("q4", f"{SAME}q4 = [('output', 'h'), ('h', 'c'), ('output', 'c')]"),
    ],
)
def test_another_model_makes_no_wrong_answer_right(
    question: str, code: str, lived: Lived, proved: dict[str, TestPlan], judge: Judge
) -> None:
    weights = lived[question]["model"].get_weights()
    try:
        found = _judged(judge, proved[question], lived, question, code)
    finally:
        lived[question]["model"].set_weights(weights)
    assert (found.outcome, found.points) == ("failed", 0), found


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_shape_is_a_literal(
    name: str, sources: dict[str, NotebookNode], judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other sizes the solution is still right."""
    monkeypatch.syspath_prepend(SOURCE)
    notebook = copy.deepcopy(sources[name])
    for cell in notebook.cells:
        cell.source = cell.source.replace("= 1, 8, 2, 3\n", "= 2, 5, 4, 7\n")
    found = {plan.cell: plan for plan in plans(notebook)}
    namespace: dict[str, Any] = {"__name__": "notebook"}
    for cell in notebook.cells:
        plan = found.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if plan:
            assert verdict(judge, plan, namespace).outcome == "passed"
        elif cell.cell_type == "code":
            exec(cell.source, namespace)
