"""Report nbval's result for each cell as data: a pytest plugin, loaded together with nbval's own.

Called by pytest: `pytest_addoption` and `pytest_configure` at its start, `pytest_runtest_makereport` for each step of
each cell, `pytest_sessionfinish` at the end, where a JSON list is written to `--cells-report`. A step is written if it
raised, or if it is the one that runs the cell:

    cell       which of the notebook's code cells, from 0
    seconds    duration of the step
    fault      one of the faults in the module `nbval`, "" for none
    text       the exception, in one line, or "" if there is none; without a fault, the cell may raise it
    compared   whether the cell's outputs were compared with stored ones

nbval raises the same class for every failure in a cell, so the fault is determined from the cell's outputs.
"""

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import NbCellError

from autograder.replay.nbval import BROKEN, DEAD_AT_START, DIFFERS, INTERRUPTED, NO_KERNEL, RAISED, UNCOUNTED, UNKNOWN

SYNTAX_ERRORS = ("SyntaxError", "IndentationError", "TabError")
_PLACE = re.compile(r" \([^()]+, line \d+\)$")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the report."""
    parser.addoption("--cells-report", type=Path, help="Write the result of each cell to this file, as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the report, if the option names a file."""
    if config.option.cells_report:
        config.pluginmanager.register(_Report(config.option.cells_report))


class _Report:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Record the result of one step of one cell."""
        fault, text = _fault(item, call.when, call.excinfo.value) if call.excinfo else ("", _tolerated(item))
        if fault or call.when == "call":
            step = {"cell": item.cell_num, "seconds": call.duration, "fault": fault, "text": text}
            self.steps.append({**step, "compared": call.when == "call" and _is_compared(item, fault)})
        return (yield)

    def pytest_sessionfinish(self) -> None:
        """Write the report at the end, so that an existing report is always complete."""
        self.path.write_text(json.dumps(self.steps), encoding="utf-8")


def _fault(item: Any, when: str, error: BaseException) -> tuple[str, str]:
    if when == "setup":
        return DEAD_AT_START if type(error) is RuntimeError else NO_KERNEL, _line(type(error).__name__, str(error))
    if not isinstance(error, NbCellError):
        return BROKEN, _line(type(error).__name__, str(error))
    outputs = item.test_outputs
    last = outputs[-1] if outputs else {}
    if last.get("output_type") == "error" and not item.options["check_exception"]:
        interrupted = item.parent.timed_out and last["ename"] == "KeyboardInterrupt"
        return (INTERRUPTED, "") if interrupted else (RAISED, _line(last["ename"], last["evalue"]))
    if error.inner_traceback:  # nbval found different outputs
        return DIFFERS, ""
    if item.parent.timed_out:
        return UNKNOWN, str(error)
    return UNCOUNTED, ""


def _tolerated(item: Any) -> str:
    """Return the exception of a cell that may raise one, or "" if it raised none."""
    last = item.test_outputs[-1] if item.test_outputs else {}
    return _line(last["ename"], last["evalue"]) if last.get("output_type") == "error" else ""


def _is_compared(item: Any, fault: str) -> bool:
    stored = item.cell.outputs and item.cell.execution_count is not None
    return bool(item.options["check"] and stored and fault in ("", DIFFERS))


def _line(name: Any, message: Any) -> str:
    """Return `ValueError: first line`; for a SyntaxError without the file, whose name IPython changes in every run."""
    text = _PLACE.sub("", str(message)) if name in SYNTAX_ERRORS else str(message)
    lines = text.strip().splitlines()
    return f"{name}: {lines[0]}" if lines else str(name)
