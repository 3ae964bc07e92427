"""Tables in terminals of any width: no student, score or status is cut off."""

import pytest
from rich.console import Console

from autograder.cli import terminal
from autograder.gradebook.queries import Row, Table
from autograder.model import Status

POINTS = {f"q{number}": 2.0 for number in range(1, 13)} | {"q2-why": 1.0}
STUDENTS = ("ada", "max-mustermann_12")


def _table() -> Table:
    marks = {name: None if name == "q2-why" else 1.8 for name in POINTS}
    rows = tuple(Row(name, marks, 21.6, 25.0, Status.NEEDS_MANUAL_GRADING, "", ()) for name in STUDENTS)
    return Table("ps1", POINTS, rows, {}, frozenset({"q2-why"}))


@pytest.mark.parametrize(("width", "folded"), [(80, True), (200, False)])
def test_a_narrow_terminal_shows_the_sum_of_all_tests(
    width: int, folded: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(terminal, "console", Console(force_terminal=True))
    terminal.show_table(_table())
    lines = capsys.readouterr().out.splitlines()
    for student in STUDENTS:
        (line,) = [line for line in lines if student in line]
        assert "21.6" in line
        assert "needs manual grading" in line
        assert len(line) <= width
    assert ("q12" in lines[2]) != folded
    assert ("tests" in lines[2]) == folded
    assert any("Too narrow for a column for each question" in line for line in lines) == folded


def test_a_table_in_a_pipe_has_all_columns(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_table(_table())
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert "q12" in printed


@pytest.mark.parametrize(("columns", "folded"), [("80", True), ("300", False), ("0", False), ("", False), ("x", False)])
def test_a_table_in_a_pipe_is_as_wide_as_columns_says(
    columns: str, folded: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal.show_table(_table())
    lines = capsys.readouterr().out.splitlines()
    assert any("Too narrow for a column for each question; `autograder export` writes" in x for x in lines) == folded
    assert max(map(len, lines)) <= (80 if folded else terminal.WIDTH)
    assert sum("21.6" in line and "needs manual grading" in line for line in lines) == len(STUDENTS)


@pytest.mark.parametrize("columns", ["1", "20", "40"])
def test_a_table_that_does_not_fit_is_wider_than_columns_says(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal.show_table(_table())
    rows = [line for line in capsys.readouterr().out.splitlines() if "needs manual grading" in line]
    assert [row.strip("│").split()[0] for row in rows] == ["ada", "max-mu…nn_12"]
    assert all("21.6" in row for row in rows)


ODD = ("x" * 100, "x" * 50 + "y" * 50, "[red]eve[/red]\x1b[2J\nbob")


@pytest.mark.parametrize("width", [48, 60, 80, 100, 250])
def test_student_score_and_status_are_always_there(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(terminal, "console", Console(force_terminal=True, no_color=True))
    printed = _printed_odd(capsys)
    lines = [line for line in printed.splitlines() if "needs manual grading" in line]
    assert len(lines) == len(set(lines)) == len(ODD)
    assert all("21.6" in line and len(line) <= width for line in lines)
    assert [line[1:4] for line in lines] == ["xxx", "xxx", "[re"]


def test_a_pipe_has_a_column_for_each_notebook_where_questions_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    printed = _printed_odd(capsys)
    assert "first" in printed
    assert "second" in printed
    assert printed.count("needs manual grading") == len(ODD)
    assert max(map(len, printed.splitlines())) <= terminal.WIDTH
    assert "\x1b" not in printed


def _printed_odd(capsys: pytest.CaptureFixture[str]) -> str:
    """The table of ids that are long or have markup and control characters, with 60 questions in two notebooks."""
    points = {f"a-long-question-{number}": 1.0 for number in range(60)}
    cells = {name: ("first" if number % 2 else "second", name) for number, name in enumerate(points)}
    marks = dict.fromkeys(points, 0.5)
    rows = tuple(Row(name, marks, 21.6, 60.0, Status.NEEDS_MANUAL_GRADING, "", ()) for name in ODD)
    terminal.show_table(Table("ps1", points, rows, cells))
    return capsys.readouterr().out
