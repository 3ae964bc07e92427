"""Run notebooks as the browser edition does: Keras on NumPy, with the start-up package, without what a browser lacks.

`python -m autograder.tests.harness.numpy_backend FOLDER` runs the notebooks of a folder one after the other and prints
what happened as JSON. `run` starts it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from autograder.tests.support import ROOT

START_UP = ROOT / "autograder" / "lite" / "start_up"
ABSENT = ("tensorflow", "torch", "h5py", "jax", "scipy")


def run(folder: Path, start_up: Path = START_UP) -> dict[str, Any]:
    """Run the notebooks of a folder in a process; return what happened by name, as `_run` does."""
    paths = os.pathsep.join(map(str, (start_up, folder, ROOT)))
    environment = {**os.environ, "KERAS_BACKEND": "numpy", "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "autograder.tests.harness.numpy_backend", str(folder)]
    ran = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _run(path: Path) -> dict[str, Any]:
    """Run a notebook; return its errors and its checks by cell, and how long it took."""
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    shell.reset()
    errors, shown, begin = {}, {}, time.perf_counter()
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "code":
            with capture_output() as captured:
                result = shell.run_cell(cell.source)
            shown[cell.id] = captured.stdout
            if result.error_in_exec and "raises-exception" not in cell.metadata.get("tags", []):
                errors[cell.id] = repr(result.error_in_exec)
    return {"errors": errors, "shown": shown, "seconds": time.perf_counter() - begin}


if __name__ == "__main__":
    sys.modules |= dict.fromkeys(ABSENT)  # type: ignore[arg-type]  # None says: cannot be imported
    for name in ("jax", "scipy"):
        del sys.modules[name]
    json.dump({path.stem: _run(path) for path in sorted(Path(sys.argv[1]).glob("*.ipynb"))}, sys.stdout)
