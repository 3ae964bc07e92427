"""Judge a test cell of the source notebook on the evidence; return a verdict. Knows no kernels and no student code.

Theory of operation. A `Judge` keeps one separate process, `worker`, which never runs student code. The worker loads
NumPy, the `evidence` format and the modules that the tests import, and forks once for each test cell. The fork runs the
prelude, assigns the evidence, runs the test from the source notebook, and exits. Its time, memory and output are
limited. Questions and verdicts are lines of JSON sent through pipes. If a fork dies or exceeds a limit, this student's
data is the cause, because every test was proved on the solution before: the verdict is `failed`. If the worker itself
is gone, the verdict is `grader error`.

Names in a test: first the plan's prelude (see `test_plan`), then the decoded answers and declared evidence.
"""

import ast
import json
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.faults import traceback_of
from autograder.judging.worker import LOAD
from autograder.model import NoEvidence, Outcome, Reason, TestPlan, Verdict
from autograder.notebook.source import parse

GRACE = 10.0  # seconds that the worker may take in addition to the fork's time limit


@dataclass(frozen=True)
class JudgeLimits:
    """The time and memory that one test may use."""

    seconds: float = 10.0
    memory: int = 2 << 30  # bytes of address space


@lru_cache
def imported(plan: TestPlan) -> frozenset[str]:
    """Return the modules that a test's prelude or its cell imports at the top level."""
    try:
        statements = [*parse(plan.prelude).body, *parse(plan.test).body]
    except (SyntaxError, ValueError):  # the worker reports it
        return frozenset()
    whole = {name.name for one in statements if isinstance(one, ast.Import) for name in one.names}
    return frozenset(
        whole | {str(one.module) for one in statements if isinstance(one, ast.ImportFrom) and not one.level}
    )


class Judge:
    """Judge tests in a worker process; a context manager. `helpers` is the folder of modules that preludes import."""

    def __init__(self, helpers: Path, limits: JudgeLimits | None = None) -> None:
        self.helpers, self.limits = helpers, limits or JudgeLimits()
        self.process: subprocess.Popen[bytes] | None = None
        self.loaded: set[str] = set()  # modules loaded in the worker, for all its forks
        self.lock = threading.Lock()  # keeps a question and its answer together

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def verdict(self, plan: TestPlan, taken: str | NoEvidence) -> Verdict:
        """Judge one test cell on its evidence."""
        if isinstance(taken, NoEvidence):
            return Verdict(plan.cell, Outcome.NO_EVIDENCE, 0.0, f"{taken.sentence}.", taken.reason)
        question = {"prelude": plan.prelude, "test": plan.test, "points": plan.points, "evidence": taken}
        question |= {"names": [*plan.answers, *(name for name, _ in plan.evidence)], "own": plan.own}
        with self.lock:
            answer = self._ask(question, imported(plan))
        known = {"outcome": Outcome(answer["outcome"]), "reason": Reason(answer.get("reason", ""))}
        return Verdict(plan.cell, **(answer | known | {"detail": tuple(answer.get("detail", ()))}))

    def verdicts(self, plans: Sequence[TestPlan], taken: Mapping[str, str | NoEvidence]) -> tuple[Verdict, ...]:
        """Judge all test cells of a notebook, in order."""
        return tuple(self.verdict(plan, taken[plan.cell]) for plan in plans)

    def _ask(self, question: dict[str, Any], modules: frozenset[str]) -> dict[str, Any]:
        try:
            process = self._started()
            assert process.stdin is not None
            if modules - self.loaded:
                process.stdin.write(LOAD + " ".join(sorted(modules - self.loaded)).encode() + b"\n")
                self.loaded |= modules
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            return dict(json.loads(self._line(process)))
        except (OSError, ValueError) as error:
            self.close()
            sentence = f"the judge process returned no verdict ({type(error).__name__}: {error})."
            trace = traceback_of(error)
            return {"outcome": Outcome.GRADER_ERROR, "points": None, "rationale": sentence, "traceback": trace}

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            if not waiting.select(self.limits.seconds + GRACE):
                raise OSError("no answer in time")
        return process.stdout.readline()

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is not None and self.process.poll() is not None:
            self.close()
        if self.process is None:
            self.loaded.clear()
            limits = [str(self.limits.seconds), str(self.limits.memory)]
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autograder.judging.worker", str(self.helpers), *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=self.helpers,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "NBGRADER_EXECUTION": "autograde"},
            )
        return self.process
