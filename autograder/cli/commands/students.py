"""Work on the notebooks and pack them: `lab` and `submit`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.course.course import Course


def run_lab(options: argparse.Namespace, course: "Course") -> int:
    """Open a student's own copy of the notebooks in JupyterLab."""
    from autograder.learner import jupyterlab

    mine = jupyterlab.own_copy(course)
    print(f"Your notebooks: {mine} (your work stays there; git ignores it)", flush=True)
    jupyterlab.serve(mine, jupyterlab.first_page(course, mine), jupyterlab.LEARNERS)
    return 0


def run_submit(options: argparse.Namespace, course: "Course") -> int:
    """Pack a student's notebooks."""
    from autograder.cli import terminal
    from autograder.course.course import COPY
    from autograder.learner.submit import submit

    assignment = course.assignment(options.assignment)
    folder = Path(options.folder or course.root / COPY / assignment)
    path = Path(options.to or course.root / COPY / f"{assignment}.zip")
    if options.no_run:
        packed = submit(course, assignment, folder, path, rerun=False)
    else:
        count = len([*course.folder("release", assignment).glob("*.ipynb")])
        with terminal.progress("checked", count) as step:
            packed = submit(course, assignment, folder, path, starting=_report_run, progress=step)
    print(*packed.messages, sep="\n", end="\n" if packed.messages else "")
    print(f"packed {len(packed.notebooks)} notebooks; hand in this file: {packed.path.resolve()}")
    return 0


def _report_run() -> None:
    print("running your notebooks from the top, to check that their outputs stay the same", flush=True)
