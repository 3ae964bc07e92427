"""Written answers: what reads the same is one group, one mark serves it, and nothing that was given is lost."""

import base64
import shutil
import struct
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.cli import terminal
from autograder.cli.main import main
from autograder.course.course import Course
from autograder.distribution import own_command
from autograder.errors import CourseError
from autograder.gradebook.queries import table
from autograder.marking import mark, questions
from autograder.tests.harness.recorded import MEMORY, NAME, groups, q8, read_in

TEXTS = {
    "ada": MEMORY,
    "bob": "H  is memory\nand OUTPUT at once.",
    "cy": "",
    "dan": "The GRU only has *one* gate; [look](javascript:alert(1)) at `h` & $c$",
    "eve": "",
}


@pytest.fixture
def read(own: Course) -> Course:
    """A course in which five students answered Q8."""
    read_in(own, **TEXTS)
    return own


def marks(course: Course) -> dict[str, float | None]:
    return {row.student: row.marks["q8-why"] for row in table(course, "ps1").rows}


def _by_hand(course: Course, student: str, points: float, comment: str | None = None) -> None:
    """What formgrader writes."""
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        grade = book.find_grade("q8-why", NAME, "ps1", student)
        grade.manual_score, grade.needs_manual_grade = points, False
        book.find_comment("q8-why", NAME, "ps1", student).manual_comment = comment
        book.db.commit()


# --- groups -------------------------------------------------------------------------------------------------------


def test_what_reads_the_same_is_one_group(read: Course) -> None:
    found = groups(read)
    students = {name: [answer.student for answer in group.answers] for name, group in found.items()}
    assert students == {"ada": ["ada", "bob"], "cy": ["cy", "eve"], "dan": ["dan"]}
    assert [group.open for group in found.values()] == [2, 1, 0], "most open marks first"
    assert found["ada"].text == MEMORY
    assert found["cy"].name == "q8-why:empty"
    assert found["dan"].text == TEXTS["dan"]


def test_accents_are_the_same_however_they_are_coded(own: Course) -> None:
    read_in(own, ada="l'état caché", bob="l'e\u0301tat cache\u0301")
    assert list(groups(own)) == ["ada"]


def test_a_group_keeps_its_name_when_others_hand_in(own: Course) -> None:
    read_in(own, bob=TEXTS["bob"])
    name = groups(own)["bob"].name
    read_in(own, **TEXTS)
    assert groups(own)["ada"].name == name


def test_a_question_comes_with_its_points_and_marking_scheme(read: Course) -> None:
    question = q8(read)
    assert (question.name, question.key, question.points) == ("q8-why", (NAME, "q8-why"), 1)
    assert question.scheme.startswith("**Marking, Q8 (1 point).** Full: in a GRU `h` serves as memory and as output")
    assert "MARK SCHEME" not in question.scheme


def test_what_cannot_be_read_is_no_empty_answer(own: Course) -> None:
    read_in(own, ada=MEMORY, bob=None, cy="")
    question = q8(own)
    assert question.unread == ("bob",)
    assert [len(group.answers) for group in question.groups] == [1, 1]


def test_an_autograded_notebook_that_is_gone_cannot_be_read(read: Course) -> None:
    shutil.rmtree(read.folder("autograded", "ps1", "dan"))
    assert questions(read, "ps1")[0].unread == ("dan",)


def test_answers_that_are_only_a_picture_are_marked_picture_by_picture(own: Course) -> None:
    one, other = (base64.b64encode(_png(width)).decode() for width in (1, 2))
    text = "![image.png](attachment:image.png)"
    read_in(own, ada=(text, one), bob=(text, other), cy=(text, one))
    found = {name: [answer.student for answer in group.answers] for name, group in groups(own).items()}
    assert found == {"ada": ["ada", "cy"], "bob": ["bob"]}
    assert groups(own)["ada"].text == "[picture: image.png]"
    mark(own, "ps1", [(groups(own)["ada"].name, 1)])
    read_in(own, ada=(text, one), cy=(text, other))
    assert (marks(own)["ada"], marks(own)["cy"]) == (1, None)


def _png(width: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, 1)


# --- marks --------------------------------------------------------------------------------------------------------


def test_one_mark_and_comment_serve_a_group(read: Course) -> None:
    (done,) = mark(read, "ps1", [(groups(read)["ada"].name, 0.5)], "And the gates?")
    assert (done.students, done.kept) == (("ada", "bob"), ())
    assert marks(read) == {"ada": 0.5, "bob": 0.5, "cy": 0, "dan": None, "eve": 0}
    assert [answer.comment for answer in groups(read)["ada"].answers] == ["And the gates?"] * 2
    statuses = {row.student: row.status for row in table(read, "ps1").rows}
    assert (statuses["ada"], statuses["dan"]) == ("graded", "needs manual grading")


def test_marks_survive_grading_again_and_open_where_the_answer_changed(read: Course) -> None:
    mark(read, "ps1", [(groups(read)["ada"].name, 1)], "Good.")
    read_in(read, **(TEXTS | {"bob": "On second thoughts"}))
    assert (marks(read)["ada"], marks(read)["bob"]) == (1, None)
    assert groups(read)["ada"].answers[0].comment == "Good."


def test_a_mark_that_a_reader_gave_before_stays_unless_told(read: Course) -> None:
    _by_hand(read, "bob", 0.25, "Spelling!")
    name = groups(read)["ada"].name
    (done,) = mark(read, "ps1", [(name, 1)], "Good.")
    assert (done.students, done.kept) == (("ada",), ("bob",))
    assert (marks(read)["ada"], marks(read)["bob"]) == (1, 0.25)
    mark(read, "ps1", [(name, 0.75)], "Fine.", replace=True)
    assert (marks(read)["ada"], marks(read)["bob"]) == (0.75, 0.75)
    assert {answer.comment for answer in groups(read)["ada"].answers} == {"Fine."}


def test_a_mark_that_is_opened_again_is_given_again_and_its_comment_kept(read: Course) -> None:
    _by_hand(read, "ada", 0.25, "Too short.")
    read_in(read, ada="On second thoughts")
    mark(read, "ps1", [(groups(read)["ada"].name, 1)], "Good.")
    assert marks(read)["ada"] == 1
    assert groups(read)["ada"].answers[0].comment == "Too short."


def test_empty_answers_can_have_a_comment(read: Course) -> None:
    mark(read, "ps1", [("q8-why:empty", 0)], "Come and see me.")
    assert {answer.comment for answer in groups(read)["cy"].answers} == {"Come and see me."}
    read_in(read, **TEXTS)
    assert marks(read)["cy"] == 0


def test_late_penalties_follow_the_mark(read: Course) -> None:
    settings = read.root / "nbgrader_config.py"
    settings.write_text(
        f"{settings.read_text()}c.AssignLatePenalties.plugin_class = 'autograder.gradebook.late_policy.DailyPenalty'\n"
    )
    late = Course.at(read.root)
    place = late.folder("submitted", "ps1", "ada")
    place.mkdir(parents=True, exist_ok=True)
    (place / "timestamp.txt").write_text("2027-02-01 09:00 UTC")
    read_in(late, ada=MEMORY)
    mark(late, "ps1", [(groups(late)["ada"].name, 1)])
    assert {row.student: row.score for row in table(late, "ps1").rows}["ada"] == pytest.approx(7 * 0.9)


@pytest.mark.parametrize("points", [-0.5, 1.5, float("nan"), float("inf")])
def test_a_mark_out_of_bounds_changes_nothing(points: float, read: Course) -> None:
    good, bad = groups(read)["ada"].name, groups(read)["dan"].name
    with pytest.raises(CourseError, match=rf"{bad}: {points:g} is not a valid mark; pass a number from 0 to 1\."):
        mark(read, "ps1", [(good, 1), (bad, points)])
    assert marks(read)["ada"] is None


def test_a_group_that_is_none(read: Course) -> None:
    with pytest.raises(
        CourseError, match=r"q8-why:x: no such group of answers; run `autograder mark --list` to see all groups"
    ):
        mark(read, "ps1", [("q8-why:x", 1)])


# --- the command --------------------------------------------------------------------------------------------------


def _why(course: Course, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["--course", str(course.root), "mark", *arguments]) == code
    said = capsys.readouterr()
    return said.err if code else said.out


def test_the_list_shows_open_groups_the_scheme_and_whose_they_are(
    read: Course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # no environment is active; to open a gradebook adds one
    command = own_command()
    assert command != "autograder"
    shown = _why(read, capsys)
    assert "q8-why (1 point): 5 answers, 3 not marked yet" in shown
    assert "Full: in a GRU `h` serves as memory and as output" in shown
    for words in (groups(read)["ada"].name, MEMORY, "ada, bob", "[look](javascript:alert(1)) at `h` & $c$"):
        assert words in shown
    assert "q8-why:empty" not in shown
    assert f"mark a group with: {command} --course {read.root} mark --mark GROUP POINTS --comment TEXT" in shown


def test_the_whole_list_shows_marked_groups_as_well(read: Course, capsys: pytest.CaptureFixture[str]) -> None:
    _by_hand(read, "bob", 0.25)
    shown = _why(read, capsys, "--list", "--question", "q8-why")
    assert "q8-why:empty" in shown
    assert "(unanswered)" in shown
    assert "0.25 (1), · (1)" in shown


def test_many_students_are_counted_and_long_answers_cut(own: Course, capsys: pytest.CaptureFixture[str]) -> None:
    read_in(own, **{f"s{n}": "word " * 400 for n in range(7)}, zoe=None)
    shown = _why(own, capsys)
    assert "s0, s1, s2, s3 and 3 more" in shown
    assert f"… ({len('word ' * 400) - 1 - terminal.LONGEST} more characters; read them in formgrader)" in shown
    assert "could not be read, so not in any group: zoe" in shown


def test_an_answer_cannot_move_the_cursor_nor_colour_the_list(own: Course, capsys: pytest.CaptureFixture[str]) -> None:
    read_in(own, ada="a \x1b]0;title\x07 \x1b[2J \u202e [bold red]b[/] \x9b1m")
    shown = _why(own, capsys)
    assert not [c for c in shown if not c.isprintable() and c != "\n"]
    assert "[bold red]b[/]" in shown


def test_marks_by_command_say_what_they_did(read: Course, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = groups(read)["ada"].name, groups(read)["dan"].name
    _by_hand(read, "bob", 0.25)
    said = _why(read, capsys, "--mark", first, "1", "--mark", second, "0.5", "--comment", "Read on.")
    assert said.splitlines() == [
        f"{first}: 1 marked; 1 not changed: marked before (--replace overwrites)",
        f"{second}: 1 marked",
    ]
    assert marks(read) == {"ada": 1, "bob": 0.25, "cy": 0, "dan": 0.5, "eve": 0}


def test_what_cannot_be_asked_is_said_in_a_sentence(read: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert _why(read, capsys, "--mark", "x", "half", code=2) == (
        "autograder: x: 'half' is not a number; pass the points as a number, such as 0.5.\n"
    )
    assert _why(read, capsys, "--comment", "Good.", code=2) == (
        "autograder: --comment and --replace work only with --mark GROUP POINTS: add --mark, or leave them out.\n"
    )
    assert _why(read, capsys, "--question", "q1", code=2) == (
        "autograder: ps1: no written answers to 'q1'; questions with written answers: q8-why, q10-why.\n"
    )


def test_nothing_is_graded_yet(known: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(known, tmp_path, dirs_exist_ok=True)
    assert "q8-why (1 point): 0 answers, 0 not marked yet" in _why(Course.at(tmp_path), capsys)
    (tmp_path / "gradebook.db").unlink()
    said = _why(Course.at(tmp_path), capsys, code=1)
    assert said.endswith("not in the gradebook; run `autograder release`, then `autograder grade`.\n")
