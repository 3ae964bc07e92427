"""What a very large class takes, worked out from a report: a page of Markdown.

Two rates bound a cluster. Workers run notebooks, each as fast as the machine of the report; one process, the head,
reads every submission and writes every mark. It is the head's rate at which more workers stop helping.
"""

from math import ceil

from autograder.bench.figures import Report

SUBMISSIONS = 100_000
WORKERS = (1, 2, 5, 10, 20, 50, 100)
GIB = 1 << 30


def page(report: Report, submissions: int = SUBMISSIONS) -> str:
    """The page."""
    notebooks = submissions * report.large[0].notebooks // report.large[0].submissions
    each, head = report.middle(lambda run: run.each, report.best), report.head
    lines = [
        f"# {submissions:,} submissions",
        "",
        f"Worked out by `make bench` from what it measured ({'; '.join(report.machine)}). "
        f"A worker here is such a machine: {report.cores} cores, {report.best[0].jobs} submissions at a time, "
        f"{each:.3g} s a notebook. {submissions:,} submissions are {notebooks:,} notebooks.",
        "",
        "| workers | cores | hours | notebooks a second | bound by |",
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
    bound = "the head" if head > each / workers else "the workers"
    return f"| {workers} | {workers * cores} | {notebooks * took / 3600:.1f} | {1 / took:.3g} | {bound} |"


def _head(report: Report, notebooks: int, each: float, head: float) -> list[str]:
    most = ceil(each / head)
    return [
        "## Where the head saturates",
        "",
        f"The head reads, hands out and records: {1000 * head:.1f} ms a notebook, "
        f"{1000 * report.recording:.1f} ms of it recording, measured while kernels kept all cores busy. "
        f"So it keeps up with {1 / head:.0f} notebooks a second, which is {most} workers "
        f"({most * report.cores} cores): with more, {notebooks:,} notebooks still take {notebooks * head / 3600:.1f} "
        "hours. Beyond that the class is split: a course folder and a head for each part.",
        "",
        f"Its memory does not grow with the class: at most {max(run.peak for run in report.large) >> 20} MiB with "
        f"{report.sizes[-1]} submissions, {max(run.peak for run in report.best) >> 20} MiB with {report.sizes[0]}.",
    ]


def _kept(report: Report, submissions: int) -> list[str]:
    total = sum(report.stored.values())
    parts = [f"{size / 1024:.0f} KiB {what}" for what, size in report.stored.items()]
    return [
        "## What is kept",
        "",
        f"A submission takes {', '.join(parts)}: {submissions * total / GIB:.1f} GiB for all. "
        "Submissions and results go through the head once.",
    ]
