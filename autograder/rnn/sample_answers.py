"""Right and wrong answers to the twelve questions, each with the grader's message, for the demo and the tests.

The wrong answers are mistakes that students really make. `says` is a
part of the grader's message, empty if right.
"""

from typing import NamedTuple


class Sample(NamedTuple):
    """The code in an answer cell, the points it earns, and a part of the grader's message."""

    code: str
    points: float
    says: str = ""


def _right(*codes: str) -> list[Sample]:
    return [Sample(code, 2) for code in codes]


def _wrong(says: dict[str, str]) -> list[Sample]:
    return [Sample(code, 0, message) for code, message in says.items()]


def _partial(says: dict[str, str]) -> list[Sample]:
    return [Sample(code, 1, message) for code, message in says.items()]


def _shape_faults(question: str, names: tuple[str, ...], steps: bool) -> list[Sample]:
    """Return wrong shapes; `steps` is whether the right `output` has a timesteps axis."""
    good = {name: "(1, 8, 3)" if steps and name == "output" else "(1, 3)" for name in names}

    def answer(**changed: str | None) -> str:
        shapes = {name: shape for name, shape in {**good, **changed}.items() if shape is not None}
        return f"{question} = {{{', '.join(f'{name!r}: {shape}' for name, shape in shapes.items())}}}"

    faults = {
        answer(h="(3,)"): "h: you gave 1 axis, (3,); h has 2: the batch axis is missing. Even a batch of 1 is an axis.",
        answer(h="(None, 3)"): "h: None is what a summary prints for the batch axis; this array has a size there.",
        answer(h="(3, 1)"): "h: the sizes in (3, 1) are in the wrong order, from the batch axis on.",
        answer(h="(8, 3)"): "h: the batch axis does not have size 8.",
        answer(h="(1, 2)"): "h: the units axis does not have size 2.",
        answer(h="(1, 8, 3)"): "the axis of size 8 is one too many. Does h hold all steps, or one?",
        answer(h="(1, 8, 3, 3)"): "h: you gave 4 axes, (1, 8, 3, 3); h has 2.",
        answer(h="3"): "h: you gave the number 3; a shape is needed.",
        answer(h="'(1, 3)'"): "h: '(1, 3)' is a string, not a shape. Leave out the quotation marks.",
        answer(h="('1', '3')"): "h: '1' is not a size. Leave out the quotation marks.",
        answer(h="(1.0, 3.0)"): "h: the size 1.0 has a decimal point.",
        answer(h="(True, 3)"): "h: True is not a size. A size is a whole number",
        answer(h="((1, 3),)"): "h: ((1, 3),) has brackets inside brackets.",
        answer(h="None"): "h: you gave None; a shape is needed.",
        answer(h="h"): "h: you gave an array; a shape is needed. Print h.shape.",
        answer(h=None): "h is missing.",
        answer(state="(1, 3)"): "'state' was not asked for.",
        f"{question} = [(1, 3)]": "You gave 1 shape, not",
    }
    if steps:
        faults |= {
            f"{question} = 3": "You gave the number 3; a dict is needed.",
            f"{question} = '(1, 3)'": "You gave a string; a dict is needed.",
            answer(output="(8, 3)"): "output: you gave 2 axes, (8, 3); output has 3: the batch axis is missing.",
            answer(output="(1, 3)"): "Does output hold one state, or one for each of the 8 steps?",
            answer(output="(None, 8, 3)"): "output: None is what a summary prints for the batch axis",
            answer(
                output="(1, 3, 8)"
            ): "output: the sizes in (1, 3, 8) are in the wrong order, from the timesteps axis on.",
            answer(output="(1, 8, 2)"): "output: the units axis does not have size 2.",
            f"{question} = (1, 8, 3)": "You gave one shape, (1, 8, 3), for",
        }
    else:
        faults |= {
            f"{question} = (3,)": "output: you gave 1 axis, (3,); output has 2: the batch axis is missing.",
            f"{question} = 3": "output: you gave the number 3; a shape is needed.",
            f"{question} = '(1, 3)'": "output: '(1, 3)' is a string, not a shape.",
        }
    return _wrong(faults)


def _shapes(question: str, names: tuple[str, ...], steps: bool) -> list[Sample]:
    """Return all forms of the right shapes, and wrong ones."""
    first = "(1, 8, 3)" if steps else "(1, 3)"
    literal = ", ".join(f"{name!r}: {first if name == 'output' else '(1, 3)'}" for name in names)
    computed = ", ".join(f"{name!r}: {name}.shape" for name in names)
    lists = ", ".join(f"{name!r}: np.array({name}.shape)" for name in names)
    in_order = ", ".join(f"{name}.shape" for name in names)
    tensors = ", ".join(f"{name!r}: keras.ops.convert_to_tensor({name}).shape" for name in names)
    right = _right(
        f"{question} = {{{literal}}}",
        f"{question} = {{{computed}}}",
        f"{question} = {{{lists}}}",
        f"{question} = {{{computed.replace('.shape', '.shape[:]')}}}",
        f"{question} = ({in_order})",
        f"{question} = [{in_order.replace('h.shape', '[batch, units]')}]",
        f"{question} = {{{tensors}}}",
    )
    return right + _right(*[f"{question} = (1, 3)"] * (not steps)) + _shape_faults(question, names, steps)


_EQUAL_PAIRS = ["[('output', 'h')]", "[('h', 'output')]", "('output', 'h')", "{'output', 'h'}", "['h', 'output']"]
_EQUAL_PAIRS += ["{frozenset({'output', 'h'})}", "[('output', 'h'), ('h', 'output')]", "[['output', 'h']]"]
_EQUAL_PAIRS += ["[('output', 'h'), ('output', 'h')]", "[(' Output', 'H')]"]


def _pairs(question: str) -> list[Sample]:
    return _right(*(f"{question} = {pair}" for pair in _EQUAL_PAIRS)) + _wrong(
        {
            f"{question} = ('h', 'h')": "An array always equals itself.",
            f"{question} = [('output', 'h', 'c')]": "is not a pair.",
            f"{question} = []": "An empty list says that no two arrays have the same values.",
            f"{question} = [('output', 'state')]": "'state' is not one of the arrays.",
            f"{question} = 'output and h'": "You gave a string; a list of pairs is needed.",
            f"{question} = (output, h)": "You gave arrays. Put the names in quotation marks",
            f"{question} = [(output, h)]": "You gave arrays. Put the names in quotation marks",
            f"{question} = None": "You gave None; a list of pairs is needed.",
        }
    )


_Q2 = "q2 = {{'output': '{}', 'h': '{}', 'c': '{}'}}"
_LAST = ("last hidden state", "last hidden state", "last cell state")
_Q5 = "model5 = Model(inputs, LSTM(units{})(inputs))\noutput5 = model5.predict(data, verbose=0)\nq5 = {!r}"
_MODEL5 = _Q5.split("\nq5", maxsplit=1)[0]
_OLD5 = _MODEL5.format(", return_state=True").replace("output5 =", "output5, h5, c5 =")
_Q7 = "q7 = {{'holds': {!r}, 'axes': {!r}}}"
_AXES = ("batch", "timesteps", "units")

SAMPLES: dict[str, list[Sample]] = {
    "q1": _right(
        'q1 = ("batch", "timesteps", "features")',
        "q1 = list(sizes)[:3]",
        'q1 = ["Batch_Size", "time steps", " Features "]',
        'q1 = ("samples", "time", "feature")',
        'q1 = ("batch", "Timestep", "features")',
        'q1 = ("batch size", "steps", "FEATURES")',
    )
    + _wrong(
        {
            'q1 = ("timesteps", "features")': "You named 2 axes; data has 3: the batch axis is missing.",
            'q1 = ("batch", "features", "timesteps")': "Axis 1 of data (axes count from 0) is not features.",
            'q1 = ("timesteps", "batch", "features")': "Axis 0 of data (axes count from 0) is not timesteps.",
            'q1 = ("batch", "timesteps", "units")': "Axis 2 of data (axes count from 0) is not units.",
            'q1 = ("batch", "timesteps", "nodes")': "Axis 2 of data (axes count from 0) is not units.",
            'q1 = ("samples", "8 Rows", "features")': "'8 Rows' is not an axis name.",
            'q1 = "randn\'s parameters"': "You gave a string; a tuple of names is needed.",
            "q1 = (1, 8, 2)": "You gave sizes; names are needed.",
        }
    ),
    "q2": _right(
        _Q2.format(*_LAST),
        'q2 = {"output": " Last  Hidden State ", "h": "LAST HIDDEN STATE.", "c": "last_cell_state"}',
    )
    + _wrong(
        {
            _Q2.format("a prediction for each unit", *_LAST[1:]): (
                "output: these are the states of your LSTM layer, and the model ends there."
            ),
            _Q2.format(_LAST[0], "summary of the last step only", _LAST[2]): (
                "h: add 1 to step 0 of data, run the model again, and h moves by 0."
            ),
            _Q2.format(*_LAST[:2], "summary of the last step only"): "and c moves by",
            _Q2.format("last cell state", *_LAST[1:]): "and pass output on as c: the rest changes by 0.",
            _Q2.format(_LAST[0], "last cell state", _LAST[2]): "and pass h on as c: the rest changes by 0.",
            _Q2.format(*_LAST[:2], "last hidden state"): "and pass c on as h: the rest changes by 0.",
            _Q2.format("all hidden states", *_LAST[1:]): (
                "output: it has no timesteps axis. It has room for one step, not for all 8."
            ),
            _Q2.format(*_LAST[:2], "all cell states"): "c: it has no timesteps axis.",
            _Q2.format("what was Learned", *_LAST[1:]): "output: 'what was Learned' is not one of the choices.",
            'q2 = "last hidden state"': "You gave a string; a dict is needed.",
            "q2 = {'output': 'last hidden state', 'h': 'last hidden state'}": "c is missing.",
        }
    ),
    "q3": _shapes("q3", ("output", "h", "c"), steps=False),
    "q4": _pairs("q4") + _wrong({"q4 = [('output', 'h'), ('h', 'c')]": "c and h have different values."}),
    "q5": _right(
        _Q5.format(", return_state=False", "last hidden state"),
        _Q5.format("", " Last Hidden_State."),
        _MODEL5.format("").replace("\n", "\nmodel5.set_weights(model.get_weights())\n") + "\nq5 = 'last hidden state'",
    )
    + _partial(
        {
            _Q5.format(", return_state=True", "last hidden state"): "The model returns 3 arrays; one is needed.",
            _Q5.format(", return_state=True", "last hidden state").replace("verbose=0)", "verbose=0)[0]"): (
                "The model returns 3 arrays; one is needed."
            ),
            f"{_OLD5}\nq5 = 'last hidden state'": "The model returns 3 arrays; one is needed.",
            _Q5.format("", "a prediction for each unit"): "the model ends there. No layer maps them to a target",
            _Q5.format("", "last cell state"): "and pass output5 on as c: the rest changes by",
            _Q5.format("", "all hidden states"): "output5: it has no timesteps axis.",
            _Q5.format("", "summary of the last step only"): "add 1 to step 0 of data",
            _Q5.format("", "the states are not returned, just the output"): "is not one of the choices.",
            _Q5.format("", "last hidden state").replace("model5.predict(data, verbose=0)", "output"): (
                "output5: the numbers are not what this layer computes from data."
            ),
            _MODEL5.format("").replace(", verbose=0)", ", verbose=0)[0]") + "\nq5 = 'last hidden state'": (
                "output5: 1 axis, (3,); 2 are needed."
            ),
            _Q5.format(", return_sequences=True", "last hidden state"): "The model returns an array with 3 axes;",
            "model5 = output5 = ...\nq5 = 'last hidden state'": "Not answered.",
            f"{_MODEL5.format('')}\nq5 = ...": "Not answered.",
        }
    )
    + _wrong(
        {
            _Q5.format(", return_sequences=True", "all hidden states"): "The model returns an array with 3 axes;",
            f"{_OLD5}\nq5 = 'last cell state'": "The model returns 3 arrays; one is needed.",
        }
    ),
    "q6": _shapes("q6", ("output", "h", "c"), steps=True),
    "q7": _right(
        _Q7.format("all hidden states", _AXES),
        _Q7.format(" All hidden_states.", ["batch_size", "Time Steps", "hidden size"]),
        _Q7.format("all hidden states", ("samples", "step", "nodes")),
    )
    + _partial(
        {
            _Q7.format("a prediction for each unit", _AXES): "output: these are the states of your LSTM layer",
            _Q7.format("last hidden state", _AXES): "it has a row for each of the 8 steps",
            _Q7.format("all cell states", _AXES): "the cell state is",
            _Q7.format("last cell state", _AXES): "it has a row for each of the 8 steps",
            _Q7.format("summary of the last step only", _AXES): "add 1 to step 0 of data",
            _Q7.format("predictions across all time steps", _AXES): "is not one of the choices.",
            _Q7.format("all hidden states", ("batch", "timesteps", "features")): "features is an axis of the input",
            _Q7.format("all hidden states", ("timesteps", "units")): "the batch axis is missing.",
            _Q7.format(
                "all hidden states", ("batch", "units", "timesteps")
            ): "Axis 1 of output (axes count from 0) is not units.",
            "q7 = {'holds': 'all hidden states'}": "axes is missing.",
            "q7 = {'holds': 'all hidden states', 'axes': ...}": "Not answered.",
            "q7 = {'holds': ..., 'axes': ('batch', 'timesteps', 'units')}": "Not answered.",
        }
    )
    + _wrong(
        {
            _Q7.format("a prediction for each unit", ("timesteps", "units")): "the batch axis is missing.",
            "q7 = 'all hidden states'": "You gave a string; a dict is needed.",
        }
    ),
    "q8": _right(
        "q8 = {'LSTM': ['h', 'c'], 'GRU': ['h']}",
        "q8 = {'LSTM': ('c', 'h'), 'GRU': 'h'}",
        "q8 = {'GRU': {'h'}, 'LSTM': {'h', 'c'}}",
        "q8 = {'LSTM': ['H', 'C'], 'GRU': 'H'}",
    )
    + _wrong(
        {
            "q8 = {'LSTM': ['h', 'c'], 'GRU': ['h', 'c']}": "GRU: it has no c.",
            "q8 = {'LSTM': ['output', 'h', 'c'], 'GRU': ['h']}": "LSTM: output equals h; it is not a further state.",
            "q8 = {'LSTM': ['h'], 'GRU': ['h']}": "In a new LSTM: cut data after step 3 and carry on only h: ",
            "q8 = {'LSTM': ['h', 'c'], 'GRU': []}": "In a new GRU: cut data after step 3 and carry on nothing: ",
            "q8 = {'LSTM': 2, 'GRU': 1}": "LSTM: you gave the number 2; a list of names is needed.",
            "q8 = ['h', 'c']": "You gave a list; a dict is needed.",
            "q8 = {'LSTM': ['h', 'c']}": "GRU is missing.",
        }
    ),
    "q9": _shapes("q9", ("output", "h"), steps=False),
    "q10": _pairs("q10"),
    "q11": _shapes("q11", ("output", "h"), steps=True),
    "q12": _right(
        "q12 = {'axis': 'timesteps', 'index': -1}",
        "q12 = {'axis': 'time steps', 'index': timesteps - 1}",
        "q12 = {'axis': 1, 'index': 7}",
        "q12 = {'axis': 'Timestep', 'index': np.int64(-1)}",
    )
    + _wrong(
        {
            "q12 = {'axis': 'units', 'index': -1}": "One place along units keeps the axes batch, timesteps; h",
            "q12 = {'axis': 'batch', 'index': -1}": "One place along batch keeps the axes timesteps, units; h",
            "q12 = {'axis': 2, 'index': -1}": "One place along units keeps the axes batch, timesteps; h",
            "q12 = {'axis': 'timesteps', 'index': 0}": "The slice at timesteps 0 has different values from h.",
            "q12 = {'axis': 'timesteps', 'index': 8}": "Index 8 is out of range for the timesteps axis.",
            "q12 = {'axis': 'features', 'index': -1}": "'features' is not an axis of output.",
            "q12 = {'axis': 3, 'index': -1}": "output has the axes 0 to 2, and no axis 3.",
            "q12 = {'axis': 'timesteps', 'index': '-1'}": "The index is a string; a whole number is needed.",
            "q12 = output[:, -1]": "Yes, that slice: which axis, which index?",
            "q12 = output[:, 0]": "That slice does not equal h.",
            "q12 = None": "None says that no slice of output equals h.",
            "q12 = 'the last row'": "You gave a string; a dict is needed.",
        }
    ),
}

# For each written question: a careful student's answer, then a wrong answer that students really give.
WHY = {
    "q2-why": "Each step makes its hidden state from the one before, so h keeps a trace of all eight steps.",
    "q4-why": "With return_sequences=False both are the last hidden state.",
    "q7-why": "A row is the hidden state after one step; a prediction would need a Dense layer and training.",
    "q8-why": "In a GRU h is memory and output at once, so no c is needed.",
    "q10-why": "Without sequences a GRU, too, returns its last hidden state as output, and h is that state.",
    "q12-why": "output lists the state after every step, and h is the one after the last, for every sample.",
}
WHY_WRONG = {
    "q2-why": "It is what was learned at the final step.",
    "q4-why": "They are equal because there are no targets to learn.",
    "q7-why": "They are the predictions across all time steps.",
    "q8-why": "The GRU only has one update gate.",
    "q10-why": "They are equal because the GRU was not trained.",
    "q12-why": "It is the last prediction.",
}
