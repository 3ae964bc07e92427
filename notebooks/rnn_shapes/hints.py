"""Three hints for each question: where to look, by which means, the answer's frame. Never the answer."""

HINTS = {
    "q1": (
        "Look at the call that made `data`: np.random.randn got its sizes in a certain order. The table at "
        "the top says what each word counts.",
        "Print `data.shape` beside `sizes`. Each size of this notebook is different, so a size tells you "
        "the name of its axis.",
        'One word for each axis, first to last: `q1 = ("...", "...", "...")`. The axis of size 1 has a name too.',
    ),
    "q2": (
        "Read the three printed arrays side by side. Nothing was trained here, so nothing can be a "
        "prediction: the numbers are states of the layer.",
        "In Keras' LSTM page, look up what `return_state` adds behind the output, and in which order. How "
        "many rows does each array have for all the steps?",
        'One of the offered texts for each name, copied letter by letter: `q2 = {"output": "...", "h": '
        '"...", "c": "..."}`. A text may be used twice.',
    ),
    "q3": (
        "Look at the brackets in the printed arrays: each level of brackets is an axis, also one that holds"
        " a single row.",
        "Every NumPy array carries its dimensions in the attribute `shape`, as a tuple.",
        'Fill each place with one array\'s shape, typed or computed: `q3 = {"output": ..., "h": ..., "c": ...}`.',
    ),
    "q4": (
        "Compare the printed numbers of the three arrays, two arrays at a time. Equal shapes are not enough.",
        "`np.array_equal(a, b)` says whether two arrays hold the same values. Three arrays make three pairs: try each.",
        'Names in quotation marks, two to a pair, one pair for each match: `q4 = [("...", "...")]`.',
    ),
    "q5": (
        "Count what `model5.predict` hands back once the states are no longer asked for, then count the "
        "names left of the equals sign.",
        "The argument to change is `return_state`; after it, `predict` gives one array, so give it one name.",
        "Three lines: `model5 = Model(inputs, LSTM(units, return_state=...)(inputs))`, then `output5 = ...`"
        ' from predict with `verbose=0`, then `q5 = "..."` with a text of Q2.',
    ),
    "q6": (
        "Look at the brackets of the three printed arrays once more: which of them has grown by an axis, "
        "and which has not?",
        "`shape` gives the sizes from left to right. The flag speaks of sequences: ask which array that can be.",
        'One tuple for each array, typed or computed: `q6 = {"output": ..., "h": ..., "c": ...}`.',
    ),
    "q7": (
        "Compare the rows of `output` with `h`. How many rows are there, and for what does each stand?",
        "Find each size of `output.shape` in `sizes`: that names the axes. In Keras' LSTM page, look up "
        "`return_sequences`.",
        'One offered text, and one word for each axis: `q7 = {"holds": "...", "axes": ("...", "...", "...")}`.',
    ),
    "q8": (
        "A state is what goes into the next step besides the input. Count what `predict` returned from each"
        " layer with `return_state=True`, without the output.",
        "Look into notebook 1 for the LSTM and at this notebook's `predict` cell for the GRU: which names "
        "stand behind `output`?",
        'A list of names for each layer: `q8 = {"LSTM": ..., "GRU": ...}`. The lists need not be equally long.',
    ),
    "q9": (
        "Look at the brackets in the printed arrays: each level of brackets is an axis.",
        "The attribute `shape` of each array holds its dimensions. Has the kind of layer anything to do with it?",
        'One tuple for each array, typed or computed: `q9 = {"output": ..., "h": ...}`.',
    ),
    "q10": (
        "Only two arrays came back this time, so there is a single pair to look at. Compare their printed numbers.",
        "`np.array_equal(a, b)` says whether two arrays hold the same values.",
        'A list of pairs, names in quotation marks; an empty list says that none match: `q10 = [("...", "...")]`.',
    ),
    "q11": (
        "Look at the brackets: which printed array has one row for each step, and which has one row in all?",
        "`shape` gives the sizes from left to right. Hold them to what the same flag did to the LSTM in notebook 2.",
        'One tuple for each array, typed or computed: `q11 = {"output": ..., "h": ...}`.',
    ),
    "q12": (
        "Find the numbers of `h` among the rows of `output`, then ask along which axis those rows are lined up.",
        "Fix one index on one axis, as in `output[:, i]` or `output[:, :, i]`, and hold the slice to `h` "
        "with `np.array_equal`.",
        'The axis by its name, the index as a whole number, which may count from the end: `q12 = {"axis": '
        '"...", "index": ...}`.',
    ),
}
