"""Run a restored notebook; collect its outputs and the evidence for each test cell. Knows nothing of right answers.

Theory of operation. One kernel runs the notebook's cells in order. It starts in a fresh folder with the submission's
files and the course's files (see `client`). Test cells are never executed there. In place of each, a cell of the
grader (see `grader_cells`) collects evidence for exactly the names in the test's plan. Its result is not trusted:
whatever is patched in the kernel, it can only return a text, which `evidence` decodes as data or refuses. The runner
does not look into that text.

What a failing cell affects. After an exception, only the names that the cell would have assigned are missing. A cell
that exceeds its time or output limit, sends an invalid message or ends the kernel is dropped: a fresh kernel runs the
notebook again from the top without that cell, and evidence collected before is kept. After `fresh_kernels` such
restarts the remaining tests have no evidence. So a later question is still judged if it does not depend on the
dropped cell.

A kernel that something else killed, such as Linux for want of memory, costs no cell: the notebook runs once more as it
is. If that happens twice, no mark is decided.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import nbformat
from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.errors import Death, KernelEnded, KernelError
from autograder.execution.client import Client, kernel
from autograder.execution.conversation import Conversation, ConversationEndedError, MeasuredConversation
from autograder.execution.direct_client import DirectClient, DirectConversation, direct_kernel
from autograder.execution.failures import death, limit_met, name_of, prints_too_much
from autograder.execution.grader_cells import MIME, capture_cell, server_cell, unchanged_cell
from autograder.model import NoEvidence, Reason, TestPlan, Verdict

OBJECTS = tuple(f'{{"refused": ["{kind}"' for kind in ("object", "dtype"))  # in evidence: an answer is no plain data

_Evidence = str | NoEvidence | Verdict


class LiveJudge(Protocol):
    """Judge tests that need the kernel, for one notebook."""

    def judge(self, plan: TestPlan, first: str, ask: Callable[[str], str]) -> Verdict:
        """Judge a test; `first` is the kernel's first message, and `ask` sends it a text and returns its answer."""

    def restart(self) -> None:
        """Forget the earlier tests: a fresh kernel runs the notebook."""


@dataclass(frozen=True)
class Ran:
    """A notebook with its outputs, and the evidence text of each test cell, or the reason why there is none.

    `failures` maps a cell's index to what went wrong, for cells that ended their kernel or hit a limit.
    """

    notebook: NotebookNode
    evidence: Mapping[str, str | NoEvidence]
    verdicts: Mapping[str, Verdict]  # of tests that were judged while the kernel waited
    failures: Mapping[int, NoEvidence] = field(default_factory=dict)
    again: bool = False  # whether the notebook ran whole because going on from a checkpoint had failed


@dataclass(frozen=True)
class Ahead:
    """What has run in a checkpoint. Cells are named by their ids.

    Attributes:
        server: The socket of the checkpoint.
        messages: What each cell that has run there sent.
        numbers: The numbers of all cells before the checkpoint. The others run later than in their place; what the
            visible parts of tests define is there already.
        computed: Those that compute something, and so may raise.
    """

    server: Path
    messages: Mapping[str, Sequence[Mapping[str, Any]]]
    numbers: Mapping[str, int]
    computed: frozenset[str] = frozenset()

    @property
    def last(self) -> int:
        """Return the number of the last cell before the checkpoint if some run later; otherwise 0."""
        return max(self.numbers.values()) if self.numbers.keys() - self.messages.keys() else 0


def run(
    notebook: NotebookNode,
    plans: Sequence[TestPlan],
    files: Mapping[str, bytes],
    limits: Limits | None = None,
    live: LiveJudge | None = None,
    ahead: Ahead | None = None,
) -> Ran:
    """Run a notebook, and collect the evidence for its tests.

    This also works inside a running event loop, because the kernel's event loop runs in a separate thread.

    Args:
        notebook: The notebook.
        plans: The plans of its tests, which name the evidence.
        files: The files in its folder.
        limits: Its limits.
        live: Judges the tests that need the kernel while it waits. Without it, their evidence is plain data, too.
        ahead: What has run already. If anything fails on this way, the notebook runs whole.

    Raises:
        KernelError: No kernel starts.
    """
    by_cell = {plan.cell: plan for plan in plans}
    runner = _Runner(nbformat.from_dict(notebook), by_cell, files, limits or Limits(), live, ahead)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(runner.run())).result()


class _DeadlyCellError(Exception):
    """A cell ended its kernel."""

    def __init__(self, index: int, how: Death) -> None:
        super().__init__(how.name)
        self.index, self.how = index, how


class _UnlikeError(Exception):
    """A cell that ran later than in its place has changed what ran before it."""


class _RaisedError(Exception):
    """An answer that ran later than in its place has raised; its cell may show another error there."""


@dataclass
class _Runner:
    notebook: NotebookNode
    plans: dict[str, TestPlan]
    files: Mapping[str, bytes]
    limits: Limits
    live: LiveJudge | None
    ahead: Ahead | None
    again: bool = False
    retried: bool = False  # whether the notebook ran once more because something else had killed its kernel
    evidence: dict[str, _Evidence] = field(default_factory=dict)
    dead: dict[int, NoEvidence] = field(default_factory=dict)
    deadline: float = 0.0

    async def run(self) -> Ran:
        # when a kernel dies, nbclient abandons its polling tasks; their exceptions mean nothing
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        if not (self.ahead and await self._run_from(self.ahead)):
            await self._run_whole()
        met = {i: limit_met(cell, i, self.limits) for i, cell in enumerate(self.notebook.cells)}
        failures = {i: failure for i in met if (failure := self.dead.get(i) or met[i])}
        verdicts = {name: taken for name, taken in self.evidence.items() if isinstance(taken, Verdict)}
        evidence = {name: taken for name, taken in self.evidence.items() if not isinstance(taken, Verdict)}
        return Ran(self.notebook, evidence, verdicts, failures, self.again)

    async def _run_from(self, ahead: Ahead) -> bool:
        """Go on from a checkpoint. Return whether nothing failed; otherwise nothing is left of it."""
        self.deadline = time.monotonic() + self.limits.notebook_seconds
        try:
            await self._run_cells(ahead)
            return True
        except (_DeadlyCellError, _UnlikeError, _RaisedError, KernelError) as error:
            self.again = not isinstance(error, _RaisedError)
            self.evidence.clear()
            for cell in self.notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            return False

    async def _run_whole(self) -> None:
        """Run every cell, in as many kernels as needed."""
        self.deadline = time.monotonic() + self.limits.notebook_seconds
        last = NoEvidence(Reason.CRASH, "")
        kernels = 1 + self.limits.fresh_kernels
        while kernels:
            try:
                await self._run_cells()
                break
            except _DeadlyCellError as deadly:
                if self._retries(deadly.how):
                    continue
                last, kernels = self._record_failure(deadly), kernels - 1
                if time.monotonic() > self.deadline:
                    break
            except KernelError:  # its server was killed just then
                if not self._retries(Death.KILLED):
                    raise
        for name in self.plans:
            self.evidence.setdefault(name, NoEvidence(last.reason, f"{last.sentence}; this test was not reached"))

    def _retries(self, how: Death) -> bool:
        """Return whether the notebook runs once more, because its kernel was killed for the first time.

        Raises:
            KernelError: It was killed for the second time, and not by the notebook.
        """
        if how not in (Death.LOST, Death.KILLED):
            return False
        if self.retried and how is Death.LOST:
            raise KernelError("the kernel or the judge was killed twice, and not by the notebook; grade again.")
        first, self.retried = not self.retried, True
        self.deadline = time.monotonic() + self.limits.notebook_seconds if first else self.deadline
        return first

    def _record_failure(self, deadly: _DeadlyCellError) -> NoEvidence:
        """Record how a cell failed; the next run skips it."""
        cell = self.notebook.cells[deadly.index]
        over = time.monotonic() > self.deadline and deadly.how is Death.CELL_TIME
        failure = death(Death.NOTEBOOK_TIME if over else deadly.how, cell, deadly.index, self.limits)
        self.dead[deadly.index] = failure
        sentence = failure.sentence
        cell.execution_count = None  # whether the kernel had sent it depends on timing
        cell.outputs = [nbformat.v4.new_output("error", ename=failure.reason, evalue=sentence, traceback=[sentence])]
        if name_of(cell, deadly.index) in self.plans:
            self.evidence.setdefault(name_of(cell, deadly.index), failure)
        return failure

    async def _run_cells(self, ahead: Ahead | None = None) -> None:
        """Run every cell in one kernel, except those that ended an earlier kernel or that have run ahead."""
        if self.live:
            self.live.restart()
        async with self._started(ahead) as client:
            for index, cell in enumerate(self.notebook.cells):
                plan = self.plans.get(name_of(cell, index))
                if cell.cell_type != "code" or index in self.dead:
                    continue
                number = ahead.numbers.get(cell.get("id", "")) if ahead and cell.source.strip() else None
                if ahead and number is not None and cell.id in ahead.messages:
                    client.replay(cell, index, ahead.messages[cell.id], number)
                elif plan is None:
                    await self._execute(client, cell, index)
                    cell.execution_count = number or cell.execution_count
                    if ahead and cell.get("id") in ahead.computed and cell.outputs:
                        raise _RaisedError
                elif number is not None:
                    self.evidence[plan.cell] = await self._take(client, replace(plan, visible=()), index)
                elif plan.cell not in self.evidence or (plan.keep and isinstance(self.evidence[plan.cell], Verdict)):
                    # a test whose names later tests need is judged again, because these names were in the kernel
                    self.evidence[plan.cell] = await self._take(client, plan, index)
                if ahead and number and number == ahead.last:
                    await self._require_unchanged(client, index)

    def _started(self, ahead: Ahead | None) -> AbstractAsyncContextManager[Client]:
        """Start the kernel that runs the notebook, or that goes on from a checkpoint."""
        if ahead:
            return direct_kernel(self.notebook, self.limits, ahead.server)
        return kernel(self.notebook, self.files, self.limits)

    async def _execute(self, client: Client, cell: NotebookNode, index: int) -> None:
        left = min(self.limits.cell_seconds, self.deadline - time.monotonic())
        if left <= 0:
            raise _DeadlyCellError(index, Death.CELL_TIME)
        try:
            await client.run_cell(cell, index, left)
        except KernelEnded as ended:
            raise _DeadlyCellError(index, ended.how) from None
        if prints_too_much(cell):
            raise _DeadlyCellError(index, Death.OUTPUT)

    async def _take(self, client: Client, plan: TestPlan, index: int) -> _Evidence:
        """Collect the evidence for one test cell with a cell of the grader in its place, or judge it there."""
        if self.live and plan.live:
            return await self._serve(client, plan, index)
        taken = await self._capture(client, plan, index)
        if self.live and isinstance(taken, str) and any(sign in taken for sign in OBJECTS):
            return await self._serve(client, plan, index)
        return taken

    async def _require_unchanged(self, client: Client, index: int) -> None:
        """Check that the cells that ran later than in their place left all as it was."""
        ours = nbformat.v4.new_code_cell(unchanged_cell())
        async with self._in_place(client, ours, index):
            await self._execute(client, ours, index)
        if ours.outputs:
            raise _UnlikeError

    async def _capture(self, client: Client, plan: TestPlan, index: int) -> str | NoEvidence:
        mark = uuid.uuid4().hex
        ours = nbformat.v4.new_code_cell(capture_cell(plan, mark, client.has_program))
        async with self._in_place(client, ours, index):
            await self._execute(client, ours, index)
        entries = [o.data[MIME] for o in ours.outputs if o.output_type == "display_data" and MIME in o.get("data", {})]
        texts = [entry["text"] for entry in entries if isinstance(entry, dict) and entry.get("mark") == mark]
        if len(texts) == 1 and isinstance(texts[0], str):
            return texts[0]
        return _unreadable(plan)

    async def _serve(self, client: Client, plan: TestPlan, index: int) -> NoEvidence | Verdict:
        """Judge one test cell while a cell of the grader answers in its place."""
        assert self.live is not None
        ours = nbformat.v4.new_code_cell(server_cell(plan, client.channel_source, client.has_program))
        async with self._in_place(client, ours, index):
            running = asyncio.ensure_future(self._execute(client, ours, index))
            talk = _conversation(client, running)
            try:
                verdict = await asyncio.to_thread(_judged, self.live, plan, talk)
                await running
                if verdict.is_of_lost_judge and not self.retried:
                    raise _DeadlyCellError(index, Death.LOST)  # what the test has changed, only a new kernel undoes
                return verdict
            except ConversationEndedError:
                await running  # raises if the kernel ended
                return _unreadable(plan)
            finally:
                talk.close()
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError, _DeadlyCellError):
                    await running

    @contextlib.asynccontextmanager
    async def _in_place(self, client: Client, ours: NotebookNode, index: int) -> AsyncIterator[None]:
        test = self.notebook.cells[index]
        client.taking = True
        try:
            yield
        finally:
            client.taking = False
            self.notebook.cells[index] = test


def _conversation(client: Client, running: "asyncio.Future[None]") -> MeasuredConversation:
    """Return the conversation with the cell that a client's kernel is running."""
    return DirectConversation(client, running) if isinstance(client, DirectClient) else Conversation(client, running)


def _judged(live: LiveJudge, plan: TestPlan, talk: MeasuredConversation) -> Verdict:
    """Judge a test in another thread, until the cell that serves it has ended."""
    verdict = live.judge(plan, talk.next(), talk.ask)
    talk.end()
    return verdict


def _unreadable(plan: TestPlan) -> NoEvidence:
    return NoEvidence(
        Reason.DAMAGED, f"the answer for {plan.cell} could not be read, because the notebook changes how cells run"
    )
