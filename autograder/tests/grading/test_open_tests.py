"""Tests that this grader cannot judge: who is told, and that nobody loses points for them."""

import csv
import io
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.gradebook.graded_notebooks import Reader
from autograder.gradebook.queries import Row, comments, table
from autograder.gradebook.source_assignment import SourceAssignment, file_stamps
from autograder.grading.class_run import ClassRun
from autograder.grading.nbgrader_preprocessors import _loaded
from autograder.grading.proving import proved
from autograder.model import NOT_MARKED, Outcome, Reason, Status
from autograder.reports.class_report import write_report
from autograder.reports.class_statistics import UNJUDGED, Flag, class_report
from autograder.reports.outcomes import QuestionOutcome
from autograder.tests.harness.tiny_course import make_notebooks as course
from autograder.tests.harness.tiny_course import make_question as question

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("plain")]

EVAL = "the test passes a text of the notebook to eval; compare the text itself, or ask for a value or a function."
CELLS = [
    *question("double", "def double(n):\n    return 2 * n", "assert double(2) == 4\nassert double(3) == 6"),
    *question("text", "def text():\n    return '1 + 1'", "assert eval(text()) == 2"),
]


@pytest.fixture
def small(tmp_path: Path) -> Course:
    """A course that was never released: `ada` has the solution, `bob` has a wrong answer."""
    made = course(tmp_path, book=CELLS)
    hand_in(made, ada="", bob="double = abs")
    return made


def hand_in(course: Course, **answers: str) -> None:
    (source,) = course.source_notebooks("ps1")
    for student, answer in answers.items():
        notebook = nbformat.read(source, 4)
        notebook.cells[0].source = answer or notebook.cells[0].source
        place = course.folder("submitted", "ps1", student)
        place.mkdir(parents=True)
        nbformat.write(notebook, place / "book.ipynb")


def rows(course: Course) -> dict[str, Row]:
    return {row.student: row for row in table(course, "ps1").rows}


def edit(course: Course, cell: int, source: str) -> None:
    (path,) = course.source_notebooks("ps1")
    notebook = nbformat.read(path, 4)
    notebook.cells[cell].source = source
    nbformat.write(notebook, path)


def test_a_course_that_was_never_released_gives_right_answers_their_marks(
    small: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(small.root), "grade"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("proving the tests of book\ngrading: ")
    assert shown.endswith(
        "These answers have no marks yet; mark them in formgrader, or fix the test and grade again:\n"
        f"  ps1/book.ipynb: cell text-test, line 1: {EVAL}\n"
    )
    graded = rows(small)
    assert {student: row.marks for student, row in graded.items()} == {
        "ada": {"double": 2, "text": None},
        "bob": {"double": 0, "text": None},
    }
    assert {row.status for row in graded.values()} == {Status.NEEDS_MANUAL_GRADING}
    verdict = Reader(small, "ps1").read("ada").verdicts["book", "text-test"]
    assert (verdict.outcome, verdict.points, verdict.reason) == (Outcome.OPEN, None, Reason.NOT_PROVED)
    assert main(["--course", str(small.root), "grade"]) == 1
    again = capsys.readouterr().out
    assert "proving" not in again
    assert "2 unchanged, not run again" in again
    assert f"  ps1/book.ipynb: cell text-test, line 1: {EVAL}\n" in again


def test_the_pages_and_files_say_that_the_answer_is_not_marked(small: Course) -> None:
    ClassRun(small, "ps1").grade()
    with small.gradebook() as book:
        notes = comments(book, "ps1")
    assert {key: note.by_grader for key, note in notes.items()} == {
        (student, ("book", "text")): NOT_MARKED for student in ("ada", "bob")
    }
    reader = Reader(small, "ps1")
    report = class_report(table(small, "ps1"), {student: reader.read(student) for student in ("ada", "bob")})
    assert Flag(UNJUDGED, ("ada", "bob"), "text") in report.looks
    assert [question.outcomes[QuestionOutcome.NOT_MARKED] for question in report.questions] == [0, 2]
    write_report(small, "ps1")
    assert main(["--course", str(small.root), "export"]) == 0
    (written,) = small.root.rglob("*.csv")
    (ada, _) = csv.DictReader(io.StringIO(written.read_text(encoding="utf-8-sig")))
    assert (ada["double"], ada["text"]) == ("2", "")
    assert main(["--course", str(small.root), "feedback"]) == 0
    page = small.folder("feedback", "ps1", "ada").with_suffix(".html").read_text()
    assert NOT_MARKED in page
    with Gradebook(small.directory.db_url, small.directory.course_id) as book:
        book.find_grade("text-test", "book", "ps1", "ada").manual_score = 1.5
        book.find_grade("text-test", "book", "ps1", "ada").needs_manual_grade = False
        book.db.commit()
    ClassRun(small, "ps1", force=True).grade()
    assert rows(small)["ada"].marks["text"] == 1.5
    assert rows(small)["ada"].status == Status.GRADED


def test_a_test_that_is_mended_after_hand_in_shows_whose_marks_move(
    small: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(small.root), "grade"]) == 1
    edit(small, 3, "assert text() == '1 + 1'")
    capsys.readouterr()
    assert main(["--course", str(small.root), "grade", "--changed", "--yes"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("proving the tests of book\n")
    assert "2 marks of 2 students would change; 0 students would keep all marks; 0 graded for the first time" in shown
    assert "test of text-test" in shown
    assert "proof of" not in shown
    assert {student: row.marks["text"] for student, row in rows(small).items()} == {"ada": 2, "bob": 2}


def test_a_solution_that_is_mended_after_hand_in_shows_whose_marks_move(
    small: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(small, 3, "assert text() == '1 + 1'")
    edit(small, 2, "### BEGIN SOLUTION\ndef text():\n    return '2'\n### END SOLUTION")
    assert main(["--course", str(small.root), "grade"]) == 1
    failed = "`assert text() == '1 + 1'` failed: text() is '2'"
    fault = f"ps1/book.ipynb: cell text-test gives the solution 0 of 2 points ({failed}); "
    assert f"{fault}fix the test or the solution.\n" in capsys.readouterr().out
    edit(small, 2, "### BEGIN SOLUTION\ndef text():\n    return '1 + 1'\n### END SOLUTION")
    assert main(["--course", str(small.root), "grade", "--changed"]) == 1
    shown = capsys.readouterr().out
    assert "changed since they were graded: proof of book/text-test\n" in shown
    assert "2 marks of 2 students would change" in shown
    assert {row.marks["text"] for row in rows(small).values()} == {None}


def test_a_release_warns_of_what_stays_open_and_of_what_proves_little(
    small: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(small, 1, "for n in (double(2),):\n    assert n is not None")
    assert main(["--course", str(small.root), "release"]) == 0
    shown = capsys.readouterr().err.splitlines()
    assert shown == [
        "Warning: ps1/book.ipynb: cell double-test: the test also passes if `double` returns [], 0 or '';"
        " compare the answer with a value.",
        f"Warning: ps1/book.ipynb: cell text-test, line 1: {EVAL}",
        "Warning: ps1: 1 of 2 tests stay open; mark their answers in formgrader.",
    ]
    edit(small, 1, "assert double(2) == 5")
    assert main(["--course", str(small.root), "release"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"Warning: ps1/book.ipynb: cell text-test, line 1: {EVAL}",
        "autograder: ps1/book.ipynb: cell double-test gives the solution 0 of 2 points"
        " (`assert double(2) == 5` failed: double(2) is 4);"
        " fix the test or the solution.",
    ]


def test_a_test_without_a_statement_judges_nobody(small: Course, capsys: pytest.CaptureFixture[str]) -> None:
    edit(small, 1, "# later\npass")
    assert main(["--course", str(small.root), "grade"]) == 1
    idle = "ps1/book.ipynb: cell double-test: the test has no statement, so nobody can pass it; add an assert.\n"
    assert idle in capsys.readouterr().out
    assert {row.marks["double"] for row in rows(small).values()} == {None}


def test_answers_that_a_proved_test_cannot_judge_are_counted(small: Course, capsys: pytest.CaptureFixture[str]) -> None:
    edit(small, 2, "### BEGIN SOLUTION\ndef text():\n    return 2\n### END SOLUTION")
    edit(small, 3, "got = text()\nassert (eval(got) if isinstance(got, str) else got) == 2")
    assert main(["--course", str(small.root), "grade"]) == 0
    shown = capsys.readouterr().out
    what = EVAL.partition(";")[0]
    assert f"  book.ipynb: cell text-test (2 answers): {what}.\n" in shown


def test_nbgrader_proves_once_and_keeps_the_proofs(small: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small.root)
    _, packed = _loaded(small.root, "ps1", file_stamps(small, "ps1"))
    assert [key for key, _ in packed.proofs] == [("book", "double-test")]
    assert (small.root / "reports" / "ps1.proofs").is_file()
    noted: list[str] = []
    assert proved(SourceAssignment.load(small, "ps1"), progress=noted.append).attached(packed).proofs == packed.proofs
    assert noted == []
