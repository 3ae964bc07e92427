"""Find what keeps a source notebook from being released or graded, before anything converts or runs it.

nbgrader stops at the first fault and raises an exception that does not name the cell. Here all faults of a notebook are
collected, each as a `Finding`: the notebook, the cell, the line, what is there, and what to write instead. Settings of
nbgrader (the markers' texts, `enforce_metadata`) are respected.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbgrader.nbgraderformat import SCHEMA_VERSION
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from traitlets.config import Config

from autograder.notebook.autotests import AutotestLines
from autograder.notebook.cells import grade_id

CREATE = "in Create Assignment"
ID = re.compile(r"[a-zA-Z0-9_-]+")  # as in nbgrader's schema
ATTACHMENT = re.compile(r"!\[.*\]\(attachment:.+?\)")  # as in nbgrader's ClearMarkScheme

Line = tuple[int, str]  # its number in the cell, its text


@dataclass(frozen=True)
class Finding:
    """One fault of a source notebook."""

    notebook: str  # its path in the course folder
    cell: str  # grade_id, or the cell's position; "" for the whole notebook
    line: int  # in the cell; 0 for the whole cell
    what: str
    fix: str

    def __str__(self) -> str:
        cell = f"cell {self.cell}, " if self.cell else ""
        line = f"line {self.line}, " if self.line else ""
        place = f"{cell}{line}".removesuffix(", ")
        return f"{self.notebook}: {f'{place}: ' if place else ''}{self.what}; {self.fix}."


def listed(findings: Iterable[object]) -> str:
    """Return all findings, one on each line."""
    return "\n".join(map(str, findings))


def source_faults(notebook: NotebookNode, path: str, config: Config) -> list[Finding]:
    """Return all faults of a source notebook, in the order of its cells.

    Args:
        notebook: The source notebook.
        path: Its path in the course folder, for the findings.
        config: The course's settings.
    """
    language = _language(notebook)
    if language not in ("python", "ipython"):
        what = f"the notebook's language is {language}, and only Python notebooks can be graded"
        return [Finding(path, "", 0, what, "use nbgrader's own commands for it, or set its kernel to Python 3")]
    outdated = list(_outdated(notebook, path))
    broken = {number for number, cell in enumerate(notebook.cells) if not isinstance(_meta(cell), dict)}
    sound = [(number, cell) for number, cell in enumerate(notebook.cells) if number not in broken]
    findings = [
        Finding(
            path,
            str(number + 1),
            0,
            "its nbgrader metadata is not a dict",
            f"delete it and set the cell's type {CREATE}",
        )
        for number in sorted(broken)
    ]
    shared = Counter(grade_id(cell) for _, cell in sound if _is_known(cell))
    markers, autotests = _Markers(config), AutotestLines(config, notebook)
    for number, cell in sound:
        name = grade_id(cell) or str(number + 1)
        faults = [] if outdated else [*_id_faults(cell, shared), *_type_faults(cell)]
        findings += [Finding(path, name, 0, what, fix) for what, fix in faults]
        findings += [Finding(path, name, line, what, fix) for line, what, fix in markers.faults(cell)]
        findings += [Finding(path, name, one.line, one.what, one.fix) for one in autotests.faults(cell, is_grade(cell))]
    return outdated + findings


def _language(notebook: NotebookNode) -> str:
    """Return the language that the notebook names, in lower case; "python" if it names none."""
    kernel, info = notebook.metadata.get("kernelspec", {}), notebook.metadata.get("language_info", {})
    named = [str(language).casefold() for language in (kernel.get("language"), info.get("name")) if language]
    return next((language for language in named if language not in ("python", "ipython")), "python")


def _meta(cell: NotebookNode) -> Any:
    return cell.metadata.get("nbgrader", {})


def _is_known(cell: NotebookNode) -> bool:
    """Return whether nbgrader keeps track of the cell."""
    return bool(is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell))


# --- metadata -----------------------------------------------------------------------------------------------------


def _outdated(notebook: NotebookNode, path: str) -> Iterator[Finding]:
    """Yield a finding if cells have the metadata of another nbgrader version."""
    metas = [_meta(cell) for cell in notebook.cells if "nbgrader" in cell.metadata and isinstance(_meta(cell), dict)]
    versions = {meta.get("schema_version", 0) for meta in metas}
    numbers = {version for version in versions if isinstance(version, int)}
    if any(version < SCHEMA_VERSION for version in numbers):
        what = f"its cells have nbgrader metadata of version {min(numbers)}, and version {SCHEMA_VERSION} is needed"
        yield Finding(path, "", 0, what, f"run `nbgrader update {path}`")
    if versions - numbers or any(version > SCHEMA_VERSION for version in numbers):
        what = f"its cells have nbgrader metadata of a newer version than {SCHEMA_VERSION}"
        yield Finding(path, "", 0, what, "install a newer nbgrader")


def _id_faults(cell: NotebookNode, shared: Counter[str]) -> Iterator[tuple[str, str]]:
    if not _is_known(cell):
        return
    name = _meta(cell).get("grade_id", "")
    if not isinstance(name, str) or not name:
        yield "the cell has no ID", f"give it one {CREATE}"
    elif not ID.fullmatch(name):
        yield "an ID can have only letters, digits, `_` and `-`", f"rename the cell {CREATE}"
    elif shared[name] > 1:
        yield f"{shared[name]} cells have this ID", f"give each cell its own ID {CREATE}"


def _type_faults(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield why nbgrader would not accept the cell's type or its points."""
    meta, kind = _meta(cell), cell.cell_type
    graded, solution, task = is_grade(cell), is_solution(cell), is_task(cell)
    points = meta.get("points")
    if graded or task:
        if isinstance(points, bool) or not isinstance(points, int | float):
            yield "the cell has no points", f"set its points {CREATE}"
        elif points < 0:
            yield f"the cell has {points:g} points", "set 0 points or more"
    if task and kind != "markdown":
        yield f"a manually graded task is a {kind} cell", "make it a Markdown cell"
    if not task and kind != "code" and graded != solution:
        yield (
            f"a {kind} cell cannot be an {'autograded test' if graded else 'autograded answer'}",
            f"make it a code cell, or a manually graded answer {CREATE}",
        )


# --- markers ------------------------------------------------------------------------------------------------------


class _Markers:
    """The markers around solutions, hidden tests and marking schemes, with the texts that the course sets."""

    def __init__(self, config: Config) -> None:
        solutions, hidden, scheme = (
            step(config=config) for step in (ClearSolutions, ClearHiddenTests, ClearMarkScheme)
        )
        self.solution = (solutions.begin_solution_delimeter, solutions.end_solution_delimeter)
        self.hidden = (hidden.begin_test_delimeter, hidden.end_test_delimeter)
        self.scheme = (scheme.begin_mark_scheme_delimeter, scheme.end_mark_scheme_delimeter)
        self.enforced = (solutions.enforce_metadata, hidden.enforce_metadata, scheme.enforce_metadata)
        self.attachments = scheme.check_attachment_leakage

    def faults(self, cell: NotebookNode) -> list[tuple[int, str, str]]:
        """Return the line, the fault and the fix of each wrong marker, as nbgrader's release would meet them."""
        lines: list[Line] = list(enumerate(cell.source.split("\n"), 1))
        regions = _Regions(lines, *self.solution)
        faults = regions.faults
        faults += _outside(regions, self.enforced[0] and not is_solution(cell), "an answer cell", self.solution[0])
        if is_solution(cell) and not regions.inside:
            return faults  # nbgrader replaces the whole cell
        hidden = _Regions(regions.rest, *self.hidden)
        faults += hidden.faults
        faults += _outside(hidden, self.enforced[1] and not is_grade(cell), "a test cell", self.hidden[0])
        scheme = _Regions(hidden.rest, *self.scheme)
        faults += scheme.faults
        faults += _outside(scheme, self.enforced[2] and not is_task(cell), "a manually graded task", self.scheme[0])
        for number, text in scheme.inside if self.attachments else ():
            if ATTACHMENT.search(text):
                what = "an image is attached in a marking scheme, and students would get the image"
                faults.append((number, what, "put the image in the text, as a `data:` URL, or in a file"))
        return faults


class _Regions:
    """The lines of a cell inside and outside of pairs of markers, and the markers at fault."""

    def __init__(self, lines: list[Line], begin: str, end: str) -> None:
        self.inside: list[Line] = []  # with the markers
        self.rest: list[Line] = []
        self.faults: list[tuple[int, str, str]] = []
        opened, just_closed = 0, False
        for number, text in lines:
            if begin in text:
                if opened:
                    what = f"`{begin}` is inside the region that line {opened} begins"
                    self.faults.append((number, what, f"write `{end}` before it"))
                opened = number
            elif end in text and not opened and not just_closed:  # nbgrader drops a marker that is there twice
                self.faults.append(
                    (number, f"`{end}` has no `{begin}` before it", f"write `{begin}`, or delete the line")
                )
            (self.inside if opened else self.rest).append((number, text))
            just_closed = end in text or (just_closed and not text.strip())
            opened = 0 if end in text and begin not in text else opened
        if opened:
            self.faults.append((opened, f"`{begin}` has no `{end}` after it", f"write `{end}`"))


def _outside(regions: _Regions, wrong: bool, where: str, begin: str) -> list[tuple[int, str, str]]:
    """Return a fault if a region is in a cell of another type."""
    if not wrong or not regions.inside:
        return []
    what = f"`{begin}` is allowed only in {where}"
    return [(regions.inside[0][0], what, f"change the cell's type {CREATE}, or delete the marker")]
