"""What nbval found in each cell, as data: a plugin of the pytest that runs it, loaded beside nbval's own.

Called by pytest: `pytest_addoption` and `pytest_configure` at its start, `pytest_runtest_makereport` for each step of
each cell, `pytest_sessionfinish` at the end, where a JSON list is written to `--cells-report`. A step is written if it
raised, or if it is the one that runs the cell:

    cell       which of the notebook's code cells, from 0
    seconds    that the step took
    fault      one of the faults that `nbval` lists, "" for none
    text       what was raised, in one line, or "" where the fault says it all

nbval raises one class for whatever goes wrong in a cell; what it was shows in what the cell has left behind.
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
    parser.addoption("--cells-report", type=Path, help="Write what became of each cell to this file, as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    """Collect for the report, where one is asked for."""
    if config.option.cells_report:
        config.pluginmanager.register(_Report(config.option.cells_report))


class _Report:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Note what became of one step of one cell."""
        fault, text = _fault(item, call.when, call.excinfo.value) if call.excinfo else ("", "")
        if fault or call.when == "call":
            self.steps.append({"cell": item.cell_num, "seconds": call.duration, "fault": fault, "text": text})
        return (yield)

    def pytest_sessionfinish(self) -> None:
        """Write the report, once all is known: a report that is there is whole."""
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
    if error.inner_traceback:  # what nbval has compared
        return DIFFERS, ""
    if item.parent.timed_out:
        return UNKNOWN, str(error)
    return UNCOUNTED, ""


def _line(name: Any, message: Any) -> str:
    """`ValueError: first line`; of a SyntaxError without its place, a file of IPython's with a new name in each run."""
    text = _PLACE.sub("", str(message)) if name in SYNTAX_ERRORS else str(message)
    lines = text.strip().splitlines()
    return f"{name}: {lines[0]}" if lines else str(name)
