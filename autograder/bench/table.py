"""A report as Markdown: a row for each way of grading, what the goals say, the machine."""

from dataclasses import dataclass
from statistics import median

from autograder.bench.figures import COLD, GRADING, JUDGE, KERNELS, WARM, Report

MIB = 1 << 20
HEAD = "| | submissions | seconds a notebook | notebooks a minute | times plain | processor seconds a notebook |"
CLASS = 40  # submissions, with their four notebooks each, that goals speak of


@dataclass(frozen=True)
class Goal:
    """One figure with what it should be."""

    what: str
    found: float
    most: float
    unit: str = ""
    least: bool = False  # `most` is the least it should be

    @property
    def met(self) -> bool:
        return self.found >= self.most if self.least else self.found <= self.most

    def line(self) -> str:
        bound = f"{'at least' if self.least else 'at most'} {self.most:g}{self.unit}"
        return f"| {self.what} | {self.found:.3g}{self.unit} | {bound} | {'yes' if self.met else '**no**'} |"


def goals(report: Report) -> list[Goal]:
    """What the report holds against the goals."""
    best = report.best
    each, cpu = (report.middle(of, best) for of in (lambda run: run.each, lambda run: run.cpu_each))
    return [
        Goal("notebooks a second, against plain nbgrader", report.plain / each, 25, " times", least=True),
        Goal(
            "processor time a notebook, against its cells in one warm process",
            cpu / median(report.unset),
            1.6,
            " times",
        ),
        Goal("the same, with that process set as our kernels are", cpu / median(report.limit), 1.6, " times"),
        Goal("memory of a running kernel that it shares with nobody", median(report.unique) / MIB, 100, " MiB"),
        Goal("memory of the grading process, largest class", max(run.peak for run in report.large) / MIB, 600, " MiB"),
        Goal("recording a notebook", 1000 * report.recording, 30, " ms"),
        Goal("first submission graded, from the command on", report.middle(lambda run: run.start, best), 10, " s"),
        Goal(
            f"a notebook's cost in a class of {report.sizes[-1]}, against {report.sizes[0]}",
            report.growth,
            1.1,
            " times",
        ),
    ]


def markdown(report: Report) -> str:
    """The whole report."""
    checks = ["| goal | measured | wanted | met |", "|---|---|---|---|", *(goal.line() for goal in goals(report))]
    return "\n".join(
        [*_rows(report), "", *checks, "", *_notes(report), "", f"Measured on: {'; '.join(report.machine)}."]
    )


def name_of(kind: tuple[str, int, int]) -> str:
    """A way of grading in words."""
    what, jobs, _ = kind
    return f"autograder, {what}, {jobs} at a time" if what in (COLD, WARM) else what


def _rows(report: Report) -> list[str]:
    lines = [HEAD, "|---|--:|--:|--:|--:|--:|"]
    for kind in report.kinds():
        runs = report.of(*kind)
        each, cpu = report.middle(lambda run: run.each, runs), report.middle(lambda run: run.cpu_each, runs)
        cells = [f"{kind[2]}", f"{each:.3g}", f"{60 / each:.3g}", f"{report.plain / each:.3g}", f"{cpu:.3g}"]
        lines.append(f"| {name_of(kind)} | {' | '.join(cells)} |")
    return lines


def _notes(report: Report) -> list[str]:
    best, limit, unset = report.best, median(report.limit), median(report.unset)
    spent = ", ".join(f"{who} {report.share(role, best):.3f} s" for role, who in WHO.items())
    start = report.middle(lambda run: run.start, report.of(report.kinds()[0][0]))
    return [
        f"Processor time of a notebook at the fastest ({best[0].jobs} at a time): {spent}; "
        f"its cells alone, in one warm Python process: {unset:.3f} s; set as our kernels are {limit:.3f} s; set so and "
        f"in a fresh fork each time {median(report.forked):.3f} s. {report.cores} cores that did nothing but run cells "
        f"in forks would be {report.ceiling:.0f} times as fast as plain nbgrader: the rest goes into starting "
        "Jupyter's kernel in each fork, its messages, judging and recording.",
        f"A warm kernel holds {median(report.unique) / MIB:.0f} MiB of its own and, with its share of what all have in "
        f"common, {median(report.proportional) / MIB:.0f} MiB. "
        f"Not in the rows: plain nbgrader starts for {start:.1f} s. Plain nbgrader's fastest setting: "
        f"{report.fastest_plain.partition(', ')[2] or 'as it comes'}.",
    ]


WHO = {KERNELS: "kernels and their parent", JUDGE: "judge", GRADING: "grading process"}
