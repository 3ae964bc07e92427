"""What the tests of the learner's helper share: the helper as a new session has it, and real layers."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.tests.support import HELPERS, SOURCE

MODULES = tuple(name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in HELPERS)


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The helper as a new session has it, with the course's sizes; its notebooks would be in `tmp_path`."""
    monkeypatch.setattr(sys, "path", [str(SOURCE), *sys.path])
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("shapes")
    monkeypatch.setattr(sys.modules["shapes.record"], "FOLDER", tmp_path)
    module.name_axes(batch=1, timesteps=8, features=2, units=3)
    yield module
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def eager() -> Iterator[None]:
    """Run TensorFlow's functions eagerly, as kernels do: `predict` and short trainings are twice as fast."""
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


@pytest.fixture
def predicted(shapes: Any) -> Callable[..., dict[str, Any]]:
    """Name the sizes, make a model with one recurrent layer and predict, as the notebooks do."""

    def make(
        kind: str, sizes: tuple[int, int, int, int] = (1, 8, 2, 3), seed: int = 7, **flags: bool
    ) -> dict[str, Any]:
        import keras

        batch, timesteps, features, units = sizes
        shapes.name_axes(batch=batch, timesteps=timesteps, features=features, units=units)
        keras.utils.set_random_seed(seed)
        data = np.random.randn(batch, timesteps, features)
        inputs = keras.Input((timesteps, features))
        model = keras.Model(inputs, getattr(keras.layers, kind)(units, **flags)(inputs))
        returned = [np.asarray(array) for array in model(data)] if flags.get("return_state") else []
        return {"model": model, "data": data, **dict(zip(("output", "h", "c"), returned, strict=False))}

    return make
