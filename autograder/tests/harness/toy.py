"""A course of one executed notebook in plain Python, and what its runs leave behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.course.course import Course
from autograder.replay.nbval import TAG

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "tiny"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
"""
MARK = f"reproduce-test-{os.getpid()}"


def cell(name: str, source: str, *tags: str, text: str | None = None) -> Any:
    """A code cell as nbgrader keeps it; with `text`, as if it had run and printed that."""
    made = new_code_cell(source, id=name, metadata={"nbgrader": {"grade_id": name}, "tags": list(tags)})
    if text is not None:
        made.update(execution_count=1, outputs=[new_output("stream", name="stdout", text=text)])
    return made


def marked(name: str, source: str, text: str | None = None) -> Any:
    return cell(name, source, TAG, text=text)


def uncount(each: Any) -> Any:
    each.execution_count = None
    return each


def write(path: Path, *cells: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def at(notebook: Any, name: str) -> Any:
    return next(each for each in notebook.cells if each.id == name)


def left_behind() -> list[str]:
    """Processes that were started under this module's mark, or by its daemon."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            said = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
        except OSError:
            continue
        if int(place.name) != os.getpid() and (f"4000.{os.getpid()}".encode() in said[0] or MARK.encode() in said[1]):
            found.append(said[0].decode())
    return found


def toy(stored: bool) -> list[Any]:
    """The cells of a notebook; with what is stored in them as `refresh` stores it."""
    cells = [
        new_markdown_cell("# Toy", id="title"),
        cell("setup", "import random\nfrom helper import three"),
        new_code_cell("guess = ...", id="guess"),
        marked("shape", "print(three, guess)", "3 Ellipsis\n" if stored else None),
        marked("sum", "three + 1"),
        marked("twice", "print(2 * three)", "6\n" if stored else None),
        marked("list", "print([three])", "[3]\n" if stored else None),
        cell("free", "print(random.random())"),
    ]
    if stored:
        cells[4].outputs = [new_output("execute_result", execution_count=4, data={"text/plain": "4"})]
        for count, each in enumerate(cells[3:7], 3):
            each.execution_count = count
    return cells


def make_course(folder: Path) -> Course:
    """One assignment `toy`, one notebook `a` with its outputs stored, a helper; released as if never run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(CONFIG)
    for step in ("solutions", "notebooks"):
        write(folder / step / "toy" / "a.ipynb", *toy(stored=step == "solutions"))
        (folder / step / "toy" / "helper.py").write_text("three = 3\n")
    return Course.at(folder)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)
