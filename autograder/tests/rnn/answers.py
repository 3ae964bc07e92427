"""Answers to the questions: each form that is right, and the message of each that is not.

The questions of meaning are here as far as their form goes; what an experiment refutes is in test_experiments.py.
"""

from typing import Any

import numpy as np

RNG = np.random.default_rng(7)
OUTPUT = RNG.normal(size=(1, 8, 3)).astype("float32")
STATES = {"output": OUTPUT[:, -1], "h": OUTPUT[:, -1], "c": RNG.normal(size=(1, 3)).astype("float32")}
SEQUENCE = STATES | {"output": OUTPUT}
PAIR, LAST = {name: STATES[name] for name in ("output", "h")}, {name: SEQUENCE[name] for name in ("output", "h")}
DATA = {"data": RNG.normal(size=(1, 8, 2))}
LAST_STATES = {"output": "last hidden state", "h": "last hidden state", "c": "last cell state"}  # the answer of Q2
LIVE: dict[str, dict[str, Any]] = {
    "q1": DATA,
    "q2": DATA | STATES,
    "q3": STATES,
    "q4": STATES,
    "q6": SEQUENCE,
    "q7": DATA | SEQUENCE,
    "q8": DATA,
    "q9": PAIR,
    "q10": PAIR,
    "q11": LAST,
    "q12": LAST,
}
ONE = {"output": (1, 3), "h": (1, 3), "c": (1, 3)}
STEPS = ONE | {"output": (1, 8, 3)}
LOOK = "Print h.shape and read it from left to right."
TUPLE = "A shape is a tuple with one size for each axis."
SIZE = "A size is a whole number, such as 5."
EACH = "Give one shape for each of: output, h, c."
AXES = "The four names are: batch, timesteps, features, units."
CHOICES = "The choices are: all hidden states; last hidden state; all cell states; last cell state; "
CHOICES += "a prediction for each unit; summary of the last step only."
INDEX = "Indices start at 0; −1 is the last."
NAMES = "The names are: output, h, c."
QUOTES = 'Put the names in quotation marks, such as ("a", "b").'


class TensorShape:
    """A shape as TensorFlow has it."""

    def as_list(self) -> list[int]:
        return [1, 3]

    def __iter__(self) -> Any:
        return iter(self.as_list())


RIGHT: list[tuple[str, Any]] = [
    ("q1", ("batch", "timesteps", "features")),
    ("q1", ["Batch_Size", "time steps", " Features "]),
    ("q1", ("samples", "time", "feature")),
    ("q1", ("sample", "Timestep", "input_dim.")),
    ("q1", ("batch size", "steps", "D")),
    ("q3", ONE),
    ("q3", {"Output": [1, 3], " h": np.array([1, 3]), "c": TensorShape()}),
    ("q3", (1, 3)),
    ("q3", [1, 3]),
    ("q3", np.array([1, 3])),
    ("q3", TensorShape()),
    ("q3", ((1, 3), [1, 3], np.array([1, 3]))),
    ("q3", [TensorShape()] * 3),
    ("q3", np.array([[1, 3]] * 3)),
    ("q3", {name: array.shape for name, array in STATES.items()}),
    ("q6", STEPS),
    ("q6", ((1, 8, 3), (1, 3), (1, 3))),
    ("q9", {"output": (np.int64(1), 3), "h": (1, 3)}),
    ("q9", (1, 3)),
    ("q11", {"output": (1, 8, 3), "h": (1, 3)}),
    ("q11", [[1, 8, 3], [1, 3]]),
    *(
        (question, answer)
        for question in ("q4", "q10")
        for answer in (
            [("output", "h")],
            ("h", "output"),
            {"output", "h"},
            {frozenset({"output", "h"})},
            [["Output", "H "]],
            [("output", "h"), ("h", "output")],
        )
    ),
    ("q12", {"axis": "timesteps", "index": -1}),
    ("q12", {"axis": "Time steps", "index": 7}),
    ("q12", {"axis": 1, "index": np.int64(7)}),
    ("q12", {"Axis": np.int64(1), "index": -1}),
]
WRONG: list[tuple[str, Any, str]] = [
    ("q1", "8 rows", "You gave a string; a tuple of names is needed. Name each axis of data, from first to last."),
    ("q1", ("sample", "8 Rows", "features"), f"'8 Rows' is not an axis name. {AXES}"),
    ("q1", (1, 8, 2), "You gave sizes; names are needed. Put each name in quotation marks."),
    ("q1", ("1", "8", "2"), f"'1' is not an axis name. {AXES}"),
    ("q1", ("timesteps", "features"), "You named 2 axes; data has 3: the batch axis is missing. Look at data.shape."),
    ("q1", ("batch", "features"), "You named 2 axes; data has 3. Look at data.shape."),
    (
        "q1",
        ("batch", "features", "timesteps"),
        "Axis 1 of data (axes count from 0) is not features. Which of your sizes is data.shape[1]?",
    ),
    (
        "q1",
        ("batch", "timesteps", "units"),
        "Axis 2 of data (axes count from 0) is not units. Which of your sizes is data.shape[2]?",
    ),
    ("q2", "last hidden state", "You gave a string; a dict is needed. Give one choice for each of: output, h, c."),
    ("q2", dict.fromkeys(ONE, "What was learned"), f"output: 'What was learned' is not one of the choices. {CHOICES}"),
    ("q3", ONE | {"h": (3, 1)}, f"h: the sizes in (3, 1) are in the wrong order, from the batch axis on. {LOOK}"),
    ("q3", ONE | {"h": (8, 3)}, f"h: the batch axis does not have size 8. {LOOK}"),
    ("q3", ONE | {"h": (1, 4)}, f"h: the units axis does not have size 4. {LOOK}"),
    ("q3", ONE | {"h": (1, 8, 3, 3)}, "h: you gave 4 axes, (1, 8, 3, 3); h has 2. Print h.ndim to count the axes."),
    (
        "q3",
        ONE | {"h": (3,)},
        "h: you gave 1 axis, (3,); h has 2: the batch axis is missing. Even a batch of 1 is an axis.",
    ),
    (
        "q3",
        (3,),
        "output: you gave 1 axis, (3,); output has 2: the batch axis is missing. Even a batch of 1 is an axis.",
    ),
    (
        "q3",
        ONE | {"h": (1,)},
        "h: you gave 1 axis, (1,); h has 2: the units axis is missing. Print h.shape and read it from left to right.",
    ),
    (
        "q3",
        ONE | {"h": (1, 8, 3)},
        "h: you gave 3 axes, (1, 8, 3); h has 2: the axis of size 8 is one too many. Does h hold all steps, or one?",
    ),
    ("q3", ONE | {"h": "(1, 3)"}, "h: '(1, 3)' is a string, not a shape. Leave out the quotation marks."),
    ("q3", ONE | {"h": "1x3"}, f"h: '1x3' is a string, not a shape. {TUPLE}"),
    ("q3", ONE | {"h": ("batch", 3)}, "h: 'batch' is not a size. Leave out the quotation marks."),
    ("q3", ONE | {"h": 3}, f"h: you gave the number 3; a shape is needed. {TUPLE}"),
    ("q3", 3, f"output: you gave the number 3; a shape is needed. {TUPLE}"),
    ("q3", None, f"output: you gave None; a shape is needed. {TUPLE}"),
    ("q3", ONE | {"h": {3}}, f"h: you gave a set; a shape is needed. {TUPLE}"),
    ("q3", ONE | {"h": STATES["h"]}, "h: you gave an array; a shape is needed. Print h.shape."),
    ("q3", tuple(STATES.values()), f"You gave arrays; their shapes are needed. {EACH}"),
    (
        "q3",
        ONE | {"h": (None, 3)},
        f"h: None is what a summary prints for the batch axis; this array has a size there. {LOOK}",
    ),
    ("q3", ONE | {"h": (1.0, 3.0)}, f"h: the size 1.0 has a decimal point. {SIZE}"),
    ("q3", ONE | {"h": (True, 3)}, f"h: True is not a size. {SIZE}"),
    ("q3", ONE | {"h": ("1", 3)}, "h: '1' is not a size. Leave out the quotation marks."),
    (
        "q3",
        ONE | {"h": ((1, 3),)},
        "h: ((1, 3),) has brackets inside brackets. Write the sizes of h in one pair of brackets.",
    ),
    ("q3", ((1, 3), (1, 3)), f"You gave 2 shapes, not 3. {EACH}"),
    ("q3", [(1, 3)], f"You gave 1 shape, not 3. {EACH}"),
    ("q3", {"output": (1, 3), "c": (1, 3)}, f"h is missing. {EACH}"),
    ("q3", ONE | {"state": (1, 3)}, f"'state' was not asked for. {EACH}"),
    (
        "q6",
        STEPS | {"output": (1, 3)},
        "output: you gave 2 axes, (1, 3); output has 3: the timesteps axis is missing. "
        "Does output hold one state, or one for each of the 8 steps?",
    ),
    (
        "q6",
        STEPS | {"output": (8, 3)},
        "output: you gave 2 axes, (8, 3); output has 3: the batch axis is missing. Even a batch of 1 is an axis.",
    ),
    (
        "q6",
        STEPS | {"output": (1, 3, 8)},
        "output: the sizes in (1, 3, 8) are in the wrong order, from the timesteps axis on. "
        "Print output.shape and read it from left to right.",
    ),
    (
        "q6",
        STEPS | {"output": (1, 8, 3, 1)},
        "output: you gave 4 axes, (1, 8, 3, 1); output has 3: the axis of size 1 is one too many. "
        "Print output.ndim to count the axes.",
    ),
    ("q6", (1, 8, 3), f"You gave one shape, (1, 8, 3), for 3 arrays. {EACH}"),
    ("q6", "(1, 8, 3)", f"You gave a string; a dict is needed. {EACH}"),
    ("q7", "all hidden states", "You gave a string; a dict is needed. Give one value for each of: holds, axes."),
    (
        "q7",
        {"holds": "what was learned", "axes": ()},
        f"holds: 'what was learned' is not one of the choices. {CHOICES}",
    ),
    ("q4", "output and h", "You gave a string; a list of pairs is needed. Write two names in brackets for each pair."),
    ("q4", None, "You gave None; a list of pairs is needed. Write two names in brackets for each pair."),
    ("q4", [(STATES["output"], STATES["h"])], f"You gave arrays. {QUOTES}"),
    ("q4", (STATES["output"], STATES["h"]), f"You gave arrays. {QUOTES}"),
    ("q4", {"output": STATES["h"]}, f"You gave arrays. {QUOTES}"),
    (
        "q4",
        [("output", "h", "c")],
        "('output', 'h', 'c') is not a pair. A pair has two names. Put each pair in its own brackets.",
    ),
    (
        "q4",
        {"output", "h", "c"},
        "{'c', 'h', 'output'} is not a pair. A pair has two names. Put each pair in its own brackets.",
    ),
    ("q4", ["output, h"], "['output, h'] is not a pair. Put each name in its own quotation marks."),
    ("q4", [("output", "State")], f"'State' is not one of the arrays. {NAMES}"),
    ("q4", [(1, 2)], f"1 is not one of the arrays. {NAMES}"),
    ("q4", ("h", "h"), "An array always equals itself. Which two different arrays have the same values?"),
    ("q4", [("h", "c")], "c and h have different values. Print both and compare them number by number."),
    (
        "q4",
        [("output", "h"), ("h", "c")],
        "c and h have different values. Print both and compare them number by number.",
    ),
    (
        "q4",
        [],
        "An empty list says that no two arrays have the same values. Compare every two arrays with np.array_equal.",
    ),
    ("q8", ["h", "c"], "You gave a list; a dict is needed. Give one list of states for each of: LSTM, GRU."),
    ("q8", {"LSTM": ["h"]}, "GRU is missing. Give one list of states for each of: LSTM, GRU."),
    (
        "q8",
        {"LSTM": 2, "GRU": 1},
        "LSTM: you gave the number 2; a list of names is needed. Use the names output, h, c.",
    ),
    ("q8", {"LSTM": ["memory"], "GRU": []}, "LSTM: 'memory' is not one of the names. Use the names output, h, c."),
    (
        "q8",
        {"LSTM": "h, c", "GRU": "h"},
        "LSTM: 'h, c' is not one of the names. Put each name in its own quotation marks.",
    ),
    ("q8", {"LSTM": [[]], "GRU": []}, "LSTM: [] is not one of the names. Use the names output, h, c."),
    (
        "q8",
        {"LSTM": [STATES["h"]], "GRU": []},
        'LSTM: you gave arrays. Put the names in quotation marks, such as ["a"].',
    ),
    ("q12", None, "None says that no slice of output equals h. Compare slices with h: use np.array_equal."),
    ("q12", OUTPUT[:, -1], "Yes, that slice: which axis, which index? Answer with its axis and its index."),
    (
        "q12",
        OUTPUT[0, -1],
        "That slice has the numbers of h, but the shape (3,); h has (1, 3). Answer with its axis and its index.",
    ),
    (
        "q12",
        OUTPUT[:, -1] == STATES["h"],
        "You gave the result of a comparison; a dict is needed. Answer with its axis and its index.",
    ),
    ("q12", OUTPUT[:, 0], "That slice does not equal h. Answer with its axis and its index."),
    ("q12", "the last row", "You gave a string; a dict is needed. Give one value for each of: axis, index."),
    ("q12", -1, "You gave the number -1; a dict is needed. Give one value for each of: axis, index."),
    (
        "q12",
        {"axis": "features", "index": -1},
        "'features' is not an axis of output. The axes are: batch, timesteps, units.",
    ),
    (
        "q12",
        {"axis": 3, "index": -1},
        "output has the axes 0 to 2, and no axis 3. The axes are: batch, timesteps, units.",
    ),
    ("q12", {"axis": True, "index": -1}, "True is not an axis of output. The axes are: batch, timesteps, units."),
    ("q12", {"axis": OUTPUT, "index": 1}, "an array is not an axis of output. The axes are: batch, timesteps, units."),
    (
        "q12",
        {"axis": "timesteps", "index": "-1"},
        "The index is a string; a whole number is needed. Leave out the quotation marks.",
    ),
    ("q12", {"axis": "timesteps", "index": "last"}, f"The index is a string; a whole number is needed. {INDEX}"),
    ("q12", {"axis": "timesteps", "index": -1.0}, f"The index is the number -1.0; a whole number is needed. {INDEX}"),
    ("q12", {"axis": "timesteps", "index": 8}, f"Index 8 is out of range for the timesteps axis. {INDEX}"),
    (
        "q12",
        {"axis": "units", "index": -1},
        "One place along units keeps the axes batch, timesteps; h has different axes. "
        "Along which axis do you pick one place to get h?",
    ),
    (
        "q12",
        {"axis": "batch", "index": -1},
        "One place along batch keeps the axes timesteps, units; h has different axes. "
        "Along which axis do you pick one place to get h?",
    ),
    (
        "q12",
        {"axis": "timesteps", "index": 0},
        "The slice at timesteps 0 has different values from h. After which step does the layer return h?",
    ),
]
PARTS = [  # of answers that the questions' rules reach with a layer only
    (
        "names_fault",
        ("output", ("batch", "timesteps", "features"), {"batch": 1, "timesteps": 8, "units": 3}),
        "features is an axis of the input, not of output. Which size did the layer get when it was made?",
    ),
    (
        "shape_fault",
        ("h", (3,), {"batch": 4, "units": 3}),
        "h: you gave 1 axis, (3,); h has 2: the batch axis is missing. Each sample of the batch has its own numbers.",
    ),
    (
        "pairs_fault",
        ([("a", "b")], "abcd", [("a", "b"), ("c", "d")]),
        "A pair of arrays with the same values is missing. Compare every two arrays with np.array_equal.",
    ),
    (
        "states_fault",
        ({"LSTM": ["h"], "GRU": ["h"]}, {"LSTM": {"h", "c"}, "GRU": {"h"}}),
        "LSTM: a state is missing. Which states go into the next step?",
    ),
    (
        "states_fault",
        ({"LSTM": "HC", "GRU": ["h"]}, {"LSTM": {"h", "c"}, "GRU": {"h"}}),
        "LSTM: 'HC' is not one of the names. Use the names output, h, c.",
    ),
    (
        "states_fault",
        ({"LSTM": ["h", "c"], "GRU": ("C", "h")}, {"LSTM": {"h", "c"}, "GRU": {"h"}}),
        "GRU: it has no c. Which states did predict return, after the output?",
    ),
    (
        "states_fault",
        ({"lstm": ["output", "h", "c"], "gru": "h"}, {"LSTM": {"h", "c"}, "GRU": {"h"}}),
        "LSTM: output equals h; it is not a further state. Name each state once, as h or c.",
    ),
]
