"""The rules of the ungraded practice: right solutions, natural mistakes with their sentences, other sizes."""

import ast
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autograder.tests.support import SOURCE

pytestmark = [pytest.mark.tensorflow, pytest.mark.xdist_group("tensorflow")]
SIZES = [(5, 8, 2, 3), (1, 4, 3, 5), (3, 6, 6, 6), (2, 2, 1, 1)]

LOWER = "(lower := LSTM(units, return_sequences=True, return_state=True)(inputs))"
GRU_ALL = "(run := GRU(units, return_sequences=True, return_state=True)(inputs))"
ENCODER = "(encoder := LSTM(units, return_state=True)(source))"
DECODER = "LSTM(units, return_sequences=True)(target"
STREAM = """lambda layer, first, second: np.concatenate([
    (old := layer(first))[0], layer(second, initial_state={})[0]], axis={})"""
FLAGS = {
    "classify a review": (),
    "tag each word": ("return_sequences",),
    "forecast one value": (),
    "translate": ("return_state",),
    "stream a sensor": ("return_state",),
    "compare two summaries": (),
}
RIGHT = [
    ("below", "LSTM(units, return_sequences=True)"),
    ("below", "GRU(7, return_sequences=True)"),
    ("below", "Bidirectional(LSTM(units, return_sequences=True))"),
    ("two_layers", "Model(inputs, LSTM(units)(LSTM(units, return_sequences=True)(inputs)))"),
    ("two_layers", "keras.Sequential([LSTM(units, return_sequences=True), LSTM(units)])"),
    ("two_layers", "keras.Sequential([inputs, LSTM(units, return_sequences=True), LSTM(2 * units)])"),
    ("with_states", f"Model(inputs, [LSTM(units)({LOWER}[0]), lower[1], lower[2]])"),
    ("three_arrays", "Model(inputs, LSTM(units, return_state=True)(inputs))"),
    ("three_arrays", "Model(inputs, LSTM(units, return_state=True, return_sequences=True)(inputs))"),
    ("tagger", "Model(inputs, Dense(1)(LSTM(units, return_sequences=True)(inputs)))"),
    ("tagger", "Model(inputs, TimeDistributed(Dense(1))(GRU(units, return_sequences=True)(inputs)))"),
    ("tagger", "Model(inputs, Dense(1)(Bidirectional(LSTM(units, return_sequences=True))(inputs)))"),
    ("translator", f"Model([source, target], {DECODER}, initial_state={ENCODER}[1:]))"),
    ("stream", STREAM.format("old[1:]", 1)),
    ("stream", STREAM.format("[old[1], old[2]]", -2)),
    ("lighter", "Model(inputs, GRU(units, return_sequences=True, return_state=True)(inputs))"),
    ("flags", repr(FLAGS)),
    ("flags", repr(FLAGS | {"classify a review": "none", "tag each word": "Return_Sequences = True"})),
    ("flags", repr(FLAGS | {"stream a sensor": "stateful", "translate": {"return_state": True, "stateful": False}})),
    ("flags", repr(FLAGS | {"stream a sensor": ["return_sequences", "return_state"], "classify a review": set()})),
]
MODEL = "Model(inputs, outputs) makes a model."
SAME = "Keep the layers of the broken model, and change what they return or get."
STATES = "Which argument makes the layer return its states too?"
ORDER = "Return, in this order: the upper layer's output, the lower layer's h, the lower layer's c."
NO_FLAG = "() means no flag."
SWAP = "Then its rows differ from a run that was never cut. Which state belongs where?"
WRONG = [
    ("below", "LSTM", "You gave the class LSTM; a layer is needed. Make a layer, such as Dense(4), with brackets."),
    ("below", "'LSTM'", "You gave a string; a layer is needed. Make a layer, such as Dense(4), with brackets."),
    (
        "below",
        "LSTM(units)(inputs)",
        "You gave an array; a layer is needed. Give the layer, before it is called on data.",
    ),
    ("below", "Dense(units)", "Dense carries no state. The lower layer is recurrent too."),
    (
        "below",
        "LSTM(units)",
        "It returns one row for each sample. What does the layer on top read, step by step?",
    ),
    (
        "below",
        "LSTM(units, return_sequences=True, return_state=True)",
        f"It returns 3 arrays; the layer on top takes one. {STATES}",
    ),
    ("two_layers", "data", "You gave an array; a model is needed. Give the model, not what it returns."),
    ("two_layers", "LSTM(units)(inputs)", "You gave an array; a model is needed. Give the model, not what it returns."),
    ("two_layers", "LSTM(units)", f"You gave a layer; a model is needed. {MODEL}"),
    ("two_layers", "LSTM", f"You gave the class LSTM; a model is needed. {MODEL}"),
    ("two_layers", "lambda x: x", f"You gave a function; a model is needed. {MODEL}"),
    ("two_layers", "None", f"You gave None; a model is needed. {MODEL}"),
    ("two_layers", "Model(inputs, LSTM(units)(inputs))", f"The model has 1 recurrent layer; 2 needed. {SAME}"),
    (
        "two_layers",
        "Model(inputs, LSTM(units)(RepeatVector(timesteps)(LSTM(units)(inputs))))",
        "The upper layer gets the same row at each of the 8 steps. Do not repeat the last state. "
        "Which argument keeps all of them?",
    ),
    (
        "two_layers",
        "Model(inputs, LSTM(units)(Reshape((1, units))(LSTM(units)(inputs))))",
        "The upper layer gets 1 step; the data has 8. A new axis is not the missing one. "
        "Which argument keeps all steps?",
    ),
    (
        "two_layers",
        "Model(inputs, LSTM(units, return_sequences=True)(LSTM(units, return_sequences=True)(inputs)))",
        "It returns one row for each step; the broken model was meant to return one for each sample. "
        "Which of the two layers has a layer on top?",
    ),
    (
        "two_layers",
        "Model(inputs, LSTM(units, return_state=True)(LSTM(units, return_sequences=True)(inputs)))",
        f"It returns 3 arrays; the model has one result. {STATES}",
    ),
    (
        "with_states",
        f"Model(inputs, LSTM(units)({LOWER}[0]))",
        f"It returns 1 array; 3 needed. {ORDER}",
    ),
    (
        "with_states",
        f"Model(inputs, [LSTM(units)({LOWER}[0]), lower[2], lower[1]])",
        f"Array 2 is the lower layer's c. {ORDER}",
    ),
    (
        "with_states",
        "Model(inputs, LSTM(units, return_state=True)(LSTM(units, return_sequences=True)(inputs)))",
        f"Array 2 is the upper layer's output. {ORDER}",
    ),
    (
        "with_states",
        f"Model(inputs, [{LOWER}[0], lower[1], lower[2]])",
        f"The model has 1 recurrent layer; 2 needed. {SAME}",
    ),
    (
        "three_arrays",
        "Model(inputs, LSTM(units)(inputs))",
        f"It still returns one array, (3, 3). With a batch of 3 it unpacks into 3 samples. {STATES}",
    ),
    (
        "three_arrays",
        "Model(inputs, LSTM(units, return_sequences=True)(inputs))",
        f"It still returns one array, (3, 8, 3). With a batch of 3 it unpacks into 3 samples. {STATES}",
    ),
    (
        "three_arrays",
        "Model(inputs, [out := LSTM(units)(inputs), out, out])",
        "Array 3 is output. Return, in this order: output, h, c.",
    ),
    (
        "three_arrays",
        "Model(inputs, LSTM(units, return_state=True)(inputs)[::-1])",
        "Array 1 is c. Return, in this order: output, h, c.",
    ),
    (
        "tagger",
        "Model(inputs, Dense(1)(LSTM(units)(inputs)))",
        "It returns (5, 1): one label for each sample. The labels have one for each of the 8 steps. "
        "Which argument makes the layer return a row for each step?",
    ),
    (
        "tagger",
        "Model(inputs, Dense(timesteps)(LSTM(units)(inputs)))",
        "It returns the shape (5, 8). Compare with labels.shape, (5, 8, 1).",
    ),
    (
        "tagger",
        "Model(inputs, LSTM(units, return_sequences=True)(inputs))",
        "It returns 3 numbers for each step; a label is one. Which layer maps a hidden state to a label?",
    ),
    (
        "tagger",
        "Model(inputs, Dense(1)(RepeatVector(timesteps)(LSTM(units)(inputs))))",
        "All 8 labels of a sample are equal, whatever the data. Do not repeat one state. "
        "Which argument keeps all of them?",
    ),
    (
        "tagger",
        "Model(inputs, Dense(1)(inputs))",
        "The model has no recurrent layer. A label may depend on all steps before it.",
    ),
    (
        "tagger",
        "Model(inputs, Dense(1)(LSTM(units, return_sequences=True, return_state=True)(inputs)[0][:, 1:]))",
        "It returns 7 steps; the labels have 8. Compare with labels.shape, (5, 8, 1).",
    ),
    (
        "translator",
        f"Model([source, target], {DECODER}, initial_state={ENCODER}[:0:-1]))",
        f"The decoder starts its hidden state from the old c and its cell state from the old h. {SWAP}",
    ),
    (
        "translator",
        f"Model([source, target], {DECODER}, initial_state={ENCODER}[:2]))",
        f"The decoder starts its hidden state from the old h and its cell state from the old h. {SWAP}",
    ),
    (
        "translator",
        f"({ENCODER}, Model([source, target], Add()([{DECODER}), RepeatVector(timesteps)(encoder[1])])))[1]",
        f"The decoder differs from the uncut run. {SWAP}",
    ),
    (
        "translator",
        f"Model([source, target], {DECODER}))",
        "Only one recurrent layer is connected to the result: the decoder starts from zeros. "
        "What must the decoder get besides the target?",
    ),
    (
        "translator",
        f"Model([source, target], LSTM(units)(target, initial_state={ENCODER}[1:]))",
        "It returns one row for each sample; a translation has one for each step. "
        "Keep return_sequences as the broken model has it.",
    ),
    (
        "translator",
        f"Model(source, LSTM(units, return_sequences=True)(source, initial_state={ENCODER}[1:]))",
        "The model has 1 input; 2 needed. Compare with the broken model.",
    ),
    (
        "translator",
        "Model([source, target], GRU(units, return_sequences=True)(target, initial_state=LSTM(units)(source)))",
        "The two layers differ in kind or units. The decoder can start only from states of the same kind.",
    ),
    ("stream", "data", "You gave an array; a function is needed. Begin with: def stream(layer, first, second):"),
    (
        "stream",
        "lambda layer, parts: parts",
        "The function takes 2 arguments; it is called with 3. Begin with: def stream(layer, first, second):",
    ),
    (
        "stream",
        STREAM.format("None", 1),
        f"The second part starts its hidden state from zeros and its cell state from zeros. {SWAP}",
    ),
    (
        "stream",
        STREAM.format("[old[2], old[1]]", 1),
        f"The second part starts its hidden state from the old c and its cell state from the old h. {SWAP}",
    ),
    (
        "stream",
        STREAM.format("old[1:]", 0),
        "The function returns (10, 4, 4); the uncut run has (5, 8, 4). "
        "Join the outputs of both parts along the timesteps axis.",
    ),
    (
        "stream",
        STREAM.format("old[1]", 1),
        "The function stops with IndexError on two parts of a sequence. "
        "What does the layer carry from one step to the next? Pass all of it on, as one list.",
    ),
    ("stream", "lambda layer, first, second: None", "The function returns None. End it with return."),
    (
        "stream",
        "lambda layer, first, second: layer(second)",
        "The function returns a tuple; an array is needed. Join the two outputs.",
    ),
    (
        "stream",
        "lambda layer, first, second: np.zeros((5, 8, 4))",
        "The rows of the first part differ from the uncut run. The first part starts from zeros.",
    ),
    (
        "lighter",
        "Model(inputs, LSTM(units, return_sequences=True, return_state=True)(inputs))",
        "The layer is of kind LSTM; the task asks for a GRU. "
        "Keep the GRU, and change what the model does with its states.",
    ),
    (
        "lighter",
        f"Model(inputs, [*{GRU_ALL}, run[1]])",
        "Two of the arrays have the same values. A GRU does not have every state that an LSTM has. Do not replace it.",
    ),
    (
        "lighter",
        "Model(inputs, GRU(units, return_state=True)(inputs))",
        "Each array has one row for each sample. Keep return_sequences as the broken model has it.",
    ),
    (
        "lighter",
        f"Model(inputs, {GRU_ALL}[0])",
        "It returns 1 array; 2 needed. Return, in this order: output, h.",
    ),
    (
        "lighter",
        f"Model(inputs, {GRU_ALL}[::-1])",
        "Array 1 is h. Return, in this order: output, h.",
    ),
    ("flags", "'none'", "You gave a string; a dict is needed. Give one set of flags for each of: classify a review, "),
    ("flags", "{}", "classify a review is missing. Give one set of flags for each of: classify a review, "),
]
WRONG_FLAGS = [
    ("classify a review", 1, f"You gave the number 1. Give a tuple of flags; {NO_FLAG}"),
    (
        "classify a review",
        "sequences",
        f"'sequences' is not a flag here. The flags are: return_sequences, return_state, stateful; {NO_FLAG}",
    ),
    (
        "classify a review",
        "return_sequences",
        "the layer returns 8 rows for each sample; the classifier takes one row. "
        "Does the task use every step, or a summary of all steps?",
    ),
    (
        "forecast one value",
        ("return_state",),
        "the layer returns 3 arrays; the forecast takes one. Are the states used?",
    ),
    (
        "tag each word",
        (),
        "the layer returns one row for each sample; the 8 steps need one each. "
        "Does the task use every step, or a summary of all steps?",
    ),
    (
        "tag each word",
        ("return_sequences", "return_state"),
        "the layer returns 3 arrays; `Dense(1)` takes one. Are the states used?",
    ),
    (
        "translate",
        ("return_sequences",),
        "the encoder returns no states, so the decoder starts from zeros. "
        "What does the decoder get as its initial_state?",
    ),
    (
        "compare two summaries",
        "stateful",
        "the numbers for the same data differ the second time: the layer starts from the last batch's state. "
        "Is the next batch a continuation of the last one?",
    ),
]


def numbered(table: list[Any]) -> list[str]:
    """Return a short name for each row of a table: its first word and its number."""
    return [f"{row[0]}-{number}" for number, row in enumerate(table)]


@pytest.fixture(scope="module")
def rules() -> Iterator[Any]:
    """The rules by question, and the names that a notebook has."""
    sys.path.insert(0, str(SOURCE))
    import shapes.practice  # type: ignore[import-not-found,unused-ignore]

    yield shapes.practice.PRACTICE
    sys.path.remove(str(SOURCE))


def fault(rules: Any, question: str, answer: str, sizes: tuple[int, ...] = SIZES[0]) -> Any:
    """Judge an answer, written as an expression, with these sizes."""
    import keras

    batch, timesteps, features, units = sizes
    keras.utils.set_random_seed(3)
    names = vars(keras.layers) | {
        "keras": keras,
        "np": np,
        "Model": keras.Model,
        "units": units,
        "timesteps": timesteps,
    }
    for name in ("inputs", "source", "target"):
        names[name] = keras.Input((timesteps, features))
    data = np.random.randn(batch, timesteps, features).astype("float32")
    live = {"data": data, "labels": data.sum(axis=-1, keepdims=True)}
    return rules[question](eval(answer, names | {"data": data}), live)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("question", "answer"), RIGHT, ids=numbered(RIGHT))
def test_a_right_solution_has_no_fault_whatever_the_sizes(
    rules: Any, question: str, answer: str, sizes: tuple[int, ...]
) -> None:
    assert fault(rules, question, answer, sizes) is None


@pytest.mark.parametrize(("question", "answer", "sentence"), WRONG, ids=numbered(WRONG))
def test_a_natural_mistake_has_its_sentence(rules: Any, question: str, answer: str, sentence: str) -> None:
    assert str(fault(rules, question, answer)).startswith(sentence)


@pytest.mark.parametrize(("task", "flags", "sentence"), WRONG_FLAGS, ids=numbered(WRONG_FLAGS))
def test_wrong_flags_have_a_sentence_that_names_the_task(rules: Any, task: str, flags: Any, sentence: str) -> None:
    assert str(fault(rules, "flags", repr(FLAGS | {task: flags}))) == f"{task}: {sentence}"


@pytest.mark.parametrize("flags", [(), ("return_sequences",)])
def test_a_stream_without_its_states_ends_elsewhere(rules: Any, flags: Any) -> None:
    found = fault(rules, "flags", repr(FLAGS | {"stream a sensor": flags}))
    assert str(found).startswith("stream a sensor: in two parts, h ends 0.")
    assert str(found).endswith("away from the uncut run. What must the second part start from?")


def test_a_model_that_cannot_run_on_the_data_has_our_own_sentence(rules: Any) -> None:
    other = "Model(other := keras.Input((timesteps, 9)), LSTM(units)(LSTM(units, return_sequences=True)(other)))"
    found = str(fault(rules, "two_layers", other))
    assert found.startswith("It stops at an error on data of shape (5, 8, 2). Run it on the same data in a new cell")


def test_a_rule_leaves_the_learners_model_as_it_was(rules: Any) -> None:
    import keras

    source, target = keras.Input((8, 2)), keras.Input((8, 2))
    _, *states = keras.layers.LSTM(3, return_state=True)(source)
    model = keras.Model([source, target], keras.layers.LSTM(3, return_sequences=True)(target, initial_state=states))
    before = model.get_weights()
    assert rules["translator"](model, {"data": np.ones((5, 8, 2), "float32")}) is None
    assert all(map(np.array_equal, before, model.get_weights()))


def test_no_rule_has_the_wording_of_a_solution() -> None:
    """The rules call layers only to measure; none builds what a learner is asked for."""
    for name in ("shapes/practice.py", "shapes/flags.py", "shapes/runs.py"):
        calls = [node for node in ast.walk(ast.parse((SOURCE / name).read_text("utf-8"))) if isinstance(node, ast.Call)]
        flags = [
            keyword.arg for call in calls for keyword in call.keywords if keyword.arg in ("return_state", "stateful")
        ]
        assert flags == ["return_state"] * (name == "shapes/practice.py")
