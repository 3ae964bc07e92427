"""Grade safely with `nbgrader autograde` and formgrader's Autograde button: preprocessors for nbgrader's own lists.

nbgrader makes an autograded notebook in two passes: it sanitizes, then it grades. Here the first pass restores the
notebook. The second pass runs, judges and records it, in place of Execute and SaveAutoGrades. Both take what was
handed in from `nbgrader_converter`. nbgrader passes nothing on from one notebook to the next, so the loaded source is
cached until one of its files changes.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.log import get_logger

from autograder.course.course import Course
from autograder.errors import Damaged
from autograder.execution.sandbox import grading_limits
from autograder.faults import keep_submission_faults
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.recorder import ledger_entry
from autograder.gradebook.source_assignment import SourceAssignment, Stamps, file_stamps
from autograder.gradebook.verdict_rows import Written, write_notebook
from autograder.grading.notebook_grader import NotebookGrader
from autograder.grading.pipeline import grade_notebook
from autograder.grading.proving import proved
from autograder.model import Assignment, NotebookResult, Result
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore

Resources = dict[str, Any]


class Restore(NbGraderPreprocessor):  # type: ignore[misc]
    """Rebuild the submitted notebook from the source notebook."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Do the first pass and return the restored notebook; the source notebook if nothing can be restored."""
        grader = _grader(resources)
        content = _converter(self).placed[grader.name]
        try:
            submitted, _ = parse(content or b"", grader.name)
        except Damaged:
            return grader.unanswered, resources
        return restore(submitted, grader.source_notebook, grader.cells).notebook, resources


class Judge(NbGraderPreprocessor):  # type: ignore[misc]
    """Grade the submitted notebook as `autograder grade` does, and record the verdicts."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Do the second pass and return the autograded notebook."""
        grader, place, converter = _grader(resources), resources["nbgrader"], _converter(self)
        content = converter.placed[grader.name]
        result = grade_notebook(grader, content, converter.others, grading_limits(_course()))
        _record(result, place, converter.written.get((place["assignment"], place["student"], grader.name), {}))
        if result.traceback:  # else keep those of this submission's other notebooks
            keep_submission_faults(_course().root, place["assignment"], Result(place["student"], (result,)))
        return nbformat.reads(result.content.decode(), 4), resources


def _converter(preprocessor: NbGraderPreprocessor) -> Any:
    """Return the `CheckedAutograde` that runs a preprocessor."""
    return preprocessor.parent.parent


def source_notebooks(course: Course, assignment: str) -> Mapping[str, NotebookNode]:
    """Return the source notebooks of an assignment without solutions, by name."""
    return _loaded(course.root, assignment, file_stamps(course, assignment))[0]


def _course() -> Course:
    """Return the course of the working directory: nbgrader's converters run in the course folder."""
    return Course.at(Path.cwd())


def _grader(resources: Resources) -> NotebookGrader:
    course, place = _course(), resources["nbgrader"]
    stamps = file_stamps(course, place["assignment"])
    return _shared_grader(course.root, place["assignment"], place["notebook"], stamps).sized_for(place["student"])


@lru_cache(maxsize=64)
def _shared_grader(root: Path, assignment: str, name: str, stamps: Stamps) -> NotebookGrader:
    """Return the grader of one notebook for all students. `stamps` makes sure that no file has changed since."""
    notebooks, packed = _loaded(root, assignment, stamps)
    return NotebookGrader.of(name, notebooks[name], packed)


@lru_cache(maxsize=4)
def _loaded(root: Path, assignment: str, stamps: Stamps) -> tuple[Mapping[str, NotebookNode], Assignment]:
    course = Course.at(root)
    source = SourceAssignment.load(course, assignment)
    proofs = proved(source, grading_limits(course), lambda name: get_logger().info("Proving the tests of %s", name))
    for sentence in proofs.faults:
        get_logger().warning("%s Its answers stay unmarked.", sentence)
    return source.notebooks, proofs.attached(source.packed())


def _record(result: NotebookResult, place: dict[str, str], before: Written) -> None:
    with Gradebook(place["db_url"]) as book:
        row = book.find_submission_notebook(place["notebook"], place["assignment"], place["student"])
        grades, comments = ({each.cell.name: each for each in rows} for rows in (row.grades, row.comments))
        write_notebook(grades, comments, result, lambda: before)
        book.db.commit()
    _note(place, result.name, ledger_entry(result)[result.name])


def _noted(place: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return what the ledger has about the submission's notebooks."""
    return dict(Ledger(_course(), place["assignment"]).of(place["student"]).get("notebooks", {}))


def _note(place: dict[str, str], name: str, entry: dict[str, Any]) -> None:
    Ledger(_course(), place["assignment"]).note(place["student"], notebooks={**_noted(place), name: entry})
