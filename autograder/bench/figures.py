"""Hold what was measured, as plain data, and compute medians from it. Times are in seconds, sizes in bytes."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

PLAIN, COLD, WARM = "plain nbgrader", "cold", "warm"
IMPORTS = "warm, from imports"  # without checkpoints: each kernel runs its whole notebook
MIXED = "warm, a mixed class"
OURS = (COLD, IMPORTS, WARM, MIXED)
GRADING, JUDGE, KERNELS = "grading", "judge", "kernels"  # roles that processor time is measured for


@dataclass(frozen=True)
class Run:
    """One class graded once. `cpu` is by role; `start` is the time until the first notebook or submission."""

    what: str  # PLAIN or one of its settings, or one of OURS
    jobs: int
    submissions: int
    notebooks: int
    seconds: float
    start: float
    cpu: Mapping[str, float]
    peak: int = 0  # resident memory of the grading process
    recording: float = 0.0  # all notebooks
    head: float = 0.0  # what the head process spent on reading and recording
    done: tuple[float, ...] = ()  # when each submission was recorded, since the first notebook

    @property
    def each(self) -> float:
        """Return seconds per notebook."""
        return self.seconds / self.notebooks

    @property
    def cpu_each(self) -> float:
        """Return processor seconds per notebook, all processes."""
        return sum(self.cpu.values()) / self.notebooks


@dataclass(frozen=True)
class Report:
    """Everything that one run of the bench measured."""

    machine: tuple[str, ...]
    cores: int
    runs: tuple[Run, ...]
    limit: tuple[float, ...]  # processor time of a notebook's cells, per round: warm process, the kernels' settings
    unset: tuple[float, ...]  # the same, with TensorFlow's default settings
    forked: tuple[float, ...]  # the same, each in a new fork, with the kernels' settings
    unique: tuple[int, ...]  # most bytes that a warm kernel does not share, per kernel
    proportional: tuple[int, ...]  # the same plus its share of shared memory
    stored: Mapping[str, float] = field(default_factory=dict)  # bytes per submission: submitted, autograded, gradebook
    functions: tuple[Run, ...] = ()  # nbgrader's quickstart course: plain nbgrader first
    loading: tuple[float, ...] = ()  # seconds in which a new process imports what kernels preload, per round
    distinct: float = 1.0  # the share of a mixed class' notebooks that no other notebook is equal to

    def of(self, what: str, jobs: int | None = None, submissions: int | None = None) -> list[Run]:
        """Return the runs of one kind."""
        return [
            run
            for run in self.runs
            if run.what == what and jobs in (None, run.jobs) and submissions in (None, run.submissions)
        ]

    def middle(self, measure: Callable[[Run], float], runs: Iterable[Run]) -> float:
        """Return the median of a measure over runs."""
        return median(map(measure, runs))

    def share(self, role: str, runs: Iterable[Run]) -> float:
        """Return the processor seconds per notebook of one role."""
        return self.middle(lambda run: run.cpu.get(role, 0.0) / run.notebooks, runs)

    def kinds(self) -> list[tuple[str, int, int]]:
        """Return each kind of run (what, jobs, submissions) in the order of the table, the large class last."""
        found = dict.fromkeys((run.what, run.jobs, run.submissions) for run in self.runs)
        return sorted(found, key=lambda kind: (kind[2] == self.sizes[-1], *self._place(kind)))

    def _place(self, kind: tuple[str, int, int]) -> tuple[int, str, int]:
        return 1 + OURS.index(kind[0]) if kind[0] in OURS else 0, kind[0], kind[1]

    @property
    def sizes(self) -> list[int]:
        """Return the sizes of the classes graded warm, ascending."""
        return sorted({run.submissions for run in self.of(WARM)})

    @property
    def plain(self) -> float:
        """Return seconds per notebook of plain nbgrader with default settings."""
        return self.middle(lambda run: run.each, self.of(PLAIN))

    @property
    def ceiling(self) -> float:
        """Return how much faster than plain nbgrader this machine would be if it only ran cells in forks."""
        return self.plain * self.cores / median(self.forked)

    @property
    def fastest_plain(self) -> str:
        """Return the name of plain nbgrader's fastest setting."""
        names = {run.what for run in self.runs} - set(OURS)
        return min(names, key=lambda name: self.middle(lambda run: run.each, self.of(name)))

    @property
    def best(self) -> list[Run]:
        """Return the runs of the smaller warm class with the fastest number of jobs."""
        size = self.sizes[0]
        jobs = {run.jobs for run in self.of(WARM, submissions=size)}
        return min(
            (self.of(WARM, one, size) for one in sorted(jobs)), key=lambda runs: self.middle(lambda r: r.each, runs)
        )

    @property
    def large(self) -> list[Run]:
        """Return the runs of the largest warm class."""
        return self.of(WARM, submissions=self.sizes[-1])

    @property
    def growth(self) -> float:
        """Return the time per notebook in the largest class, divided by that in the smaller one with as many jobs."""
        small = self.of(WARM, self.large[0].jobs, self.sizes[0])
        return self.middle(lambda run: run.each, self.large) / self.middle(lambda run: run.each, small)

    @property
    def recording(self) -> float:
        """Return the seconds that recording takes per notebook, in the largest class."""
        return self.middle(lambda run: run.recording / run.notebooks, self.large)

    @property
    def first(self) -> float:
        """Return the seconds from the command to the first mark, without those that importing modules takes."""
        return self.middle(lambda run: run.start, self.best) - (median(self.loading) if self.loading else 0.0)

    @property
    def head(self) -> float:
        """Return the seconds per notebook of the head process: reading and recording, which no other process can do."""
        return self.middle(lambda run: run.head / run.notebooks, self.large)

    def text(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read(path: Path) -> Report:
    """Read a report that `text` wrote."""
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    lists = {name: tuple(stored[name]) for name in ("machine", "limit", "unset", "forked", "unique", "proportional")}
    lists["loading"] = tuple(stored.get("loading", ()))
    runs = {name: tuple(map(_run, stored.get(name, ()))) for name in ("runs", "functions")}
    return Report(**{**stored, **lists, **runs})


def _run(stored: Mapping[str, Any]) -> Run:
    return Run(**{**stored, "done": tuple(stored.get("done", ()))})
