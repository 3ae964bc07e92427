"""What stops a class from outside: a locked gradebook, a full or read-only disk. One sentence, and nothing is lost."""

import errno
import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from autograder.cli.main import main
from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.execution.client import fill
from autograder.files import MAX_TEMPORARY, disk_problem, short_temporary_folder, temporary_prefix
from autograder.gradebook import recorder
from autograder.gradebook.queries import table
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading import pipeline
from autograder.kernels import launcher
from autograder.model import Result, Submission
from autograder.submissions.files import read_regular
from autograder.tests.harness.small_class import hand_in, judged, run

FULL = OSError(errno.ENOSPC, "No space left on device", "/a/file")
SENTENCE = (
    "/a/file: the disk is full; free some space, and run the command again. Nothing that was saved before is lost."
)


def _raise(error: OSError) -> Any:
    def raising(*_: Any, **__: Any) -> None:
        raise error

    return raising


def _is_complete(course: Course) -> bool:
    """Grade once more; return whether exactly what was missing was graded, and every mark is there once."""
    assert not list(course.root.glob("autograded/*/.*"))
    assert run(course, jobs=1)[0] in (["bob", "cy"], ["cy"]), "what was saved is not run again"
    assert run(course)[0] == []
    return {row.student: row.marks["x"] for row in table(course, "ps1").rows} == {"ada": 2, "bob": 0, "cy": 2}


@pytest.fixture
def three(course: Course) -> Course:
    """A course with three submissions, whose gradebook is not waited for."""
    path = course.root / CONFIG
    address = f"sqlite:///{course.root}/gradebook.db?timeout=0.05"
    path.write_text(f"{path.read_text('utf-8')}\nc.CourseDirectory.db_url = {address!r}\n", "utf-8")
    course = Course.at(course.root)
    hand_in(course, ada="right", bob="wrong", cy="right")
    return course


def test_a_gradebook_that_another_program_writes(three: Course) -> None:
    with closing(sqlite3.connect(three.root / "gradebook.db", isolation_level=None, check_same_thread=False)) as other:

        def locking(submission: Submission, *context: Any) -> Result:
            if submission.student == "cy":
                other.execute("BEGIN EXCLUSIVE")
            return judged(submission, *context)

        with pytest.raises(CourseError) as raised:
            run(three, locking, jobs=1)
    gradebook = f"the gradebook sqlite:///{three.root}/gradebook.db"
    assert str(raised.value) == (
        f"{three.root / CONFIG}: {gradebook} cannot be used (database is locked); "
        "another program is writing it: close that program, and run the command again. "
        "Nothing that was saved before is lost."
    )
    assert _is_complete(three)


def test_a_disk_that_is_full_when_a_result_is_saved(three: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, limit: int) -> bytes:
        return read_regular(path, limit) if "cy" not in path.parts else bytes(_raise(FULL)())

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "read_regular", full)
        with pytest.raises(OSError, match="No space left"):
            run(three, jobs=1)
    assert _is_complete(three)


def test_a_disk_that_is_full_when_a_submission_is_graded(three: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is nobody's fault, and the next submission would meet it, too."""
    monkeypatch.setattr(pipeline, "grade_notebook", _raise(FULL))
    with pytest.raises(CourseError) as raised:
        pipeline.grade_submission(Submission("ada", {}), SourceAssignment.load(three, "ps1").packed())
    assert str(raised.value) == SENTENCE


def test_files_of_a_student_are_not_left_out_for_want_of_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {"a": b"1", "a/b": b"2", "x" * 300: b"3", "../c": b"4"})
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]
    monkeypatch.setattr(Path, "write_bytes", _raise(FULL))
    with pytest.raises(OSError, match="No space left"):
        fill(tmp_path, {"b": b"1"})


def test_a_command_says_it_in_one_sentence(
    three: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("autograder.cli.main._course", _raise(FULL))
    assert main(["--course", str(three.root), "report"]) == 1
    assert capsys.readouterr().err == f"autograder: {SENTENCE}\n"
    assert disk_problem(OSError(errno.EROFS, "")).startswith("the disk is read-only; make it writable, or use a copy")
    assert disk_problem(OSError(errno.ENOENT, "")) == disk_problem(ValueError()) == ""


def test_a_course_that_cannot_be_written(three: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileLock, "acquire", _raise(OSError(errno.EROFS, os.strerror(errno.EROFS))))
    with pytest.raises(CourseError) as raised:
        run(three)
    problem = "the course folder cannot be written (Read-only file system)"
    assert str(raised.value) == f"{three.root}: {problem}; make it writable, or grade a copy of it."


def test_sockets_have_a_short_folder_where_the_temporary_one_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * MAX_TEMPORARY)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    monkeypatch.setattr(launcher, "_own", [])
    place = launcher._place()
    assert place.parent == short_temporary_folder() == Path("/tmp")
    assert place.name.startswith(temporary_prefix("ag-"))
    place.rmdir()
    monkeypatch.setattr("autograder.files.SHORT_FOLDERS", ())
    with pytest.raises(CourseError, match="this path is too long for sockets; set TMPDIR to a shorter one"):
        short_temporary_folder()
