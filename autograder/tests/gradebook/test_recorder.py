"""What is written: the table verdict → gradebook, and that a kill at any moment leaves everything whole."""

import os
import pickle
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import OperationalError

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.files import replace_folder
from autograder.gradebook import recorder
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.queries import table
from autograder.gradebook.recorder import Graded, Recorder
from autograder.model import NotebookResult, Outcome, Reason, Result, Verdict
from autograder.tests.harness.recorded import NAME, record
from autograder.tests.support import SOURCE


def _result(points: float = 2.0, text: str = "h is memory and output at once", **changed: Verdict) -> Result:
    notebook = nbformat.read(SOURCE / f"{NAME}.ipynb", 4)
    for cell in notebook.cells:
        cell.source = text if cell.id == "q8-why" else cell.source
    verdicts = {cell: Verdict(cell, Outcome.PASSED, points) for cell in ("q8-test", "q9-test", "q10-test")}
    verdicts |= {verdict.cell: verdict for verdict in changed.values()}
    return Result(
        "ada", (NotebookResult(NAME, nbformat.writes(notebook).encode(), tuple(verdicts.values()), frozenset()),)
    )


def _record(course: Course, result: Result) -> None:
    with Recorder(course, "ps1") as recording:
        record(recording, result)


def _grades(course: Course) -> dict[str, tuple[float | None, bool, str | None]]:
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        row = book.find_submission_notebook(NAME, "ps1", "ada")
        comments = {comment.name: comment.auto_comment for comment in row.comments}
        return {
            grade.name: (grade.auto_score, grade.needs_manual_grade, comments.get(grade.name.removesuffix("-test")))
            for grade in row.grades
        }


@pytest.mark.parametrize(
    ("verdict", "row"),
    [
        (Verdict("q9-test", Outcome.PASSED, 2.0), (2.0, False, None)),
        (Verdict("q9-test", Outcome.FAILED, 0.0, "why"), (0.0, False, None)),
        (Verdict("q9-test", Outcome.FAILED, 1.0, "half"), (1.0, False, None)),
        (
            Verdict("q9-test", Outcome.NO_EVIDENCE, 0.0, "it ran too long.", Reason.TIMEOUT),
            (0.0, False, "no evidence: it ran too long."),
        ),
        (Verdict("q9-test", Outcome.GRADER_ERROR, None, "our fault."), (None, True, "grader error: our fault.")),
    ],
)
def test_each_verdict_has_its_row(own: Course, verdict: Verdict, row: tuple[float | None, bool, str | None]) -> None:
    _record(own, _result(q9=verdict))
    assert _grades(own)["q9-test"] == row


def test_an_unanswered_question_says_no_response(own: Course) -> None:
    result = _result(q9=Verdict("q9-test", Outcome.NOT_ATTEMPTED, 0.0, "not answered."))
    notebook = replace(result.notebooks[0], untouched=frozenset({"q9", "q8-why"}))
    _record(own, replace(result, notebooks=(notebook,)))
    assert _grades(own)["q9-test"] == (0.0, False, "No response.")
    assert _grades(own)["q8-why"] == (0.0, False, "No response.")


def test_a_grader_error_is_a_blank_mark(own: Course) -> None:
    _record(own, _result(q9=Verdict("q9-test", Outcome.GRADER_ERROR, None, "our fault.")))
    row = table(own, "ps1").rows[0]
    assert row.marks["q9"] is None
    assert row.status == "needs manual grading"


def _overridden(course: Course) -> None:
    """Record a notebook, and give its Q9 a mark in place of the test's, as formgrader does."""
    _record(course, _result())
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        book.find_grade("q9-test", NAME, "ps1", "ada").manual_score = 1.5
        book.db.commit()


def test_a_manual_mark_over_a_test_stays_while_the_students_code_is_the_same(own: Course) -> None:
    _overridden(own)
    _record(own, _result(points=0.0, text="another text is another question's"))
    assert table(own, "ps1").rows[0].marks["q9"] == 1.5
    assert _grades(own)["q9-test"] == (0.0, False, None)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "long"])
def test_a_timestamp_that_is_no_short_file_is_not_read(kind: str, own: Course) -> None:
    path = own.root / "submitted" / "ada" / "ps1" / "timestamp.txt"
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("2027-01-30 09:00 UTC\n" * 50_000)
    _record(own, _result())
    assert _grades(own)["q9-test"][0] == 2
    assert [file.name for file in own.folder("autograded", "ps1", "ada").iterdir()] == [f"{NAME}.ipynb"]


def test_a_manual_mark_over_a_test_opens_when_the_student_hands_in_other_code(own: Course) -> None:
    _overridden(own)
    (notebook,) = _result().notebooks
    content = nbformat.reads(notebook.content.decode(), 4)
    content.cells.append(nbformat.v4.new_code_cell("h = 1"))
    anew = replace(notebook, content=nbformat.writes(content).encode())
    _record(own, Result("ada", (anew,)))
    assert _grades(own)["q9-test"] == (2.0, True, None)
    row = table(own, "ps1").rows[0]
    assert (row.marks["q9"], row.status) == (None, "needs manual grading")
    _record(own, Result("ada", (anew,)))
    assert _grades(own)["q9-test"] == (2.0, True, None), "open until the instructor has given it"


def test_a_student_whose_timestamp_is_nonsense_is_graded(own: Course) -> None:
    (own.root / "submitted" / "ada" / "ps1" / "timestamp.txt").write_text("\x00 yesterday, after tea")
    _record(own, _result())
    assert table(own, "ps1").rows[0].marks["q9"] == 2


def test_a_notebook_that_the_gradebook_does_not_know(own: Course) -> None:
    result = _result()
    with pytest.raises(CourseError, match=r"other: not in the gradebook; run `autograder release`\."):
        _record(own, replace(result, notebooks=(replace(result.notebooks[0], name="other"),)))
    assert not (own.root / "autograded" / "ada").exists() or not list((own.root / "autograded" / "ada").iterdir())
    assert table(own, "ps1").rows == ()


GAPS = {
    "before the files are staged": "recorder.Recorder._stage = die",
    "after the files are staged": "recorder.Recorder._grade = die",
    "before the gradebook's commit": "recorder.write_notebook = die",
    "after the gradebook's commit": "recorder.replace_folder = die",
    "between the two renames": "Path.rename = lambda self, to, move=Path.rename: move(self, to) and die()",
    "before the ledger is written": "recorder.Ledger.note = die",
    "before the ledger is renamed": "Path.replace = die",
}
SCRIPT = """
import os, pickle, sys
from pathlib import Path
from autograder.gradebook import recorder
from autograder.course.course import Course
def die(*_, **__):
    os._exit(9)
course, batch = Course.at(Path(sys.argv[1])), pickle.loads(Path(sys.argv[2]).read_bytes())
{gap}
with recorder.Recorder(course, "ps1") as recorder:
    recorder.record_all(batch)
"""


@pytest.mark.parametrize("gap", GAPS)
def test_a_kill_in_any_gap_leaves_all_whole_and_grading_again_mends_it(gap: str, own: Course, tmp_path: Path) -> None:
    _record(own, _result(points=1.0))
    before, changed = _files(own), _result(points=2.0, text="on second thoughts")
    (tmp_path / "result").write_bytes(pickle.dumps([Graded(changed)]))
    script = SCRIPT.format(gap=GAPS[gap])
    killed = subprocess.run([sys.executable, "-c", script, str(own.root), str(tmp_path / "result")], check=False)
    assert killed.returncode == 9
    marks = {mark[0] for name, mark in _grades(own).items() if name.endswith("-test")}
    assert marks in ({1.0}, {2.0}), "old or new, never half"
    assert Ledger(own, "ps1").of("ada")["notebooks"][NAME]["status"] == ""
    if gap != "between the two renames":
        assert _files(own) in (before, {f"{NAME}.ipynb": changed.notebooks[0].content})
    _record(own, changed)
    assert _grades(own)["q9-test"] == (2.0, False, None)
    assert _files(own) == {f"{NAME}.ipynb": changed.notebooks[0].content}
    assert [path.name for path in (own.root / "autograded" / "ada").iterdir()] == ["ps1"]
    assert [path.name for path in (own.root / "reports" / "ps1").iterdir()] == ["ada.json"]


def _files(course: Course, student: str = "ada") -> dict[str, bytes]:
    folder = course.folder("autograded", "ps1", student)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- batches ----------------------------------------------------------------------------------------------------------

STUDENTS = ("ada", "bob", "cy")
OF_BATCHES = {
    **GAPS,
    "after the first folder is in place": (
        "recorder.replace_folder = lambda new, place, move=recorder.replace_folder: "
        "move(new, place) if place.parent.name == 'ada' else die()"
    ),
    "between two entries of the ledger": (
        "recorder.Ledger.note = lambda self, student, note=recorder.Ledger.note, **facts: "
        "die() if student == 'bob' and facts.get('notebooks') else note(self, student, **facts)"
    ),
}


def _batch(points: float = 2.0, text: str = "h is memory and output at once") -> list[Graded]:
    return [Graded(replace(_result(points, text), student=student), f"of {points}") for student in STUDENTS]


def _record_all(course: Course, batch: list[Graded]) -> dict[str, Exception]:
    with Recorder(course, "ps1") as recording:
        return recording.record_all(batch)


_State = tuple[float | None, dict[str, bytes], str]  # mark of Q9, files, fingerprint


def _state_of(course: Course, student: str) -> _State:
    mark = next(row.marks["q9"] for row in table(course, "ps1").rows if row.student == student)
    return mark, _files(course, student), Ledger(course, "ps1").of(student)["fingerprint"]


def _state(course: Course) -> dict[str, _State]:
    return {student: _state_of(course, student) for student in STUDENTS}


def _expected(batch: list[Graded]) -> dict[str, _State]:
    return {
        graded.result.student: (
            graded.result.notebooks[0].verdicts[1].points,
            {f"{NAME}.ipynb": graded.result.notebooks[0].content},
            graded.fingerprint,
        )
        for graded in batch
    }


def test_a_batch_is_one_transaction(own: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    commits, commit = [], Recorder._commit

    def counted(recording: Recorder) -> None:
        commits.append("")
        commit(recording)

    monkeypatch.setattr(Recorder, "_commit", counted)
    assert _record_all(own, _batch()) == {}
    assert len(commits) == 1
    assert _state(own) == _expected(_batch())


@pytest.mark.parametrize("gap", OF_BATCHES)
def test_a_kill_while_a_batch_is_recorded_leaves_each_old_or_new_and_grading_again_gives_the_same(
    gap: str, own: Course, tmp_path: Path
) -> None:
    first, second = _batch(1.0), _batch(2.0, "on second thoughts")
    assert _record_all(own, first) == {}
    (tmp_path / "batch").write_bytes(pickle.dumps(second))
    script = SCRIPT.format(gap=OF_BATCHES[gap])
    killed = subprocess.run([sys.executable, "-c", script, str(own.root), str(tmp_path / "batch")], check=False)
    assert killed.returncode == 9
    old, new = _expected(first), _expected(second)
    marks = {row.student: row.marks["q9"] for row in table(own, "ps1").rows}
    assert set(marks) == set(STUDENTS)
    assert len(set(marks.values())) == 1, "one transaction"
    for student in STUDENTS:
        entry = Ledger(own, "ps1").of(student)
        assert entry["notebooks"][NAME]["status"] == ""
        if own.folder("autograded", "ps1", student).exists():  # else killed between the two renames
            assert _files(own, student) in (old[student][1], new[student][1])
        if entry["fingerprint"]:
            assert _state_of(own, student) in (old[student], new[student]), "an entry counts only if all is written"
    assert _record_all(own, second) == {}
    assert _state(own) == new
    for student in STUDENTS:
        assert [path.name for path in (own.root / "autograded" / student).iterdir()] == ["ps1"]
    assert sorted(path.name for path in (own.root / "reports" / "ps1").iterdir()) == [f"{n}.json" for n in STUDENTS]


def _unknown_notebook(graded: Graded) -> Graded:
    notebook = replace(graded.result.notebooks[0], name="other")
    return replace(graded, result=replace(graded.result, notebooks=(notebook,)))


@pytest.mark.parametrize("failing", STUDENTS)
def test_one_result_that_fails_does_not_lose_the_others_of_its_batch(failing: str, own: Course) -> None:
    old, new = _batch(1.0), _batch(2.0)
    _record_all(own, old)
    batch = [_unknown_notebook(graded) if graded.result.student == failing else graded for graded in new]
    errors = _record_all(own, batch)
    assert list(errors) == [failing]
    assert isinstance(errors[failing], CourseError)
    mark, files, _ = _expected(old)[failing]
    assert _state(own) == {**_expected(new), failing: (mark, files, "")}, "it is as before, and is graded again"
    assert not list(own.root.glob("autograded/*/.*"))


def test_one_folder_that_cannot_be_moved_does_not_lose_the_others(own: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(new: Path, place: Path) -> None:
        if place.parent.name == "ada":
            raise PermissionError(13, "Permission denied")
        replace_folder(new, place)

    _record_all(own, _batch(1.0))
    with monkeypatch.context() as patch:
        patch.setattr(recorder, "replace_folder", moved)
        errors = _record_all(own, _batch(2.0))
    assert {student: type(error) for student, error in errors.items()} == {"ada": PermissionError}
    assert _state(own) == {**_expected(_batch(2.0)), "ada": (2.0, _expected(_batch(1.0))["ada"][1], "")}
    assert not list(own.root.glob("autograded/*/.*"))
    assert _record_all(own, _batch(2.0)) == {}
    assert _state(own) == _expected(_batch(2.0))


def test_a_database_that_cannot_be_used_is_asked_once_for_a_batch(own: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    _record_all(own, _batch(1.0))
    asked = []

    def locked(_: Recorder) -> None:
        asked.append("")
        raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(Recorder, "_commit", locked)
    with pytest.raises(CourseError, match=r"\(database is locked\)"):
        _record_all(own, _batch(2.0))
    assert len(asked) == 1
    assert {name: state[:2] for name, state in _state(own).items()} == {
        name: state[:2] for name, state in _expected(_batch(1.0)).items()
    }
    assert not list(own.root.glob("autograded/*/.*"))
