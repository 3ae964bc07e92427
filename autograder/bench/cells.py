"""Run the cells of a folder's notebooks repeatedly, and print the processor seconds of one. A program; see `limit`.

It imports only the standard library: what it loaded would be part of each fork.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType

PASSES = 3  # after a first pass that is not counted


def main() -> None:
    """Print the mean of the notebooks' medians, as JSON.

    The arguments are the folder, code that runs first, `warm` or `forked`, and the modules that forks inherit.
    """
    folder, prepare, how, *modules = sys.argv[1:]
    exec(prepare, {})
    os.chdir(folder)
    sys.path.insert(0, "")
    warnings.simplefilter("ignore")
    run = _pass
    if how == "forked":
        for module in modules:
            importlib.import_module(module)
        gc.collect()
        gc.freeze()
        run = _fork
    spent = [_spent(_cells(path), run) for path in sorted(Path().glob("*.ipynb"))]
    sys.stdout.write(f"{json.dumps(sum(spent) / len(spent))}\n")


def _cells(path: Path) -> list[CodeType]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [compile(source, f"{path}:{i}", "exec") for i, source in enumerate(sources)]


def _spent(cells: list[CodeType], run: Callable[[list[CodeType]], float]) -> float:
    return sorted(run(cells) for _ in range(1 + PASSES))[PASSES // 2]


def _fork(cells: list[CodeType]) -> float:
    child = os.fork()
    if child == 0:
        failed = 1
        with contextlib.suppress(Exception):
            _pass(cells)
            failed = 0
        os._exit(failed)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError("the cells fail in a fork")
    return usage.ru_utime + usage.ru_stime


def _pass(cells: list[CodeType]) -> float:
    names = {"__name__": "__main__", "display": lambda *shown: None}
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells:
            exec(cell, names)
    return time.process_time() - started


if __name__ == "__main__":
    main()
