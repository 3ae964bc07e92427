"""A sample class, graded end to end: marks, files, what students see, what is left behind."""

import contextlib
import csv
import hashlib
import io
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.cli import terminal
from autograder.cli.main import main
from autograder.course.course import Course
from autograder.export.exporters import write_csv
from autograder.gradebook.queries import Row, table
from autograder.grading.class_run import ClassRun
from autograder.reports.class_report import survey
from autograder.rnn.sample_answers import SAMPLES
from autograder.rnn.sample_class import ASSIGNMENT, SampleStudent, make_class, sample_students
from autograder.tests.harness.proofs import proved_once

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("class")]
STUDENTS = ["ada", "chen", "dora", "jo", "lea", "max", "omar", "pia"]


def _digests(folder: Path) -> dict[str, tuple[str, int]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def graded(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The demo's course with a part of its class graded, and proof that submitted/ stayed as it was."""
    demo = make_class(course, tmp_path_factory.mktemp("class") / "demo", 16, seed=0)
    for student in set(sample_students(16, 0)) - set(STUDENTS):
        shutil.rmtree(demo.root / "submitted" / student)
    proved_once(demo, tmp_path_factory)
    before = _digests(demo.root / "submitted")
    statuses = ClassRun(demo, ASSIGNMENT).grade()
    assert list(statuses) == STUDENTS
    assert _digests(demo.root / "submitted") == before
    return demo


@pytest.fixture(scope="module")
def rows(graded: Course) -> dict[str, Row]:
    """Results by student."""
    return {row.student: row for row in table(graded, ASSIGNMENT).rows}


@pytest.fixture(scope="module")
def pages(graded: Course) -> Path:
    """The folder of everybody's feedback, which the command writes."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["--course", str(graded.root), "feedback"]) == 0
    assert f"feedback for {len(STUDENTS)} students" in said.getvalue()
    return graded.root / "feedback"


def _earned(sample: SampleStudent) -> dict[str, float]:
    worth = {(question, sample.code): sample.points for question, found in SAMPLES.items() for sample in found}
    return {question: worth.get((question, sample.answers.get(question, "")), 0) for question in SAMPLES}


@pytest.mark.parametrize("student", ["ada", "chen", "dora", "jo", "lea", "max", "pia"])
def test_each_answer_has_the_points_it_is_worth(student: str, rows: dict[str, Row]) -> None:
    earned = _earned(sample_students(16, 0)[student])
    assert {question: rows[student].marks[question] for question in SAMPLES} == earned


def test_a_damaged_notebook_costs_its_own_questions_alone(rows: dict[str, Row]) -> None:
    damaged = ("q8", "q9", "q10")
    assert {q: rows["omar"].marks[q] for q in SAMPLES} == {q: 0 if q in damaged else 2 for q in SAMPLES}
    assert rows["omar"].status == "damaged"


def test_written_answers_are_open_and_unwritten_ones_are_not(rows: dict[str, Row]) -> None:
    whys = [name for name in rows["ada"].marks if name.endswith("-why")]
    assert whys == ["q2-why", "q4-why", "q7-why", "q8-why", "q10-why", "q12-why"]
    assert {rows["ada"].marks[name] for name in whys} == {None}
    assert {rows["jo"].marks[name] for name in whys} == {0}
    assert (rows["ada"].status, rows["jo"].status) == ("needs manual grading", "graded")


def test_a_late_submission_loses_ten_percent(rows: dict[str, Row]) -> None:
    assert rows["max"].score == pytest.approx(24 * 0.9)
    assert rows["ada"].score == 24


def test_a_deleted_test_cell_comes_back_and_is_noted(rows: dict[str, Row]) -> None:
    assert rows["lea"].marks["q3"] == 2
    assert [repair for repair in rows["lea"].repairs if "q3-test" in repair]


def test_repairs_are_shown_to_instructor_and_student(graded: Course, pages: Path) -> None:
    notebook = nbformat.read(graded.folder("autograded", ASSIGNMENT, "lea") / "1_lstm.ipynb", 4)
    assert notebook.cells[0].source.startswith("**What we repaired before running this notebook:**")
    assert "q3-test" in notebook.cells[0].source
    page = (pages / "lea" / ASSIGNMENT / "1_lstm.html").read_text(encoding="utf-8")
    assert "What we repaired before running this notebook:" in page
    untouched = nbformat.read(graded.folder("autograded", ASSIGNMENT, "ada") / "1_lstm.ipynb", 4)
    assert "Noted" not in untouched.cells[0].source


def test_the_csv_has_a_column_a_question_and_blanks_for_open_marks(graded: Course, tmp_path: Path) -> None:
    write_csv(table(graded, ASSIGNMENT), tmp_path / "grades.csv")
    lines = (tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines()
    found = {row["student_id"]: row for row in csv.DictReader(lines)}
    questions = ["q1", "q2", "q2-why", "q3", "q4", "q4-why", "q5", "q6", "q7", "q7-why", "q8", "q8-why", "q9", "q10"]
    questions += ["q10-why", "q11", "q12", "q12-why"]
    person, sums = (
        ["student_id", "last_name", "first_name", "email"],
        ["raw_score", "late_penalty", "score", "max_score"],
    )
    assert list(found["ada"]) == [*person, *questions, *sums, "status", "handed_in", "reproducible", "repairs"]
    assert (found["ada"]["q2"], found["ada"]["q2-why"], found["ada"]["score"]) == ("2", "", "24")
    assert (found["max"]["score"], found["max"]["max_score"]) == ("21.6", "30")
    assert found["omar"]["status"] == "damaged"
    assert list(tmp_path.iterdir()) == [tmp_path / "grades.csv"]


def test_autograded_notebooks_show_verdicts_and_keep_the_marking_scheme(graded: Course) -> None:
    notebook = nbformat.read(graded.folder("autograded", ASSIGNMENT, "chen") / "1_lstm.ipynb", 4)
    cells = {cell.id: cell for cell in notebook.cells}
    assert cells["q2-test"].outputs[0].text == "passed: 2 points\n"
    assert "the batch axis is missing" in cells["q3-test"].outputs[0].evalue
    assert "Right: {'output': (1, 3)" in cells["q3-test"].outputs[0].evalue
    assert "**Marking, Q2 (1 point).**" in cells["q2-scheme"].source
    nbformat.validate(notebook)


def test_the_gradebook_says_no_response_where_nothing_was_answered(graded: Course) -> None:
    with Gradebook(graded.directory.db_url, graded.directory.course_id) as book:
        comments = {
            student: {
                c.name: c.auto_comment for c in book.find_submission_notebook("1_lstm", ASSIGNMENT, student).comments
            }
            for student in ("ada", "jo")
        }
    assert set(comments["jo"].values()) == {"No response."}
    assert set(comments["ada"].values()) == {None}


def test_a_manual_mark_stays_finished_until_its_answer_changes(graded: Course) -> None:
    with Gradebook(graded.directory.db_url, graded.directory.course_id) as book:
        given = book.find_grade("q2-why", "1_lstm", ASSIGNMENT, "ada")
        given.manual_score, given.needs_manual_grade = 0.5, False
        book.db.commit()
    ClassRun(graded, ASSIGNMENT, ["ada"]).grade()
    marks = {row.student: row.marks for row in table(graded, ASSIGNMENT).rows}
    assert marks["ada"]["q2-why"] == 0.5
    assert marks["ada"]["q4-why"] is None
    path = graded.folder("submitted", ASSIGNMENT, "ada") / "1_lstm.ipynb"
    kept = path.read_text(encoding="utf-8")
    try:
        path.write_text(kept.replace("Each step makes its hidden state", "On second thoughts"), encoding="utf-8")
        ClassRun(graded, ASSIGNMENT, ["ada"]).grade()
        assert {row.student: row.marks for row in table(graded, ASSIGNMENT).rows}["ada"]["q2-why"] is None
    finally:
        path.write_text(kept, encoding="utf-8")


def test_feedback_shows_messages_and_neither_tests_nor_schemes(pages: Path) -> None:
    assert sorted(path.name for path in pages.iterdir()) == STUDENTS
    found = sorted(pages.rglob("*.html"))
    assert len(found) == (4 + 1) * len(STUDENTS)  # a page a notebook, and one of the student
    for page in found:
        text = page.read_text(encoding="utf-8")
        for hidden in (
            "HIDDEN TESTS",
            "MARK SCHEME",
            "Marking,",
            "autograder.rnn.assertions",
            "autograder.testing",
            "assert_computed_by",
            "assert_parts",
        ):
            assert hidden not in text, f"{page}: {hidden}"
    chen = (pages / "chen" / ASSIGNMENT / "1_lstm.html").read_text(encoding="utf-8")
    assert "the batch axis is missing" in chen


def test_what_the_class_knows(graded: Course) -> None:
    report = survey(graded, ASSIGNMENT)
    questions = {question.name: question for question in report.questions}
    missing = "h: you gave 1 axis, (3,); h has 2: the batch axis is missing."
    assert [(m.says, m.students, m.given) for m in questions["q3"].mistakes if m.says == missing] == [
        (missing, 1, (("{'output': (1, 3), 'h': (3,), 'c': (1, 3)}", 1),))
    ]
    assert len(questions["q8"].without_evidence["damaged"]) == 1
    looks = {look.why: look.students for look in report.looks}
    assert looks["answered nothing"] == ("jo",)
    assert looks["a notebook that cannot be read"] == ("omar",)
    assert report.without_verdicts == 0


def test_a_students_page_has_the_picture_of_a_wrong_shape(pages: Path) -> None:
    page = (pages / "chen" / f"{ASSIGNMENT}.html").read_text(encoding="utf-8")
    assert 'alt="h: you gave (units: 3); right is (batch: 1, units: 3)"' in page
    assert "<strong>Hint:</strong> Even a batch of 1 is an axis." in page


def test_the_table_has_a_row_a_student(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_table(table(graded, ASSIGNMENT))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("│max") and "21.6" in line and "needs manual grading" in line]
    assert sum(line.startswith("│") for line in lines) == len(STUDENTS)


def test_export_and_grade_by_command(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    there = ["--course", str(graded.root)]
    assert main([*there, "export"]) == 0
    assert main([*there, "grade", "--student", "jo"]) == 0
    said = capsys.readouterr().out
    assert "grading: 1 unchanged, not run again (--force runs all)" in said.splitlines()
    assert f"marks: {graded.root / 'grades.csv'}" in said


def test_grading_leaves_nothing_behind(graded: Course) -> None:
    hidden = [path.name for path in graded.root.rglob(".*") if path.name not in (".demo", ".nbgrader.log")]
    assert hidden == []
    assert not list(graded.root.rglob("*.part"))
