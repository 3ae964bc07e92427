"""The process behind `judge`: read one question per line, run its test in a fork, write one verdict per line.

The parent only forks, waits and kills, so it never decodes a student's data. The fork has limits: rlimits on processor
time (the process is killed) and address space (the test gets a MemoryError), a wall-time limit enforced by the parent,
a file size limit of 0, and output to the null device. What the test prints becomes the message for partial credit.

A line that begins with `LOAD` is not a question: it names modules that tests import. The parent loads them once, and
each fork inherits them. Only `judge` writes lines, and a student's data is JSON inside a line, never at its start.
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
import numpy.ma  # np.unique imports it; do that once here, not in each fork

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
        _silence()  # a module that prints while it loads must not write into the verdicts
        for line in questions:
            if line.startswith(LOAD):
                _load(line[len(LOAD) :].decode().split())
            else:
                answers.write(_forked(line, seconds, memory) + b"\n")
                answers.flush()


def _load(modules: list[str]) -> None:
    """Load modules; ignore failures, since the test that imports the module will report them."""
    for module in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(module)


def _forked(line: bytes, seconds: float, memory: int) -> bytes:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(BaseException):  # however a fork ends, the parent then reads an empty answer
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
    sentence = "the test could not finish on this answer" + ("" if ready else f" within {seconds:g} s") + "."
    return json.dumps(_verdict(Outcome.FAILED, 0.0, sentence)).encode()


def _bound(seconds: float, memory: int) -> None:
    import resource  # missing on Windows, where this module is still imported

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
    """Judge one question: a dict with `names`, `evidence`, `prelude` and `test` (sources), maximum `points`, `own`."""
    try:
        decoded = decode_all(question["evidence"])
    except EvidenceError as error:
        return _verdict(Outcome.NO_EVIDENCE, 0.0, str(error), reason=Reason.DAMAGED)
    entries = [decoded.get(name) or missing(name) for name in question["names"]]
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
        fails = f"the test's imports and constants fail ({_first_line(error)})."
        return _verdict(Outcome.GRADER_ERROR, None, fails, reason=Reason.PREPARATION)
    namespace |= values
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), np.errstate(all="ignore"):
            exec(body, namespace)
            final = eval(last, namespace) if last else None
    except AssertionError as error:
        return _verdict(Outcome.FAILED, 0.0, str(error) or "an assertion failed.") | _parts(error)
    except MemoryError:
        return _verdict(Outcome.FAILED, 0.0, "the test ran out of memory on this answer.")
    except Exception as error:
        return _verdict(Outcome.FAILED, 0.0, f"the test cannot use this answer ({_first_line(error)}).")
    return _credit(final, float(question["points"]), printed.getvalue().strip())


def _parts(error: AssertionError) -> dict[str, Any]:
    """Return the mistake, the help, the expected answer and the flag, from the attributes of the test's exception."""
    parts = {"mistake": str(error), "help": "", "expected": "", "flag": ""}
    return {name: str(getattr(error, name, part))[:MAX_MESSAGE] for name, part in parts.items()}


def _split(source: str) -> tuple[Any, Any]:
    """Compile a test; a last statement that is an expression separately, because its value may be partial credit."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), "<test>", "eval")  # type: ignore[attr-defined]
    return compile(tree, "<test>", "exec"), last


def _credit(final: Any, points: float, printed: str) -> dict[str, Any]:
    """Give full points, or the test's last value, from 0 to `points`: nbgrader's rule for partial credit."""
    if isinstance(final, bool | np.bool_):
        return _no_points(f"the test's last value is {final}; it must be a number of points or None.")
    if not isinstance(final, int | float | np.number):
        return _verdict(Outcome.PASSED, points)
    if not math.isfinite(final):
        return _no_points(f"the test's last value is {final}, which is not a number of points.")
    given = min(max(float(final), 0.0), points)
    if given == points:
        return _verdict(Outcome.PASSED, given)
    return _verdict(Outcome.FAILED, given, printed) | _parts(AssertionError(printed))


def _no_points(sentence: str) -> dict[str, Any]:
    return _verdict(Outcome.GRADER_ERROR, None, sentence, reason=Reason.LAST_VALUE)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


if __name__ == "__main__":
    main()
