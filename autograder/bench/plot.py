"""Draw a report: notebooks per minute, where processor time goes, and whether cost grows with the class."""

from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from autograder.bench.figures import COLD, IMPORTS, MIXED, WARM, Report
from autograder.bench.table import WHO, name_of

COLOURS = {COLD: "#88aadd", IMPORTS: "#5584c5", WARM: "#225ea8", MIXED: "#225ea8"}
OTHER = "#999999"
HATCHES = ("", "//", "..")  # so that no share is known by its colour alone
SHADES = ("#225ea8", "#7fb4d8", "#c7dcec")


def draw(report: Report, path: Path) -> None:
    """Write the picture as PNG."""
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(2, 1.3, 1))
    _speeds(left, report)
    _shares(middle, report)
    _growth(right, report)
    figure.savefig(path, dpi=110)


def _speeds(axes: Any, report: Report) -> None:
    kinds = [kind for kind in report.kinds() if kind[0] != WARM or kind[2] == report.sizes[0]]
    rates = [60 / report.middle(lambda run: run.each, report.of(*kind)) for kind in kinds]
    names = [name_of(kind).replace("autograder, ", "").replace(", kernels", ",\nkernels") for kind in kinds]
    bars = axes.barh(names, rates, color=[COLOURS.get(kind[0], OTHER) for kind in kinds])
    times = [f"{rate:.3g}  ({rate * report.plain / 60:.3g}×)" for rate in rates]
    axes.bar_label(bars, labels=times, padding=3, fontsize=8)
    axes.set(title="notebooks per minute (× plain nbgrader)", xlim=(0, max(rates) * 1.3))
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)


def _shares(axes: Any, report: Report) -> None:
    jobs = sorted({run.jobs for run in report.of(WARM, submissions=report.sizes[0])})
    below = [0.0] * len(jobs)
    for (role, who), colour, hatch in zip(WHO.items(), SHADES, HATCHES, strict=True):
        parts = [report.share(role, report.of(WARM, one, report.sizes[0])) for one in jobs]
        axes.bar([str(one) for one in jobs], parts, bottom=below, label=who, color=colour, hatch=hatch)
        below = [old + part for old, part in zip(below, parts, strict=True)]
    axes.axhline(median(report.unset), color="black", linestyle="--", label="cells alone, warm process")
    axes.axhline(median(report.limit), color="black", linestyle=":", label="the same, with our kernels' settings")
    axes.set(
        title="processor seconds\nper notebook, warm",
        xlabel="submissions at a time",
        ylim=(0, 1.7 * max(*below, median(report.unset))),
    )
    axes.legend(fontsize=7, loc="upper right")


def _growth(axes: Any, report: Report) -> None:
    sizes, jobs = report.sizes, report.large[0].jobs
    costs = [report.middle(lambda run: run.each, report.of(WARM, jobs, size)) for size in sizes]
    axes.plot(sizes, costs, "o-", color=COLOURS[WARM])
    axes.set(
        title="seconds per notebook,\nby class size", xlabel="submissions", ylim=(0, max(costs) * 1.5), xscale="log"
    )
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
