"""Judge tests against a kernel without Jupyter: a fork of a small process runs the cells, and serves its objects.

The judge is the real one, in its own process. Only Jupyter's part is missing: IPython, the sandbox and the channel. So
hundreds of small notebooks are graded in seconds, and graded as plain nbgrader does it: by running the test there, too.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import linecache
import math
import os
import pickle
import socket
import struct
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import nbformat
from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.evidence.encoder import encode_all
from autograder.evidence.server import server
from autograder.execution.runner import OBJECTS
from autograder.judging.judge import Judge
from autograder.judging.test_plan import plans, with_visible
from autograder.model import TestPlan, Verdict
from autograder.notebook.magics import python_of_test
from autograder.tests.harness import fork_server

LIBRARIES = {"pandas": "pandas", "matplotlib": "matplotlib.pyplot", "sympy": "sympy"}  # each process has NumPy
POINTS = 1.0
Cells = Sequence[tuple[str, str]]  # a kind (given, answer or test) and a source
KINDS = {"given": (False, False, True), "answer": (False, True, False), "test": (True, False, True)}


def notebook_of(cells: Cells) -> NotebookNode:
    """Return a source notebook with these cells."""
    notebook: NotebookNode = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, (kind, source) in enumerate(cells):
        cell = nbformat.v4.new_code_cell(source)
        grade, solution, locked = KINDS[kind]
        cell.metadata.nbgrader = {"grade_id": f"cell-{number}", "schema_version": 3, "cell_type": "code"}
        cell.metadata.nbgrader |= {"grade": grade, "solution": solution, "locked": locked, "task": False}
        cell.metadata.nbgrader |= {"points": POINTS} if grade else {}
        notebook.cells.append(cell)
    return notebook


@dataclass(frozen=True)
class LocalGrader:
    """Grade small notebooks of one course.

    Attributes:
        judge: The judge.
        plans: The plans of the tests, in order; with proofs after `proved`.
    """

    judge: Judge
    plans: tuple[TestPlan, ...]

    @classmethod
    def of(cls, judge: Judge, cells: Cells) -> "LocalGrader":
        """Return the grader for a source notebook."""
        shown = [source.partition("### BEGIN HIDDEN TESTS")[0] for kind, source in cells if kind == "test"]
        return cls(judge, tuple(map(with_visible, plans(notebook_of(cells)), shown)))

    def proved(self, cells: Cells) -> tuple["LocalGrader", tuple[Verdict, ...]]:
        """Judge the solution; return a grader that holds others to its proofs, and the solution's verdicts."""
        verdicts = self.verdicts(cells)
        held = tuple(replace(plan, proof=one.proof) for plan, one in zip(self.plans, verdicts, strict=True))
        return replace(self, plans=held), verdicts

    def verdicts(self, cells: Cells) -> tuple[Verdict, ...]:
        """Judge a submission."""
        found: list[Verdict] = []
        with self.judge.session() as session, LocalKernel.started(cells) as kernel:
            for kind, source in cells:
                if kind != "test":
                    kernel.run(source)
                    continue
                plan = self.plans[len(found)]
                for imported in plan.imports:
                    kernel.ask(("import", imported))
                text = "" if plan.live else kernel.capture(plan)
                if text and not any(sign in text for sign in OBJECTS):
                    found.append(session.verdict(plan, text))
                else:
                    first = kernel.serve(plan)
                    found.append(session.live(plan, first, kernel.ask, Limits().stateful))
                    kernel.ask("")
                for source in plan.visible:
                    kernel.run(source)
        return tuple(found)


def plain_marks(cells: Cells) -> tuple[float, ...]:
    """Return the marks that nbgrader gives: by running each test in the submission's own kernel."""
    with LocalKernel.started(cells) as kernel:
        results = [(kind, kernel.run(source)) for kind, source in cells]
    return tuple(mark for kind, mark in results if kind == "test")


class LocalKernel:
    """A forked process with a notebook's names."""

    def __init__(self, channel: "_Channel") -> None:
        self.channel = channel

    @classmethod
    @contextlib.contextmanager
    def started(cls, cells: Cells) -> Iterator["LocalKernel"]:
        """Start a kernel for these cells in an empty folder; end it afterwards."""
        modules = {module for name, module in LIBRARIES.items() if any(name in source for _, source in cells)}
        with tempfile.TemporaryDirectory() as folder, fork_server.fork(folder, modules) as ours:
            channel = _Channel(ours)
            try:
                yield cls(channel)
            finally:
                channel.close()
                ours.shutdown(socket.SHUT_WR)
                while ours.recv(1 << 16):  # until it has ended
                    pass

    def run(self, source: str) -> float:
        """Run a cell; return the mark that nbgrader gives it if it is a test."""
        return float(self.ask(("run", source)))

    def capture(self, plan: TestPlan) -> str:
        """Return the evidence for a test."""
        return str(self.ask(("capture", plan)))

    def serve(self, plan: TestPlan) -> str:
        """Begin to serve a test; return the first message. `ask("")` ends it."""
        return str(self.ask(("serve", plan)))

    def ask(self, message: Any) -> Any:
        """Send a message and return the answer."""
        self.channel.send(message)
        return self.channel.receive()


class _Channel:
    def __init__(self, end: socket.socket) -> None:
        self.file = end.makefile("rwb")

    def send(self, message: Any) -> None:
        data = pickle.dumps(message)
        self.file.write(struct.pack("<Q", len(data)) + data)
        self.file.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.file.close()

    def receive(self) -> Any:
        head = self.file.read(8)
        if len(head) < 8:
            raise EOFError
        return pickle.loads(self.file.read(*struct.unpack("<Q", head)))


def be_kernel(end: socket.socket, folder: str) -> NoReturn:
    """Be a local kernel in this process, which has forked for it."""
    try:
        _Interior(_Channel(end), folder).run()
    finally:
        os._exit(0)


class _Interior:
    """What runs in the fork."""

    def __init__(self, channel: _Channel, folder: str) -> None:
        self.channel, self.count = channel, 0
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        self.names = vars(main)
        self.shell = types.SimpleNamespace(user_ns=self.names)
        self.history = self.names["In"] = [""]
        os.chdir(folder)
        sys.path.insert(0, folder)
        sys.stdout = io.StringIO()
        warnings.resetwarnings()
        warnings.simplefilter("ignore")

    def run(self) -> None:
        with contextlib.suppress(EOFError):
            while True:
                what, subject = self.channel.receive()
                self.history.append(subject if what == "run" else "")
                if what == "run":
                    self.channel.send(self.run_cell(subject))
                elif what == "import":
                    source, bound = subject
                    self.channel.send(0.0 if self.names.keys() & set(bound) else self.run_cell(source))
                elif what == "capture":
                    self.channel.send(encode_all(dict(self.names), subject.answers, dict(subject.evidence)))
                else:
                    plan, ask = subject, self.exchange
                    server.serve(self.shell, ask, list(plan.answers), dict(plan.evidence), list(plan.locked), plan.keep)
                    self.channel.send("")

    def exchange(self, message: str) -> str:
        self.channel.send(message)
        return str(self.channel.receive())

    def run_cell(self, source: str) -> float:
        if source.startswith("%%writefile "):
            line, _, text = source.partition("\n")
            Path(line.split()[1]).write_text(text)
            return 0.0
        code = python_of_test(source)
        if isinstance(code, list):
            return 0.0
        self.count += 1
        name = f"<cell {self.count}>"
        linecache.cache[name] = (len(code[0]), None, code[0].splitlines(keepends=True), name)
        try:
            return _mark(self.execute(code[1], name))
        except BaseException:
            return 0.0

    def execute(self, tree: ast.Module, name: str) -> Any:
        last: Any = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
        self.evaluate(tree, name, "exec")
        return self.evaluate(last, name, "eval") if last is not None else None

    def evaluate(self, tree: Any, name: str, mode: str) -> Any:
        code = compile(tree, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, self.names)
        return asyncio.run(result) if code.co_flags & inspect.CO_COROUTINE else result


def _mark(final: Any) -> float:
    """Return nbgrader's mark for a test that raised nothing: its last value, if that is a number."""
    if isinstance(final, bool) or not isinstance(final, int | float) or not math.isfinite(final):
        return POINTS
    return min(max(float(final), 0.0), POINTS)
