"""Estimate from a report what a very large class takes, as a page of Markdown.

Two rates limit a cluster. Workers run notebooks, each as fast as the machine of the report. One process, the head
process, reads every submission and writes every mark; at its rate, more workers do not help.
"""

from math import ceil

from autograder.bench.figures import Report

SUBMISSIONS = 100_000
WORKERS = (1, 2, 5, 10, 20, 50, 100)
GIB = 1 << 30


def page(report: Report, submissions: int = SUBMISSIONS) -> str:
    """Return the page."""
    notebooks = submissions * report.large[0].notebooks // report.large[0].submissions
    each, head = report.middle(lambda run: run.each, report.best), report.head
    lines = [
        f"# {submissions:,} submissions",
        "",
        f"`make bench` estimates this from its measurements ({'; '.join(report.machine)}). "
        f"A worker is a machine like this one: {report.cores} cores, {report.best[0].jobs} submissions at a time, "
        f"{each:.3g} s per notebook. {submissions:,} submissions are {notebooks:,} notebooks. "
        "The head process is the `autograder grade` that you start.",
        "",
        "| workers | cores | hours | notebooks per second | limited by |",
        "|--:|--:|--:|--:|---|",
        *(_row(count, notebooks, each, head, report.cores) for count in WORKERS),
        "",
        *_head(report, notebooks, each, head),
        "",
        *_kept(report, submissions),
    ]
    return "\n".join(lines) + "\n"


def _row(workers: int, notebooks: int, each: float, head: float, cores: int) -> str:
    took = max(each / workers, head)
    limit = "the head process" if head > each / workers else "the workers"
    return f"| {workers} | {workers * cores} | {notebooks * took / 3600:.1f} | {1 / took:.3g} | {limit} |"


def _head(report: Report, notebooks: int, each: float, head: float) -> list[str]:
    most = ceil(each / head)
    return [
        "## When do more workers stop helping?",
        "",
        f"The head process reads, distributes and records. It needs {1000 * head:.1f} ms per notebook, "
        f"{1000 * report.recording:.1f} ms of it for recording, measured while kernels kept all cores busy. "
        f"So it can do {1 / head:.0f} notebooks per second, as many as {most} workers ({most * report.cores} cores) "
        f"can. With more workers, {notebooks:,} notebooks still take {notebooks * head / 3600:.1f} hours. "
        "To be faster, split the class: one course folder and one head process for each part.",
        "",
        f"The memory of the head process does not grow with the class: at most "
        f"{max(run.peak for run in report.large) >> 20} MiB with {report.sizes[-1]} submissions, "
        f"{max(run.peak for run in report.best) >> 20} MiB with {report.sizes[0]}.",
    ]


def _kept(report: Report, submissions: int) -> list[str]:
    total = sum(report.stored.values())
    parts = [f"{size / 1024:.0f} KiB {what}" for what, size in report.stored.items()]
    return [
        "## How much is stored?",
        "",
        f"A submission takes {', '.join(parts)}: {submissions * total / GIB:.1f} GiB for all. "
        "Each submission and each result passes through the head process once.",
    ]
