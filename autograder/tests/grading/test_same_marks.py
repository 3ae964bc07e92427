"""However a class is graded, by plain kernels or warm ones, one at a time or four: marks and notebooks are the same."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import is_solution

from autograder.course.course import Course
from autograder.grading.class_run import ClassRun
from autograder.release.release import release
from autograder.rnn.sample_class import ASSIGNMENT, make_class
from autograder.tests.harness.part_of_course import make_part
from autograder.tests.harness.proofs import proved_once
from autograder.tests.support import ROOT

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("same")]
SMALL = ROOT / "autograder" / "tests" / "courses" / "small"
KERAS = {"2_lstm_sequences": "ada", "3_gru": "chen"}  # one student each: TensorFlow in plain kernels is dear
EXTRA = {"days": "import os\nos._exit(1)", "counter": "1 / 0"}  # by the answer that they precede
WRONG = {"mean": "mean = 15.0", "smooth": "def smooth(values):\n    return [values[i] / 0 for i in range(9)]"}
PLACES = re.compile(r"/scratch/work|/tmp/k-\w+/work|0x[0-9a-f]+|ipykernel_\d+/\d+")


def _keras(folder: Path, factory: pytest.TempPathFactory) -> Course:
    """One notebook with right answers, one with wrong ones; the other is missing."""
    demo = make_class(make_part(folder / "own", *KERAS), folder / "demo", 3, seed=1)
    shutil.rmtree(demo.folder("submitted", ASSIGNMENT, "ben"))
    for name, student in KERAS.items():
        (other,) = {*KERAS} - {name}
        (demo.folder("submitted", ASSIGNMENT, student) / f"{other}.ipynb").unlink()
    proved_once(demo, factory)  # and not in each copy with kernels that start TensorFlow
    return demo


def _small(folder: Path, _: pytest.TempPathFactory) -> Course:
    """A mixed class: right and wrong answers and none, a missing notebook, and cells that die and raise."""
    course = Course.at(Path(shutil.copytree(SMALL, folder / "small")))
    release(course, "ps1")
    right = {
        cell.id: cell.source
        for path in course.source_notebooks("ps1")
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code" and is_solution(cell)
    }
    answers: dict[str, dict[str, str]] = {"ada": right, "ben": right | WRONG, "chen": {}, "dora": right, "emil": right}
    for student, own in answers.items():
        place = Path(shutil.copytree(course.folder("release", "ps1"), course.folder("submitted", "ps1", student)))
        for path in place.glob("*.ipynb"):
            notebook = nbformat.read(path, 4)
            for cell in notebook.cells:
                cell.source = own.get(cell.id, cell.source)
            if student == "emil":
                (place_of,) = [i for i, cell in enumerate(notebook.cells) if cell.id in EXTRA]
                extra = nbformat.v4.new_code_cell(EXTRA[notebook.cells[place_of].id])
                notebook.cells.insert(place_of, extra)
            nbformat.write(notebook, path)
    (course.folder("submitted", "ps1", "dora") / "basics.ipynb").unlink()
    return course


@pytest.fixture(scope="module", params=[_keras, _small], ids=["keras", "small"])
def class_(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class of this checkout's course, and one of a course without TensorFlow."""
    made: Course = request.param(tmp_path_factory.mktemp("same"), tmp_path_factory)
    return made


def _graded(class_: Course, folder: Path, jobs: int, unsafe: bool) -> tuple[object, dict[str, str]]:
    """Everything in the gradebook, and every autograded notebook, of a copy of the class."""
    shutil.copytree(class_.root, folder)
    course = Course.at(folder)
    (assignment,) = course.assignments()
    ClassRun(course, assignment, jobs=jobs, unsafe=unsafe).grade()
    with Gradebook(course.directory.db_url) as book:
        rows = [row for submission in book.assignment_submissions(assignment) for row in submission.notebooks]
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
    (assignment,) = class_.assignments()
    assert len(notebooks) == len(class_.source_notebooks(assignment)) * len(class_.students(assignment))
    for jobs in (1, 4):
        again, others = _graded(class_, tmp_path / f"warm-{jobs}", jobs=jobs, unsafe=False)
        assert again == marks
        assert others == notebooks
