"""Right and wrong answers to the twelve questions, each with the grader's message, for the demo and the tests.

The wrong answers are mistakes that students really make. `says` is a part of the grader's message, empty if right.
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


def _shape_faults(question: str, names: tuple[str, ...], steps: bool) -> list[Sample]:
    """Return wrong shapes; `steps` is whether the right `output` has a timesteps axis."""
    good = {name: "(1, 8, 3)" if steps and name == "output" else "(1, 3)" for name in names}

    def answer(**changed: str | None) -> str:
        shapes = {name: shape for name, shape in {**good, **changed}.items() if shape is not None}
        return f"{question} = {{{', '.join(f'{name!r}: {shape}' for name, shape in shapes.items())}}}"

    faults = {
        answer(h="(3,)"): "h: you gave 1 axis, (3,); h has 2: the batch axis is missing.",
        answer(h="(None, 3)"): "h: None is what a summary prints for the batch axis",
        answer(h="(3, 1)"): "h: the sizes in (3, 1) are in the wrong order, from the batch axis on.",
        answer(h="(8, 3)"): "h: the batch axis does not have size 8.",
        answer(h="(1, 8, 3)"): "h: you gave 3 axes, (1, 8, 3); h has 2: the axis of size 8 is one too many.",
        answer(h="(1, 8, 3, 3)"): "h: you gave 4 axes, (1, 8, 3, 3); h has 2.",
        answer(h="3"): "h: you gave the number 3; a shape is needed.",
        answer(h="'(1, 3)'"): "h: '(1, 3)' is a string, not a shape.",
        answer(h="(1.0, 3.0)"): "h: the size 1.0 is not a whole number.",
        answer(h="(True, 3)"): "h: the size True is not a whole number.",
        answer(h="None"): "h: you gave None; a shape is needed.",
        answer(h=None): "h is missing.",
        answer(state="(1, 3)"): "'state' was not asked for.",
    }
    if steps:
        faults |= {
            answer(output="(8, 3)"): "output: you gave 2 axes, (8, 3); output has 3: the batch axis is missing.",
            answer(output="(1, 3)"): "output: you gave 2 axes, (1, 3); output has 3: the timesteps axis is missing.",
            answer(
                output="(1, 3, 8)"
            ): "output: the sizes in (1, 3, 8) are in the wrong order, from the timesteps axis on.",
            answer(output="(1, 8, 2)"): "output: the units axis does not have size 2.",
            f"{question} = (1, 8, 3)": "You gave a tuple; a dict is needed.",
        }
    else:
        faults |= {f"{question} = (3,)": "output: you gave 1 axis, (3,); output has 2: the batch axis is missing."}
    return _wrong(faults)


_EQUAL_PAIRS = ["[('output', 'h')]", "[('h', 'output')]", "('output', 'h')", "{'output', 'h'}"]
_EQUAL_PAIRS += ["{frozenset({'output', 'h'})}", "[('output', 'h'), ('h', 'output')]", "[['output', 'h']]"]


def _pairs(question: str) -> list[Sample]:
    return _right(*(f"{question} = {pair}" for pair in _EQUAL_PAIRS)) + _wrong(
        {
            f"{question} = ('h', 'h')": "An array always equals itself.",
            f"{question} = [('output', 'h', 'c')]": "is not a pair.",
            f"{question} = []": "A pair of arrays with the same values is missing.",
            f"{question} = [('output', 'state')]": "'state' is not one of the arrays.",
            f"{question} = 'output and h'": "You gave a string; a list of pairs is needed.",
        }
    )


_Q2 = "q2 = {{'output': '{}', 'h': '{}', 'c': '{}'}}"
_LAST = ("last hidden state", "last hidden state", "last cell state")
_Q5 = "model5 = Model(inputs, LSTM(units{})(inputs))\noutput5 = model5.predict(data, verbose=0)\nq5 = {!r}"
_MODEL5 = _Q5.split("\nq5", maxsplit=1)[0]
_Q7 = "q7 = {{'holds': {!r}, 'axes': {!r}}}"
_AXES = ("batch", "timesteps", "units")

SAMPLES: dict[str, list[Sample]] = {
    "q1": _right(
        'q1 = ("batch", "timesteps", "features")',
        "q1 = list(sizes)[:3]",
        'q1 = ["Batch_Size", "time steps", " Features "]',
    )
    + _wrong(
        {
            'q1 = ("timesteps", "features")': "You named 2 axes; data has 3: the batch axis is missing.",
            'q1 = ("batch", "features", "timesteps")': "Axis 1 of data is not features.",
            'q1 = ("timesteps", "batch", "features")': "Axis 0 of data is not timesteps.",
            'q1 = ("batch", "timesteps", "units")': "Axis 2 of data is not units.",
            'q1 = ("sample", "8 rows", "features")': "'sample' is not an axis name.",
            'q1 = "randn\'s parameters"': "You gave a string; a tuple of names is needed.",
        }
    ),
    "q2": _right(
        _Q2.format(*_LAST),
        'q2 = {"output": " Last Hidden State ", "h": "LAST HIDDEN STATE", "c": "last cell state"}',
    )
    + _wrong(
        {
            _Q2.format("a prediction for each unit", *_LAST[1:]): "output: nothing is trained and nothing is predicted",
            _Q2.format(_LAST[0], "summary of the last step only", _LAST[2]): "h: it depends on all steps",
            _Q2.format(_LAST[0], "last cell state", _LAST[2]): "h: it is not 'last cell state'.",
            _Q2.format("all hidden states", *_LAST[1:]): "output: it has one step, not all of them.",
            _Q2.format(*_LAST[:2], "all cell states"): "c: the layer never returns the cell states of earlier steps.",
            _Q2.format("what was learned", *_LAST[1:]): "output: 'what was learned' is not one of the choices.",
            'q2 = "last hidden state"': "You gave a string; a dict is needed.",
        }
    ),
    "q3": _right(
        "q3 = {'output': (1, 3), 'h': (1, 3), 'c': (1, 3)}",
        "q3 = {'output': output.shape, 'h': h.shape, 'c': c.shape}",
        "q3 = {name: keras.ops.convert_to_tensor(a).shape for name, a in zip(('output', 'h', 'c'), (output, h, c))}",
        "q3 = {'output': [1, 3], 'h': [batch, units], 'c': np.shape(c)}",
        "q3 = (1, 3)",
    )
    + _shape_faults("q3", ("output", "h", "c"), steps=False),
    "q4": _pairs("q4") + _wrong({"q4 = [('output', 'h'), ('h', 'c')]": "c and h have different values."}),
    "q5": _right(
        _Q5.format(", return_state=False", "last hidden state"),
        _Q5.format("", " Last Hidden State"),
        _MODEL5.format("").replace("\n", "\nmodel5.set_weights(model.get_weights())\n") + "\nq5 = 'last hidden state'",
    )
    + _wrong(
        {
            _Q5.format(", return_state=True", "last hidden state"): "model5: it returns 3 arrays; one is needed.",
            _Q5.format("", "a prediction for each unit"): "nothing is trained and nothing is predicted",
            _Q5.format("", "last cell state"): "the layer no longer returns the cell state.",
            _Q5.format("", "the states are not returned, just the output"): "is not one of the choices.",
            _Q5.format(", return_sequences=True", "all hidden states"): "returned5: 3 axes, (1, 8, 3); 2 are needed.",
            _Q5.format("", "last hidden state").replace("model5.predict(data, verbose=0)", "output"): (
                "output5: the numbers are not what this layer computes from data."
            ),
            _MODEL5.format("").replace(", verbose=0)", ", verbose=0)[0]") + "\nq5 = 'last hidden state'": (
                "output5: 1 axis, (3,); 2 are needed."
            ),
        }
    ),
    "q6": _right(
        "q6 = {'output': (1, 8, 3), 'h': (1, 3), 'c': (1, 3)}",
        "q6 = {'output': output.shape, 'h': h.shape, 'c': c.shape}",
    )
    + _shape_faults("q6", ("output", "h", "c"), steps=True),
    "q7": _right(
        _Q7.format("all hidden states", _AXES),
        _Q7.format(" All hidden states", ["batch_size", "Time Steps", "units"]),
    )
    + [
        Sample(
            _Q7.format("a prediction for each unit", _AXES), 1, "holds: nothing is trained and nothing is predicted"
        ),
        Sample(_Q7.format("last hidden state", _AXES), 1, "holds: that is h"),
        Sample(
            _Q7.format("all hidden states", ("batch", "timesteps", "features")), 1, "features is an axis of the input"
        ),
        Sample(_Q7.format("all hidden states", ("timesteps", "units")), 1, "the batch axis is missing."),
        Sample(_Q7.format("all hidden states", ("batch", "units", "timesteps")), 1, "Axis 1 of output is not units."),
    ]
    + _wrong(
        {
            _Q7.format("a prediction for each unit", ("timesteps", "units")): "holds: nothing is trained",
            "q7 = {'holds': 'all hidden states'}": "axes is missing.",
        }
    ),
    "q8": _right(
        "q8 = {'LSTM': ['h', 'c'], 'GRU': ['h']}",
        "q8 = {'LSTM': ('c', 'h'), 'GRU': 'h'}",
        "q8 = {'GRU': {'h'}, 'LSTM': {'h', 'c'}}",
    )
    + _wrong(
        {
            "q8 = {'LSTM': ['h', 'c'], 'GRU': ['h', 'c']}": "GRU: it has no cell state; it carries only h.",
            "q8 = {'LSTM': ['output', 'h', 'c'], 'GRU': ['h']}": "LSTM: output is returned, but it is not carried",
            "q8 = {'LSTM': ['h'], 'GRU': ['h']}": "LSTM: a state is missing.",
            "q8 = {'LSTM': ['h', 'c'], 'GRU': []}": "GRU: a state is missing.",
            "q8 = {'LSTM': 2, 'GRU': 1}": "LSTM: 2 is not a list of states.",
            "q8 = ['h', 'c']": "You gave a list; a dict is needed.",
        }
    ),
    "q9": _right(
        "q9 = {'output': (1, 3), 'h': (1, 3)}",
        "q9 = {'output': output.shape, 'h': h.shape}",
        "q9 = (1, 3)",
    )
    + _shape_faults("q9", ("output", "h"), steps=False),
    "q10": _pairs("q10"),
    "q11": _right(
        "q11 = {'output': (1, 8, 3), 'h': (1, 3)}",
        "q11 = {'output': output.shape, 'h': h.shape}",
    )
    + _shape_faults("q11", ("output", "h"), steps=True),
    "q12": _right(
        "q12 = {'axis': 'timesteps', 'index': -1}",
        "q12 = {'axis': 'time steps', 'index': timesteps - 1}",
    )
    + _wrong(
        {
            "q12 = {'axis': 'units', 'index': -1}": "One place along units keeps the axes batch, timesteps; h",
            "q12 = {'axis': 'batch', 'index': -1}": "One place along batch keeps the axes timesteps, units; h",
            "q12 = {'axis': 'timesteps', 'index': 0}": "The slice at timesteps 0 has different values from h.",
            "q12 = {'axis': 'timesteps', 'index': 8}": "Index 8 is out of range for the timesteps axis.",
            "q12 = {'axis': 'features', 'index': -1}": "'features' is not an axis of output.",
            "q12 = {'axis': 'timesteps', 'index': '-1'}": "The index '-1' is not a whole number.",
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
    "q12-why": "output lists the state after every step, and h is the one after the last, for every sample.",
}
WHY_WRONG = {
    "q2-why": "It is what was learned at the final step.",
    "q4-why": "They are equal because there are no targets to learn.",
    "q7-why": "They are the predictions across all time steps.",
    "q8-why": "The GRU only has one update gate.",
    "q12-why": "It is the last prediction.",
}
