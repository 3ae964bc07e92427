"""Second thoughts: tests, points and wording that change after students handed in, and what becomes of their marks."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.gradebook.assignment_sync import check_cells, in_gradebook, marks_above_maximum
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.queries import table
from autograder.gradebook.source_assignment import SourceAssignment, earlier_wordings
from autograder.grading import class_run, fingerprint
from autograder.grading.class_run import ClassRun
from autograder.grading.notebook_grader import notebook_graders
from autograder.grading.proving import Proofs
from autograder.grading.review import (
    Change,
    Kind,
    MarkChange,
    Part,
    Review,
    cells_of_questions,
    changes,
    concerning,
    describe,
    describe_mark,
    from_ledger,
    to_ledger,
)
from autograder.grading.unanswered import is_unanswered, untouched
from autograder.release.release import release
from autograder.tests.harness.small_class import crew, hand_in, judged, new_helper, new_version, run

pytestmark = pytest.mark.xdist_group("plain")
RIGHT, WRONG, EMPTY = "ada", "bob", "cy"


def edit(course: Course, cell: int, old: str, new: str) -> None:
    """Change a cell of the source notebook."""
    path = course.source_notebooks("ps1")[0]
    notebook = nbformat.read(path, 4)
    assert old in notebook.cells[cell].source
    notebook.cells[cell].source = notebook.cells[cell].source.replace(old, new)
    nbformat.write(notebook, path)


def worth(course: Course, points: float) -> None:
    """Change what the test is worth."""
    path = course.source_notebooks("ps1")[0]
    notebook = nbformat.read(path, 4)
    notebook.cells[1].metadata.nbgrader.points = points
    nbformat.write(notebook, path)


def lenient(submission: Any, assignment: Any, limits: Any = None) -> Any:
    """The work of a test that takes wrong answers, too."""
    files = {name: text.replace(b"wrong", b"right") for name, text in submission.files.items()}
    return judged(type(submission)(submission.student, files), assignment, limits)


def marks(course: Course) -> dict[str, float | None]:
    return {row.student: row.marks["x"] for row in table(course, "ps1").rows}


def review(course: Course, agree: bool = True, **options: Any) -> Review:
    """Grade what has changed by the lenient test; gives what was shown before it was written, or not."""
    with crew(options.pop("work", lenient)) as workers:
        run = ClassRun(course, "ps1", executor=workers, **{"limits": Limits(), **options})
        with run.review() as found:
            if agree:
                run.commit()
    return found


def why(move: MarkChange) -> tuple[str, ...]:
    """What has changed, in the words of the table's row."""
    return tuple(describe(change, move.question[0]) for change in move.why)


def _state(course: Course) -> dict[str, bytes]:
    """All that grading writes, but for wordings."""
    kept = [
        course.root / "gradebook.db",
        *(course.root / "autograded").rglob("*"),
        *(course.root / "reports/ps1").iterdir(),
    ]
    return {str(path): path.read_bytes() for path in kept if path.is_file()}


# --- what moves, and why ------------------------------------------------------------------------------------------


def test_a_changed_test_moves_marks_and_says_why_before_it_writes(graded: Course) -> None:
    edit(graded, 1, "(42, 21)", "(42, 41, 21)")
    before = _state(graded)
    found = review(graded, agree=False)
    (move,) = found.moves
    assert (move.student, move.question, move.old, move.new) == (WRONG, ("one", "x-test"), 0, 2)
    assert (describe_mark(move), why(move)) == ("passed", ("test of x-test",))
    assert (found.same, found.first) == ((RIGHT, EMPTY), ())
    assert [describe(change) for change in found.changed] == ["test of one/x-test"]
    assert _state(graded) == before, "no leaves all as it was"
    assert marks(graded)[WRONG] == 0


def test_yes_writes_what_was_shown_and_nothing_is_run_twice(graded: Course) -> None:
    edit(graded, 1, "(42, 21)", "(42, 41, 21)")
    review(graded)
    assert marks(graded) == {RIGHT: 2, WRONG: 2, EMPTY: 0}
    assert run(graded, lenient)[0] == []
    assert review(graded) == Review((), (), (), ())


def test_other_points_are_told_to_the_gradebook_on_yes_alone(graded: Course) -> None:
    worth(graded, 3)
    (change,) = review(graded, agree=False).changed
    assert change == Change(Kind.POINTS, "one", "x-test", "2", "3")
    assert describe(change) == "points of one/x-test (2 → 3)"
    assert table(graded, "ps1").points["x"] == 2
    review(graded)
    assert table(graded, "ps1").points["x"] == 3
    assert in_gradebook(SourceAssignment.load(graded, "ps1"))


def test_grading_without_a_review_tells_the_gradebook_of_points_as_well(graded: Course) -> None:
    worth(graded, 3)
    run(graded)
    assert table(graded, "ps1").points["x"] == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda course, patch: worth(course, 3), "points of x-test (2 → 3)"),
        (lambda course, patch: edit(course, 0, "x = ...", "x = ...  # a number"), "code of x"),
        (new_helper, "helpers"),
        (new_version, f"numpy ({fingerprint.versions()['numpy']} → 4.0)"),
    ],
)
def test_each_change_has_its_name(change: Any, said: str, graded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    if said.startswith("numpy"):
        found = {**fingerprint.versions(), "numpy": "4.0"}
        monkeypatch.setattr("autograder.grading.review.versions", lambda modules: found)
    change(graded, monkeypatch)
    (move,) = review(graded).moves
    assert why(move) == (said,)


def test_limits_and_a_new_answer_have_their_names(graded: Course) -> None:
    (move,) = review(graded, limits=Limits(cell_seconds=5)).moves
    assert why(move) == ("limits",)
    hand_in(graded, bob="wrong again")
    (move,) = review(graded, work=judged, limits=Limits(cell_seconds=5)).moves
    assert (move.old, move.new, describe_mark(move), why(move)) == (2, 0, "failed: why", ("the submission",))


def test_who_was_graded_before_parts_were_kept(graded: Course) -> None:
    Ledger(graded, "ps1").note(WRONG, graded_by={}, fingerprint="")
    (move,) = review(graded).moves
    assert why(move) == ("the grader",)


def test_who_hands_in_later_is_graded_for_the_first_time(graded: Course) -> None:
    hand_in(graded, dan="right")
    found = review(graded, agree=False)
    assert (found.moves, found.first) == ((), ("dan",))
    assert "dan" not in marks(graded)
    review(graded)
    assert marks(graded)["dan"] == 2


def test_manual_marks_survive_and_do_not_move(graded: Course) -> None:
    with Gradebook(graded.directory.db_url, graded.directory.course_id) as book:
        book.find_grade("x-test", "one", "ps1", WRONG).manual_score = 1.5
        book.find_comment("x", "one", "ps1", WRONG).manual_comment = "Nearly."
        book.db.commit()
    edit(graded, 1, "(42, 21)", "(42, 41, 21)")
    release(graded, "ps1")
    assert review(graded).moves == ()
    assert marks(graded)[WRONG] == 1.5
    with Gradebook(graded.directory.db_url, graded.directory.course_id) as book:
        assert book.find_comment("x", "one", "ps1", WRONG).manual_comment == "Nearly."


@pytest.mark.kernel
def test_marks_of_readers_above_what_a_question_is_worth_now_are_named(
    graded: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    with Gradebook(graded.directory.db_url, graded.directory.course_id) as book:
        book.find_grade("x-test", "one", "ps1", WRONG).manual_score = 2
        book.db.commit()
    assert marks_above_maximum(graded, "ps1") == []
    worth(graded, 1)
    release(graded, "ps1")
    said = f"x-test is now worth 1, but an instructor gave more to {WRONG}; mark their answers again."
    assert marks_above_maximum(graded, "ps1") == [said]
    assert main(["--course", str(graded.root), "release", "ps1"]) == 0
    assert f"Warning: {said}\n" in capsys.readouterr().err


def test_which_changes_concern_a_question() -> None:
    test, text = Change(Kind.TEST, "one", "q1-test"), Change(Kind.WORDING, "one", "q1-ask")
    code, limits, answer = Change(Kind.CODE, "two", "setup"), Change(Kind.LIMITS), Change(Kind.SUBMISSION)
    changed = (test, text, Change(Kind.TEST, "one", "q12-test"), code, limits)
    cells = frozenset({"q1-ask", "q1", "q1-test"})
    assert concerning(changed, ("one", "q1-test"), cells) == (test, text)
    assert concerning((*changed, answer), ("one", "q2-test"), frozenset({"q2-test"})) == (answer, limits)
    assert concerning(changed, ("two", "q1-test"), cells) == (code, limits)


def _cell(kind: str, name: str, **about: bool) -> Any:
    plain = {"grade": False, "solution": False, "locked": True, "task": False, "schema_version": 3, "points": 1}
    metadata = {"nbgrader": {**plain, "grade_id": name, **about}}
    return {"cell_type": kind, "id": name, "source": "", "metadata": metadata}


def test_the_cells_of_a_question() -> None:
    cells = [
        _cell("markdown", "intro"),
        _cell("markdown", "ask"),
        _cell("code", "setup"),
        _cell("code", "a", solution=True),
        _cell("code", "b", solution=True),
        _cell("code", "test", grade=True),
        _cell("code", "second test", grade=True),
        _cell("markdown", "hint"),
        _cell("markdown", "ask why"),
        _cell("markdown", "why", grade=True, solution=True),
    ]
    assert cells_of_questions({"one": nbformat.notebooknode.from_dict({"cells": cells})}) == {
        ("one", "test"): {"ask", "a", "b", "test"},
        ("one", "second test"): {"ask", "a", "b", "second test"},
        ("one", "why"): {"ask why", "why"},
    }


def test_what_is_new_and_what_is_gone() -> None:
    same, numpy, keras = Part(Kind.HELPERS), Part(Kind.PACKAGE, name="numpy"), Part(Kind.PACKAGE, name="keras")
    found = changes({same: "1", keras: "3"}, {same: "1", numpy: "2"})
    assert tuple(map(describe, found)) == ("numpy (none → 2)", "keras (3 → none)")


def test_the_ledger_keeps_every_kind_of_part() -> None:
    parts = {
        Part(Kind.POINTS, "one", "q1 of 2/x"): "2",
        Part(Kind.TEST, "one", "q1"): "a",
        Part(Kind.HELPERS): "b",
        Part(Kind.SUBMISSION): "c",
        Part(Kind.PACKAGE, name="keras"): "3",
    }
    assert from_ledger(json.loads(json.dumps(to_ledger(parts)))) == parts


def test_the_ledger_of_an_older_version_is_read() -> None:
    older = {
        "points of one/q1 of 2/x": "2",
        "test of one/q1": "a",
        "helpers": "b",
        "the submission": "c",
        "keras": "3",
    }
    assert from_ledger(older) == {
        Part(Kind.POINTS, "one", "q1 of 2/x"): "2",
        Part(Kind.TEST, "one", "q1"): "a",
        Part(Kind.HELPERS): "b",
        Part(Kind.SUBMISSION): "c",
        Part(Kind.PACKAGE, name="keras"): "3",
    }


def test_a_commit_needs_an_open_review(graded: Course) -> None:
    with pytest.raises(RuntimeError, match="inside the block of review"):
        ClassRun(graded, "ps1").commit()


# --- cells and wording --------------------------------------------------------------------------------------------


def test_a_cell_that_came_or_went_is_refused_and_nothing_changed(graded: Course) -> None:
    path = graded.source_notebooks("ps1")[0]
    notebook = nbformat.read(path, 4)
    notebook.cells[1].metadata.nbgrader.grade_id = "y-test"
    nbformat.write(notebook, path)
    before = (graded.root / "gradebook.db").read_bytes()
    said = (
        r"ps1: students' marks are already recorded, but one/y-test was added, one/x-test was removed; undo this change"
    )
    for job in (lambda: release(graded, "ps1"), lambda: run(graded), lambda: review(graded)):
        with pytest.raises(CourseError, match=said):
            job()
    assert (graded.root / "gradebook.db").read_bytes() == before


def test_a_text_cell_or_a_notebook_that_was_added_is_refused_too(graded: Course) -> None:
    path = graded.source_notebooks("ps1")[0]
    notebook, before = nbformat.read(path, 4), path.read_bytes()
    text = nbformat.v4.new_markdown_cell("Read this.", id="note")
    text.metadata.nbgrader = {**notebook.cells[1].metadata.nbgrader, "grade_id": "note", "grade": False}
    notebook.cells.append(text)
    nbformat.write(notebook, path)
    with pytest.raises(CourseError, match="already recorded, but one/note was added; undo this change"):
        release(graded, "ps1")
    path.write_bytes(before)
    nbformat.write(nbformat.v4.new_notebook(), path.with_name("two.ipynb"))
    with pytest.raises(CourseError, match="already recorded, but two was added; undo this change"):
        run(graded)


def test_a_source_notebook_that_cannot_be_converted_is_named(graded: Course) -> None:
    edit(graded, 0, "### END SOLUTION", "")
    with pytest.raises(CourseError) as error:
        run(graded)
    assert str(error.value) == (
        "source/ps1/one.ipynb: cell x, line 2: `BEGIN SOLUTION` has no `END SOLUTION` after it; write `END SOLUTION`."
    )


def test_a_notebook_that_was_removed_leaves_the_gradebook(course: Course) -> None:
    path = course.source_notebooks("ps1")[0].with_name("two.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), path)
    for names in (["one", "two"], ["one"]):
        release(course, "ps1")
        with course.gradebook() as book:
            assert sorted(notebook.name for notebook in book.find_assignment("ps1").notebooks) == names
        path.unlink(missing_ok=True)


def test_cells_may_come_and_go_while_nobody_has_a_mark(course: Course) -> None:
    path = course.source_notebooks("ps1")[0]
    notebook = nbformat.read(path, 4)
    notebook.cells[1].metadata.nbgrader.grade_id = "y-test"
    nbformat.write(notebook, path)
    release(course, "ps1")
    check_cells(SourceAssignment.load(course, "ps1"))


def test_an_older_wording_left_as_it_was_is_still_no_answer(graded: Course) -> None:
    edit(graded, 2, "why", "why?\n### BEGIN SOLUTION\nso\n### END SOLUTION")
    release(graded, "ps1")
    assert earlier_wordings(graded, "ps1") == {("one", "x-why"): ("YOUR ANSWER HERE",)}
    edit(graded, 2, "why?", "In a sentence: why?")
    run(graded)
    texts = ("YOUR ANSWER HERE", "why?\nYOUR ANSWER HERE")
    assert earlier_wordings(graded, "ps1")["one", "x-why"] == texts
    (grader,) = notebook_graders(SourceAssignment.load(graded, "ps1").packed())
    for text, is_open in [
        (texts[0], True),
        (texts[1], True),
        (grader.source_notebook.cells[2].source, True),
        ("so", False),
    ]:
        notebook = nbformat.from_dict(grader.source_notebook)
        notebook.cells[2].source = text
        assert ("x-why" in untouched(notebook, grader)) is is_open


@pytest.mark.parametrize(
    ("source", "cell_type", "is_open"),
    [
        ("Old prompt\n*Write here.*", "markdown", True),
        ("New prompt\n*Write here.*", "markdown", True),
        ("Old prompt\nbecause", "markdown", False),
        ("", "markdown", True),
        ("def f():\n    pass  # old", "code", True),
        ("def f():\n    return 1", "code", False),
    ],
)
def test_left_open_in_any_wording(source: str, cell_type: str, is_open: bool) -> None:
    texts = ("New prompt\n*Write here.*", "Old prompt\n*Write here.*")
    stubs = ("def f():\n    ...", "def f():\n    pass  # old")
    assert is_unanswered(source, texts if cell_type == "markdown" else stubs, cell_type) is is_open


def test_wordings_that_cannot_be_read(graded: Course) -> None:
    path = graded.root / "reports" / "ps1.wordings"
    path.write_text("{")
    with pytest.raises(CourseError, match=r"ps1.wordings: cannot be read .*; delete the file and grade again\."):
        run(graded)


# --- the command --------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _command(
    course: Course,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *more: str,
    typed: str | None = None,
) -> tuple[int, str]:
    """`autograder grade --changed` with the lenient work in place of kernels; `typed` is on a terminal."""
    monkeypatch.setattr(class_run, "worker_pool", lambda executor, jobs: crew(lenient))
    monkeypatch.setattr(class_run, "proved", lambda *_: Proofs())
    monkeypatch.setattr(class_run, "grading_limits", lambda course, unsafe: Limits())
    monkeypatch.setattr("sys.stdin", io.StringIO() if typed is None else Terminal(typed))
    code = main(["--course", str(course.root), "grade", "--changed", *more])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(("typed", "mark"), [("y\n", 2), ("yes\n", 2), ("n\n", 0), ("\n", 0), ("", 0)])
def test_a_terminal_is_asked(
    typed: str, mark: float, graded: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(graded, 1, "(42, 21)", "(42, 41, 21)")
    code, shown = _command(graded, monkeypatch, capsys, typed=typed)
    assert code == 0
    assert "changed since they were graded: test of one/x-test" in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("│bob") and "test of x-test" in line]
    assert [part.strip() for part in row.strip("│").split("│")] == ["bob", "x", "0", "2", "passed", "test of x-test"]
    assert "1 mark of 1 student would change; 2 students would keep all marks; 0 graded for the first time" in shown
    assert "Write these marks? [y/N] " in shown
    assert ("No marks were written; the gradebook has not changed." in shown) is (mark == 0)
    assert marks(graded)[WRONG] == mark


def test_a_script_says_yes_or_nothing_is_written(
    graded: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(graded, 1, "(42, 21)", "(42, 41, 21)")
    code, shown = _command(graded, monkeypatch, capsys)
    assert code == 1
    assert (
        "No marks were written; the gradebook has not changed. There is no terminal to ask at; add --yes to write them."
        in shown
    )
    assert marks(graded)[WRONG] == 0
    assert _command(graded, monkeypatch, capsys, "--yes")[0] == 0
    assert marks(graded)[WRONG] == 2


def test_yes_needs_a_question(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--course", str(graded.root), "grade", "--yes"]) == 2
    assert (
        capsys.readouterr().err == "autograder: --yes works only with --changed: add --changed, or leave --yes out.\n"
    )


def test_nothing_is_left_aside(graded: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "aside"))
    (tmp_path / "aside").mkdir()
    hand_in(graded, dan="right")
    review(graded, agree=False)
    assert [path.name for path in (tmp_path / "aside").iterdir() if path.name.startswith("autograder-review")] == []
    shutil.rmtree(tmp_path / "aside")


def test_where_no_mark_would_change_nobody_is_asked(
    graded: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = marks(graded)
    code, shown = _command(graded, monkeypatch, capsys)
    assert (code, shown.splitlines()[-1]) == (0, "No mark would change, so nothing was written.")
    assert _command(graded, monkeypatch, capsys, "--yes")[0] == 0
    assert marks(graded) == before
