"""Grade safely with `nbgrader autograde` and formgrader's Autograde button: preprocessors for nbgrader's own lists.

nbgrader makes an autograded notebook in two passes: it sanitizes, then it grades. Here the first pass restores the
notebook. The second pass runs, judges and records it, in place of Execute and SaveAutoGrades. nbgrader grades one
student after another, and it skips files that are not notebooks before it calls any preprocessor; `before` reports this
in its log.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.log import get_logger

from autograder.course.course import Course
from autograder.execution.sandbox import grading_limits
from autograder.faults import keep_submission_faults
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.recorder import ledger_entry, write_notebook
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.pipeline import NotebookGrader, grade_restored
from autograder.model import NotebookResult, Result
from autograder.submissions.parser import parse
from autograder.submissions.restore import restore

Resources = dict[str, Any]
SKIPPED = "nbgrader skips it; run `autograder grade`, which repairs what it can and grades the rest"


class Restore(NbGraderPreprocessor):  # type: ignore[misc]
    """Rebuild the submitted notebook from the source notebook."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Do the first pass and return the restored notebook."""
        grader, place = _grader(resources), resources["nbgrader"]
        submitted, repairs = parse(nbformat.writes(nb).encode(), grader.name)
        restored = restore(submitted, grader.master)
        _note(place, grader.name, {"status": "", "repairs": [*repairs, *restored.repairs]})
        return restored.notebook, resources


class Judge(NbGraderPreprocessor):  # type: ignore[misc]
    """Run the restored notebook, judge it on the trusted side, and record the verdicts."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Do the second pass and return the autograded notebook."""
        grader, place = _grader(resources), resources["nbgrader"]
        folder = _course().folder("autograded", place["assignment"], place["student"])
        others = {
            path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".ipynb" and path.is_file()
        }
        repairs = _noted(place).get(grader.name, {}).get("repairs", ())
        result = grade_restored(grader, nb, others, tuple(repairs), grading_limits(_course()))
        _record(result, place)
        if result.traceback:  # else keep those of this submission's other notebooks
            keep_submission_faults(_course().root, place["assignment"], Result(place["student"], (result,)))
        return nbformat.reads(result.content.decode(), 4), resources


def before(assignment: str, student: str, notebooks: list[str]) -> None:
    """Log which notebooks of a submission nbgrader cannot grade. This is nbgrader's `pre_convert_hook`."""
    course, log = _course(), get_logger()
    folder, sources = Path(notebooks[0]).parent, {path.name: path.stem for path in course.masters(assignment)}
    submitted = {path.name for path in folder.glob("*.ipynb")}
    missing = {stem: {"status": "missing", "repairs": []} for name, stem in sources.items() if name not in submitted}
    Ledger(course, assignment).note(_student(course, folder, assignment), notebooks=missing, repairs=[], fingerprint="")
    for path in sorted(folder.rglob("*.ipynb")):
        if path.parent != folder or path.name not in sources:
            log.warning("%s: its name or folder matches no notebook of %s; %s.", path, assignment, SKIPPED)
        elif not _readable(path):
            log.warning("%s: not a notebook that nbgrader can read; %s.", path, SKIPPED)


def _readable(path: Path) -> bool:
    try:
        nbformat.read(path, 4)
    except Exception:
        return False
    return True


def _student(course: Course, folder: Path, assignment: str) -> str:
    return next(
        student
        for student in course.students(assignment)
        if course.folder("submitted", assignment, student).resolve() == folder.resolve()
    )


def _course() -> Course:
    """Return the course of the working directory: nbgrader's converters run in the course folder."""
    return Course.at(Path.cwd())


def _grader(resources: Resources) -> NotebookGrader:
    place = resources["nbgrader"]
    source = SourceAssignment.load(_course(), place["assignment"])
    name = place["notebook"]
    return NotebookGrader.of(name, source.notebooks[name], source.packed()).sized_for(place["student"])


def _record(result: NotebookResult, place: dict[str, str]) -> None:
    with Gradebook(place["db_url"]) as book:
        row = book.find_submission_notebook(place["notebook"], place["assignment"], place["student"])
        grades, comments = ({each.cell.name: each for each in rows} for rows in (row.grades, row.comments))
        write_notebook(grades, comments, result)
        book.db.commit()
    _note(place, result.name, ledger_entry(result)[result.name])


def _noted(place: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return what the ledger has about the submission's notebooks."""
    return dict(Ledger(_course(), place["assignment"]).of(place["student"]).get("notebooks", {}))


def _note(place: dict[str, str], name: str, entry: dict[str, Any]) -> None:
    Ledger(_course(), place["assignment"]).note(place["student"], notebooks={**_noted(place), name: entry})
