"""Pack a student's notebooks into one zip to hand in, and report what is unanswered and what a fresh run changes.

The notebooks are not changed, and nothing is sent. The zip contains the notebooks as they were saved, and a manifest:
their SHA-256, the unanswered cells, and whether each notebook runs again. Equal notebooks make an equal zip.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.course.course import Course
from autograder.errors import CourseError, Damaged
from autograder.execution.sandbox import for_own_notebooks
from autograder.files import write_zip
from autograder.notebook.cells import grade_id
from autograder.notebook.source import answered
from autograder.replay.compare import again
from autograder.replay.nbval import CELL_SECONDS, TAG
from autograder.submissions.identify import identify_notebooks, read_folder
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore

FRESH = "restart the kernel, run all cells and save; then submit again"


@dataclass(frozen=True)
class Packed:
    """The zip, the notebooks in it, and sentences for the student."""

    path: Path
    notebooks: tuple[str, ...]
    said: tuple[str, ...]


def submit(course: Course, assignment: str, folder: Path, path: Path, rerun: bool = True) -> Packed:
    """Pack a student's notebooks of an assignment into a zip; raise CourseError if there are none.

    With `rerun`, each notebook is run again, and the output of its checks and tagged cells is compared with the saved
    output.
    """
    released = course.folder("release", assignment)
    originals = {file.stem: nbformat.read(file, 4) for file in sorted(released.glob("*.ipynb"))}
    files, _ = read_folder(folder) if folder.is_dir() else ({}, [])
    placed, moved = identify_notebooks(
        {name: files[name] for name in files if not name.endswith(".zip")}, list(originals), originals
    )
    if not folder.is_dir():
        copy_first = "run `autograder lab` first, which copies the notebooks, or pass your folder with --folder"
        raise CourseError(f"{folder}: no such folder; {copy_first}.")
    notebooks = {name: content for name, content in placed.items() if content is not None}
    if not notebooks:
        raise CourseError(f"{folder}: no notebooks of {assignment!r} found; pass their folder with --folder.")
    open_ = {name: _open(content, originals[name], name) for name, content in notebooks.items()}
    kernels = for_own_notebooks(course) if rerun else {}
    differs = {name: _differs(folder, name, originals[name], released, kernels) for name in notebooks} if rerun else {}
    missing = [
        f"{name}: not found in {folder.name}/, so it is not in the zip." for name in originals if name not in notebooks
    ]
    _pack(path, notebooks, {"assignment": assignment, "unanswered": open_, "runs again": differs})
    unanswered = [f"{name}: not answered: {', '.join(cells)}." for name, cells in open_.items() if cells]
    changed = [f"{name}: {sentence}" for name, sentence in differs.items() if sentence]
    return Packed(path, tuple(notebooks), (*moved, *missing, *unanswered, *changed))


def _open(content: bytes, original: NotebookNode, name: str) -> list[str]:
    """Return the answer cells that are unchanged since the release."""
    try:
        notebook = restore(parse(content, name)[0], original).notebook
    except Damaged as damage:
        raise CourseError(str(damage)) from None
    stubs = {grade_id(cell): cell for cell in original.cells if is_solution(cell)}
    cells = {grade_id(cell): cell.source for cell in notebook.cells if grade_id(cell) in stubs}
    return [
        name
        for name, stub in stubs.items()
        if not answered(cells.get(name, stub.source), stub.source, code=stub.cell_type == "code")
    ]


def _differs(folder: Path, name: str, original: NotebookNode, helpers: Path, kernels: Mapping[str, str]) -> str:
    """Describe the outputs that change in a run from the top; return "" if none does."""
    watched = copy.deepcopy(original)
    for cell in watched.cells:
        if cell.cell_type == "code" and is_grade(cell):
            cell.metadata.tags = [*cell.metadata.get("tags", []), TAG]
    differences, _ = again(folder / f"{name}.ipynb", watched, helpers, CELL_SECONDS, kernels)
    cells = ", ".join(difference.cell or str(difference) for difference in differences)
    return f"a run from the top changes the output of {cells}: {FRESH}." if differences else ""


def _pack(path: Path, notebooks: Mapping[str, bytes], manifest: Mapping[str, object]) -> None:
    """Write the zip."""
    sums = {f"{name}.ipynb": hashlib.sha256(content).hexdigest() for name, content in notebooks.items()}
    text = json.dumps({**manifest, "sha256": sums}, indent=1, sort_keys=True) + "\n"
    files = {f"{name}.ipynb": content for name, content in notebooks.items()} | {"manifest.json": text.encode()}
    write_zip(path, files)
