"""Run the cells that a class shares once for each notebook, and let each submission go on from there.

Theory of operation. `notebook.shared_cells` finds the cells. `kernels.checkpoint` runs them, and says which cell is not
fit for it. What is made is *rehearsed* before it is used: from each checkpoint a kernel goes on with the notebook as
students get it, and must show the same outputs and the same evidence as a run of the whole notebook. A checkpoint that
differs or takes too long is not used.

Checkpoints are made in the process that grades: at once where a class is large enough (`WORTHWHILE`), otherwise when
the process has graded a notebook that often. A thread makes them while the others go on with whole runs. A submission
goes on from the last checkpoint before the first cell by which it differs. Where a folder has other files than the
course's, or a kernel fails, notebooks run whole; a checkpoint from which a kernel fails although the whole notebook
runs is not used again.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.execution.runner import Ahead, Ran, run
from autograder.execution.sandbox import loaded, policy
from autograder.files import write_atomically
from autograder.kernels import bubblewrap, checkpoint, launcher
from autograder.kernels.checkpoint import COSTLY, Asked, Checkpoints
from autograder.kernels.limits import Unfit
from autograder.model import TestPlan
from autograder.notebook.shared_cells import Kind, Reach, SharedPart, code_cells, shared_part

# Submissions that pay for checkpoints. Making them takes as long as six to eight runs, and to go on from one saves half
# a run or more (80 % in this course). Where it is not known how many follow, so many run whole before, and a small
# class has no checkpoints.
WORTHWHILE = 16
PATIENCE = 10  # a rehearsal may take so many times as long as the whole run, and at least
LEAST_SECONDS = 10.0
IGNORED = frozenset({"timestamp.txt"})  # nbgrader's own file beside each submission

WHY = {
    Unfit.FAILED: "it raises {}",
    Unfit.DIFFERS: "two runs of it differ ({}), for example because it draws random numbers without a seed",
    Unfit.TIME: "it takes longer than a cell may",
    Unfit.ENDED: "it ended its kernel",
    Unfit.OUTSIDE: "something other than Python prints",
    Unfit.DESCRIPTOR: "it leaves a file or a socket open ({})",
    Unfit.MAPPING: "it leaves shared memory behind ({})",
    Unfit.PROCESS: "it leaves a process running",
    Unfit.THREAD: "it leaves a thread running ({})",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notebook:
    """What checkpoints of a notebook are made from.

    Attributes:
        name: Its name.
        source: The source notebook, as submissions are restored from it.
        plans: The plans of its tests.
        helpers: The files of the course beside it.
        limits: The limits of each kernel.
        costly: Seconds of processor time from which a checkpoint is worth it.
    """

    name: str
    source: NotebookNode
    plans: tuple[TestPlan, ...]
    helpers: Mapping[str, bytes]
    limits: Limits
    costly: float = COSTLY


@dataclass
class NotebookCheckpoints:
    """The checkpoints of one notebook.

    Attributes:
        notebook: The notebook.
        part: The cells that a class shares.
        running: The processes.
        ends: By the number of cells before it: the step of each checkpoint that may be used.
        why: Why the next cell is not run ahead, or why nothing is, as a sentence; "" if every cell is.
    """

    notebook: Notebook
    part: SharedPart
    running: Checkpoints | None = None
    ends: dict[int, int] = field(default_factory=dict)
    why: str = ""
    steps: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # each with its cell's place

    @classmethod
    def make(cls, notebook: Notebook) -> "NotebookCheckpoints":
        """Start the checkpoints of a notebook, and rehearse them.

        Raises:
            KernelError: No kernel starts.
        """
        part = shared_part(notebook.source, notebook.plans, notebook.helpers, notebook.limits.stateful)
        made = cls(notebook, part)
        made.why = made.part.why and f"{notebook.name}: {made.part.why}."
        made.steps = list(_steps(made.part))
        try:
            if any(step["kind"] == "stop" for _, step in made.steps):
                made._start()
        finally:
            if not made.ends:
                made.close()
        return made

    def ahead(self, notebook: NotebookNode) -> Ahead | None:
        """Return what has run ahead for a restored submission; None if it must run whole."""
        reach = self.part.reach(notebook) if self.ends else Reach(0)
        fit = (end for end in self.ends if end <= reach.length and self._keeps(end, reach.reads))
        end = max(fit, default=0)
        return self._ahead(end, self.ends[end], reach.reads) if end else None

    def _keeps(self, end: int, reads: Mapping[int, frozenset[str]]) -> bool:
        """Return whether what these answers read is at the checkpoint as it was in their place."""
        assert self.running is not None
        since = self.running.since[self.ends[end]]
        for place, names in reads.items():
            before = max((step for step, (cell, _) in enumerate(self.steps) if cell < place), default=-1)
            if place < end and not all(since.get(name, before + 1) <= before for name in names):
                return False
        return True

    @property
    def sentence(self) -> str:
        """Return how many cells run ahead, and why not more."""
        count = f"{self.notebook.name}: {max(self.ends, default=0)} code cells run once for the class"
        return f"{count} ({self.why.removeprefix(f'{self.notebook.name}: ').rstrip('.')})" if self.why else count

    def close(self) -> None:
        """End the processes."""
        self.ends = {}
        if self.running:
            self.running.close()

    def _start(self) -> None:
        limits = self.notebook.limits
        server = launcher.server(loaded(limits), limits.sandbox)
        if launcher.shape_of(server) != "warm":
            return
        names = (*bubblewrap.INHERITED_ENVIRONMENT, *limits.environment)
        asked = Asked(
            steps=[step for _, step in self.steps],
            files=self.notebook.helpers,
            environment={name: os.environ[name] for name in names if name in os.environ},
            policy=policy(limits),
            seconds=limits.cell_seconds,
            costly=self.notebook.costly,
        )
        self.running = checkpoint.start(server, asked)
        if self.running.why:
            place = self.steps[self.running.end][0]
            self.why = self._sentence(place, WHY[self.running.why].format(self.running.detail))
        self._rehearse({self.steps[step][0] + 1: step for step in self.running.servers})

    def _sentence(self, place: int, why: str) -> str:
        cell = next(cell for cell in self.notebook.source.cells if cell.get("id") == self.part.cells[place].id)
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or place + 1
        return f"{self.notebook.name}: cell {name}: {why}."

    def _rehearse(self, steps: Mapping[int, int]) -> None:
        """Keep the checkpoints from which the notebook goes on as in a whole run.

        Args:
            steps: By the number of cells before it, the step of each checkpoint.
        """
        if not steps:
            return
        started = time.monotonic()
        wholes = [self._run(self.notebook.limits)]
        seconds = max(LEAST_SECONDS, PATIENCE * (time.monotonic() - started))
        limits = replace(self.notebook.limits, cell_seconds=min(seconds, self.notebook.limits.cell_seconds))
        fit = {}
        for end, step in steps.items():
            ran = self._run(limits, self._ahead(end, step))
            differs = _difference(wholes[0], ran)
            if differs and not ran.again and len(wholes) < 2:  # perhaps no two runs are alike
                wholes.append(self._run(self.notebook.limits))
            alike = len(wholes) == 2 and differs == _difference(*wholes)
            if ran.again or (differs and not alike):
                what = "a kernel that goes on after it fails" if ran.again else f"{differs} differs from a whole run"
                # where the whole notebook fails too, `why` names the cell that is not run ahead
                is_known = bool(self.why and wholes[0].failures)
                self.why = self.why if is_known else self._sentence(end - 1, what)
            else:
                fit[end] = step
        self.ends = fit

    def _run(self, limits: Limits, ahead: Ahead | None = None) -> Ran:
        return run(self.notebook.source, self.notebook.plans, self.notebook.helpers, limits, ahead=ahead)

    def _ahead(self, end: int, last: int, computed: Collection[int] = ()) -> Ahead:
        """Return what has run ahead at the checkpoint after the first `end` cells, which is at the step `last`.

        Args:
            end: The number of cells.
            last: The step.
            computed: The places of answers that compute from what has run.
        """
        assert self.running is not None
        cells = self.part.cells[:end]
        messages = {
            cells[place].id: self.running.messages[number]
            for number, (place, step) in enumerate(self.steps[:last])
            if step["kind"] == "cell"
        }
        return Ahead(
            server=self.running.servers[last],
            messages=messages,
            numbers={cell.id: cell.number for cell in cells},
            computed=frozenset(cells[place].id for place in computed if place < end),
        )


def _steps(part: SharedPart) -> Iterable[tuple[int, dict[str, Any]]]:
    """Yield the steps that run these cells ahead, each with its cell's place."""
    late: list[int] = []  # the numbers of the cells that run later
    for place, cell in enumerate(part.cells):
        if cell.kind is Kind.SHARED:
            yield place, {"kind": "cell", "source": cell.source, "count": cell.number}
            is_before_another = place + 1 < len(part.cells) and part.cells[place + 1].is_course_code
            # where cells run later, one more cell of the grader follows, with the number of the next
            numbers = [*late, *[cell.number + 1] * (2 if late else 1)]
            yield place, {"kind": "stop", "numbers": numbers, "only_last": is_before_another}
            continue
        late.append(cell.number)
        if cell.plan and cell.plan.visible:
            yield place, {"kind": "define", "sources": list(cell.plan.visible)}
        if cell.watched:
            yield place, {"kind": "watch", "names": sorted(cell.watched)}


def _difference(one: Ran, other: Ran) -> str:
    """Return what differs between two runs of a notebook: a test, or a cell's output; "" if nothing does."""
    for test, taken in one.evidence.items():
        if taken != other.evidence.get(test):
            return f"the evidence of {test}"
    for number, (cell, again) in enumerate(zip(*map(code_cells, (one.notebook, other.notebook)), strict=True), 1):
        if shown(cell) != shown(again):
            return f"the output of cell {number}"
    return ""


def shown(cell: NotebookNode) -> list[Any]:
    """Return a cell's number and outputs; the order of what goes to different streams depends on the moment."""
    texts: dict[str, str] = {}
    others: list[Any] = [cell.execution_count]
    for output in cell.outputs:
        if output.output_type == "stream":
            texts[output.name] = texts.get(output.name, "") + output.text
        else:
            others.append(output)
    return [texts, others]


# --- of this process --------------------------------------------------------------------------------------------------


@dataclass
class _Entry:
    """The checkpoints of a notebook, and how often it was graded without."""

    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: NotebookCheckpoints | None = None


_entries: dict[object, _Entry] = {}
_large = False  # whether enough submissions are to be graded
_lock = threading.Lock()


def ahead_of(key: object, notebook: Notebook, restored: NotebookNode, others: Iterable[str]) -> Ahead | None:
    """Return what has run ahead for a submission; None if it must run whole. May make checkpoints.

    Args:
        key: What stands for the notebook in its class.
        notebook: What to make checkpoints from.
        restored: The restored submission.
        others: The names of the other files that were handed in.
    """
    if not notebook.limits.checkpoints or notebook.limits.sandbox in ("cold", "none"):
        return None
    with _lock:
        entry = _entries.setdefault(key, _Entry())
        entry.seen += 1
    if entry.made is None and (_large or entry.seen > WORTHWHILE) and entry.lock.acquire(blocking=False):
        try:
            entry.made = entry.made or _made(notebook)
        finally:
            entry.lock.release()
    if entry.made is None or entry.made.notebook.plans != notebook.plans or set(others) - {*notebook.helpers, *IGNORED}:
        return None
    return entry.made.ahead(restored)


def _made(notebook: Notebook) -> NotebookCheckpoints:
    try:
        made = NotebookCheckpoints.make(notebook)
    except Exception as error:  # without checkpoints, a class is only graded more slowly
        _log.debug("checkpoints", exc_info=True)
        made = NotebookCheckpoints(notebook, SharedPart(()), why=f"{notebook.name}: {type(error).__name__}: {error}")
    _log.info("%s.", made.sentence)
    return made


def give_up(key: object) -> None:
    """Do not use the checkpoints of a notebook any more: a kernel failed there, and not in a whole run."""
    with _lock:
        entry = _entries.get(key)
    if entry and entry.made and entry.made.ends:
        _log.warning(
            "%s: a kernel that went on from shared cells failed; notebooks run whole.", entry.made.notebook.name
        )
        entry.made.ends = {}


def close() -> None:
    """End the checkpoints of this process."""
    with _lock:
        for entry in _entries.values():
            if entry.made:
                entry.made.close()
        _entries.clear()


@contextmanager
def closing_checkpoints(report: Path, large: bool = False) -> Iterator[None]:
    """End this process' checkpoints at the end of the block, and write a sentence on each notebook for `doctor`.

    Args:
        report: The file of the sentences.
        large: Whether `WORTHWHILE` or more submissions are to be graded in the block.
    """
    global _large  # as the checkpoints, of this process
    _large = large
    try:
        yield
    finally:
        _large = False
        sentences = sorted({entry.made.sentence for entry in _entries.values() if entry.made})
        close()
        if sentences:
            report.parent.mkdir(exist_ok=True)
            write_atomically(report, "\n".join(sentences))


atexit.register(close)
