"""Let Keras run on NumPy where JAX, SciPy and threads are missing, as in a browser.

Keras' NumPy backend imports JAX and SciPy for convolutions, pooling, Fourier transforms and linear algebra. Recurrent
layers call none of them. `install` puts modules in their place whose functions raise an error that says so. One
convolution, along the timesteps, is computed here, because an exploration needs it.

This backend cannot train. Where a run of a notebook was recorded, `fit` returns the recorded losses and says so.
"""

import concurrent.futures
import json
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

ABSENT = ("jax", "scipy", "scipy.linalg", "keras.src.backend.jax", "keras.src.backend.jax.math")
TRAINER, LAYERS = "keras.src.backend.numpy.trainer", "keras.src.backend.numpy.nn"
RECORDED = Path(__file__).with_name("recorded_fits.json")
SHOWN = "Training does not run in a browser. These losses are from a recorded run; the weights are not changed."
UNKNOWN = "Training does not run in a browser, and there is no recorded run of a model with these sizes and epochs."


def install() -> None:
    """Install the stand-ins. What can be imported is left as it is; threads are replaced in a browser only."""
    for name in ABSENT:
        sys.modules.setdefault(name, Absent(name))
    sys.meta_path.insert(0, _Finder())
    if sys.platform == "emscripten":
        concurrent.futures.ThreadPoolExecutor = Immediate  # type: ignore[assignment,misc]


class Absent(ModuleType):
    """A module that is missing: any name can be imported from it, and none can be called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self.__name__}.{name}")

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{self.__name__} does not run in a browser. Use this layer in an installed Python.")


class Immediate(concurrent.futures.Executor):
    """An executor without threads: it runs a function when it is submitted."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Accept the arguments of a ThreadPoolExecutor, which have no meaning here."""

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, **options: Any
    ) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future


# --- training -------------------------------------------------------------------------------------------------------


def fit_key(model: Any, epochs: int) -> str:
    """Return what identifies a training: the number of epochs and the shapes of the weights."""
    return f"{epochs} epochs: {sorted(tuple(weight.shape) for weight in model.weights)}"


def recorded_fit(model: Any, *data: Any, epochs: int = 1, **options: Any) -> Any:
    """Return the recorded history of a training, and print that it is recorded.

    Raises:
        NotImplementedError: No training with these sizes was recorded.
    """
    from keras.callbacks import History

    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.is_file() else {}
    key = fit_key(model, epochs)
    if key not in recorded:
        raise NotImplementedError(UNKNOWN)
    print(SHOWN)
    history = History()
    history.set_model(model)
    history.history = recorded[key]
    return history


# --- parts of Keras that are replaced --------------------------------------------------------------------------------


def conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", *others: Any, **options: Any) -> Any:
    """Compute a convolution along the timesteps; raise NotImplementedError for any other.

    Args:
        inputs: (batch, timesteps, features).
        kernel: (width, features, units).
        strides: 1, or a list of one 1.
        padding: "valid"; Keras pads for "causal" before it calls this.
        others: The format of the data and the dilation rate, with the defaults of Keras' layer.
        options: The same by name.

    Returns:
        (batch, timesteps - width + 1, units).
    """
    import numpy as np

    usual = ("channels_last", None, 1, (1,), [1])
    plain = padding == "valid" and all(value in usual for value in (strides, *others, *options.values()))
    if not plain or np.ndim(inputs) != 3 or np.shape(inputs)[-1] != kernel.shape[1]:
        raise NotImplementedError("Only Conv1D with its default arguments runs in a browser.")
    windows = np.lib.stride_tricks.sliding_window_view(inputs, kernel.shape[0], axis=1)
    return np.einsum("btfw,wfu->btu", windows, np.asarray(kernel))


class _Finder(MetaPathFinder):
    """Finds two modules of Keras, in which something is replaced when they are imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in (TRAINER, LAYERS) else None
        if spec and spec.origin:
            spec.loader = _Loader(name, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ == TRAINER:
            module.NumpyTrainer.fit = recorded_fit
        else:
            module.conv = conv  # type: ignore[attr-defined]
