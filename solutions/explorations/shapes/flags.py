"""The rule of the practice's last table: six tasks, and the flags of the recurrent layer that each of them needs.

Each task's network is built on an LSTM with the learner's flags, and runs. This file contains no answers.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from shapes.answers import Live, key_fault
from shapes.output import GROUPS, kind_of
from shapes.runs import FaultError, close, need, rule, run, states_along

FLAGS = ("return_sequences", "return_state", "stateful")
STEPS = "Does the task use every step, or a summary of all steps?"


@rule("flags")
def flags(answer: Any, live: Live) -> None:
    """Judge the flags of six tasks: build each task's network on an LSTM with these flags, and run it."""
    if fault := key_fault(answer, TASKS, "set of flags"):
        raise FaultError(*fault[:2])
    for task, judge in TASKS.items():
        try:
            judge(_set_flags(answer[task]), live["data"])
        except FaultError as error:
            raise FaultError(f"{task}: {error.fault.rationale}", error.fault.help) from error


def _set_flags(given: Any) -> dict[str, bool]:
    """Read flags from names, such as ("return_state",), "return_state=True" or "none"."""
    if isinstance(given, dict):
        given = [flag for flag, on in given.items() if on]
    need(isinstance(given, (str, *GROUPS)), f"You gave {kind_of(given)}.", "Give a tuple of flags; () means no flag.")
    words = ",".join(map(str, [given] if isinstance(given, str) else given)).lower()
    names = [name for name in re.split(r"[\s,]+", re.sub(r"\s*=\s*true\b", "", words)) if name not in ("", "none")]
    for name in names:
        need(name in FLAGS, f"{name!r} is not a flag here.", f"The flags are: {', '.join(FLAGS)}; () means no flag.")
    return dict.fromkeys(names, True)


def _layer(flags: dict[str, bool], data: Any) -> tuple[Any, list[Any]]:
    """Return an LSTM with these flags and what it returns; raise FaultError if a second run differs from the first."""
    import keras

    layer = keras.layers.LSTM(4, **flags)
    returned = run(layer, data)
    drift = "the numbers for the same data differ the second time: the layer starts from the last batch's state."
    need(close(run(layer, data)[0], returned[0]), drift, "Is the next batch a continuation of the last one?")
    return layer, returned


def _one_row(use: str) -> Callable[[dict[str, bool], Any], None]:
    def judge(flags: dict[str, bool], data: Any) -> None:
        _, returned = _layer(flags, data)
        need(len(returned) == 1, f"the layer returns {len(returned)} arrays; {use} takes one.", "Are the states used?")
        many = f"the layer returns {returned[0].shape[1]} rows for each sample; {use} takes one row."
        need(returned[0].ndim == 2, many, STEPS)

    return judge


def _row_for_each_step(flags: dict[str, bool], data: Any) -> None:
    _, returned = _layer(flags, data)
    need(len(returned) == 1, f"the layer returns {len(returned)} arrays; `Dense(1)` takes one.", "Are the states used?")
    one = f"the layer returns one row for each sample; the {data.shape[1]} steps need one each."
    need(returned[0].ndim == 3, one, STEPS)


def _states_for_another(flags: dict[str, bool], data: Any) -> None:
    _, returned = _layer(flags, data)
    few = "the encoder returns no states, so the decoder starts from zeros."
    need(len(returned) > 1, few, "What does the decoder get as its initial_state?")


def _goes_on(flags: dict[str, bool], data: Any) -> None:
    import keras

    layer = keras.layers.LSTM(4, **flags)
    half = data.shape[1] // 2
    first = run(layer, data[:, :half])
    on = partial(layer, initial_state=first[1:]) if len(first) > 1 else layer
    rows, hidden = run(on, data[:, half:])[0], states_along(layer, data)[0]
    last = rows[:, -1] if rows.ndim == 3 else rows
    away = f"in two parts, h ends {np.abs(last - hidden[:, -1]).max():.3f} away from the uncut run."
    need(close(last, hidden[:, -1]), away, "What must the second part start from?")


TASKS = {
    "classify a review": _one_row("the classifier"),
    "tag each word": _row_for_each_step,
    "forecast one value": _one_row("the forecast"),
    "translate": _states_for_another,
    "stream a sensor": _goes_on,
    "compare two summaries": _one_row("the comparison"),
}
