"""A restored notebook → its outputs and, at each test cell, the evidence. Knows nothing of right answers.

Theory of operation. One kernel, started in a fresh folder that holds the submission's files and the course's own (see
`drive`), runs the notebook's cells in order. A test cell is
never executed there: in its place one cell of our own takes evidence, for exactly the names in the test's plan. That
code is sent as source each time and believed in nothing: whatever is patched in the kernel, it can yield only a text
that `evidence` will read as data or refuse. The text stays unread here.

What a cell costs. An error costs the names it would have bound. A cell that overruns its time, floods its output,
sends what is no message or takes the kernel down costs itself: the kernel is killed, and a fresh one runs the
notebook again from the top without that cell; evidence taken before stays as it was taken. After `fresh_kernels` such
deaths the tests that are left have no evidence. So a later question is judged wherever it does not need what the
deadly cell would have made.
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
    """A notebook with its outputs, and for each test cell the evidence's text or why there is none.

    `failures`, by the cell's place: of the cells that ended their kernel or met a limit.
    """

    notebook: NotebookNode
    evidence: Mapping[str, str | NoEvidence]
    failures: Mapping[int, NoEvidence] = field(default_factory=dict)


def run(
    notebook: NotebookNode, plans: Sequence[TestPlan], files: Mapping[str, bytes], limits: Limits | None = None
) -> Ran:
    """Run a notebook beside `files` and take the evidence its plans ask for; raises KernelError if no kernel starts.

    Works wherever it is called from, inside an event loop too: the kernel's own loop runs in a thread of its own.
    """
    runner = _Runner(nbformat.from_dict(notebook), {plan.cell: plan for plan in plans}, files, limits or Limits())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(runner.run())).result()


class _DeadlyCellError(Exception):
    """A cell has ended its kernel."""

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
        # nbclient abandons its pollers when a kernel dies; what they raise then is nobody's news
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
            self.evidence.setdefault(name, NoEvidence(last.reason, f"{last.sentence}; no time was left for this one"))
        met = {i: limit_met(cell, i, self.limits) for i, cell in enumerate(self.notebook.cells)}
        return Ran(self.notebook, self.evidence, {i: found for i in met if (found := self.dead.get(i) or met[i])})

    def _record_failure(self, deadly: _DeadlyCellError) -> NoEvidence:
        """Note what a cell did; the next walk leaves it out."""
        cell = self.notebook.cells[deadly.index]
        over = time.monotonic() > self.deadline and deadly.kind == "timeout"
        found = death("notebook" if over else deadly.kind, cell, deadly.index, self.limits)
        self.dead[deadly.index] = found
        said = found.sentence
        cell.execution_count = None  # it may have come or not
        cell.outputs = [nbformat.v4.new_output("error", ename=found.reason, evalue=said, traceback=[said])]
        if name_of(cell, deadly.index) in self.plans:
            self.evidence.setdefault(name_of(cell, deadly.index), found)
        return found

    async def _run_cells(self) -> None:
        """Run every cell but the deadly ones in one kernel."""
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
        except KernelEnded as found:
            raise _DeadlyCellError(index, found.kind) from None
        if prints_too_much(cell):
            raise _DeadlyCellError(index, "output")

    async def _take(self, client: Client, plan: TestPlan, index: int) -> str | NoEvidence:
        """Take the evidence of one test cell, by a cell of our own in its place."""
        mark = uuid.uuid4().hex
        test = self.notebook.cells[index]
        ours = nbformat.v4.new_code_cell(_capture(plan, mark))
        client.taking = True
        try:
            await self._execute(client, ours, index)
        finally:
            client.taking = False
            self.notebook.cells[index] = test
        found = [o.data[MIME] for o in ours.outputs if o.output_type == "display_data" and MIME in o.get("data", {})]
        texts = [entry["text"] for entry in found if isinstance(entry, dict) and entry.get("mark") == mark]
        if len(texts) == 1 and isinstance(texts[0], str):
            return texts[0]
        return NoEvidence(
            Reason.DAMAGED, f"the kernel gave no evidence for {plan.cell}; the notebook changed how cells run"
        )


def _capture(plan: TestPlan, mark: str) -> str:
    """Source of the cell that takes evidence: one statement that binds nothing in the student's namespace.

    Names that an honest student may have shadowed (`list`, `print`, `exec`) are reached through their modules. It is
    sent packed: IPython goes over all text of a cell several times.
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
