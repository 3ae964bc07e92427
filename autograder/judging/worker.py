"""The process behind `judge`: reads a question a line, forks, lets the fork run the test, writes a verdict a line.

The parent only forks, waits and kills, so that it never holds a student's data unpacked. A fork is bounded: processor
time and address space by rlimits (what the test sees: a killed process, a MemoryError), wall time by the parent, files
by a size limit of 0, its output by the null device. What it prints becomes part of the message for partial credit.

A line that begins with `LOAD` is no question: it names modules that the master's tests import, for the parent to load
once and each fork to find. Lines come from `judge` alone, and a student's data, as JSON, begins none.
"""

import ast
import contextlib
import importlib
import io
import json
import math
import os
import select
import signal
import sys
from typing import Any

import numpy as np
import numpy.ma  # np.unique loads it: once here, not in each fork

from autograder.errors import EvidenceError
from autograder.evidence.decoder import decode_all, missing
from autograder.evidence.display import display_names, is_unanswered
from autograder.model import Outcome, Reason

LOAD = b"load "
STANDARD = 3  # descriptors
MAX_MESSAGE = 2000  # characters of a rationale
MAX_ANSWER = 1 << 16  # bytes of a verdict


def main() -> None:
    """Answer questions until standard input ends."""
    helpers, seconds, memory = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    sys.path.insert(0, helpers)
    with os.fdopen(os.dup(0), "rb") as questions, os.fdopen(os.dup(1), "wb") as answers:
        _silence()  # what a module prints as it is loaded is no verdict
        for line in questions:
            if line.startswith(LOAD):
                _load(line[len(LOAD) :].decode().split())
            else:
                answers.write(_forked(line, seconds, memory) + b"\n")
                answers.flush()


def _load(modules: list[str]) -> None:
    """Load modules; where one cannot be loaded, the test that imports it will say so."""
    for module in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(module)


def _forked(line: bytes, seconds: float, memory: int) -> bytes:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(BaseException):  # whatever ends a fork, the parent sees an empty answer
            os.closerange(STANDARD, writing)
            _bound(seconds, memory)
            os.write(writing, json.dumps(judge(json.loads(line))).encode())
        os._exit(0)
    os.close(writing)
    try:
        return _answer(reading, child, seconds)
    finally:
        os.close(reading)


def _answer(reading: int, child: int, seconds: float) -> bytes:
    ready, _, _ = select.select([reading], [], [], seconds)
    answer = os.read(reading, MAX_ANSWER) if ready else b""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if answer:
        return answer
    said = "the test could not finish on this answer" + ("" if ready else f" within {seconds:g} s") + "."
    return json.dumps(_verdict(Outcome.FAILED, 0.0, said)).encode()


def _bound(seconds: float, memory: int) -> None:
    import resource  # not on Windows, where `judge` is imported for its verdicts

    os.setsid()
    _silence(2)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _silence(*more: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, *more):
        os.dup2(null, standard)
    os.close(null)


def _verdict(outcome: Outcome, points: float | None, rationale: str = "", **more: Any) -> dict[str, Any]:
    return {"outcome": outcome, "points": points, "rationale": rationale[:MAX_MESSAGE], **more}


def judge(question: dict[str, Any]) -> dict[str, Any]:
    """Judge one question: the `names` that it needs of `evidence`, `prelude` and `test` as source, `points` at most."""
    try:
        found = decode_all(question["evidence"])
    except EvidenceError as error:
        return _verdict(Outcome.NO_EVIDENCE, 0.0, str(error), reason=Reason.DAMAGED)
    entries = [found.get(name) or missing(name) for name in question["names"]]
    values = {entry.subject: entry.value for entry in entries if not entry.reason}
    if any(map(is_unanswered, values.values())):
        return _verdict(Outcome.NOT_ATTEMPTED, 0.0, "not answered.")
    for entry in entries:
        if entry.reason:
            about = {"reason": entry.reason, "subject": entry.subject, "detail": entry.detail}
            return _verdict(Outcome.NO_EVIDENCE, 0.0, entry.sentence, **about)
    own = {name: values[name] for name in question["own"] if name in values}
    return _test(question, values) | {"given": display_names(own)}


def _test(question: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "test"}
    try:
        exec(compile(question["prelude"], "<prelude>", "exec"), namespace)
        body, last = _split(question["test"])
    except Exception as error:
        fails = f"the test's own preparation fails ({_said(error)})."
        return _verdict(Outcome.GRADER_ERROR, None, fails, reason=Reason.PREPARATION)
    namespace |= values
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), np.errstate(all="ignore"):
            exec(body, namespace)
            final = eval(last, namespace) if last else None
    except AssertionError as error:
        return _verdict(Outcome.FAILED, 0.0, str(error) or "a test did not hold.") | _parts(error)
    except MemoryError:
        return _verdict(Outcome.FAILED, 0.0, "the test ran out of memory on this answer.")
    except Exception as error:
        return _verdict(Outcome.FAILED, 0.0, f"the answer does not fit the test ({_said(error)}).")
    return _credit(final, float(question["points"]), printed.getvalue().strip())


def _parts(error: AssertionError) -> dict[str, Any]:
    """The mistake, the help, what is right and the flag, where the test's exception has them as attributes."""
    parts = {"mistake": str(error), "help": "", "expected": "", "flag": ""}
    return {name: str(getattr(error, name, part))[:MAX_MESSAGE] for name, part in parts.items()}


def _split(source: str) -> tuple[Any, Any]:
    """Compile a test; its last statement by itself, if it is an expression: its value may be partial credit."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), "<test>", "eval")  # type: ignore[attr-defined]
    return compile(tree, "<test>", "exec"), last


def _credit(final: Any, points: float, printed: str) -> dict[str, Any]:
    """Full points, or what the test's last value says, as nbgrader has it: a number from 0 to `points`."""
    if isinstance(final, bool | np.bool_):
        return _no_points(f"the test ends in {final}, which is neither a number of points nor nothing.")
    if not isinstance(final, int | float | np.number):
        return _verdict(Outcome.PASSED, points)
    if not math.isfinite(final):
        return _no_points(f"the test ends in {final}, which is no number of points.")
    given = min(max(float(final), 0.0), points)
    if given == points:
        return _verdict(Outcome.PASSED, given)
    return _verdict(Outcome.FAILED, given, printed) | _parts(AssertionError(printed))


def _no_points(sentence: str) -> dict[str, Any]:
    return _verdict(Outcome.GRADER_ERROR, None, sentence, reason=Reason.LAST_VALUE)


def _said(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


if __name__ == "__main__":
    main()
