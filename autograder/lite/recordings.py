"""Record what training returns, for the browser edition: it cannot train, so it shows the losses of a recorded run."""

import inspect
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.execution.runner import run
from autograder.execution.sandbox import own_limits
from autograder.lite.start_up.keras_start_up import fit_key

TRAINS = ".fit("
WRAP = f"""
import json
from typing import Any

import keras
import tensorflow

{inspect.getsource(fit_key)}

recorded, fit = {{}}, keras.Model.fit


def recording_fit(model, *arguments, **options):
    tensorflow.config.run_functions_eagerly(False)  # kernels may do so; a graph trains in half the time
    history = fit(model, *arguments, **options)
    recorded[fit_key(model, history.params["epochs"])] = history.history
    return history


keras.Model.fit = recording_fit
"""
PRINT = "print(json.dumps(recorded))"


def recorded_fits(course: Course) -> dict[str, Mapping[str, Sequence[float]]]:
    """Run the source notebooks that train a model, and return the history of each training.

    Returns:
        The losses of each epoch by name, by what identifies the training (`fit_key`).

    Raises:
        CourseError: A notebook did not run to its end.
    """
    limits = own_limits(course)
    sources = [path for name in course.assignments() for path in sorted(course.folder("source", name).glob("*.ipynb"))]
    trained = [path for path in sources if TRAINS in path.read_text(encoding="utf-8")]
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda path: _recorded(path, limits), trained))
    return {key: history for histories in found for key, history in histories.items()}


def _recorded(path: Path, limits: Limits) -> dict[str, Mapping[str, Sequence[float]]]:
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WRAP))
    notebook.cells.append(nbformat.v4.new_code_cell(PRINT))
    files = {file.relative_to(path.parent).as_posix(): file.read_bytes() for file in path.parent.rglob("*.py")}
    outputs = run(notebook, (), files, limits).notebook.cells[-1].outputs
    if not outputs or outputs[0].output_type != "stream":
        raise CourseError(f"{path}: it did not run to its end, so its training was not recorded.")
    found: dict[str, Mapping[str, Sequence[float]]] = json.loads(outputs[0].text)
    return found
