"""Show a report as Markdown: one row per way of grading, the goals, the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from autograder.bench.figures import GRADING, JUDGE, KERNELS, OURS, WARM, Report, Run

MIB = 1 << 20
HEAD = (
    "| | submissions | seconds per notebook | notebooks per minute | × plain nbgrader "
    "| processor seconds per notebook |"
)
LINE = "|---|--:|--:|--:|--:|--:|"


@dataclass(frozen=True)
class Goal:
    """One figure and its goal."""

    what: str
    found: float
    most: float
    unit: str = ""
    least: bool = False  # if so, `most` is a minimum

    @property
    def met(self) -> bool:
        return self.found >= self.most if self.least else self.found <= self.most

    def line(self) -> str:
        bound = f"{'at least' if self.least else 'at most'} {self.most:g}{self.unit}"
        return f"| {self.what} | {self.found:.3g}{self.unit} | {bound} | {'yes' if self.met else '**no**'} |"


def goals(report: Report) -> list[Goal]:
    """Return the report's figures that have goals."""
    best = report.best
    each, cpu = (report.middle(of, best) for of in (lambda run: run.each, lambda run: run.cpu_each))
    return [
        Goal("notebooks per second, compared with plain nbgrader", report.plain / each, 40, " times", least=True),
        Goal(
            "processor time per notebook, compared with its cells in one warm process",
            cpu / median(report.unset),
            1.6,
            " times",
        ),
        Goal("the same, if that process has our kernels' settings", cpu / median(report.limit), 1.6, " times"),
        Goal("memory of a running kernel that it does not share", median(report.unique) / MIB, 100, " MiB"),
        Goal("memory of the grading process, largest class", max(run.peak for run in report.large) / MIB, 400, " MiB"),
        Goal("time to record a notebook", 1000 * report.recording, 30, " ms"),
        Goal("time from the command to the first graded submission, beyond imports", report.first, 5, " s"),
        Goal(
            f"time per notebook in a class of {report.sizes[-1]}, compared with {report.sizes[0]}",
            report.growth,
            1.1,
            " times",
        ),
    ]


def markdown(report: Report) -> str:
    """Return the whole report."""
    checks = ["| figure | measured | goal | met |", "|---|---|---|---|", *(goal.line() for goal in goals(report))]
    return "\n".join(
        [
            *_rows(report),
            *functions(report.functions),
            "",
            *checks,
            "",
            *_notes(report),
            "",
            f"Measured on: {'; '.join(report.machine)}.",
        ]
    )


def name_of(kind: tuple[str, int, int]) -> str:
    """Return the name of a way of grading."""
    what, jobs, _ = kind
    how = f"{what}, from checkpoints" if what == WARM else what
    return f"autograder, {how}, {jobs} at a time" if what in OURS else what


def _rows(report: Report) -> list[str]:
    lines = [HEAD, LINE]
    for kind in report.kinds():
        runs = report.of(*kind)
        each, cpu = report.middle(lambda run: run.each, runs), report.middle(lambda run: run.cpu_each, runs)
        cells = [f"{kind[2]}", f"{each:.3g}", f"{60 / each:.3g}", f"{report.plain / each:.3g}", f"{cpu:.3g}"]
        lines.append(f"| {name_of(kind)} | {' | '.join(cells)} |")
    return lines


def functions(runs: Sequence[Run]) -> list[str]:
    """Return the rows of nbgrader's quickstart course, whose tests call functions; the first is plain nbgrader's."""
    lines = []
    for run in runs:
        name = name_of((run.what, run.jobs, run.submissions))
        cells = [f"{run.submissions}", f"{run.each:.3g}", f"{60 / run.each:.3g}", f"{runs[0].each / run.each:.3g}"]
        lines.append(f"| a course of functions: {name} | {' | '.join(cells)} | {run.cpu_each:.3g} |")
    return lines


def _notes(report: Report) -> list[str]:
    best, limit, unset = report.best, median(report.limit), median(report.unset)
    spent = ", ".join(f"{who} {report.share(role, best):.3f} s" for role, who in WHO.items())
    start = report.middle(lambda run: run.start, report.of(report.kinds()[0][0]))
    return [
        f"Processor time per notebook at the fastest setting ({best[0].jobs} at a time): {spent}. "
        f"Its cells alone need {unset:.3f} s in one warm Python process, {limit:.3f} s with our kernels' settings, and "
        f"{median(report.forked):.3f} s with these settings in a new fork each time. If {report.cores} cores only ran "
        f"cells in forks, they would be {report.ceiling:.0f} times as fast as plain nbgrader. The rest is needed to "
        "start Jupyter's kernel in each fork, for its messages, for judging and for recording.",
        f"A warm kernel uses {median(report.unique) / MIB:.0f} MiB that it does not share, or "
        f"{median(report.proportional) / MIB:.0f} MiB with its share of shared memory. "
        f"Plain nbgrader also needs {start:.1f} s to start, which the rows leave out. Its fastest setting: "
        f"{report.fastest_plain.partition(', ')[2] or 'the default'}.",
        "The students of a mixed class give the sample class' right, wrong and open answers, and a third of them have "
        f"extra cells. {100 * report.distinct:.0f} % of their notebooks are equal to no earlier one. So one run "
        f"for equal notebooks could save at most {100 * (1 - report.distinct):.0f} % of the runs.",
    ]


WHO = {KERNELS: "kernels and their parent", JUDGE: "judge", GRADING: "grading process"}
