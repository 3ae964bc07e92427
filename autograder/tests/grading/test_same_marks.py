"""However a class is graded, by plain kernels or warm ones, one at a time or four: marks and notebooks are the same."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.course import Course
from autograder.grading.class_run import ClassRun
from autograder.rnn.sample_class import ASSIGNMENT, make_class
from autograder.tests.harness.part_of_course import make_part
from autograder.tests.harness.proofs import proved_once

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("same")]
NOTEBOOKS = ("2_lstm_sequences", "3_gru")
HANDED_IN = {"ada": "2", "ben": "3", "chen": "3", "dora": "2"}  # one notebook each: plain kernels are dear
EXTRA = {"exit": "import os\nos._exit(1)", "error": "1 / 0"}
PLACES = re.compile(r"/scratch/work|/tmp/k-\w+/work|0x[0-9a-f]+|ipykernel_\d+/\d+")


@pytest.fixture(scope="module")
def class_(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A mixed class: right and wrong answers, missing notebooks, and cells that die and raise."""
    folder = tmp_path_factory.mktemp("same")
    demo = make_class(make_part(folder / "own", *NOTEBOOKS), folder / "demo", len(HANDED_IN), seed=1)
    for student, number in HANDED_IN.items():
        for path in demo.folder("submitted", ASSIGNMENT, student).glob("*.ipynb"):
            if path.name[0] != number:
                path.unlink()
    for name, source in EXTRA.items():
        folder = demo.folder("submitted", ASSIGNMENT, name)
        shutil.copytree(demo.folder("submitted", ASSIGNMENT, "chen"), folder)
        notebook = nbformat.read(folder / "3_gru.ipynb", 4)
        place = next(i for i, cell in enumerate(notebook.cells) if "q9" in str(cell.metadata))
        notebook.cells.insert(place, nbformat.v4.new_code_cell(source))
        nbformat.write(notebook, folder / "3_gru.ipynb")
    proved_once(demo, tmp_path_factory)  # and not in each copy with kernels that start TensorFlow
    return demo


def _graded(class_: Course, folder: Path, jobs: int, unsafe: bool) -> tuple[object, dict[str, str]]:
    """Everything in the gradebook, and every autograded notebook, of a copy of the class."""
    shutil.copytree(class_.root, folder)
    course = Course.at(folder)
    ClassRun(course, ASSIGNMENT, jobs=jobs, unsafe=unsafe).grade()
    with Gradebook(course.directory.db_url) as book:
        rows = [row for submission in book.assignment_submissions(ASSIGNMENT) for row in submission.notebooks]
        marks = sorted(
            (row.student.id, row.name, grade.cell.name, grade.auto_score, grade.needs_manual_grade, row.score)
            for row in rows
            for grade in row.grades
        )
        comments = sorted(
            (row.student.id, row.name, comment.cell.name, comment.auto_comment or "")
            for row in rows
            for comment in row.comments
        )
    notebooks = {str(path.relative_to(folder)): _text(path) for path in folder.glob("autograded/*/*/*.ipynb")}
    return json.loads(json.dumps([marks, comments])), notebooks


def _text(path: Path) -> str:
    """A notebook without names of places."""
    return PLACES.sub("…", path.read_text())


def test_marks_and_notebooks_are_the_same_to_the_last_digit(class_: Course, tmp_path: Path) -> None:
    marks, notebooks = _graded(class_, tmp_path / "plain", jobs=2, unsafe=True)
    assert len(notebooks) == len(NOTEBOOKS) * (len(HANDED_IN) + len(EXTRA))
    for jobs in (1, 4):
        again, others = _graded(class_, tmp_path / f"warm-{jobs}", jobs=jobs, unsafe=False)
        assert again == marks
        assert others == notebooks
