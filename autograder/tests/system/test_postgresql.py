"""One setting, and the gradebook is PostgreSQL's: all jobs give what they give with SQLite, in the same order."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from autograder.cli.main import main
from autograder.course import database
from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.execution.sandbox import grading_limits
from autograder.gradebook.assignment_sync import update_gradebook
from autograder.gradebook.queries import Table, table
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.class_run import ClassRun
from autograder.grading.pipeline import grade_submission
from autograder.grading.workers import Threads, default_jobs
from autograder.model import Result, Submission
from autograder.release.release import release
from autograder.reports.nbgrader_feedback import feedback
from autograder.tests.harness.postgres import needs_postgresql, postgresql_server, start, stop
from autograder.tests.harness.servers import TOKEN, chromium, jupyter_server
from autograder.tests.harness.small_class import hand_in, judged
from autograder.tests.harness.small_class import run as run_class
from autograder.tests.harness.synthetic import ASSIGNMENT, make_graded
from autograder.tests.support import ROOT

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]
STUDENTS = ("bob", "cy", "fay", "omar")  # a wrong answer, none, a right one late, a notebook that cannot be read
SORTED_OTHERWISE = ("Bob", "ann", "ann-2", "名前", "Zoë", "zz-absent")  # by this server's rules ann comes before Bob
WRITTEN = ("grades.csv", "canvas.csv", "canvas-unmatched.csv", "moodle.csv", "moodle-unmatched.csv", "report.json")
PART = ("1_lstm", "3_gru")  # of this checkout's course; the gradebook treats all notebooks alike
LARGE = 3_000

Makes = Callable[[str], str]  # the name of a database to make → a line of nbgrader_config.py


@pytest.fixture(scope="module")
def in_database() -> Iterator[Makes]:
    """Makes a database and gives the one setting that puts a course's gradebook there."""
    with postgresql_server() as address:
        engine = create_engine(address, isolation_level="AUTOCOMMIT")

        def make(name: str) -> str:
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            return setting(address.replace("/postgres?", f"/{name}?"))

        yield make
        engine.dispose()


def setting(address: str) -> str:
    """The one line."""
    return f"\nc.CourseDirectory.db_url = {address!r}\n"


def _class(ungraded: Path, folder: Path, settings: str, *students: str) -> Course:
    """The small class in a course with more settings, which no gradebook knows, and only these of its students."""
    shutil.copytree(ungraded, folder, ignore=shutil.ignore_patterns("submitted", "gradebook.db"))
    with (folder / CONFIG).open("a") as config:
        config.write(settings)
    for student in students:
        shutil.copytree(ungraded / "submitted" / student, folder / "submitted" / student)
    return Course.at(folder)


def _grade(course: Course, results: dict[str, Result]) -> None:
    """Grade a class; what kernels return does not depend on the gradebook, so it is the first class' for both."""

    def work(submission: Submission, *context: Any) -> Result:
        if submission.student not in results:
            results[submission.student] = grade_submission(submission, *context)
        return results[submission.student]

    pool = Threads(default_jobs())
    pool.work = work
    with pool.executor:
        ClassRun(course, "ps1", executor=pool, limits=grading_limits(course)).grade()


def _heard(course: Course) -> list[tuple[str, str]]:
    """What is heard of each student when the class is graded once more."""
    heard: list[tuple[str, str]] = []
    ClassRun(course, "ps1", progress=lambda student, said: heard.append((student, said))).grade()
    return heard


def _rosters(course: Course) -> None:
    (assignment,) = course.assignments()
    results = table(course, assignment)
    names = [row.student for row in results.rows][:-1]
    rows = [f"{name},{place},S{place},{name},A,\n" for place, name in enumerate([*names, "nobody"])]
    head = f"Student,ID,SIS User ID,SIS Login ID,Section,{assignment} (7)\n"
    head += f"    Points Possible,,,,,{sum(results.points.values()):g}\n"
    (course.root / "canvas-roster.csv").write_text(head + "".join(rows), "utf-8")
    rows = [f"{name},{name},{name}@uni.example\n" for name in [*names, "nobody"]]
    (course.root / "moodle-roster.csv").write_text("First name,Username,Email address\n" + "".join(rows), "utf-8")


def _all_written(course: Course) -> dict[str, str]:
    """Everything that the report and the exports write."""
    _rosters(course)
    there = ["--course", str(course.root)]
    for job in (["report"], ["export"], *_platforms(course)):
        assert main([*there, *job]) == 0
    return {name: (course.root / name).read_text("utf-8") for name in WRITTEN}


def _platforms(course: Course) -> list[list[str]]:
    return [
        ["export", "--format", platform, "--open", "sum", "--roster", str(course.root / f"{platform}-roster.csv")]
        for platform in ("canvas", "moodle")
    ]


@needs_postgresql
def test_a_class_is_reported_and_exported_as_with_sqlite(in_database: Makes, tmp_path: Path) -> None:
    here = make_graded(tmp_path / "sqlite", SORTED_OTHERWISE, notebooks=PART)
    there = make_graded(tmp_path / "postgresql", SORTED_OTHERWISE, settings=in_database("reported"), notebooks=PART)
    assert [row.student for row in table(there, ASSIGNMENT).rows] == sorted(SORTED_OTHERWISE)
    assert _all_written(there) == _all_written(here)
    assert not (there.root / "gradebook.db").exists()
    assert (here.root / "gradebook.db").exists()


@needs_postgresql
@pytest.mark.kernel
def test_a_class_is_released_graded_and_fed_back_as_with_sqlite(
    in_database: Makes, ungraded: Path, tmp_path: Path
) -> None:
    found: list[tuple[Table, dict[str, str], dict[str, str]]] = []
    results: dict[str, Result] = {}
    for settings in ("", in_database("graded")):
        course = _class(ungraded, tmp_path / f"class-{len(found)}", settings, "bob", "cy", "fay")
        hand_in(course, omar='{"cells": [')
        release(course, "ps1")
        assert [row.student for row in table(course, "ps1").rows] == []
        _grade(course, results)
        again = dict(_heard(course))
        assert again == dict.fromkeys(STUDENTS, "unchanged")
        feedback(course, "ps1")
        pages = {name: (course.root / "feedback" / name / "ps1.html").read_text("utf-8") for name in STUDENTS}
        found.append((table(course, "ps1"), _all_written(course), pages))
        assert (course.root / "gradebook.db").exists() == (not settings)
    assert found[0] == found[1]
    rows = {row.student: row for row in found[1][0].rows}
    assert rows["fay"].score == pytest.approx(2 * 0.8)
    assert (rows["bob"].score, rows["bob"].status) == (0, "needs manual grading")
    assert (rows["omar"].status, rows["cy"].score) == ("damaged", 0)


@needs_postgresql
@pytest.mark.browser
def test_formgraders_tables(in_database: Makes, tmp_path: Path) -> None:
    course = make_graded(tmp_path / "course", SORTED_OTHERWISE, settings=in_database("formgrader"), notebooks=PART)
    rows = [row for row in table(course, ASSIGNMENT).rows if row.score is not None]
    with jupyter_server(course.root) as address, chromium() as browser:
        page = browser.new_page(extra_http_headers={"Authorization": f"token {TOKEN}"})
        page.goto(f"{address}/formgrader/gradebook/{ASSIGNMENT}/1_lstm")
        expect(page.locator("tbody tr")).to_have_count(len(rows))
        page.goto(f"{address}/formgrader/manage_submissions/{ASSIGNMENT}")
        expect(page.locator("tbody tr")).to_have_count(len(rows))
        for row in rows:
            line = page.locator("tbody tr", has=page.get_by_text(row.student, exact=True))
            expect(line).to_contain_text(f"{row.score:g} / {row.max_score:g}")
        page.goto(f"{address}/formgrader/manage_students")
        expect(page.locator("tbody tr")).to_have_count(len(SORTED_OTHERWISE))


@needs_postgresql
def test_a_class_of_three_thousand(in_database: Makes, tmp_path: Path) -> None:
    names = [f"student-{i:04}" for i in range(LARGE)]
    course = make_graded(tmp_path / "large", names, settings=in_database("large"), notebooks=PART[1:])
    written = _all_written(course)
    assert len(json.loads(written["report.json"])["lines"]) == LARGE
    assert len(written["canvas.csv"].splitlines()) == LARGE + 2  # two heads, all students but one, somebody else
    alone = [f"{names[-1]},,this id is not in the roster", "nobody,,only in the roster"]
    assert written["canvas-unmatched.csv"].splitlines()[1:] == alone


@needs_postgresql
def test_an_id_that_the_database_would_refuse(in_database: Makes, ungraded: Path, tmp_path: Path) -> None:
    course = _class(ungraded, tmp_path / "long", in_database("long"))
    hand_in(course, ada="right")
    run_class(course)
    long = "x" * 129
    course.folder("submitted", "ps1", long).mkdir(parents=True)
    with pytest.raises(CourseError) as raised:
        ClassRun(course, "ps1").grade()
    assert str(raised.value) == (
        f"{long}: the gradebook's database accepts ids of at most 128 characters, and this one has 129; "
        "give the student's folder a shorter name."
    )
    assert [row.student for row in table(course, "ps1").rows] == ["ada"]


@needs_postgresql
def test_a_server_that_goes_away_is_said_in_one_sentence(ungraded: Path, tmp_path: Path) -> None:
    with postgresql_server() as address:
        course = _class(ungraded, tmp_path / "course", setting(address))
        with pytest.raises(CourseError) as raised, course.gradebook() as book:
            book.db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    said = str(raised.value)
    assert said.startswith(f"{course.root / CONFIG}: the gradebook postgresql://grader@/postgres cannot be used (")
    assert said.endswith("); check that the database server is running, or change c.CourseDirectory.db_url.")
    assert "\n" not in said


@needs_postgresql
def test_a_server_that_stops_in_the_middle_of_a_class_loses_nothing(ungraded: Path, tmp_path: Path) -> None:
    with postgresql_server() as address:
        course = _class(ungraded, tmp_path / "course", setting(address))
        hand_in(course, ada="right", bob="wrong", cy="right", dan="empty")

        def stopping(submission: Submission, *context: Any) -> Result:
            if submission.student == "cy":
                stop(address, "fast")
            return judged(submission, *context)

        with pytest.raises(CourseError) as raised:
            run_class(course, stopping, jobs=1)
        assert str(raised.value).startswith(
            f"{course.root / CONFIG}: the gradebook postgresql://grader@/postgres cannot"
        )
        assert str(raised.value).endswith(
            "check that the database server is running, or change c.CourseDirectory.db_url."
        )
        assert not list(course.root.glob("autograded/*/.*"))
        start(address)
        assert run_class(course, jobs=1)[0] in (["bob", "cy", "dan"], ["cy", "dan"]), "what was saved is not run again"
        assert run_class(course)[0] == []
        marks = {row.student: row.marks["x"] for row in table(course, "ps1").rows}
        assert marks == {"ada": 2, "bob": 0, "cy": 2, "dan": 0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A course folder, to be given a setting."""
    shutil.copytree(ROOT / "solutions" / ASSIGNMENT, tmp_path / "solutions" / ASSIGNMENT)
    return tmp_path


def _said(folder: Path, address: str, capsys: pytest.CaptureFixture[str]) -> str:
    (folder / CONFIG).write_text((ROOT / CONFIG).read_text("utf-8") + setting(address), "utf-8")
    assert main(["--course", str(folder), "report"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error.removeprefix(f"autograder: {folder / CONFIG}: ").rstrip("\n")


def test_no_server_there_and_the_password_stays_untold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(folder, f"postgresql://me:secret@/rnn?password=secret&host={folder}", capsys)
    assert said.startswith("the gradebook postgresql://me:***@/rnn cannot be used (connection ")
    assert f'socket "{folder}/.s.PGSQL.5432" failed: No such file or directory' in said
    assert said.endswith("); check that the database server is running, or change c.CourseDirectory.db_url.")
    assert "secret" not in said


def test_a_release_says_it_too(folder: Path) -> None:
    (folder / CONFIG).write_text((ROOT / CONFIG).read_text("utf-8") + setting(f"postgresql:///rnn?host={folder}"))
    with pytest.raises(CourseError, match=r"the gradebook postgresql:///rnn cannot be used \(connection "):
        update_gradebook(SourceAssignment.load(Course.at(folder), ASSIGNMENT))
    assert not list(folder.glob(".release-*"))


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("gradebook", "Could not parse SQLAlchemy URL from given URL string"),
        ("postgres://me:secret@host/rnn", "Can't load plugin: sqlalchemy.dialects:postgres"),
    ],
)
def test_an_address_that_is_none(folder: Path, address: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(folder, address, capsys)
    assert (
        said == f"c.CourseDirectory.db_url is not a database address ({why}); use the form postgresql://user@host/name."
    )


def test_without_its_driver(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(address: str, course_id: str) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr(database, "Gradebook", gone)
    said = _said(folder, "postgresql://me:secret@host/rnn", capsys)
    assert said == (
        "postgresql://me:***@host/rnn needs the package psycopg, which is not installed; "
        "run `pip install 'notebook-autograder[postgresql]'`."
    )
