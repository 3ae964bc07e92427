"""Experiments on the learner's own layer, for the questions of meaning: Q2, Q5, Q7 and Q8.

Each choice makes a claim that can be tried out: run the layer again on changed data, stop it early, or cut the sequence
in two and pass a state on. A choice is right if its experiment confirms it, so no answer is stored here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from shapes.answers import QUESTIONS, SIZES, Live, axes_in, names_fault, states_fault, states_of
from shapes.forms import ARRAYS, Fault, key_fault, keyed, word_fault, word_of, words_fault
from shapes.layers import Layer, distance, is_close, own_layer, recurrent_layer, rerun, returned_by
from shapes.output import TOLERANCE, is_array, kind_of, unanswered

WORDS = {"h": "hidden", "c": "cell"}
MOST_STEPS = 10  # of a longer sequence only the first and the last distances are printed
LAST_STEPS = 3  # of those


# --- what an array represents: an experiment for each choice ----------------------------------------------------------


def choice_fault(name: str, choice: str, array: Any, layer: Layer, data: Any) -> Fault | None:
    """Try out what an array is claimed to represent.

    Args:
        name: the array's name, as the layer's `run` returns it.
        choice: one of HOLDS.
        array: what the layer returned for data.
        layer: the layer.
        data: its input, (batch, timesteps, features).

    Returns:
        What refutes the choice; None if the experiment confirms it.
    """
    return _EXPERIMENTS[choice](name, np.asarray(array), layer, np.asarray(data, "float32"))


def _is_prediction(name: str, array: np.ndarray, layer: Layer, data: np.ndarray) -> Fault | None:
    output, states = layer.steps(data, None)
    if not any(is_close(array, made) for made in (output, *states.values())):
        return None
    what = f"{name}: these are the states of your {layer.kind} layer, and the model ends there."
    loss = "" if layer.has_loss else " and there is no loss"
    return Fault(what, f"No layer maps them to a target{loss}, so nothing is predicted.")


def _is_summary_of_last_step(name: str, array: np.ndarray, layer: Layer, data: np.ndarray) -> Fault | None:
    batch, steps = data.shape[:2]
    changed = np.repeat(data[None], steps, axis=0)
    for step in range(steps):
        changed[step, :, step] += 1
    runs = layer.run(changed.reshape(steps * batch, *data.shape[1:]))[name]
    moves = [distance(run, array) for run in runs.reshape(steps, *array.shape)]
    first = next((step for step, move in enumerate(moves[:-1]) if move > TOLERANCE), None)
    if first is None:
        return None
    what = f"{name}: add 1 to step {first} of data, run the model again, and {name} moves by {_number(moves[first])}."
    listed = [_number(move) for move in moves]
    if steps > MOST_STEPS:
        listed = [*listed[: MOST_STEPS - LAST_STEPS], "…", *listed[-LAST_STEPS:]]
    look = f"Steps 0 to {steps - 1} move it by {', '.join(listed)}: it depends on more than the last step."
    return Fault(what, look)


def _is_all(state: str) -> Callable[..., Fault | None]:
    def experiment(name: str, array: np.ndarray, layer: Layer, data: np.ndarray) -> Fault | None:
        steps, word = data.shape[1], WORDS[state]
        if array.ndim < 3:
            return Fault(f"{name}: it has no timesteps axis.", f"It has room for one step, not for all {steps}.")
        for step in sorted({0, steps // 2, steps - 1}):
            _, states = layer.steps(data[:, : step + 1], None)
            if state not in states:
                return _no_cell_state(name, layer)
            if (away := distance(array[:, step], states[state])) > TOLERANCE:
                look = "Which of the layer's states is in that row?"
                what = (
                    f"{name}: stop the run after step {step}; the {word} state is {_number(away)} away from that row."
                )
                return Fault(what, look)
        return None

    return experiment


def _is_last(state: str) -> Callable[..., Fault | None]:
    def experiment(name: str, array: np.ndarray, layer: Layer, data: np.ndarray) -> Fault | None:
        steps, word = data.shape[1], WORDS[state]
        output, states = layer.steps(data, None)
        if state not in states:
            return _no_cell_state(name, layer)
        if array.ndim == 3:
            differ = sum(distance(array[:, step], states[state]) > TOLERANCE for step in range(steps))
            others = "1 of them is" if differ == 1 else f"{differ} of them are"
            what = f"{name}: it has a row for each of the {steps} steps, and {others} not the last {word} state."
            look = "Stop the run after an earlier step. Which row do you get?"
            return Fault(what, look) if differ else None
        cut = steps // 2
        if not cut:
            return None if is_close(array, states[state]) else Fault(f"{name}: it is not the {word} state.", "")
        handed = layer.steps(data[:, :cut], None)[1] | {state: layer.run(data[:, :cut])[name]}
        away = distance(layer.steps(data[:, cut:], handed)[0], output[:, cut:])
        if away <= TOLERANCE:
            return None
        what = (
            f"{name}: cut data after step {cut - 1} and pass {name} on as {state}: the rest changes by {_number(away)}."
        )
        return Fault(what, f"Pass on the {word} state itself, and the rest is as in one run.")

    return experiment


def _no_cell_state(name: str, layer: Layer) -> Fault:
    return Fault(f"{name}: your {layer.kind} layer has no cell state.", "Which states did it return?")


def _number(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0005 else "less than 0.001"


_EXPERIMENTS: dict[str, Callable[[str, np.ndarray, Layer, np.ndarray], Fault | None]] = {
    "all hidden states": _is_all("h"),
    "last hidden state": _is_last("h"),
    "all cell states": _is_all("c"),
    "last cell state": _is_last("c"),
    "a prediction for each unit": _is_prediction,
    "summary of the last step only": _is_summary_of_last_step,
}


# --- which states a layer carries -------------------------------------------------------------------------------------


def carried_fault(kind: str, named: set[str], layer: Layer, data: Any) -> Fault | None:
    """Cut the sequence in two, carry only the named states into the second part, and compare with the uncut run."""
    data = np.asarray(data, "float32")
    cut = max(1, data.shape[1] // 2)
    run, (whole, _) = layer.run(data), layer.steps(data, None)
    first = layer.steps(data[:, :cut], None)[1]
    if "output" in named and is_close(run["output"], run["h"]):
        return Fault(f"{kind}: output equals h; it is not a further state.", "Name each state once, as h or c.")
    if extra := named - set(first):
        returned = f"{', '.join(list(run)[:-1])} and {list(run)[-1]}"
        return Fault(f"{kind}: it returns {returned}, and no {min(extra)}.", "What is not there cannot be carried on.")
    states = {state: array if state in named else np.zeros_like(array) for state, array in first.items()}
    away = distance(layer.steps(data[:, cut:], states)[0], whole[:, cut:]) if cut < data.shape[1] else 0
    if away <= TOLERANCE:
        return None
    carried = f"carry on only {' and '.join(sorted(named))}" if named else "carry on nothing"
    what = f"{kind}: cut data after step {cut - 1} and {carried}: the rest changes by {_number(away)}."
    return Fault(what, "A state is missing. Which other state goes into the next step?")


# --- the questions of meaning -----------------------------------------------------------------------------------------


def _represents(given: Any, live: Live) -> Fault | None:
    if fault := words_fault(given):
        return fault
    layer, given = own_layer(live["model"]), keyed(given, ARRAYS)
    tried = (choice_fault(name, str(word_of(given[name])), live[name], layer, live["data"]) for name in ARRAYS)
    return next(filter(None, tried), None)


def _holds(given: Any, live: Live) -> Fault | None:
    if fault := key_fault(given, ("holds", "axes"), "value"):
        return fault
    given, output = keyed(given, ("holds", "axes")), live["output"]
    if not unanswered(given["holds"]):
        if fault := word_fault("holds", given["holds"]):
            return fault
        choice, layer = str(word_of(given["holds"])), own_layer(live["model"])
        if fault := choice_fault("output", choice, output, layer, live["data"]):
            return fault
    if unanswered(given["axes"]):
        return None
    return names_fault("output", given["axes"], axes_in("output", output) or {})


def _without_states(given: Any, live: Live) -> Fault | None:
    model, output, data = live["model5"], live["output5"], live["data"]
    layer = recurrent_layer(model)
    if layer is None or not callable(model):
        what = "a model without a recurrent layer" if hasattr(model, "layers") else kind_of(model)
        return Fault(f"model5: you gave {what}.", "Change the first line: model5 = Model(inputs, LSTM(...)(inputs)).")
    made = returned_by(model, data)
    return (
        _model_fault(layer, made, output)
        or _output_fault(output, made[0])
        or word_fault("q5", given)
        or choice_fault("output5", str(word_of(given)), output, rerun(layer, ("output5",), model), data)
    )


def _model_fault(layer: Any, made: list[np.ndarray], output: Any) -> Fault | None:
    """Find out whether the line of model5 is still the old one."""
    if len(made) > 1:
        picked = ", and output5 is only one of them" * (is_array(output) and not isinstance(output, list | tuple))
        look = "The line of model5 still returns the states. Which argument of the layer turns them off?"
        return Fault(f"model5 returns {len(made)} arrays{picked}.", look)
    if made[0].ndim == 3:
        look = "Change return_state only; return_sequences has its default in this notebook."
        return Fault("model5 returns a state for each step.", look)
    if type(layer).__name__ != "LSTM":
        return Fault(f"model5 has a {type(layer).__name__} layer.", "Change the flag, and keep the LSTM layer.")
    if layer.return_state:
        look = "Set return_state=False, and leave out what picks one array, such as [0]."
        return Fault("The layer of model5 still returns its states; the model only leaves them out.", look)
    if layer.units != SIZES.get("units", layer.units):
        return Fault(f"model5 has LSTM({layer.units}).", "Change the flag only, and keep LSTM(units).")
    return None


def _output_fault(output: Any, made: np.ndarray) -> Fault | None:
    """Find out whether the line of output5 is still the old one."""
    if not is_array(output):
        several = isinstance(output, list | tuple) and len(output) > 1 and all(map(is_array, output))
        count = f"{len(output)} arrays" if several else kind_of(output)
        look = "Its line is still the old one. Assign what model5.predict returns to one name."
        return Fault(f"model5 returns one array, but output5 is {count}.", look)
    if np.ndim(output) < made.ndim:
        look = "Do not unpack the array, and leave out [0]: these take single samples."
        return Fault("output5 has lost the batch axis.", look)
    if not is_close(output, made):
        look = "Its line is still the old one. Assign what model5.predict(data, verbose=0) returns."
        return Fault("output5 is not what model5 returns for data.", look)
    return None


def _carries(given: Any, live: Live) -> Fault | None:
    if fault := states_fault(given):
        return fault
    for kind, states in keyed(given, ("LSTM", "GRU")).items():
        if fault := carried_fault(kind, states_of(states), rerun(live[kind.lower()]), live["data"]):
            return fault
    return None


QUESTIONS |= {"q2": _represents, "q5": _without_states, "q7": _holds, "q8": _carries}
CONFIRMED = {  # what a right answer has shown
    "q2": "Each choice passed its experiment on your own model.",
    "q5": "model5 returns one array, and your choice passed its experiment.",
    "q7": "Your choice passed its experiment on your own model, and the axes fit.",
    "q8": "Cut in two and carried on with these states, both layers repeat the uncut run.",
}
