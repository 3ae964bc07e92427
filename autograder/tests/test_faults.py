"""Faults of the grader's own: their tracebacks in log files, whose names are safe and are named."""

import logging
from pathlib import Path

import pytest

from autograder.faults import MAX_TRACEBACK, keep_submission_faults, log_file, traceback_of
from autograder.model import NotebookResult, Result

NAMES = ["ada", "../../etc/passwd", "a\nb", "é" * 200, "é" * 201, "Ada Lovelace", ".", "..", "a:b", "a_b", "x\udcff"]


def _result(student: str, **tracebacks: str) -> Result:
    return Result(
        student,
        tuple(NotebookResult(name, b"", (), frozenset(), traceback=found) for name, found in tracebacks.items()),
    )


def _raised(message: str) -> Exception:
    try:
        raise OSError(message)
    except OSError as error:
        return error


def test_each_student_has_a_file_in_the_folder_of_the_assignment(tmp_path: Path) -> None:
    files = [log_file(tmp_path, "ps1", name) for name in NAMES]
    assert len(set(files)) == len(NAMES)
    assert {file.parent for file in files} == {tmp_path / "reports" / "ps1"}
    assert max(len(file.name.encode()) for file in files) <= 255
    assert log_file(tmp_path, "ps1", "ada").name == "ada.log"


@pytest.mark.parametrize("student", NAMES)
def test_a_fault_is_written_and_named(student: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trace = traceback_of(_raised("no space left"))
    keep_submission_faults(tmp_path, "ps1", _result(student, one=trace, two="", three=trace))
    path = log_file(tmp_path, "ps1", student)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().endswith(f": the grader failed on one, three, so marks are missing; see {path}.")
    assert record.getMessage().isprintable()
    kept = path.read_text(encoding="utf-8")
    assert kept.count("Traceback (most recent call last):") == 1
    assert "UTC ps1: one, three\n" in kept
    assert kept.endswith("OSError: no space left\n\n")


def test_a_log_is_gone_once_there_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep_submission_faults(tmp_path, "ps1", _result("ada", one="Traceback"))
    keep_submission_faults(tmp_path, "ps1", _result("ada", one=""))
    assert list((tmp_path / "reports" / "ps1").iterdir()) == []
    assert len(caplog.records) == 1


def test_without_a_fault_nothing_is_made(tmp_path: Path) -> None:
    keep_submission_faults(tmp_path, "ps1", _result("ada", one=""))
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "reports").write_text("a file")
    keep_submission_faults(tmp_path, "ps1", _result("ada", one="Traceback"))
    path = tmp_path / "reports" / "ps1" / "ada.log"
    assert f"{path} cannot be written (" in caplog.text
    assert (tmp_path / "reports").read_text() == "a file"


def test_a_traceback_cannot_move_a_cursor_and_is_cut() -> None:
    text = traceback_of(_raised("\x1b[2J" + "x" * 2 * MAX_TRACEBACK))
    assert len(text) == MAX_TRACEBACK
    assert "\x1b" not in traceback_of(_raised("\x1b[2J"))
