"""Rules of the ungraded practice: run the learner's layer, model or function, and find its first fault.

A rule looks at the number of arrays that come back, at their shapes, then at their numbers. States are measured on the
learner's own weights: a run in two parts must equal the uncut run. This file contains no answers.
"""

import inspect
import itertools
from typing import Any

import numpy as np
import shapes.flags  # noqa: F401  (its rule is registered)
from shapes.answers import Live
from shapes.runs import (
    PRACTICE,  # noqa: F401  (`check` reads it from here)
    FaultError,
    close,
    count,
    input_of,
    kind,
    need,
    recurrent,
    require_layers,
    require_model,
    rule,
    run,
    same_at_each_step,
    started_from,
    states_along,
)

# --- a layer below another one (state_test) -------------------------------------------------------------------------


@rule("below")
def below(answer: Any, live: Live) -> None:
    """Judge a layer that a second recurrent layer is put on."""
    import keras

    if hasattr(answer, "shape"):
        raise FaultError("You gave an array; a layer is needed.", "Give the layer, before it is called on data.")
    is_layer = isinstance(answer, keras.Layer)
    need(is_layer, f"You gave {kind(answer)}; a layer is needed.", "Make a layer, such as Dense(4), with brackets.")
    kinds = keras.layers.RNN | keras.layers.Bidirectional
    need(isinstance(answer, kinds), f"{type(answer).__name__} carries no state.", "The lower layer is recurrent too.")
    returned = run(answer, live["data"])
    _need_one(returned, "the layer on top takes one")
    steps = returned[0].ndim == 3
    need(steps, "It returns one row for each sample.", "What does the layer on top read, step by step?")


def _need_one(returned: list[Any], why: str) -> None:
    advice = "Which argument makes the layer return its states too?"
    need(len(returned) == 1, f"It returns {count(len(returned), 'array')}; {why}.", advice)


# --- seven models ---------------------------------------------------------------------------------------------------


@rule("two_layers")
def two_layers(answer: Any, live: Live) -> None:
    """Judge model 1: a recurrent layer on top of another one."""
    require_model(answer)
    _, upper = require_layers(answer, 2)
    returned = run(answer, live["data"])
    _need_one(returned, "the model has one result")
    rows = input_of(answer, upper, live["data"])
    if rows is not None:
        steps = live["data"].shape[1]
        few = f"The upper layer gets {count(rows.shape[1], 'step')}; the data has {steps}."
        need(rows.shape[1] == steps, few, "A new axis is not the missing one. Which argument keeps all steps?")
        alike = f"The upper layer gets the same row at each of the {steps} steps."
        need(not same_at_each_step(rows), alike, "Do not repeat the last state. Which argument keeps all of them?")
    one = "It returns one row for each step; the broken model was meant to return one for each sample."
    need(returned[0].ndim == 2, one, "Which of the two layers has a layer on top?")


@rule("with_states")
def with_states(answer: Any, live: Live) -> None:
    """Judge model 2: the upper layer's output, and the states of the lower layer."""
    require_model(answer)
    lower, upper = require_layers(answer, 2)
    data = live["data"]
    returned = run(answer, data)
    hidden, states = states_along(lower, data)
    top, _ = states_along(upper, hidden)
    known = {"the upper layer's output": top[:, -1]}
    known |= {f"the lower layer's {name}": state for name, state in states.items()}
    _need_arrays(returned, known)


@rule("three_arrays")
def three_arrays(answer: Any, live: Live) -> None:
    """Judge model 3: output, h and c, whatever the size of the batch."""
    require_model(answer)
    (layer,) = require_layers(answer, 1)
    data = np.repeat(live["data"], 3, axis=0)[:3]
    returned = run(answer, data)
    single = f"It still returns one array, {returned[0].shape}. With a batch of 3 it unpacks into 3 samples."
    need(len(returned) > 1, single, "Which argument makes the layer return its states too?")
    hidden, states = states_along(layer, data)
    output = hidden if returned[0].ndim == 3 else hidden[:, -1]
    _need_arrays(returned, {"output": output} | states)


def _need_arrays(returned: list[Any], known: dict[str, Any]) -> None:
    """Require these arrays in this order; a fault names the arrays that the answer has instead."""
    wanted = ", ".join(known)
    many = f"It returns {count(len(returned), 'array')}; {len(known)} needed."
    need(len(returned) == len(known), many, f"Return, in this order: {wanted}.")
    for number, (array, (name, right)) in enumerate(zip(returned, known.items()), 1):
        is_one = [other for other, value in known.items() if close(array, value)]
        unlike = f"Array {number} is {is_one[0] if is_one else 'none of the arrays that the task names'}."
        need(name in is_one or close(array, right), unlike, f"Return, in this order: {wanted}.")


@rule("tagger")
def tagger(answer: Any, live: Live) -> None:
    """Judge model 4: one label for each step."""
    require_model(answer)
    data, labels = live["data"], live["labels"]
    need(recurrent(answer), "The model has no recurrent layer.", "A label may depend on all steps before it.")
    returned = run(answer, data)
    _need_one(returned, "the model has one result")
    shape, (batch, steps, _) = returned[0].shape, labels.shape
    one = f"It returns {shape}: one label for each sample. The labels have one for each of the {steps} steps."
    need(shape != (batch, 1), one, "Which argument makes the layer return a row for each step?")
    advice = f"Compare with labels.shape, {labels.shape}."
    need(len(shape) == 3, f"It returns the shape {shape}.", advice)
    need(shape[1] == steps, f"It returns {count(shape[1], 'step')}; the labels have {steps}.", advice)
    each = f"It returns {count(shape[2], 'number')} for each step; a label is one."
    need(shape[2] == 1, each, "Which layer maps a hidden state to a label?")
    alike = f"All {steps} labels of a sample are equal, whatever the data."
    need(not same_at_each_step(returned[0]), alike, "Do not repeat one state. Which argument keeps all of them?")


@rule("translator")
def translator(answer: Any, live: Live) -> None:
    """Judge model 5: with equal weights, encoder and decoder must equal one layer's uncut run."""
    require_model(answer, 2)
    alone = "Only one recurrent layer is connected to the result: the decoder starts from zeros."
    need(len(recurrent(answer)) != 1, alone, "What must the decoder get besides the target?")
    encoder, decoder = require_layers(answer, 2)
    first, second = live["data"], live["data"][::-1, ::-1]
    alike = type(encoder) is type(decoder) and encoder.units == decoder.units
    need(alike, "The two layers differ in kind or units.", "The decoder can start only from states of the same kind.")
    own = decoder.get_weights()
    try:
        decoder.set_weights(encoder.get_weights())
        returned = run(answer, first, second)
    finally:
        decoder.set_weights(own)
    _need_one(returned, "the model has one result")
    need(returned[0].ndim == 3, "It returns one row for each sample; a translation has one for each step.", _AGAIN)
    _need_uncut(encoder, first, second, returned[0], "The decoder")


_AGAIN = "Keep return_sequences as the broken model has it."


@rule("stream")
def stream(answer: Any, live: Live) -> None:
    """Judge function 6: two parts must give the rows of the uncut run."""
    import keras

    takes = "Begin with: def stream(layer, first, second):"
    need(inspect.isroutine(answer), f"You gave {kind(answer)}; a function is needed.", takes)
    number = len(inspect.signature(answer).parameters)
    need(number == 3, f"The function takes {count(number, 'argument')}; it is called with 3.", takes)
    data = live["data"]
    half = data.shape[1] // 2
    first, second = data[:, :half], data[:, half:]
    layer = keras.layers.LSTM(4, return_sequences=True, return_state=True)
    layer.build(data.shape)
    try:
        rows = answer(layer, first, second)
    except Exception as error:
        look = "What does the layer carry from one step to the next? Pass all of it on, as one list."
        raise FaultError(f"The function stops with {type(error).__name__} on two parts of a sequence.", look) from error
    need(rows is not None, "The function returns None.", "End it with return.")
    need(hasattr(rows, "shape"), f"The function returns {kind(rows)}; an array is needed.", "Join the two outputs.")
    rows, shape = np.asarray(rows), (*data.shape[:2], 4)
    look = "Join the outputs of both parts along the timesteps axis."
    need(rows.shape == shape, f"The function returns {rows.shape}; the uncut run has {shape}.", look)
    start = close(rows[:, :half], states_along(layer, first)[0])
    need(start, "The rows of the first part differ from the uncut run.", "The first part starts from zeros.")
    _need_uncut(layer, first, second, rows[:, half:], "The second part")


def _need_uncut(layer: Any, first: Any, second: Any, rows: Any, what: str) -> None:
    """Require the rows that an uncut run has in its second part; a fault names the states that were used instead."""
    hidden, _ = states_along(layer, np.concatenate([first, second], axis=1))
    if close(hidden[:, first.shape[1] :], rows):
        return
    _, states = states_along(layer, first)
    used = started_from(layer, second, states, rows)
    unlike = f"{what} starts {used}." if used else f"{what} differs from the uncut run."
    raise FaultError(unlike, "Then its rows differ from a run that was never cut. Which state belongs where?")


@rule("lighter")
def lighter(answer: Any, live: Live) -> None:
    """Judge model 7: a GRU in place of an LSTM."""
    import keras

    require_model(answer)
    (layer,) = require_layers(answer, 1)
    other = f"The layer is of kind {type(layer).__name__}; the task asks for a GRU."
    need(isinstance(layer, keras.layers.GRU), other, "Keep the GRU, and change what the model does with its states.")
    returned = run(answer, live["data"])
    hidden, states = states_along(layer, live["data"])
    if len(returned) > len(states) + 1 and any(close(*pair) for pair in itertools.combinations(returned, 2)):
        twice = "Two of the arrays have the same values."
        raise FaultError(twice, "A GRU does not have every state that an LSTM has. Do not replace it.")
    one = "Each array has one row for each sample."
    need(any(array.ndim == 3 for array in returned), one, _AGAIN)
    _need_arrays(returned, {"output": hidden} | states)
