"""Generate the cheat sheet: all shapes by layer and flags, read off arrays that real layers return."""

import os
from typing import Any

from autograder.docs.texts import table

SIZES = {"batch": 4, "timesteps": 8, "features": 2, "units": 3}
HEAD = """# Cheat sheet

All shapes here were read off arrays that the layers returned for data of shape {data}: batch {batch}, timesteps
{timesteps}, features {features}; the layers have {units} units. Print this page: it fits on one sheet.

**The input of a recurrent layer has three axes:** `(batch, timesteps, features)`. A table needs a third axis:
`x[..., None]` makes each column a step with one feature, `x[None]` makes all rows the steps of one sample.
"""
TAIL = """
* `output` is the hidden state: of the last step, or of every step with `return_sequences=True`.
* In a forward layer, `output[:, -1]` with sequences equals `h`, and `output` without sequences equals `h`. The cell
  state `c` is nowhere in `output`.
* `return_sequences` changes the axes of `output`. `return_state` changes how many arrays are returned. Neither changes
  a number.
* A second recurrent layer needs `return_sequences=True` in the layer below it.
* The layer's parameters do not depend on `timesteps`.
"""


def pages() -> dict[str, str]:
    """Return the page by its file name."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
    import keras

    data = keras.random.normal((SIZES["batch"], SIZES["timesteps"], SIZES["features"]), seed=1)
    text = HEAD.format(data=tuple(data.shape), **SIZES)
    for name, states in (("LSTM", "h, c"), ("GRU", "h")):
        layer = getattr(keras.layers, name)
        rows = [_row(layer, data, sequences, state, states) for sequences in (False, True) for state in (False, True)]
        text += f"\n## {name}({SIZES['units']})\n\n"
        text += table(("`return_sequences`", "`return_state`", "unpack it as", "shapes"), rows)
    text += "\n## Around them\n\n" + table(("layer", "returns"), _others(keras, data))
    text += "\n## Parameters\n\n" + table(("layer", "parameters"), _parameters(keras, data)) + TAIL
    return {"cheat-sheet.md": text}


def _row(layer: Any, data: Any, sequences: bool, state: bool, states: str) -> tuple[str, str, str, str]:
    returned = layer(SIZES["units"], return_sequences=sequences, return_state=state)(data)
    return str(sequences), str(state), f"`output, {states} =`" if state else "`output =`", _shapes(returned)


def _shapes(returned: Any) -> str:
    arrays = returned if isinstance(returned, list | tuple) else [returned]
    return ", ".join(f"`{tuple(array.shape)}`" for array in arrays)


def _others(keras: Any, data: Any) -> list[tuple[str, str]]:
    layers, units = keras.layers, SIZES["units"]
    sequence = layers.LSTM(units, return_sequences=True)(data)
    both = {"concat": layers.Bidirectional(layers.LSTM(units))}
    both["sum"] = layers.Bidirectional(layers.LSTM(units), merge_mode="sum")
    return [
        ("`Dense(1)` on an output with sequences", _shapes(layers.Dense(1)(sequence))),
        ("`RepeatVector(8)` on an output without sequences", _shapes(layers.RepeatVector(8)(layers.LSTM(units)(data)))),
        *((f"`Bidirectional(LSTM(3), merge_mode={name!r})`", _shapes(layer(data))) for name, layer in both.items()),
        ("`LSTM(3)` on top of `LSTM(3, return_sequences=True)`", _shapes(layers.LSTM(units)(sequence))),
    ]


def _parameters(keras: Any, data: Any) -> list[tuple[str, int]]:
    layers, units = keras.layers, SIZES["units"]
    made = {
        "`LSTM(3)`": layers.LSTM(units),
        "`GRU(3)`": layers.GRU(units),
        "`GRU(3, reset_after=False)`": layers.GRU(units, reset_after=False),
    }
    for layer in made.values():
        layer(data)
    return [(name, layer.count_params()) for name, layer in made.items()]
