"""Each student their own numbers: how they are drawn, asked for, typed in, and held to."""

import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.cli.main import main
from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.gradebook.graded_notebooks import Reader, sizes_kept
from autograder.gradebook.queries import table
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import prove
from autograder.judging.test_plan import plans
from autograder.notebook.variants import teaching_copy
from autograder.release.release import contents, release
from autograder.reports.nbgrader_feedback import feedback
from autograder.rnn.own_numbers import (
    HELPER,
    ID,
    OwnNumbers,
    asking,
    remark,
    sizes_for,
    with_default_sizes,
    with_sizes,
)
from autograder.rnn.sample_class import ASSIGNMENT
from autograder.tests.harness.part_of_course import make_part
from autograder.tests.support import HELPERS, NOTEBOOKS, ROOT, SOURCE

SALT = "it's \\1 term's"  # as awkward as a text can be
USUAL = (1, 8, 2, 3)
WAITING = ["needs manual grading"] * 2
RIGHT = dict.fromkeys("q1 q2 q3 q4 q5".split(), 2.0)  # the marks of a right answer with the usual sizes, too
UNMARKED = dict.fromkeys("q2-why q4-why".split())
COPIERS = ("copied", "copied-numbers", "no-id-typed")
CONTENT = {HELPER: (SOURCE / HELPER).read_bytes()}


@pytest.fixture(scope="session")
def own() -> SimpleNamespace:
    """The learner's helper that draws."""
    return SimpleNamespace(**runpy.run_path(str(SOURCE / HELPER)))


@pytest.fixture
def asked(sources: dict[str, NotebookNode]) -> NotebookNode:
    """A notebook that asks for an id."""
    return asking(sources["1_lstm"], SALT)


def _cell(notebook: NotebookNode, name: str) -> NotebookNode:
    cells: list[NotebookNode] = notebook.cells
    return next(cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


# how they are drawn


@given(student=st.text(min_size=1).filter(str.strip), salt=st.text())
def test_no_two_sizes_are_alike_and_none_is_a_usual_one(own: SimpleNamespace, student: str, salt: str) -> None:
    batch, *drawn = own.sizes_of(student, salt, USUAL)
    assert batch == 1
    assert len({*USUAL, *drawn}) == 7
    assert own.sizes_of(f" {student}\n", salt, USUAL) == (batch, *drawn)


def test_an_id_may_be_typed_in_any_letters(own: SimpleNamespace) -> None:
    assert own.sizes_of("Zoe\u0308", "a", USUAL) == own.sizes_of("zo\u00eb", "a", USUAL)
    assert own.sizes_of(4711, "a", USUAL) == own.sizes_of("4711", "a", USUAL)


def test_students_and_courses_differ(own: SimpleNamespace) -> None:
    drawn = [own.sizes_of(f"student-{i}", "a", USUAL) for i in range(300)]
    assert len(set(drawn)) > 250
    assert len({units for *_, units in drawn}) == 20
    assert sum(own.sizes_of(f"student-{i}", "b", USUAL) == one for i, one in enumerate(drawn)) < 5


@pytest.mark.parametrize("nobody", [..., "", "  "])
def test_without_an_id_the_sizes_are_the_usual_ones_and_it_is_said(own: SimpleNamespace, nobody: object) -> None:
    assert own.sizes_of(nobody, "a", USUAL) == USUAL
    assert own.describe_sizes(nobody, *USUAL) == (
        "The usual sizes: batch 1, timesteps 8, features 2, units 3. "
        "Type your student id in the cell above, then run all cells again."
    )


def test_with_an_id_it_is_said_whose_sizes_they_are(own: SimpleNamespace) -> None:
    assert own.describe_sizes(" ada ", 1, 9, 4, 7) == "The sizes of ada: batch 1, timesteps 9, features 4, units 7."


# how a notebook asks


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_graded_notebook_asks_once(name: str, sources: dict[str, NotebookNode]) -> None:
    asks = asking(sources[name], SALT)
    nbformat.validate(asks)
    added = [cell.id for cell in asks.cells if cell.id not in {known.id for known in sources[name].cells}]
    assert added == [f"{ID}-text", ID]
    assert f"sizes_of(student, {SALT!r}, (1, 8, 2, 3))\n" in _cell(asks, "sizes").source
    assert (
        _cell(with_default_sizes(asks), "sizes").source.splitlines()[2]
        == "batch, timesteps, features, units = 1, 8, 2, 3"
    )
    assert asking(asks, SALT) == asks


def test_without_a_salt_nothing_is_changed(sources: dict[str, NotebookNode]) -> None:
    assert OwnNumbers().prepare(sources["1_lstm"], Config()) is sources["1_lstm"]


def test_tests_go_by_the_usual_sizes_or_by_the_students(asked: NotebookNode, course: Course) -> None:
    master = teaching_copy(asked, course.settings)
    plan = next(plan for plan in plans(with_default_sizes(master)) if plan.cell == "q3-test")
    assert "batch, timesteps, features, units = (1, 8, 2, 3)\n" in f"{plan.prelude}\n"
    sizes = sizes_for(master, CONTENT, "ada")
    assert sizes is not None
    assert f"batch, timesteps, features, units = {sizes}\n" in f"{with_sizes(plan.prelude, sizes)}\n"
    assert sizes_for(with_default_sizes(master), CONTENT, "ada") is None


# what is typed


@pytest.mark.parametrize("typed", ["'Ada'", "' ada '", "who_am_i()", "__import__('os').name"])
def test_ones_own_id_or_one_that_cannot_be_read_is_not_remarked(typed: str, asked: NotebookNode) -> None:
    _cell(asked, ID).source = f"student = {typed}"
    assert remark(asked, CONTENT, "ada") == ("", ())


@pytest.mark.parametrize("cell", ["student = ...", "student = ''", "student = ' '", "", "student = 'ad"])
def test_no_id(cell: str, asked: NotebookNode) -> None:
    _cell(asked, ID).source = cell
    said = "it has no student id, so it ran with the usual sizes; it is graded by the student's own sizes."
    assert remark(asked, CONTENT, "ada") == ("no-id", (said,))


def test_somebody_elses_id_wherever_it_is_typed(asked: NotebookNode) -> None:
    _cell(asked, ID).source = ""
    asked.cells.insert(0, nbformat.v4.new_code_cell("student = 'b\ten'"))
    said = "its student id is b?en: it is a copy of another student's notebook, or a typing error"
    assert remark(asked, CONTENT, "ada") == ("other-id", (f"{said}; it is graded by the sizes of ada.",))


def test_a_notebook_that_does_not_ask_is_not_remarked(sources: dict[str, NotebookNode]) -> None:
    assert remark(sources["1_lstm"], CONTENT, "ada") == ("", ())


# a course with the setting


@pytest.fixture
def salted(tmp_path: Path) -> Course:
    """A copy of this course with the one setting."""
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    setting = f"\nc.Personalization.salt = {SALT!r}\n"
    (tmp_path / CONFIG).write_text((ROOT / CONFIG).read_text("utf-8") + setting, "utf-8")
    return Course.at(tmp_path)


def test_a_release_asks_for_the_id_and_only_that_is_new(salted: Course) -> None:
    mine, usual = contents(release(salted, ASSIGNMENT)), contents(ROOT / "notebooks" / ASSIGNMENT)
    assert sorted(mine) == sorted([*HELPERS, *(f"{name}.ipynb" for name in NOTEBOOKS)]) == sorted(usual)
    for name in NOTEBOOKS:
        notebook, other = (nbformat.reads(files[f"{name}.ipynb"].decode(), 4) for files in (mine, usual))
        assert _cell(notebook, ID).source == 'student = ...  # "..."\n# put your answer in place of ...'
        kept = [cell for cell in notebook.cells if cell.id not in (ID, f"{ID}-text", "sizes")]
        assert kept == [cell for cell in other.cells if cell.id != "sizes"]


@pytest.mark.kernel
def test_the_tests_of_notebooks_that_ask_are_proved_as_all_are(tmp_path: Path) -> None:
    """Those of the notebook that is left out are proved before the class below is graded."""
    setting = f"\nc.Personalization.salt = {SALT!r}\n"
    course = make_part(tmp_path / "course", *NOTEBOOKS[1:], settings=setting)
    prove(SourceAssignment.load(course, ASSIGNMENT))


def test_without_the_helper_it_is_said_before_anything_is_graded(salted: Course) -> None:
    place = salted.folder("source", ASSIGNMENT) / HELPER
    place.unlink()
    with pytest.raises(CourseError) as raised:
        SourceAssignment.load(salted, ASSIGNMENT).packed()
    assert (
        str(raised.value)
        == f"{place}: not found, but c.Personalization.salt needs it; copy it there, or remove the salt."
    )


@pytest.mark.kernel
def test_a_class_is_marked_alike_with_its_own_numbers_and_copied_sizes_earn_nothing(tmp_path: Path) -> None:
    course = make_part(tmp_path / "course", "1_lstm")
    folder = tmp_path / "own"
    assert (
        main(["--course", str(course.root), "demo", "--own-numbers", "--students", "2", "--folder", str(folder)]) == 0
    )
    own = Course.at(folder)
    assert [row.status for row in table(own, ASSIGNMENT).rows] == [*WAITING, "other-id", WAITING[0], "no-id"]
    marks = {row.student: row.marks for row in table(own, ASSIGNMENT).rows}
    assert {student: marks[student] for student in ("ada", "ben")} == dict.fromkeys(("ada", "ben"), RIGHT | UNMARKED)
    earned = {student: [name for name, mark in marks[student].items() if mark] for student in COPIERS}
    sizeless = ["q5"]  # half of it depends on no size
    assert list(earned.values()) == [sizeless, ["q1", "q2", "q4", *sizeless], sizeless]
    assert marks["copied"]["q5"] == marks["no-id-typed"]["q5"] == 1  # the model has other units
    _said_to_the_copier(own)


def _said_to_the_copier(own: Course) -> None:
    facts = Reader(own, ASSIGNMENT).read("copied")
    sizes = next(iter(facts.axes.values()))
    feedback(own, ASSIGNMENT, "copied")
    page = (own.root / "feedback/copied/rnn_shapes.html").read_text("utf-8")
    assert "1_lstm: its student id is ada: it is a copy of another student&#39;s notebook, or a typing error" in page
    graded = nbformat.read(own.root / "autograded/copied/rnn_shapes/1_lstm.ipynb", 4)
    assert sizes_kept(graded) == sizes
    assert "The sizes of ada: " in str(_cell(graded, "sizes").outputs)


def test_the_salts_older_name_is_read_with_a_notice(
    sources: dict[str, NotebookNode], caplog: pytest.LogCaptureFixture
) -> None:
    older = Config({"OwnNumbers": {"salt": SALT}})
    for _ in range(2):
        assert OwnNumbers().prepare(sources["1_lstm"], older) == asking(sources["1_lstm"], SALT)
    assert caplog.messages == ["c.OwnNumbers.salt is now c.Personalization.salt; rename it in nbgrader_config.py."]
    with pytest.raises(
        CourseError, match=r"^c\.Personalization\.salt: 7 is not a string; put it in quotation marks\.$"
    ):
        OwnNumbers().prepare(sources["1_lstm"], Config({"Personalization": {"salt": 7}}))
