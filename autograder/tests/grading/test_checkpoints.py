"""The same marks and outputs with and without cells that ran once for the class, whatever students change."""

import contextlib
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.cli.doctor import examine
from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.execution.runner import Ahead
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading import checkpoints
from autograder.grading.checkpoints import NotebookCheckpoints, closing_checkpoints, shown
from autograder.grading.notebook_grader import notebook_graders
from autograder.grading.pipeline import grade_submission
from autograder.grading.proving import proved
from autograder.judging.test_plan import plans as plans_of
from autograder.model import Assignment, Outcome, Result, Submission
from autograder.tests.harness.tiny_course import locked, make_course, make_question
from autograder.tests.support import kernels, running_kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("checkpoints")]
# a little more than from which a checkpoint is worth it
WORK = "import time\nstarted = time.process_time()\nwhile time.process_time() < started + 0.06:\n    pass\ndel started"
Extras = tuple[tuple[int, str], ...]  # cells of the student's: where, and their source
CELLS = [
    locked("setup", "import random\nimport numpy as np\nfrom lab import double\nrandom.seed(1)\nnp.random.seed(2)"),
    *make_question("q1", "q1 = (1, 2)", "assert q1 == (1, 2)", "q1 = ..."),
    locked("data", f"data = np.random.rand(3)\nprint(double(2), data.round(3))\n{WORK}"),
    new_code_cell("print('hint', 0)"),
    *make_question("q2", "q2 = {'a': 3}", "assert data.shape == (q2['a'],)", "q2 = ..."),
    locked("more", f"open('made.txt', 'w').write('3')\n{WORK}\nrandom.random()"),
    *make_question("q3", "q3 = np.random.rand() + random.random()", "assert abs(q3 - EXPECTED) < 1e-9", "q3 = ..."),
    locked("late", "print(np.random.rand(), random.random(), open('made.txt').read())\ndata[0] = 5\ndata.sum()"),
    *make_question("q4", "def q4(x):\n    return 2 * x", "assert q4(4) == 8"),
]
SETTINGS = 'c.Limits.preload = ["numpy", "numpy.random"]'
WRITINGS = {  # ways to answer; the first is right
    "q1": [
        "q1 = (1, 2)",
        "q1 = (1,)",
        "q1 = tuple([1, 2])",
        "q1 = (data.size,)",
        "q1 = ...",
        "q1 = (1, 2)\ndata = 3",
        "q1 = 1 / 0",
        "((",
    ],
    "q2": [
        "q2 = {'a': 3}",
        "q2 = {'a': len(data)}",
        "q2 = {'a': data.shape[0]}",
        "q2 = {'a': data[7]}",
        "q2 = {'a': 3}; np.random.seed(5)",
        "q2 = []",
        "q2 = In and {'a': 3}",
    ],
    "q3": [
        "q3 = np.random.rand() + random.random()",
        "q3 = random.random() + np.random.rand()",
        "random.seed(7)\nq3 = 1",
    ],
    "q4": [
        "def q4(x):\n    return 2 * x",
        "q4 = double",
        "def q4(x):\n    return globals()['x']",
        "import os\nos._exit(1)",
    ],
}
OTHERS = [  # extra cells
    "scratch = 5", "%time 1", "print(data)", "np.random.rand()", "open('made.txt', 'w').write('9')", "globals().keys()",
    "import lab\nlab.double = None", "data[:] = 0", "# a remark", "_", "raise ValueError(data)",
]  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    folder = tmp_path_factory.mktemp("shared") / "course"
    made = make_course(folder, copy.deepcopy(CELLS), SETTINGS)
    (folder / "source" / "ps1" / "lab.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    path = folder / "source" / "ps1" / "book.ipynb"
    rng = random.Random(1)
    import numpy as np

    state = np.random.RandomState(2)
    state.rand(3)
    rng.random()
    path.write_text(path.read_text().replace("EXPECTED", repr(state.rand() + rng.random())), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def assignment(course: Course) -> Assignment:
    source = SourceAssignment.load(course, "ps1")
    return proved(source, course.limits).attached(source.packed())


class _Kept(NotebookCheckpoints):
    """Checkpoints that do not end with a test."""

    def close(self) -> None:
        pass


@dataclass
class _Shared:
    """The checkpoints that tests share, once one of them has made them, and their processes."""

    made: NotebookCheckpoints | None = None
    processes: set[int] = field(default_factory=set)

    def checkpoints(self, notebook: checkpoints.Notebook) -> NotebookCheckpoints:
        """Return a copy, which a test may give up."""
        if self.made is None:
            self.made = _Kept.make(notebook)
            self.processes = {process.pid for process in running_kernels()}
        assert self.made.notebook == notebook
        return replace(self.made, ends=dict(self.made.ends))


@pytest.fixture(scope="module")
def kept() -> Iterator[_Shared]:
    shared = _Shared()
    yield shared
    if shared.made:
        NotebookCheckpoints.close(shared.made)
    assert kernels() == []


@pytest.fixture
def shared(kept: _Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the notebook's checkpoints only once for all tests with this fixture."""
    monkeypatch.setattr(checkpoints, "_made", kept.checkpoints)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, kept: _Shared) -> Iterator[None]:
    monkeypatch.setattr(checkpoints, "WORTHWHILE", 0)
    yield
    checkpoints.close()
    assert kernels(kept.processes) == []


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many cells ran ahead of each notebook that is graded."""
    numbers: list[int] = []
    plain = checkpoints.ahead_of

    def noted(*given: object) -> Ahead | None:
        ahead = plain(*given)  # type: ignore[arg-type]
        numbers.append(len(ahead.numbers) if ahead else 0)
        return ahead

    monkeypatch.setattr(checkpoints, "ahead_of", noted)
    return numbers


def _submission(assignment: Assignment, answers: dict[str, str], extras: Extras = ()) -> Submission:
    """A submission with these sources of cells, by grade_id, and with extra cells at these places."""
    notebook = nbformat.from_dict(notebook_graders(assignment)[0].source_notebook)
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id", "hint"), cell.source)
    for place, source in extras:
        notebook.cells.insert(place, new_code_cell(source))
    files = {"book.ipynb": nbformat.writes(notebook).encode()}
    return Submission("ada", files)


def _graded(assignment: Assignment, submission: Submission, course: Course, ahead: bool) -> tuple[object, list[object]]:
    """The verdicts, and what each cell shows."""
    result = grade_submission(submission, assignment, replace(course.limits, checkpoints=ahead))
    (notebook,) = result.notebooks
    cells = nbformat.reads(notebook.content.decode(), 4).cells
    return notebook.verdicts, [shown(cell) for cell in cells if cell.cell_type == "code"]


RIGHT = {name: writings[0] for name, writings in WRITINGS.items()}


@pytest.mark.usefixtures("shared")
def test_right_answers_share_all_cells_before_the_first_computed_one(
    assignment: Assignment, course: Course, used: list[int]
) -> None:
    submission = _submission(assignment, RIGHT)
    ahead, whole = (_graded(assignment, submission, course, way) for way in (True, False))
    assert ahead == whole
    assert {verdict.outcome for verdict in ahead[0]} == {Outcome.PASSED}  # type: ignore[attr-defined]
    assert used == [8, 0]


def _edited(assignment: Assignment, number: int) -> Submission:
    """A submission with a random mix of edits: most students change a few things."""
    draw = random.Random(number)
    answers = {name: draw.choice([*writings[:1] * 3, *writings]) for name, writings in WRITINGS.items()}
    places = range(len(CELLS) + 1)
    extras = tuple((draw.choice(places), draw.choice(OTHERS)) for _ in range(draw.choice((0, 0, 0, 1, 2))))
    answers |= {"hint": draw.choice(("print('hint', 0)",) * 3 + ("print('hint', 1)",))}
    if draw.random() < 0.2:
        answers["data"] = "data = [1]"
    submission = _submission(assignment, answers, extras)
    if draw.random() < 0.2:
        submission = replace(submission, files={**submission.files, draw.choice(("lab.py", "mine.py")): b"double = 3"})
    return submission


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("number", range(14))
def test_every_mix_of_edits_gets_the_same_marks_and_outputs(
    number: int, assignment: Assignment, course: Course, used: list[int]
) -> None:
    submission = _edited(assignment, number)
    assert _graded(assignment, submission, course, True) == _graded(assignment, submission, course, False)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("changed", "extras", "cells"),
    [
        ({"q4": "x = globals()"}, (), 0),
        ({"hint": "%time 1"}, (), 0),
        ({}, ((0, "x = 1"),), 0),
        ({"q1": "q1 = tuple(map(int, '1'))"}, (), 0),
        ({"q1": "q1 = tuple([1])"}, (), 8),
        ({"q1": "q1 = (1, data.size)"}, (), 0),  # there only later
        ({"q2": "q2 = {'a': data.shape[0]}"}, (), 8),
        ({"q2": "q2 = {'a': double.size}"}, (), 4),  # nobody knows whether it is as it was
        ({"hint": "print('hint', 1)"}, (), 4),
        ({"q1": "q1 = 3\nmade = 4"}, (), 8),
        ({"data": "data = 3"}, (), 8),  # restored
        ({"q2": "import numpy\nnumpy.random.rand = None"}, (), 4),
    ],
)
def test_how_many_cells_a_submission_shares(
    changed: dict[str, str], extras: Extras, cells: int, assignment: Assignment, course: Course, used: list[int]
) -> None:
    submission = _submission(assignment, {**RIGHT, **changed}, extras)
    _graded(assignment, submission, course, True)
    assert used == [cells]


@pytest.mark.usefixtures("shared")
def test_other_files_than_the_courses_own_mean_a_whole_run(
    assignment: Assignment, course: Course, used: list[int]
) -> None:
    right = _submission(assignment, RIGHT)
    for name in ("lab.py", "timestamp.txt", "mine.py"):
        grade_submission(replace(right, files={**right.files, name: b"x"}), assignment, course.limits)
    assert used == [8, 8, 0]


@pytest.mark.usefixtures("shared")
def test_a_notebook_whose_kernel_dies_runs_whole_and_nobody_else_is_affected(
    assignment: Assignment, course: Course, used: list[int]
) -> None:
    right, dying = (_submission(assignment, {**RIGHT, "q3": text}) for text in (RIGHT["q3"], "import os\nos._exit(1)"))
    before = _graded(assignment, right, course, True)
    assert _graded(assignment, dying, course, True) == _graded(assignment, dying, course, False)
    assert _graded(assignment, right, course, True) == before
    assert used == [8, 8, 0, 8]


@pytest.mark.usefixtures("shared")
def test_checkpoints_are_made_once_a_notebook_is_graded_often(
    assignment: Assignment, course: Course, used: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "WORTHWHILE", 1)
    right = _submission(assignment, RIGHT)
    for _ in range(3):
        grade_submission(right, assignment, course.limits)
    for settings in ({"checkpoints": False}, {"sandbox": "cold"}):
        grade_submission(right, assignment, replace(course.limits, **settings))
    assert used == [0, 8, 8, 0, 0]


@pytest.mark.usefixtures("shared")
def test_a_large_class_has_them_from_its_first_submission(
    assignment: Assignment, course: Course, used: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checkpoints, "WORTHWHILE", 100)
    right = _submission(assignment, RIGHT)
    for large in (True, False):
        with closing_checkpoints(tmp_path / "ps1.shared", large):
            grade_submission(right, assignment, course.limits)
    assert used == [8, 0]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("q2", ["q2 = {'a': data[7]}", "q2 = {'a': [0] * 1000000000000}"])
def test_an_answer_that_raises_means_a_whole_run_for_its_notebook_only(
    q2: str, assignment: Assignment, course: Course, used: list[int]
) -> None:
    raising, right = (_submission(assignment, {**RIGHT, "q2": answer}) for answer in (q2, RIGHT["q2"]))
    assert _graded(assignment, raising, course, True) == _graded(assignment, raising, course, False)
    grade_submission(right, assignment, course.limits)
    assert used == [8, 0, 8]


def test_an_answer_reads_only_what_no_later_cell_changes() -> None:
    cells = [
        locked(
            "data", "import numpy as np\nn, kept, changed = 3, np.zeros(2), [1]\nclass Own:\n    size = 2\nown = Own()"
        ),
        *make_question("q1", "q1 = 3", "assert q1 == 3", "q1 = ..."),
        locked("later", f"n = 4\nchanged.append(2)\nown.size = 3\nnew = 5\n{WORK}"),
    ]
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells)
    plans = tuple(plans_of(notebook))
    made = NotebookCheckpoints.make(checkpoints.Notebook("book", notebook, plans, {}, Limits(), costly=0.05))
    used = []
    for answer in ("kept.shape", "len(kept)", "len([n])", "n", "changed", "own.size", "new", "np.size", "missing"):
        cells[1].source = f"q1 = {answer}"
        ahead = made.ahead(notebook)
        used.append((answer, len(ahead.numbers) if ahead else 0))
    made.close()
    assert dict(used) == {
        **dict.fromkeys(("n", "changed", "own.size", "new", "np.size", "missing", "len([n])"), 0),
        **dict.fromkeys(("kept.shape", "len(kept)"), 4),
    }


# --- notebooks for which there are none -------------------------------------------------------------------------------


def _book(source: str, **limits: object) -> checkpoints.Notebook:
    """A notebook with a cell that is worth a checkpoint, then this cell."""
    cells = [locked("work", WORK), locked("cell", source)]
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells)
    own = replace(Limits(), **limits)  # type: ignore[arg-type]
    return checkpoints.Notebook("book", notebook, (), {}, own, costly=0.05)


def _made(source: str, **limits: object) -> NotebookCheckpoints:
    """The checkpoints of that notebook, at their end."""
    made = NotebookCheckpoints.make(_book(source, **limits))
    made.close()
    return made


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("1 / 0", "it raises ZeroDivisionError"),
        ("import threading\nthreading.Thread(target=threading.Event().wait, name='t').start()",
         "it leaves a thread running (t)"),
        ("import subprocess\nsubprocess.Popen(['sleep', '9'])", "it leaves a process running"),
        ("while True:\n    print('x' * 99999)", "it raises OutputLimitError"),
        ("while True:\n    pass", "it takes longer than a cell may"),
        ("import os\nos._exit(1)", "it ended its kernel"),
        ("import random\nx = random.random()",
         "two runs of it differ (`x`), for example because it draws random numbers without a seed"),
        ("vars()", "it uses `vars`"),
    ],
)  # fmt: skip
def test_one_sentence_says_which_cell_is_not_run_ahead(source: str, sentence: str) -> None:
    assert _made(source, cell_seconds=3.0).why == f"book: cell cell: {sentence}."


def test_the_cells_before_one_that_is_not_run_ahead_are() -> None:
    with contextlib.closing(NotebookCheckpoints.make(_book("import random\nx = random.random()"))) as made:
        assert made.sentence.startswith("book: 1 code cells run once for the class (cell cell: two runs of it differ")


def test_a_checkpoint_from_which_a_kernel_differs_is_not_used() -> None:
    assert (
        _made("import sys\nprint(len(sys.argv))").why
        == "book: cell cell: the output of cell 2 differs from a whole run."
    )
    assert _made("import sys\nprint(bool(sys.argv))").why == ""


def test_a_kernel_that_fails_only_after_a_checkpoint_ends_its_use(
    assignment: Assignment, course: Course, used: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    right = _submission(assignment, RIGHT)
    grade_submission(right, assignment, course.limits)
    ((_, entry),) = checkpoints._entries.items()
    assert entry.made is not None
    assert entry.made.running is not None
    entry.made.running.connection.close()  # the processes end
    result: Result = grade_submission(right, assignment, course.limits)
    assert {verdict.outcome for verdict in result.notebooks[0].verdicts} == {Outcome.PASSED}
    assert "book: a kernel that went on from shared cells failed; notebooks run whole." in caplog.messages
    grade_submission(right, assignment, course.limits)
    assert used == [8, 8, 0]


@pytest.mark.usefixtures("shared")
def test_doctor_reports_what_ran_once(assignment: Assignment, course: Course) -> None:
    with closing_checkpoints(course.root / "reports" / "ps1.shared"):
        grade_submission(_submission(assignment, RIGHT), assignment, course.limits)
    assert "✓ ps1/book: 8 code cells run once for the class" in [str(finding) for finding in examine(course)]


def test_the_folder_of_checkpoints_is_removed(assignment: Assignment, course: Course) -> None:
    grade_submission(_submission(assignment, RIGHT), assignment, course.limits)
    (entry,) = checkpoints._entries.values()
    assert entry.made is not None
    assert entry.made.running is not None
    folder: Path = entry.made.running.folder
    assert folder.exists()
    checkpoints.close()
    assert not folder.exists()
