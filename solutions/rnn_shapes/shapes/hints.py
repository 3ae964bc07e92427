"""Three hints for each question: where to look, which tool to use, the form of the answer. Never the answer."""

STEPS = ("where to look", "which tool to use", "the form of the answer")
HINTS = {
    "q1": (
        "Look at the call that made `data`: np.random.randn got its sizes in a certain order. The table at "
        "the top says what each word counts.",
        "Print `data.shape` and `sizes`. Every size in this notebook is different, so a size tells you "
        "the name of its axis.",
        'One word for each axis, from first to last: `q1 = ("...", "...", "...")`. The axis of size 1 has a name too.',
    ),
    "q2": (
        "Compare the three printed arrays. Nothing was trained here, so nothing can be a "
        "prediction: the numbers are states of the layer.",
        "On Keras' LSTM page, look up what `return_state` adds after the output, and in which order. How "
        "many rows does each array have for all the steps?",
        'One of the choices for each name: `q2 = {"output": "...", "h": "...", "c": "..."}`. '
        "You may use a choice twice.",
    ),
    "q3": (
        "Look at the brackets in the printed arrays. Each level of brackets is an axis, even if it contains"
        " a single row.",
        "Every NumPy array has its dimensions in the attribute `shape`, as a tuple.",
        'One shape for each array, typed or computed: `q3 = {"output": ..., "h": ..., "c": ...}`.',
    ),
    "q4": (
        "Compare the printed numbers of the three arrays, two arrays at a time. Equal shapes are not enough.",
        "`np.array_equal(a, b)` returns whether two arrays have the same values. Three arrays make three pairs. "
        "Try each pair.",
        'Names in quotation marks, two in each pair, one pair for each match: `q4 = [("...", "...")]`.',
    ),
    "q5": (
        "Count the arrays that `model5.predict` returns without the states. Then count the "
        "names to the left of the equals sign.",
        "Change the argument `return_state`. After that, `predict` returns one array, so assign it to one name.",
        "Three lines: `model5 = Model(inputs, LSTM(units, return_state=...)(inputs))`, then `output5 = ...`"
        ' from predict with `verbose=0`, then `q5 = "..."` with one of the choices of Q2.',
    ),
    "q6": (
        "Look at the brackets of the three printed arrays again. Which array has a new axis, and which does not?",
        "`shape` lists the sizes from left to right. The flag is about sequences: which array can that be?",
        'One tuple for each array, typed or computed: `q6 = {"output": ..., "h": ..., "c": ...}`.',
    ),
    "q7": (
        "Compare the rows of `output` with `h`. How many rows are there, and what does each row represent?",
        "Find each size of `output.shape` in `sizes`: that tells you the names of the axes. On Keras' LSTM page, "
        "look up `return_sequences`.",
        'One of the choices, and one word for each axis: `q7 = {"holds": "...", "axes": ("...", "...", "...")}`.',
    ),
    "q8": (
        "A state goes into the next step together with the input. Count what `predict` returned from each"
        " layer with `return_state=True`, without the output.",
        "Look at the `predict` cells: in notebook 1 for the LSTM, in this notebook for the GRU. Which names "
        "come after `output`?",
        'A list of names for each layer: `q8 = {"LSTM": ..., "GRU": ...}`. The lists may have different lengths.',
    ),
    "q9": (
        "Look at the brackets in the printed arrays: each level of brackets is an axis.",
        "Every array has its dimensions in the attribute `shape`. Does the kind of layer make a difference?",
        'One tuple for each array, typed or computed: `q9 = {"output": ..., "h": ...}`.',
    ),
    "q10": (
        "This layer returned only two arrays, so there is one pair to look at. Compare their printed numbers.",
        "`np.array_equal(a, b)` returns whether two arrays have the same values.",
        'A list of pairs, names in quotation marks. If no arrays match, use an empty list: `q10 = [("...", "...")]`.',
    ),
    "q11": (
        "Look at the brackets: which printed array has one row for each step, and which has only one row?",
        "`shape` lists the sizes from left to right. Compare them with what the same flag did to the LSTM in "
        "notebook 2.",
        'One tuple for each array, typed or computed: `q11 = {"output": ..., "h": ...}`.',
    ),
    "q12": (
        "Find the numbers of `h` among the rows of `output`. Along which axis are those rows lined up?",
        "Pick one index on one axis, as in `output[:, i]` or `output[:, :, i]`, and compare the slice with `h`: "
        "use `np.array_equal`.",
        'The name of the axis, and the index as a whole number, which may count from the end: `q12 = {"axis": '
        '"...", "index": ...}`. If no slice equals `h`, the answer is `None`.',
    ),
}
