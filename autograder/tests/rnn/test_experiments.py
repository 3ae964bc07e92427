"""The questions of meaning, tried out on real layers: what refutes each wrong choice, and that right ones are right."""

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograder.rnn import oracle
from autograder.tests.rnn.answers import LAST_STATES

pytestmark = [pytest.mark.tensorflow, pytest.mark.xdist_group("tensorflow")]

Predicted = Callable[..., dict[str, Any]]
SIZES = [((4, 11, 3, 5), 1), ((3, 2, 1, 1), 3), ((4, 4, 4, 4), 4)]  # many steps, few of all, equal sizes
AXES = ("batch", "timesteps", "units")
NO_TIME = "it has no timesteps axis. It has room for one step, not for all 8."
PREDICTED = (
    "these are the states of your LSTM layer, and the model ends there. "
    "No layer maps them to a target and there is no loss, so nothing is predicted."
)
N = r"\d\.\d{3}"  # a distance
STEPS = rf"Steps 0 to 7 move it by {N}(, {N}){{7}}: it depends on more than the last step\."
REFUTED = [  # Q2: an array, a wrong choice and the message
    ("output", "all hidden states", re.escape(f"output: {NO_TIME}")),
    ("output", "all cell states", re.escape(f"output: {NO_TIME}")),
    (
        "output",
        "last cell state",
        rf"output: cut data after step 3 and pass output on as c: the rest changes by {N}\. "
        r"Pass on the cell state itself, and the rest is as in one run\.",
    ),
    ("output", "a prediction for each unit", re.escape(f"output: {PREDICTED}")),
    (
        "h",
        "summary of the last step only",
        rf"h: add 1 to step 0 of data, run the model again, and h moves by {N}\. {STEPS}",
    ),
    ("h", "last cell state", rf"h: cut data after step 3 and pass h on as c: the rest changes by {N}\. .*"),
    (
        "c",
        "last hidden state",
        rf"c: cut data after step 3 and pass c on as h: the rest changes by {N}\. "
        r"Pass on the hidden state itself, and the rest is as in one run\.",
    ),
    ("c", "all cell states", re.escape(f"c: {NO_TIME}")),
    ("c", "a prediction for each unit", re.escape(f"c: {PREDICTED}")),
]
ROWS = "output: it has a row for each of the 8 steps, and {} not the last {} state. "
ROWS += "Stop the run after an earlier step. Which row do you get?"
REFUTED7 = {  # Q7: a wrong choice and the message
    "last hidden state": re.escape(ROWS.format("7 of them are", "hidden")),
    "last cell state": re.escape(ROWS.format("8 of them are", "cell")),
    "all cell states": rf"output: stop the run after step 0; the cell state is {N} away from that row\. "
    r"Which of the layer's states is in that row\?",
    "a prediction for each unit": re.escape(f"output: {PREDICTED}"),
    "summary of the last step only": rf"output: add 1 to step 0 of data, run .*, and output moves by {N}\. {STEPS}",
}


# --- Q2 and Q7 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "choice", "text"), REFUTED)
def test_a_wrong_choice_is_refuted(shapes: Any, predicted: Predicted, name: str, choice: str, text: str) -> None:
    verdict = shapes.check("q2", LAST_STATES | {name: choice}, **predicted("LSTM", return_state=True))
    assert re.fullmatch(rf"✗ q2: not yet\. {text}", repr(verdict)), verdict


@pytest.mark.parametrize(("choice", "text"), REFUTED7.items())
def test_a_wrong_choice_about_a_sequence_is_refuted(shapes: Any, predicted: Predicted, choice: str, text: str) -> None:
    live = predicted("LSTM", return_state=True, return_sequences=True)
    verdict = shapes.check("q7", {"holds": choice, "axes": AXES}, **live)
    assert re.fullmatch(rf"✗ q7: not yet\. {text}", repr(verdict)), verdict


@pytest.mark.parametrize(("sizes", "seed"), SIZES)
def test_one_choice_survives_for_each_array_with_other_sizes_and_seeds(
    shapes: Any, predicted: Predicted, sizes: tuple[int, int, int, int], seed: int
) -> None:
    live = predicted("LSTM", sizes, seed, return_state=True)
    for name in LAST_STATES:
        verdicts = {choice: shapes.check("q2", LAST_STATES | {name: choice}, **live).verdict for choice in shapes.HOLDS}
        assert [choice for choice, verdict in verdicts.items() if verdict == "right"] == [LAST_STATES[name]]
    live = predicted("LSTM", sizes, seed, return_state=True, return_sequences=True)
    answers = {choice: {"holds": choice, "axes": AXES} for choice in shapes.HOLDS}
    found = [choice for choice, answer in answers.items() if shapes.check("q7", answer, **live).verdict == "right"]
    assert found == ["all hidden states"]


@pytest.mark.parametrize(
    "spelling", ["Last Hidden State", "  last  hidden state ", "last_hidden_state", "last hidden state."]
)
def test_choices_may_be_spelled_in_other_ways(shapes: Any, predicted: Predicted, spelling: str) -> None:
    verdict = shapes.check("q2", LAST_STATES | {"h": spelling}, **predicted("LSTM", return_state=True))
    assert repr(verdict) == "✓ q2: right. Each choice passed its experiment on your own model."


def test_q7_judges_its_axes_too(shapes: Any, predicted: Predicted) -> None:
    live = predicted("LSTM", return_state=True, return_sequences=True)
    right = shapes.check("q7", {"holds": "All hidden_states.", "axes": ["samples", "Time steps", "nodes"]}, **live)
    assert repr(right) == "✓ q7: right. Your choice passed its experiment on your own model, and the axes fit."
    for axes, text in (
        (("batch", "timesteps", "features"), "features is an axis of the input, not of output. Which size "),
        (("timesteps", "units"), "You named 2 axes; output has 3: the batch axis is missing. "),
        (("batch", "units", "timesteps"), "Axis 1 of output (axes count from 0) is not units. "),
        (("batch", "steps", "Outputs"), "'Outputs' is not an axis name. "),
    ):
        assert shapes.check("q7", {"holds": "all hidden states", "axes": axes}, **live).text.startswith(text)


def test_half_of_q7_is_judged_while_the_other_half_is_unanswered(shapes: Any, predicted: Predicted) -> None:
    live = predicted("LSTM", return_state=True, return_sequences=True)
    half = shapes.check("q7", {"holds": "all hidden states", "axes": ...}, **live)
    assert half.verdict == "not answered"
    assert half.text == f"holds is right; axes is unanswered. {sys.modules['shapes.output'].UNANSWERED}"
    assert shapes.check("q7", {"holds": ..., "axes": AXES}, **live).text.startswith(
        "axes is right; holds is unanswered."
    )
    assert shapes.check("q7", {"holds": "last cell state", "axes": ...}, **live).verdict == "not yet"
    assert shapes.check("q7", {"holds": ..., "axes": AXES[1:]}, **live).verdict == "not yet"
    some = shapes.check("q7", {"holds": "all hidden states", "axes": ("batch", ..., "units")}, **live)
    assert some.text.startswith("holds is right; axes is unanswered.")


def test_a_gru_has_no_cell_state(shapes: Any, predicted: Predicted) -> None:
    live = predicted("GRU", return_state=True)
    layers = sys.modules["shapes.layers"]
    for choice in ("last cell state", "all cell states"):
        array = live["h"] if choice.startswith("last") else np.zeros((1, 8, 3))
        fault = sys.modules["shapes.experiments"].choice_fault(
            "h", choice, array, layers.own_layer(live["model"], ("output", "h")), live["data"]
        )
        assert str(fault) == "h: your GRU layer has no cell state. Which states did it return?"


def test_the_experiments_need_no_keras(shapes: Any, predicted: Predicted) -> None:
    """With the equations in NumPy in place of the layer, the same choices are right and the sentences are the same."""
    live = predicted("LSTM", return_state=True)
    weights = [np.asarray(array) for array in live["model"].get_weights()]
    layers, experiments = sys.modules["shapes.layers"], sys.modules["shapes.experiments"]

    def steps(data: Any, states: Any) -> Any:
        ran = oracle.lstm(data, weights, None if states is None else list(states.values()))
        return ran.output, {"h": ran.h, "c": ran.c}

    def run(data: Any) -> Any:
        _, states = steps(data, None)
        return {"output": states["h"], **states}

    for name in LAST_STATES:
        for choice in shapes.HOLDS:
            fault = experiments.choice_fault(name, choice, live[name], layers.Layer("LSTM", run, steps), live["data"])
            text = shapes.check("q2", LAST_STATES | {name: choice}, **live).text
            assert (str(fault) if fault else "Each choice passed its experiment on your own model.") == text


def test_a_state_of_one_step_is_compared_directly(shapes: Any, predicted: Predicted) -> None:
    live = predicted("LSTM", (2, 1, 2, 3), return_state=True)
    assert shapes.check("q2", LAST_STATES, **live).verdict == "right"
    assert shapes.check("q2", LAST_STATES | {"c": "last hidden state"}, **live).text == "c: it is not the hidden state."


# --- Q5 -------------------------------------------------------------------------------------------------------------

OLD = "Its line is still the old one. Assign what model5.predict"
STILL = "The line of model5 still returns the states. Which argument of the layer turns them off?"


def test_q5_counts_what_the_model_returns_and_names_the_old_line(shapes: Any, predicted: Predicted) -> None:
    new, old = predicted("LSTM", seed=8), predicted("LSTM", return_state=True)
    data, three = new["data"], [old["output"], old["h"], old["c"]]
    output5 = np.asarray(new["model"](data))  # with the same data, but other weights
    first_only = type(old["model"])(old["model"].inputs[0], old["model"].outputs[0])
    wider = predicted("LSTM", (1, 8, 2, 4))
    shapes.name_axes(units=3)
    for model5, output, text in (
        (old["model"], three, f"model5 returns 3 arrays. {STILL}"),
        (old["model"], ..., None),
        (old["model"], three[0], f"model5 returns 3 arrays, and output5 is only one of them. {STILL}"),
        (new["model"], three, f"model5 returns one array, but output5 is 3 arrays. {OLD} returns to one name."),
        (new["model"], three[0], f"output5 is not what model5 returns for data. {OLD}(data, verbose=0) returns."),
        (new["model"], (1, 3), f"model5 returns one array, but output5 is a tuple. {OLD} returns to one name."),
        (new["model"], None, f"model5 returns one array, but output5 is None. {OLD} returns to one name."),
        (
            new["model"],
            output5[0],
            "output5 has lost the batch axis. Do not unpack the array, and leave out [0]: these take single samples.",
        ),
        (
            predicted("LSTM", return_sequences=True)["model"],
            output5,
            "model5 returns a state for each step. "
            "Change return_state only; return_sequences has its default in this notebook.",
        ),
        (
            predicted("GRU")["model"],
            output5,
            "model5 has a GRU layer. Change the flag, and keep the LSTM layer.",
        ),
        (
            first_only,
            output5,
            "The layer of model5 still returns its states; the model only leaves them out. "
            "Set return_state=False, and leave out what picks one array, such as [0].",
        ),
        (wider["model"], output5, "model5 has LSTM(4). Change the flag only, and keep LSTM(units)."),
        (
            output5,
            output5,
            "model5: you gave an array. Change the first line: model5 = Model(inputs, LSTM(...)(inputs)).",
        ),
    ):
        verdict = shapes.check("q5", "last hidden state", model5=model5, output5=output, data=data)
        if text is None:
            assert verdict.verdict == "not answered"
            assert verdict.text.startswith("Still unanswered: output5. Replace the ... in the cell above")
        else:
            assert (verdict.verdict, verdict.text) == ("not yet", text)


def test_q5_judges_the_word_by_an_experiment(shapes: Any, predicted: Predicted) -> None:
    live = predicted("LSTM")
    given = {"model5": live["model"], "output5": np.asarray(live["model"](live["data"])), "data": live["data"]}
    right = shapes.check("q5", "Last hidden state.", **given)
    assert repr(right) == "✓ q5: right. model5 returns one array, and your choice passed its experiment."
    words = {choice: shapes.check("q5", choice, **given).text for choice in shapes.HOLDS}
    assert words["all hidden states"] == f"output5: {NO_TIME}"
    assert words["a prediction for each unit"] == f"output5: {PREDICTED}"
    assert words["last cell state"].startswith("output5: cut data after step 3 and pass output5 on as c: the rest ")
    assert words["summary of the last step only"].startswith("output5: add 1 to step 0 of data, run the model again,")
    wrong = shapes.check("q5", "the states are not returned, just the output", **given)
    assert wrong.text.startswith("q5: 'the states are not returned, just the output' is not one of the choices.")
    assert shapes.check("q5", ..., **given).text.startswith("Replace the ... in the cell above")


def test_a_model_with_a_loss_is_not_said_to_have_none(shapes: Any, predicted: Predicted) -> None:
    live = predicted("LSTM", return_state=True)
    live["model"].compile(loss=["mse"] * 3)
    text = shapes.check("q2", LAST_STATES | {"output": "a prediction for each unit"}, **live).text
    assert text.endswith("No layer maps them to a target, so nothing is predicted.")
