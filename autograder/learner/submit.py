"""Pack a student's notebooks into one zip to hand in, and report what is unanswered and what a fresh run changes.

The notebooks are not changed, and nothing is sent. The zip contains the notebooks as they were saved, and a manifest:
their SHA-256, the unanswered cells, and whether each notebook runs again. Equal notebooks make an equal zip.
"""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.course.course import Course
from autograder.distribution import own_command
from autograder.errors import CourseError, Damaged
from autograder.execution.sandbox import for_own_notebooks
from autograder.files import write_zip
from autograder.notebook.cells import grade_id
from autograder.notebook.landmarks import labels
from autograder.notebook.source import answered
from autograder.replay.compare import Replay, again, each
from autograder.replay.nbval import CELL_SECONDS, TAG
from autograder.submissions.files import read_folder
from autograder.submissions.identify import identify_notebooks
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore

FRESH = "restart the kernel, run all cells and save; then submit again"
KEEP = "fix it and submit again, or hand it in as it is"

Progress = Callable[[str, str], None]


@dataclass(frozen=True)
class Packed:
    """The zip, the notebooks in it, and messages for the student."""

    path: Path
    notebooks: tuple[str, ...]
    messages: tuple[str, ...]


def submit(
    course: Course,
    assignment: str,
    folder: Path,
    path: Path,
    rerun: bool = True,
    starting: Callable[[], None] = lambda: None,
    progress: Progress = lambda *_: None,
) -> Packed:
    """Pack a student's notebooks of an assignment into a zip; raise CourseError if there are none.

    With `rerun`, each notebook with an answer is run again, several at a time. The output of its checks and tagged
    cells is compared with the saved output.

    Args:
        course: The course.
        assignment: The assignment.
        folder: The folder of the student's notebooks.
        path: Where to write the zip.
        rerun: Whether to run the notebooks.
        starting: Called before the first notebook runs, if any does.
        progress: Called for each notebook of the assignment that is done, with its name and a remark.
    """
    released = course.folder("release", assignment)
    originals = {file.stem: nbformat.read(file, 4) for file in sorted(released.glob("*.ipynb"))}
    files, _ = read_folder(folder) if folder.is_dir() else ({}, [])
    placed, moved = identify_notebooks(
        {name: files[name] for name in files if not name.endswith(".zip")}, list(originals), originals
    )
    if not folder.is_dir():
        copy_first = f"run `{own_command()} lab` first, which copies the notebooks, or pass your folder with --folder"
        raise CourseError(f"{folder}: no such folder; {copy_first}.")
    contents = {name: content for name, content in placed.items() if content is not None}
    if not contents:
        raise CourseError(f"{folder}: no notebooks of {assignment!r} found; pass their folder with --folder.")
    notebooks = [_Notebook(name, content, originals[name]) for name, content in contents.items()]
    replays = _replays(course, notebooks, released, starting, progress) if rerun else {}
    missing = [
        f"{name}: not found in {folder.name}/, so it is not in the zip." for name in originals if name not in contents
    ]
    differs = {name: ", ".join(map(str, replay.differences)) for name, replay in replays.items()}
    open_ = {notebook.name: notebook.unanswered for notebook in notebooks}
    _pack(path, contents, {"assignment": assignment, "unanswered": open_, "runs again": differs})
    own = [sentence for notebook in notebooks for sentence in notebook.messages(replays.get(notebook.name))]
    return Packed(path, tuple(contents), (*moved, *missing, *own))


@dataclass(frozen=True)
class _Notebook:
    """A student's notebook, and the released one that it is a copy of."""

    name: str
    content: bytes
    original: NotebookNode

    @cached_property
    def unanswered(self) -> list[str]:
        """Return the answer cells that are unchanged since the release."""
        try:
            notebook = restore(parse(self.content, self.name)[0], self.original).notebook
        except Damaged as damage:
            raise CourseError(str(damage)) from None
        cells = {grade_id(cell): cell.source for cell in notebook.cells if grade_id(cell) in self._answers}
        return [
            name
            for name, stub in self._answers.items()
            if not answered(cells.get(name, stub.source), stub.source, code=stub.cell_type == "code")
        ]

    @property
    def is_answered(self) -> bool:
        """Return whether one of its answer cells was changed."""
        return len(self.unanswered) < len(self._answers)

    @property
    def watched(self) -> NotebookNode:
        """Return the released notebook, with a tag on each check, so that its output is compared, too."""
        notebook = copy.deepcopy(self.original)
        for cell in notebook.cells:
            if cell.cell_type == "code" and is_grade(cell):
                cell.metadata.tags = [*cell.metadata.get("tags", []), TAG]
        return notebook

    def messages(self, replay: Replay | None) -> Iterator[str]:
        """Yield a sentence on what is unanswered, on each cell that raises, and on what differs."""
        if self.unanswered:
            yield f"{self.name}: not answered: {'; '.join(map(self._label, self.unanswered))}."
        if replay is None:
            return
        raising: dict[str, str] = {}
        for name in map(grade_id, self.original.cells):
            if name in replay.raised:
                raising.setdefault(self._label(name), replay.raised[name])
        for label, text in raising.items():  # of each question, the first cell that raises
            if label not in map(self._label, self.unanswered):
                yield f"{self.name}: {label} raises {text}; {KEEP}."
        differing = [one for one in replay.differences if one.cell not in replay.raised]
        if differing:
            cells = "; ".join(dict.fromkeys(self._label(one.cell) if one.cell else str(one) for one in differing))
            yield f"{self.name}: a run from the top changes the output of {cells}: {FRESH}."

    def _label(self, name: str) -> str:
        return labels(self.original).get(name) or f"cell {name}"

    @cached_property
    def _answers(self) -> dict[str, NotebookNode]:
        return {grade_id(cell): cell for cell in self.original.cells if is_solution(cell)}


def _replays(
    course: Course,
    notebooks: Sequence[_Notebook],
    helpers: Path,
    starting: Callable[[], None],
    progress: Progress,
) -> dict[str, Replay]:
    """Run the notebooks that have answers again, several at a time, and return the results by name."""
    chosen, results = [notebook for notebook in notebooks if notebook.is_answered], {}
    kernels = for_own_notebooks(course) if chosen else {}

    def run(notebook: _Notebook) -> Replay:
        with TemporaryDirectory(prefix="submit-") as folder:
            path = Path(folder, f"{notebook.name}.ipynb")
            path.write_bytes(notebook.content)  # the student's file may have another name
            return again(path, notebook.watched, helpers, CELL_SECONDS, kernels)

    if chosen:
        starting()
    for notebook in notebooks:
        if notebook not in chosen:
            progress(notebook.name, "has no answers yet, so it was not run")
    for notebook, replay in each(run, chosen):
        results[notebook.name] = replay
        progress(
            notebook.name,
            "ran, and some outputs changed" if replay.differences else "ran, and its outputs stayed the same",
        )
    return results


def _pack(path: Path, notebooks: Mapping[str, bytes], manifest: Mapping[str, object]) -> None:
    """Write the zip."""
    sums = {f"{name}.ipynb": hashlib.sha256(content).hexdigest() for name, content in notebooks.items()}
    text = json.dumps({**manifest, "sha256": sums}, indent=1, sort_keys=True) + "\n"
    files = {f"{name}.ipynb": content for name, content in notebooks.items()} | {"manifest.json": text.encode()}
    write_zip(path, files)
