"""The start-up package: Keras on NumPy computes what it computes on TensorFlow, and the notebooks run on it."""

import json
import shutil
from typing import Any

import nbformat
import numpy as np
import pytest

from autograder.lite.start_up import keras_start_up
from autograder.tests.harness import numpy_backend
from autograder.tests.harness.handed_in import NAMES, solved
from autograder.tests.support import ROOT, copy_helper

pytestmark = pytest.mark.xdist_group("lite")
EXPLORATIONS = sorted((ROOT / "solutions" / "explorations").glob("*.ipynb"))
SECONDS = 20  # that a notebook may take here, on a busy machine; most take less than one
LAYERS = """
import json
import keras
import numpy as np

rng = np.random.default_rng(5)
layers = {
    "LSTM": keras.layers.LSTM(3, return_sequences=True, return_state=True),
    "GRU": keras.layers.GRU(3, return_sequences=True, return_state=True),
    "stacked": keras.layers.RNN(
        [keras.layers.LSTMCell(4), keras.layers.GRUCell(3)], return_sequences=True, return_state=True
    ),
    "Conv1D": keras.layers.Conv1D(3, 2, padding="causal"),
}
data = rng.normal(size=(2, 8, 2)).astype("float32")
computed = {}
for name, layer in layers.items():
    layer.build(data.shape)
    layer.set_weights([rng.normal(size=weight.shape).astype("float32") for weight in layer.weights])
    computed[name] = [keras.ops.convert_to_numpy(part).tolist() for part in keras.tree.flatten(layer(data))]
"""
# The two trainings of the explorations: output_to_target draws a curve, seven_models counts epochs.
CURVE = "200 epochs: [(1,), (1,), (2, 10), (2, 40), (10,), (10,), (10, 1), (10, 1), (10, 10), (10, 40), (40,)]"
SHORT = "2 epochs: [(1,), (2, 12), (3, 1), (3, 12), (12,)]"
HISTORY = {"LSTM_loss": [9.0, 0.1], "MLP_loss": [9.0, 1.0], "loss": [18.0, 1.1]}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened in all notebooks of the course, the graded ones answered, and in a notebook of layers."""
    folder, start_up = tmp_path_factory.mktemp("numpy"), tmp_path_factory.mktemp("start_up") / "start_up"
    copy_helper(folder)
    for name in NAMES:
        nbformat.write(solved(name), folder / f"{name}.ipynb")
    for path in EXPLORATIONS:
        shutil.copy(path, folder)
    show = "print(json.dumps(computed))"
    cells = [nbformat.v4.new_code_cell(source) for source in (LAYERS, show)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "layers.ipynb")
    shutil.copytree(numpy_backend.START_UP, start_up)
    (start_up / "recorded_fits.json").write_text(json.dumps({CURVE: HISTORY, SHORT: {"loss": [2.0, 1.0]}}))
    return numpy_backend.run(folder, start_up)


@pytest.mark.process
def test_all_notebooks_run_in_seconds(ran: dict[str, Any]) -> None:
    assert {name: found["errors"] for name, found in ran.items() if found["errors"]} == {}
    assert {name: found["seconds"] for name, found in ran.items() if found["seconds"] > SECONDS} == {}


@pytest.mark.process
def test_right_answers_are_right(ran: dict[str, Any]) -> None:
    shown = [text for name in NAMES for text in ran[name]["shown"].values()]
    for number in range(1, 13):
        assert [text for text in shown if f"✓ q{number}: right." in text], number


@pytest.mark.process
def test_training_is_replaced_by_a_recorded_run_and_says_so(ran: dict[str, Any]) -> None:
    shown = ran["output_to_target"]["shown"]
    assert shown["fit"].startswith(keras_start_up.SHOWN)
    assert "LSTM: 9.00 0.10" in shown["curve"]
    assert shown["below_floor-check"].count("True") + shown["below_floor-check"].count("False") >= 3


@pytest.mark.process
@pytest.mark.tensorflow
def test_layers_compute_what_they_compute_on_tensorflow(ran: dict[str, Any]) -> None:
    here: dict[str, Any] = {}
    exec(LAYERS, here)
    assert here["keras"].backend.backend() == "tensorflow"
    (there,) = (json.loads(text) for text in ran["layers"]["shown"].values() if text)
    assert list(there) == ["LSTM", "GRU", "stacked", "Conv1D"]
    for name, parts in there.items():
        assert len(parts) == len(here["computed"][name])
        for ours, theirs in zip(parts, here["computed"][name], strict=True):
            assert np.shape(ours) == np.shape(theirs)
            size = np.maximum(1.0, np.abs(theirs))  # float32 has seven digits, wherever the point is
            np.testing.assert_allclose(ours / size, theirs / size, rtol=0, atol=5e-7)
