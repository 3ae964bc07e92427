"""What was measured, as plain data, and what follows from it. Times in seconds, sizes in bytes, all of them medians."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

PLAIN, COLD, WARM = "plain nbgrader", "cold", "warm"
GRADING, JUDGE, KERNELS = "grading", "judge", "kernels"  # whose processor time


@dataclass(frozen=True)
class Run:
    """One class graded once. `cpu` by whose it is; `start` is the time until the first notebook or submission."""

    what: str  # PLAIN or one of its settings, COLD, WARM
    jobs: int
    submissions: int
    notebooks: int
    seconds: float
    start: float
    cpu: Mapping[str, float]
    peak: int = 0  # of the grading process' resident memory
    recording: float = 0.0  # of all notebooks
    head: float = 0.0  # what the process that reads and records spent on that alone

    @property
    def each(self) -> float:
        """Seconds a notebook."""
        return self.seconds / self.notebooks

    @property
    def cpu_each(self) -> float:
        """Processor seconds a notebook, all processes."""
        return sum(self.cpu.values()) / self.notebooks


@dataclass(frozen=True)
class Report:
    """All that one run of the bench has measured."""

    machine: tuple[str, ...]
    cores: int
    runs: tuple[Run, ...]
    limit: tuple[float, ...]  # processor time of a notebook's cells in a warm process set as kernels are, a round
    unset: tuple[float, ...]  # the same with TensorFlow as it comes
    forked: tuple[float, ...]  # in a fresh fork each, set as kernels are
    unique: tuple[int, ...]  # bytes that a warm kernel shares with nobody, at most, a kernel
    proportional: tuple[int, ...]  # the same with its share of what is shared
    stored: Mapping[str, float] = field(default_factory=dict)  # bytes a submission: submitted, autograded, gradebook

    def of(self, what: str, jobs: int | None = None, submissions: int | None = None) -> list[Run]:
        """The runs of one kind."""
        return [
            run
            for run in self.runs
            if run.what == what and jobs in (None, run.jobs) and submissions in (None, run.submissions)
        ]

    def middle(self, measure: Callable[[Run], float], runs: Iterable[Run]) -> float:
        """The median of a measure over runs."""
        return median(map(measure, runs))

    def share(self, role: str, runs: Iterable[Run]) -> float:
        """Processor seconds a notebook of one role."""
        return self.middle(lambda run: run.cpu.get(role, 0.0) / run.notebooks, runs)

    def kinds(self) -> list[tuple[str, int, int]]:
        """What, jobs and size of the runs there are, in their order, the large class last."""
        found = dict.fromkeys((run.what, run.jobs, run.submissions) for run in self.runs)
        return sorted(found, key=lambda kind: (kind[2] == self.sizes[-1], *self._place(kind)))

    def _place(self, kind: tuple[str, int, int]) -> tuple[int, str, int]:
        rank = {COLD: 1, WARM: 2}.get(kind[0], 0)
        return rank, kind[0], kind[1]

    @property
    def sizes(self) -> list[int]:
        """Sizes of the classes graded warm, ascending."""
        return sorted({run.submissions for run in self.of(WARM)})

    @property
    def plain(self) -> float:
        """Seconds a notebook of plain nbgrader as it comes."""
        return self.middle(lambda run: run.each, self.of(PLAIN))

    @property
    def ceiling(self) -> float:
        """How many times plain nbgrader's pace this machine could go if grading were nothing but cells in forks."""
        return self.plain * self.cores / median(self.forked)

    @property
    def fastest_plain(self) -> str:
        """The name of plain nbgrader's fastest setting."""
        names = {run.what for run in self.runs} - {COLD, WARM}
        return min(names, key=lambda name: self.middle(lambda run: run.each, self.of(name)))

    @property
    def best(self) -> list[Run]:
        """The runs of the smaller warm class at the number of jobs that is fastest."""
        size = self.sizes[0]
        jobs = {run.jobs for run in self.of(WARM, submissions=size)}
        return min(
            (self.of(WARM, one, size) for one in sorted(jobs)), key=lambda runs: self.middle(lambda r: r.each, runs)
        )

    @property
    def large(self) -> list[Run]:
        """The runs of the largest warm class."""
        return self.of(WARM, submissions=self.sizes[-1])

    @property
    def growth(self) -> float:
        """Cost of a notebook in the largest class, as a multiple of that in the smaller one at as many jobs."""
        small = self.of(WARM, self.large[0].jobs, self.sizes[0])
        return self.middle(lambda run: run.each, self.large) / self.middle(lambda run: run.each, small)

    @property
    def recording(self) -> float:
        """Seconds of recording a notebook, in the largest class."""
        return self.middle(lambda run: run.recording / run.notebooks, self.large)

    @property
    def head(self) -> float:
        """Seconds a notebook that one process needs for reading and recording, which nobody can share with it."""
        return self.middle(lambda run: run.head / run.notebooks, self.large)

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read(path: Path) -> Report:
    """A report as `text` wrote it."""
    said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    lists = {name: tuple(said[name]) for name in ("machine", "limit", "unset", "forked", "unique", "proportional")}
    return Report(**{**said, **lists, "runs": tuple(Run(**run) for run in said["runs"])})
