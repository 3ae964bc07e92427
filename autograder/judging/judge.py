"""Judge a test cell of the source notebook; return a verdict. Knows no kernels and no student code.

Theory of operation. A `Judge` keeps one separate process, `worker`, which never runs student code. The worker loads
NumPy, the `evidence` format and the modules that the tests import, and forks once for each test cell. The fork runs the
prelude, assigns the evidence, runs the test from the source notebook, and exits. Its time, memory and output are
limited. Questions and verdicts are lines of JSON sent through pipes. If a fork dies or exceeds a limit, this student's
data is the cause, because every test was proved on the solution before: the verdict is `failed`. If the worker itself
is gone, or something else has killed the fork, the question is asked once more; then the verdict is `grader error`.

A test that needs only data is judged by `Session.verdict` after the notebook has run. A test that uses functions or
other objects is judged by `Session.live` during the run, while the notebook's kernel waits: the fork's requests come
back through the worker's pipes, and `ask` takes each to the kernel and returns its answer. Tests that share names are
judged in one fork, one after the other.

Names in a test: first the course's own values (see `givens`) and the plan's prelude (see `test_plan`), then the decoded
answers and declared evidence.
"""

import ast
import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.faults import traceback_of
from autograder.judging.worker import ASK, COMPILE, DROP, KEEP, KILLED, LOAD, TRIAL
from autograder.model import Check, NoEvidence, Outcome, Reason, TestPlan, Verdict
from autograder.notebook.source import parse

Ask = Callable[[str], str]
LIVE = "autograder.judging.live.verdicts"  # loaded in the worker once, not in each fork
PANDAS = ("DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "Timestamp")  # tags of the encoder
GRACE = 10.0  # seconds that the worker may take in addition to the fork's time limit


@dataclass(frozen=True)
class JudgeLimits:
    """The time and memory that one test may use."""

    seconds: float = 10.0
    memory: int = 2 << 30  # bytes of address space


@lru_cache
def imported(plan: TestPlan) -> frozenset[str]:
    """Return what a test's prelude or its cell imports at the top level, and the modules that its givens need.

    `from shapes import draw` imports `shapes` and `shapes:draw`: a package may load a module only for that name.
    """
    try:
        statements = [*parse(plan.prelude).body, *parse(plan.test).body]
    except (SyntaxError, ValueError):  # the worker reports it
        return frozenset()
    whole = {name.name for one in statements if isinstance(one, ast.Import) for name in one.names}
    whole |= _submodules(statements)
    whole |= {"pandas" for _, text in plan.givens if any(f'["{kind}", ' in text for kind in PANDAS)}
    parts = [one for one in statements if isinstance(one, ast.ImportFrom) and not one.level]
    whole |= {f"{one.module}:{name.name}" for one in parts for name in one.names}
    return frozenset(whole | {str(one.module) for one in parts})


def _submodules(statements: Sequence[ast.stmt]) -> set[str]:
    """Return what may be modules in a library that is imported whole, such as `matplotlib.patches`.

    In the notebook, another cell may have loaded them.
    """
    roots = {name.name for one in statements if isinstance(one, ast.Import) for name in one.names if not name.asname}
    chains = {ast.unparse(node) for one in statements for node in ast.walk(one) if isinstance(node, ast.Attribute)}
    return {chain for chain in chains if chain.partition(".")[0] in roots and chain.replace(".", "").isidentifier()}


class Judge:
    """Judge tests in worker processes; a context manager. `helpers` is the folder of modules that preludes import.

    Several notebooks can be judged at a time, each in its own session.
    """

    def __init__(self, helpers: Path, limits: JudgeLimits | None = None) -> None:
        self.helpers, self.limits = helpers, limits or JudgeLimits()
        self.idle: list[_Worker] = []
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        with self.lock:
            while self.idle:
                self.idle.pop().close()

    @contextlib.contextmanager
    def session(self) -> Iterator["Session"]:
        """Yield a session for the tests of one notebook."""
        with self.lock:
            worker = self.idle.pop() if self.idle else _Worker(self.helpers, self.limits)
        session = Session(worker)
        try:
            yield session
        finally:
            session.drop()
            with self.lock:
                self.idle.append(worker)

    def verdict(self, plan: TestPlan, taken: str | NoEvidence) -> Verdict:
        """Judge one test cell on its evidence."""
        with self.session() as session:
            return session.verdict(plan, taken)

    def verdicts(self, plans: Sequence[TestPlan], taken: Mapping[str, str | NoEvidence]) -> tuple[Verdict, ...]:
        """Judge all test cells of a notebook, in order."""
        with self.session() as session:
            return tuple(session.verdict(plan, taken[plan.cell]) for plan in plans)


class Session:
    """The judging of one notebook: tests that share names are judged one after the other in one fork."""

    def __init__(self, worker: "_Worker") -> None:
        self.worker, self.kept = worker, False

    def verdict(self, plan: TestPlan, taken: str | NoEvidence) -> Verdict:
        """Judge one test cell on its evidence."""
        if isinstance(taken, NoEvidence):
            return Verdict(plan.cell, Outcome.NO_EVIDENCE, 0.0, f"{taken.sentence}.", taken.reason)
        question = _question(plan, taken)
        return _verdict(plan, self.worker.answer(question, imported(plan)))

    def live(self, plan: TestPlan, first: str, ask: Ask, stateful: Sequence[str] = ()) -> Verdict:
        """Judge one test cell while its notebook's kernel answers.

        Args:
            plan: The test.
            first: The kernel's first message.
            ask: Send a text to the kernel and return its answer. What it raises is raised here, too.
            stateful: The modules that are the student's own, because they keep state.
        """
        question = _live_question(plan, first, stateful)
        self.kept = self.kept or plan.keep
        libraries = {module for module, _ in (question["proof"] or {}).get("libraries", {}).values()}
        modules = _loadable(plan, stateful) | libraries | {LIVE}
        return _verdict(plan, self.worker.answer(question, modules, ask, KEEP if plan.keep else b""))

    def empty(self, plan: TestPlan, first: str, stateful: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the empty answers for which a test passes, too, such as "`f` returns []".

        Each answer in turn is empty, the others are the solution's. No kernel answers, so a test that needs one for
        anything else is not found.

        Args:
            plan: A test that passes on the solution.
            first: The first message of the solution's kernel.
            stateful: The modules that are the student's own, because they keep state.
        """
        question = _live_question(plan, first, stateful) | {"proof": None, "rebinds": (), "files": False}
        modules = _loadable(plan, stateful) | {LIVE}
        tried = [self.worker.answer(question | {"instead": name}, modules, prefix=TRIAL) for name in plan.asked]
        return tuple(str(answer["rationale"]) for answer in tried if answer["outcome"] == Outcome.PASSED)

    def drop(self) -> None:
        """Forget the names of earlier tests; a new kernel knows nothing of their objects."""
        if self.kept:
            self.worker.drop()
        self.kept = False


def _loadable(plan: TestPlan, stateful: Sequence[str]) -> frozenset[str]:
    """Return what a test imports and the judge can load, since it keeps no state that is the student's own."""
    return frozenset(what for what in imported(plan) if what.partition(":")[0] not in stateful)


def _question(plan: TestPlan, evidence: str) -> dict[str, Any]:
    question = {"prelude": plan.prelude, "test": plan.test, "points": plan.points, "evidence": evidence}
    question |= {"givens": dict(plan.givens)} if plan.givens else {}
    if plan.hidden_lines or plan.hidden_names:
        question |= {"hidden": {"lines": plan.hidden_lines, "names": plan.hidden_names}}
    question |= {"by_truth": bool(json.loads(plan.proof).get("by_truth"))} if plan.proof else {}
    return question | {"names": [*plan.answers, *(name for name, _ in plan.evidence)], "own": plan.own}


def _live_question(plan: TestPlan, first: str, stateful: Sequence[str]) -> dict[str, Any]:
    return _question(plan, first) | {
        "live": True,
        "proof": json.loads(plan.proof) if plan.proof else None,
        "evidence_names": [name for name, _ in plan.evidence],
        "rebinds": plan.rebinds,
        "locked": plan.locked,
        "files": plan.files,
        "stateful": list(stateful),
    }


def _compilable(question: Mapping[str, Any]) -> bytes:
    """Return what of a question is compiled: nothing of a student's."""
    names = question.get("hidden", {}).get("names", ())
    test = {"prelude": question["prelude"], "test": question["test"], "hidden": {"names": sorted(names)}}
    return json.dumps(test | {"live": question.get("live", False)}).encode()


def _verdict(plan: TestPlan, answer: dict[str, Any]) -> Verdict:
    known: dict[str, Any] = {"outcome": Outcome(answer["outcome"]), "reason": Reason(answer.get("reason", ""))}
    known |= {"detail": tuple(answer.get("detail", ())), "check": Check.read(answer.get("check"))}
    return Verdict(plan.cell, **(answer | known))


class _Worker:
    """One process that judges, and the modules that it has loaded."""

    def __init__(self, helpers: Path, limits: JudgeLimits) -> None:
        self.helpers, self.limits = helpers, limits
        self.process: subprocess.Popen[bytes] | None = None
        self.loaded: set[str] = set()  # modules loaded in the worker, for all its forks
        self.compiled: set[bytes] = set()  # tests compiled in the worker
        self.keeps = False  # whether its fork has the names of earlier tests

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def drop(self) -> None:
        """End the fork that keeps names."""
        self.keeps = False
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.write(DROP)
                self.process.stdin.flush()

    def answer(
        self, question: dict[str, Any], modules: frozenset[str], ask: Ask | None = None, prefix: bytes = b""
    ) -> dict[str, Any]:
        """Return the worker's answer to a question; a broken worker's is a grader error.

        A broken worker is replaced, and asked once more unless a kernel answers: what the test did there stays done.
        """
        for is_last in (ask is not None, True):
            try:
                answer = self._answer(question, modules, ask, prefix)
                self.keeps = prefix == KEEP
                return answer
            except (OSError, ValueError) as error:
                self.close()
                if is_last:
                    sentence = f"the judge process returned no verdict ({type(error).__name__}: {error})."
                    trace = traceback_of(error)
                    break
        return {"outcome": Outcome.GRADER_ERROR, "points": None, "rationale": sentence, "traceback": trace}

    def _answer(
        self, question: dict[str, Any], modules: frozenset[str], ask: Ask | None, prefix: bytes
    ) -> dict[str, Any]:
        process = self._started()
        if modules - self.loaded:
            self._tell(LOAD + " ".join(sorted(modules - self.loaded)).encode() + b"\n")
            self.loaded |= modules
        if (test := _compilable(question)) not in self.compiled:
            self._tell(COMPILE + test + b"\n")
            self.compiled.add(test)
        self._tell(prefix + json.dumps(question).encode() + b"\n")
        while (line := self._line(process)).startswith(ASK) and ask is not None:
            self._tell(self._asked(process, line, ask))
        if line == KILLED:
            raise OSError("it was killed")
        return dict(json.loads(line))

    def _asked(self, process: subprocess.Popen[bytes], line: bytes, ask: Ask) -> bytes:
        try:
            return json.dumps(ask(str(json.loads(line[len(ASK) :])))).encode() + b"\n"
        except BaseException:
            self._tell(DROP)
            self._line(process)
            raise

    def _tell(self, line: bytes) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

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
        if self.process is None and self.keeps:
            raise OSError("it was killed, and with it the names of earlier tests")
        if self.process is None:
            self.loaded.clear()
            self.compiled.clear()
            limits = [str(self.limits.seconds), str(self.limits.memory)]
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autograder.judging.worker", str(self.helpers), *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in a terminal stops this process, which then ends the worker
                bufsize=0,  # a buffered line would be invisible to the selector
                cwd=self.helpers,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "NBGRADER_EXECUTION": "autograde"},
            )
        return self.process
