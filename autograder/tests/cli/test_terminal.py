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
    assert any("too narrow for a column for each question" in line for line in lines) == folded


def test_a_table_in_a_pipe_has_all_columns(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_table(_table())
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert "q12" in printed
