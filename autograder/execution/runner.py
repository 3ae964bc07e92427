"""Run a restored notebook; collect its outputs and the evidence for each test cell. Knows nothing of right answers.

Theory of operation. One kernel runs the notebook's cells in order. It starts in a fresh folder with the submission's
files and the course's files (see `client`). Test cells are never executed there. In place of each, a cell of the
grader collects evidence for exactly the names in the test's plan. Its code is sent as source each time, and its result
is not trusted: whatever is patched in the kernel, it can only return a text, which `evidence` decodes as data or
refuses. The runner does not look into that text.

What a failing cell affects. After an exception, only the names that the cell would have assigned are missing. A cell
that exceeds its time or output limit, sends an invalid message or ends the kernel is dropped: a fresh kernel runs the
notebook again from the top without that cell, and evidence collected before is kept. After `fresh_kernels` such
restarts the remaining tests have no evidence. So a later question is still judged if it does not depend on the
dropped cell.
"""

import asyncio
import base64
import time
import uuid
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.errors import KernelEnded
from autograder.evidence.decoder import kernel_source
from autograder.execution.client import Client, kernel
from autograder.execution.failures import death, limit_met, name_of, prints_too_much
from autograder.model import NoEvidence, Reason, TestPlan

MIME = "application/vnd.autograder.evidence+json"


@dataclass(frozen=True)
class Ran:
    """A notebook with its outputs, and the evidence text of each test cell, or the reason why there is none.

    `failures` maps a cell's index to what went wrong, for cells that ended their kernel or hit a limit.
    """

    notebook: NotebookNode
    evidence: Mapping[str, str | NoEvidence]
    failures: Mapping[int, NoEvidence] = field(default_factory=dict)


def run(
    notebook: NotebookNode, plans: Sequence[TestPlan], files: Mapping[str, bytes], limits: Limits | None = None
) -> Ran:
    """Run a notebook in a folder with `files`; collect the evidence that `plans` name. KernelError: no kernel starts.

    This also works inside a running event loop, because the kernel's event loop runs in a separate thread.
    """
    runner = _Runner(nbformat.from_dict(notebook), {plan.cell: plan for plan in plans}, files, limits or Limits())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(runner.run())).result()


class _DeadlyCellError(Exception):
    """A cell ended its kernel."""

    def __init__(self, index: int, kind: str) -> None:
        super().__init__(kind)
        self.index, self.kind = index, kind


@dataclass
class _Runner:
    notebook: NotebookNode
    plans: dict[str, TestPlan]
    files: Mapping[str, bytes]
    limits: Limits
    evidence: dict[str, str | NoEvidence] = field(default_factory=dict)
    dead: dict[int, NoEvidence] = field(default_factory=dict)
    deadline: float = 0.0

    async def run(self) -> Ran:
        # when a kernel dies, nbclient abandons its polling tasks; their exceptions mean nothing
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        self.deadline = time.monotonic() + self.limits.notebook_seconds
        last = NoEvidence(Reason.CRASH, "")
        for _ in range(1 + self.limits.fresh_kernels):
            try:
                await self._run_cells()
                break
            except _DeadlyCellError as deadly:
                last = self._record_failure(deadly)
                if time.monotonic() > self.deadline:
                    break
        for name in self.plans:
            self.evidence.setdefault(name, NoEvidence(last.reason, f"{last.sentence}; this test was not reached"))
        met = {i: limit_met(cell, i, self.limits) for i, cell in enumerate(self.notebook.cells)}
        failures = {i: failure for i in met if (failure := self.dead.get(i) or met[i])}
        return Ran(self.notebook, self.evidence, failures)

    def _record_failure(self, deadly: _DeadlyCellError) -> NoEvidence:
        """Record how a cell failed; the next run skips it."""
        cell = self.notebook.cells[deadly.index]
        over = time.monotonic() > self.deadline and deadly.kind == "timeout"
        failure = death("notebook" if over else deadly.kind, cell, deadly.index, self.limits)
        self.dead[deadly.index] = failure
        sentence = failure.sentence
        cell.execution_count = None  # whether the kernel had sent it depends on timing
        cell.outputs = [nbformat.v4.new_output("error", ename=failure.reason, evalue=sentence, traceback=[sentence])]
        if name_of(cell, deadly.index) in self.plans:
            self.evidence.setdefault(name_of(cell, deadly.index), failure)
        return failure

    async def _run_cells(self) -> None:
        """Run every cell in one kernel, except those that ended an earlier kernel."""
        async with kernel(self.notebook, self.files, self.limits) as client:
            for index, cell in enumerate(self.notebook.cells):
                plan = self.plans.get(name_of(cell, index))
                if cell.cell_type != "code" or index in self.dead:
                    continue
                if plan is None:
                    await self._execute(client, cell, index)
                elif plan.cell not in self.evidence:
                    self.evidence[plan.cell] = await self._take(client, plan, index)

    async def _execute(self, client: Client, cell: NotebookNode, index: int) -> None:
        left = min(self.limits.cell_seconds, self.deadline - time.monotonic())
        if left <= 0:
            raise _DeadlyCellError(index, "timeout")
        try:
            await client.run_cell(cell, index, left)
        except KernelEnded as ended:
            raise _DeadlyCellError(index, ended.kind) from None
        if prints_too_much(cell):
            raise _DeadlyCellError(index, "output")

    async def _take(self, client: Client, plan: TestPlan, index: int) -> str | NoEvidence:
        """Collect the evidence for one test cell with a cell of the grader in its place."""
        mark = uuid.uuid4().hex
        test = self.notebook.cells[index]
        ours = nbformat.v4.new_code_cell(_capture(plan, mark))
        client.taking = True
        try:
            await self._execute(client, ours, index)
        finally:
            client.taking = False
            self.notebook.cells[index] = test
        entries = [o.data[MIME] for o in ours.outputs if o.output_type == "display_data" and MIME in o.get("data", {})]
        texts = [entry["text"] for entry in entries if isinstance(entry, dict) and entry.get("mark") == mark]
        if len(texts) == 1 and isinstance(texts[0], str):
            return texts[0]
        return NoEvidence(
            Reason.DAMAGED, f"the answer for {plan.cell} could not be read, because the notebook changes how cells run"
        )


def _capture(plan: TestPlan, mark: str) -> str:
    """Return the source of the cell that collects evidence: one statement that adds no name to the student's namespace.

    An honest student may have shadowed `list`, `print` or `exec`, so the code uses them through `builtins`. It is sent
    compressed, because IPython scans the text of a cell several times.
    """
    ours = (
        f"{kernel_source()}\n"
        f"shell = __import__('IPython').get_ipython()\n"
        f"text = encode_all(dict(shell.user_ns), {list(plan.answers)!r}, {dict(plan.evidence)!r})\n"
        f"shell.display_pub.publish({{{MIME!r}: {{'mark': {mark!r}, 'text': text}}}})\n"
    )
    builtins, packed = "__import__('builtins')", base64.b64encode(zlib.compress(ours.encode())).decode()
    source = f"__import__('zlib').decompress(__import__('base64').b64decode({packed!r}))"
    return f"{builtins}.exec({builtins}.compile({source}, '<evidence>', 'exec'), {{'__name__': 'encoder'}})"
