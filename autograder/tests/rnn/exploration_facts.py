"""The facts that the explorations prove, each with the cell that proves it: what it prints and what it asserts."""

from typing import NamedTuple


class Fact(NamedTuple):
    """A claim, `notebook/cell`, texts in the cell's stored output, and pieces of its code."""

    claim: str
    cell: str
    printed: tuple[str, ...] = ()
    code: tuple[str, ...] = ()


X = "[[[1, 2], [2, 2], [5, 2], [6, 2]], [[5, 2], [7, 2], [7, 2], [8, 2]], [[3, 2], [4, 2], [5, 2], [7, 2]]]"
Y = "[[1, 3, 7, 11], [5, 12, 14, 15], [3, 7, 9, 12]]"

STEP_BY_STEP = (
    Fact("several series are features", "sizes", ("one series         (3, 6)", "x                  (3, 6, 2)")),
    Fact("values of the data are printed", "sizes", ("first sample, one row for each timestep:\n[[",)),
    Fact("a cell takes (batch, features)", "cell", ("x[:, 0]            (3, 2)        (batch, features)",)),
    Fact("its output is the new h", "cell", ("h1                 (3, 4)",), ("np.array_equal(output1, h1)",)),
    Fact("values of h are printed", "cell", ("h1 of the first sample: [",)),
    Fact("a drawing of the cell", "drawing", (), ('draw_cell("LSTM")',)),
    Fact("shapes of the weights", "weights-check", ("(2, 16)", "(4, 16)", "(16,)")),
    Fact("their axes", "count", ("(features, 4·units)", "(units, 4·units)", "(4·units,)")),
    Fact("parameters", "count", ("112 parameters",), ("4 * (units * (features + units) + units)",)),
    Fact("the forget bias starts at 1", "count", ("[0. 0. 0. 0. 1. 1. 1. 1. 0. 0. 0. 0.",), ("(bias_f == 1).all()",)),
    Fact("NumPy beside LSTMCell", "state-check", ("✓ c2 and h2: right.",), ("cell(x[:, 1], [h1, c1])",)),
    Fact("c can leave ±1, h cannot", "leaves-check", ("✓ c          True", "✓ h          False")),
    Fact("gates and candidate stay", "leaves-check", ("✓ gate       False", "✓ candidate  False")),
    Fact("c adds up", "facts", ("held open: 0.00 0.99 1.98 2.96", "held open: 0.00 0.75 0.96")),
    Fact("gates are in [0, 1]", "facts", (), ("(np.abs(before) <= 1).all()", "(before >= 0).all()")),
    Fact(
        "gates are computed again",
        "facts",
        ("f, first sample, timesteps 0 and 1",),
        ("not np.allclose(before, after)",),
    ),
    Fact("|h| < |c|", "facts", ("|h| < |c| in every unit",), ("(np.abs(h1) < np.abs(c1)).all()",)),
    Fact("the cell along a sequence", "layer", ("agree at all 6 timesteps",), ("np.stack(rows, axis=1), output",)),
    Fact(
        "c is not in output", "layer", (), ("not np.isclose(output, c[:, np.newaxis], atol=1e-5).all(axis=-1).any()",)
    ),
    Fact("gates open and close", "heat", (), ("heat_map(panels",)),
    Fact("two parts", "halves-check", ("✓ rest: right.",), ("output[:, half:]",)),
    Fact("passed on", "wrong", ("passed on       same as in one run",)),
    Fact("swapped runs and is wrong", "wrong", ("swapped         no error, wrong result",)),
    Fact("forgotten runs and is wrong", "wrong", ("forgotten       no error, wrong result",)),
    Fact(
        "reset where a sequence ends", "wrong", ("reset to zeros  same as on its own", "the sequence before leaks into")
    ),
    Fact(
        "older words",
        "end",
        (),
        ("| `a` | `h` |", "Γu, Γf, Γo | i, f, o", "`(c, h)` | `[h, c]`: reversed", '"hidden state"'),
    ),
)

OUTPUT_TO_TARGET = (
    Fact("the given data", "sizes", ("(3, 4, 2)", "(3, 4) "), (X, Y, "units, seed = 10,")),
    Fact("outputs and two states", "layer", ("output             (3, 4, 10)", "h                  (3, 10)", "c      ")),
    Fact("None at graph time", "layer", ("output before any data: (None, 4, 10) (older prints show ? for None)",)),
    Fact("dynamic_rnn is RNN(cell, …)", "layer", (), ("RNN(layer.cell, return_sequences=True, return_state=True)",)),
    Fact("the long way", "target-check", ("(1, 10, 1)", "(3, 10, 1)", "(3, 4, 1)", "(3, 4) ")),
    Fact("its axes", "cost", ("(10, 1)       (units, 1)", "(1, units, 1)", "(batch, units, 1)", "(batch, timesteps)")),
    Fact(
        "the cost is printed",
        "cost",
        ("cost (mean squared error): ",),
        ("keras.losses.MeanSquaredError()(y, prediction)",),
    ),
    Fact("broadcasting", "broadcast-check", ("✓ broadcast: right.",)),
    Fact("bit for bit", "short", (), ("np.array_equal((output @ W_out + b_out)[..., 0], prediction)",)),
    Fact("Dense(1), TimeDistributed(Dense(1))", "short", ("Dense  ", "TimeDistributed "), ("prediction, atol=1e-5)",)),
    Fact("squeeze without an axis", "trap-check", ("✓ squeeze     (4,)",)),
    Fact("(1, 4, 1) − (1, 4)", "trap-check", ("✓ difference  (1, 4, 4)",)),
    Fact("one feature", "variant-shapes", ("(2, 40)", "(1, 40)", "520 with two features, 480 with one")),
    Fact(
        "two timesteps of one feature",
        "variant-shapes",
        ("(3, 2, 1)", "could not be broadcast together with shapes (3,2) (3,4)"),
        ("[[[1], [6]], [[5], [8]], [[3], [7]]]",),
    ),
    Fact("the rule of the target", "floor", ("[5.0, 7.0, 9.0]",), ("np.array_equal(y, now + before)",)),
    Fact("8/9", "floor", ("floor: 0.889",), ("np.isclose(floor, 8 / 9)",)),
    Fact("Conv1D", "fit", (), ('Conv1D(1, 2, padding="causal")',)),
    Fact("who gets below", "below_floor-check", ("✓ LSTM    True", "✓ MLP     False", "✓ Conv1D  True")),
    Fact(
        "asserted", "below_floor-check", (), ("assert lstm_loss[-1] < floor < min(mlp_loss)", "assert conv_loss == 0")
    ),
    Fact("the epoch that was measured", "curve", (), ("in epoch {epoch}", "np.argmax(np.array(lstm_loss) < floor)")),
    Fact("older words", "end", (), ("BasicLSTMCell", "dynamic_rnn", "max_time", "hidden_dim", "output_size", "W_out")),
)

STATE_TEST = (
    Fact("the sizes", "sizes", ("data               (1, 10, 2)", "first timestep of the first sample: [")),
    Fact("LSTM functions", "lstm", (), ('"""', "return_state=True", "return_state=True, return_sequences=True")),
    Fact("GRU functions", "gru", (), ('"""', "return_state=True", "return_state=True, return_sequences=True")),
    Fact("LSTM: three arrays", "table-check", ("(3, (1, 4))", "(3, (1, 10, 4))")),
    Fact("GRU: two arrays", "table-check", ("(2, (1, 4))", "(2, (1, 10, 4))")),
    Fact(
        "values and shapes", "values", ("lstm_all: output   (1, 10, 4)", "gru_all: h         (1, 4)", "first sample: [")
    ),
    Fact("h is taken from output", "where-check", ("✓ mine: right.",)),
    Fact("h is output", "equal", ("lstm_last: h is output", "gru_last: h is output"), ("np.array_equal(",)),
    Fact("h is its last timestep", "equal", ("lstm_all: h is the last timestep of output", "gru_all: h is the last")),
    Fact("runs are compared to 1e-5", "equal", ("c of lstm_last equals c of lstm_all",), ("atol=1e-5",)),
    Fact("c is not in output", "equal", ("timesteps of output that equal c: 0",)),
    Fact("shared weights matter", "unshared", ("equal without shared weights: False",)),
    Fact("then batch 3", "three", ("(3, 10, 2)", "(3, 10, 4)", "(3, 4)", "h, one row for each sample:"), ("more = 3",)),
    Fact("C takes a second layer", "second-check", ("correct.",)),
    Fact("no sequences", "errors", ("A: expected ndim=3, found ndim=2",)),
    Fact("a tuple", "errors", ("B: expects 1 input(s), but it received 3 input tensors",)),
    Fact("output alone is passed on", "errors", ("B, output only     (1, 4)        (batch, units)",)),
    Fact("the cure", "below-check", ("✓ below: right.",), ('check("below", below, data=data)',)),
)

STACKED = (
    Fact("one sample of one timestep", "sizes", ("x_one              (1, 1, 6)",), ("[[[3, 2, 2, 2, 2, 2]]]",)),
    Fact(
        "two sequences",
        "sizes",
        ("x                  (2, 3, 6)",),
        (
            "[[1, 2, 3, 4, 3, 2], [1, 2, 1, 1, 1, 2], [1, 2, 2, 2, 2, 2]]",
            "[[1, 2, 3, 4, 3, 2], [3, 2, 2, 1, 1, 2], [0, 0, 0, 0, 3, 2]]",
        ),
    ),
    Fact(
        "shapes with a state passed in", "given", ("output             (1, 1, 4)", "h                  (1, 4)", "c  ")
    ),
    Fact("zeros, printed; then ones", "given", ("[[0. 0. 0. 0.]]\nh after it:", "[[1. 1. 1. 1.]]\nh after it:")),
    Fact("layer.states: ignored", "pitfall-check", ("✓ stateless  ignored",), ("twin.states = [ones, ones]",)),
    Fact("layer.states: error", "pitfall-check", ("✓ stateful   error",)),
    Fact("AttributeError", "right", ("AttributeError: 'numpy.ndarray' object has no attribute 'assign'",)),
    Fact(
        "assign, reset_state",
        "right",
        ("assign: the same as", "reset_state: starts at"),
        (".assign(ones)", "reset_state()"),
    ),
    Fact("stacked cells", "stack-check", ("✓ output          (2, 3, 5)", "✓ states          2", "✓ arrays in each  2")),
    Fact("a pair for each cell", "states", ("cell 1: h          (2, 4)", "cell 2: c          (2, 5)")),
    Fact("right by luck", "states", ("(2, 2, 4)     (2, batch, units)", "(2, 2, 5)", "(2, 7, 4)", "(2, 7, 5)")),
    Fact("weights of two layers", "layers-check", ("✓ weights of two layers: right.",)),
    Fact("the same numbers", "same", ("output, and h and c of both layers: the same numbers",), ("np.allclose(",)),
    Fact(
        "merge modes",
        "both-check",
        ("✓ concat              (2, 3, 8)", "✓ sum                 (2, 3, 4)", "✓ None     "),
    ),
    Fact("five arrays, three arrays", "both-check", ("✓ LSTM, return_state  5", "✓ GRU, return_state   3")),
    Fact("the backward h", "backward-check", ("✓ backward: right.",)),
    Fact("in the first timestep", "ends", (), ("np.array_equal(h_backward, output_both[:, 0, units:])",)),
    Fact("not in the last one", "ends", (), ("not np.allclose(h_backward, output_both[:, -1, units:]",)),
)

FACTS = {
    "step_by_step": STEP_BY_STEP,
    "output_to_target": OUTPUT_TO_TARGET,
    "state_test": STATE_TEST,
    "stacked": STACKED,
}
