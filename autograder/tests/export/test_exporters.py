"""Exports for Canvas, Moodle and spreadsheets, by our own command and by nbgrader's."""

import csv
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from nbgrader.api import Gradebook, Student

from autograder.cli.main import main
from autograder.course.course import Course, find_alembic
from autograder.gradebook.queries import table
from autograder.tests.harness.synthetic import ASSIGNMENT, make_graded

pytestmark = pytest.mark.xdist_group("report")
FORMULA = "=cmd|' /C calc'!A0"
ELODIE, LAST = unicodedata.normalize("NFD", "élodie"), "zz-absent"
STUDENTS = ("ada", ELODIE, FORMULA, "stranger", LAST)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class with ids of every kind; only the third has an open mark, and the last handed in nothing."""
    course = make_graded(tmp_path_factory.mktemp("graded"), STUDENTS)
    with course.gradebook() as book:
        for student, score in (("ada", 0.25), (ELODIE, 1.0), ("stranger", 1.0)):
            for notebook in book.find_submission(ASSIGNMENT, student).notebooks:
                for grade in notebook.grades:
                    if grade.name.endswith("-why"):
                        grade.manual_score, grade.needs_manual_grade = score, False
        grade = book.find_grade("q2-why", "1_lstm", ASSIGNMENT, FORMULA)
        grade.manual_score, grade.needs_manual_grade = None, True
        book.db.get(Student, FORMULA).email = "formula@uni.example"
        book.db.commit()
    return course


@pytest.fixture
def scores(graded: Course) -> dict[str, float | None]:
    """Scores by student."""
    return {row.student: row.score for row in table(graded, ASSIGNMENT).rows}


def _read(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file, delimiter=separator))


CANVAS = [
    ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "rnn_shapes (4711)", "Final Score"],
    ["", "", "", "", "", "Manual Posting", ""],
    ["    Points Possible", "", "", "", "", "30.00", "(read only)"],
    ["Lovelace, Ada", "11", "S11", "ada", "Section A and Section B", "3.00", "10"],
    ['="=1+1"', "12", "S12", "élodie", "A", "", ""],
    ["Formula", "13", "S13", "formula@uni.example", "A", "17.00", ""],
    ["Nobody, N.", "14", "S14", "nobody", "A", "9.50", ""],
    ["Student, Test", "15", "", "hash", "A", "", ""],
]


def _roster(path: Path, rows: list[list[str]], separator: str = ",", mark: bool = False) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig" if mark else "utf-8") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


def _export(course: Course, *options: str | Path) -> int:
    return main(["--course", str(course.root), "export", *map(str, options)])


def test_canvas(graded: Course, scores: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roster = _roster(tmp_path / "roster.csv", CANVAS)
    assert _export(graded, "--format", "canvas", "--roster", roster) == 0
    ids = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert _read(graded.root / "canvas.csv") == [
        [*ids, "rnn_shapes (4711)"],
        ["    Points Possible", "", "", "", "", "30"],
        ["Lovelace, Ada", "11", "S11", "ada", "Section A and Section B", f"{scores['ada']:g}"],
        ['\'="=1+1"', "12", "S12", "élodie", "A", f"{scores[ELODIE]:g}"],
        ["Formula", "13", "S13", "formula@uni.example", "A", "17.00"],  # held back: what Canvas has stays
        ["Nobody, N.", "14", "S14", "nobody", "A", "9.50"],
        ["Student, Test", "15", "", "hash", "A", ""],
    ]
    assert _read(graded.root / "canvas-unmatched.csv") == [
        ["student", ASSIGNMENT, "why"],
        ["stranger", f"{scores['stranger']:g}", "this id is not in the roster"],
        [LAST, "", "this id is not in the roster"],
        ["Nobody, N.", "", "only in the roster"],
    ]
    assert capsys.readouterr().out.splitlines() == [
        f"marks: {graded.root / 'canvas.csv'}",
        f"marks: {graded.root / 'canvas-unmatched.csv'}",
        f"2 not in the roster: stranger, {LAST}.",
        "1 only in the roster: Nobody, N..",
        f"{graded.root / 'canvas-unmatched.csv'} lists them all.",
        f"Held back because answers are not marked yet: {FORMULA}. --open sum sends the sum so far.",
    ]


def test_csv_names_answers_and_tests_without_a_mark(
    graded: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = Course.at(shutil.copytree(graded.root, tmp_path / "course"))
    assert _export(course) == 0
    assert f"{ASSIGNMENT}: not all answers are marked yet: {FORMULA}." in capsys.readouterr().out.splitlines()
    with course.gradebook() as book:
        grade = book.find_grade("q1-test", "1_lstm", ASSIGNMENT, "ada")
        grade.auto_score, grade.needs_manual_grade = None, True
        book.db.commit()
    assert _export(course) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"{ASSIGNMENT}: not all answers are marked yet: {FORMULA}, ada.",
        f"{ASSIGNMENT}: tests without a mark, for you to mark in formgrader: q1.",
    ]


def test_open_marks_are_sent_on_request(graded: Course, scores: dict[str, float], tmp_path: Path) -> None:
    roster = _roster(tmp_path / "roster.csv", CANVAS)
    assert _export(graded, "--format", "canvas", "--roster", roster, "--open", "sum") == 0
    assert _read(graded.root / "canvas.csv")[4][-1] == f"{scores[FORMULA]:g}"


def test_canvas_where_commas_are_decimal_signs(graded: Course, scores: dict[str, float], tmp_path: Path) -> None:
    rows = [[cell.replace("30.00", "30,00") for cell in row] for row in CANVAS]
    roster = _roster(tmp_path / "roster.csv", rows, ";", mark=True)
    assert _export(graded, "--format", "canvas", "--roster", roster) == 0
    content = (graded.root / "canvas.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfStudent;ID;")
    assert scores["ada"] % 1 == 0.5
    assert _read(graded.root / "canvas.csv", ";")[2][-1] == f"{scores['ada']:g}".replace(".", ",")
    assert _export(graded, "--format", "canvas", "--roster", roster, "--decimal", ".") == 0
    assert _read(graded.root / "canvas.csv", ";")[2][-1] == f"{scores['ada']:g}"


def test_canvas_is_told_of_a_new_assignment_and_of_other_points(
    graded: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without = _roster(tmp_path / "roster.csv", [row[:5] for row in CANVAS])
    assert _export(graded, "--format", "canvas", "--roster", without) == 0
    assert _read(graded.root / "canvas.csv")[0][-1] == ASSIGNMENT
    assert "Canvas has no assignment rnn_shapes yet; the import will offer to create it." in capsys.readouterr().out
    other = [[cell.replace("30.00", "100.00") for cell in row] for row in CANVAS]
    assert _export(graded, "--format", "canvas", "--roster", _roster(tmp_path / "roster.csv", other)) == 0
    assert "rnn_shapes (4711) has 100 points in Canvas; the import changes them to 30." in capsys.readouterr().out


def test_canvas_with_two_columns_of_one_name(
    graded: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[*row, "rnn_shapes (12)" if i == 0 else ""] for i, row in enumerate(CANVAS)]
    roster = _roster(tmp_path / "roster.csv", rows)
    assert _export(graded, "--format", "canvas", "--roster", roster) == 1
    said = capsys.readouterr().err
    assert "rnn_shapes matches several columns (rnn_shapes (4711), rnn_shapes (12)); choose one in `columns`." in said


@pytest.mark.parametrize("platform", ["canvas", "moodle"])
def test_a_roster_that_is_none(
    platform: str, graded: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roster = _roster(tmp_path / "roster.csv", [["name", "colour"], ["ada", "red"]])
    assert _export(graded, "--format", platform, "--roster", roster) == 1
    said = {
        "canvas": "not a gradebook exported by Canvas (no columns ID and Section); "
        "in Canvas open Grades and choose Export.",
        "moodle": "none of the columns Username, ID number, Email address; "
        "in Moodle download the participants or the grading worksheet.",
    }
    assert capsys.readouterr().err == f"autograder: {roster}: {said[platform]}\n"


def test_canvas_needs_a_roster(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert _export(graded, "--format", "canvas") == 2
    said = (
        "Canvas needs its list of students: in Canvas open Grades and choose Export, and pass the file with --roster."
    )
    assert capsys.readouterr().err == f"autograder: {said}\n"


WORKSHEET = [
    ["Identifier", "Full name", "ID number", "Email address", "Status", "Grade", "Maximum Grade", "Feedback comments"],
    ["Participant 5", "Ada Lovelace", "", "ada@uni.example", "Submitted", "", "30.00", ""],
    ["Participant 6", "Élodie", "élodie", "e@uni.example", "Submitted", "3.00", "30.00", "well, done"],
    ["Participant 7", "F", "", "formula@uni.example", "Submitted", "7.00", "30.00", ""],
    ["Participant 8", "Nobody", "8", "nobody@uni.example", "No submission", "", "30.00", ""],
]


def test_moodles_worksheet_is_filled_in(
    graded: Course, scores: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roster = _roster(tmp_path / "roster.csv", WORKSHEET)
    assert _export(graded, "--format", "moodle", "--roster", roster) == 0
    expected = [list(row) for row in WORKSHEET]
    expected[1][5], expected[2][5] = f"{scores['ada']:g}", f"{scores[ELODIE]:g}"
    assert _read(graded.root / "moodle.csv") == expected
    assert "1 only in the roster: Nobody 8 nobody@uni.example." in capsys.readouterr().out
    other = [[cell.replace("30.00", "100.00") for cell in row] for row in WORKSHEET]
    assert _export(graded, "--format", "moodle", "--roster", _roster(tmp_path / "roster.csv", other)) == 0
    said = "Moodle's maximum grade is 100, but the assignment has 30 points; change it to 30 in Moodle first."
    assert said in capsys.readouterr().out.splitlines()


def test_moodles_grade_import_has_only_who_has_a_score(
    graded: Course, scores: dict[str, float], tmp_path: Path
) -> None:
    rows = [["First name", "Surname", "ID number", "Email address"]]
    rows += [
        ["Nobody", "N", "8", "n@x.org"],
        ["Élodie", "E", "élodie", "e@x.org"],
        ["F", "", "", "formula@uni.example"],
    ]
    roster = _roster(tmp_path / "roster.csv", rows, ";")
    assert _export(graded, "--format", "moodle", "--roster", roster) == 0
    assert _read(graded.root / "moodle.csv", ";") == [
        ["First name", "Surname", "ID number", "Email address", ASSIGNMENT],
        ["Élodie", "E", "élodie", "e@x.org", f"{scores[ELODIE]:g}"],
    ]


def test_moodle_without_a_roster_goes_by_user_name(
    graded: Course, scores: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _export(graded, "--format", "moodle", "--open", "sum") == 0
    assert _read(graded.root / "moodle.csv") == [
        ["Username", ASSIGNMENT],
        *([f"'{s}" if s == FORMULA else s, f"{scores[s]:g}"] for s in sorted(set(STUDENTS) - {LAST})),
    ]
    said = "No roster was given, so students are listed by user name and were not checked against Moodle's list."
    assert said in capsys.readouterr().out.splitlines()
    assert not (graded.root / "moodle-unmatched.csv").exists()


def test_a_spreadsheet_with_decimal_commas(graded: Course, scores: dict[str, float]) -> None:
    assert _export(graded, "--decimal", ",") == 0
    lines = _read(graded.root / "grades.csv", ";")
    found = {row[0]: dict(zip(lines[0], row, strict=True)) for row in lines[1:]}
    assert found["ada"]["score"] == f"{scores['ada']:g}".replace(".", ",")
    assert f"'{FORMULA}" in found
    assert (graded.root / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_roster_is_for_platforms(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert _export(graded, "--roster", "x.csv") == 2
    said = "--roster and --open work only for Canvas and Moodle: add --format canvas or moodle, or leave them out."
    assert capsys.readouterr().err == f"autograder: {said}\n"


def _nbgrader(course: Course, *options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nbgrader", "export", *map(str, options)]
    return subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)


@pytest.mark.process
@pytest.mark.parametrize("platform", ["canvas.Canvas", "moodle.Moodle", "exporters.Csv"])
def test_nbgraders_own_export_writes_the_same(platform: str, graded: Course, tmp_path: Path) -> None:
    kind = platform.rpartition(".")[2]
    rosters = {"Canvas": CANVAS, "Moodle": WORKSHEET}
    roster = _roster(tmp_path / "roster.csv", rosters[kind]) if kind in rosters else None
    ours: list[str | Path] = ["--format", kind.lower(), "--roster", roster] if roster else []
    assert _export(graded, *ours) == 0
    expected = (graded.root / ("grades.csv" if kind == "Csv" else f"{kind.lower()}.csv")).read_bytes()
    theirs = [f"--{kind}Exporter.roster={roster}"] if roster else []
    done = _nbgrader(
        graded, f"--exporter=autograder.export.{platform}Exporter", f"--to={tmp_path / 'out.csv'}", *theirs
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").read_bytes() == expected
    assert ("Held back because answers are not marked yet" in done.stderr) == (kind != "Csv")
    some = [f"--assignment=['{ASSIGNMENT}']", "--student=['ada']"]
    done = _nbgrader(
        graded, f"--exporter=autograder.export.{platform}Exporter", f"--to={tmp_path / 'some.csv'}", *theirs, *some
    )
    assert done.returncode == 0, done.stderr
    assert "stranger" not in (tmp_path / "some.csv").read_text("utf-8")
    assert not (tmp_path / "some-unmatched.csv").exists()


@pytest.mark.process
def test_nbgraders_own_export_says_what_is_missing(graded: Course) -> None:
    done = _nbgrader(graded, "--exporter=autograder.export.canvas.CanvasExporter")
    assert done.returncode == 1
    assert "Canvas needs its list of students" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_an_empty_gradebook(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    find_alembic()
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}"):
        pass
    done = _nbgrader(Course.at(tmp_path), "--exporter=autograder.export.exporters.CsvExporter")
    assert "the gradebook has no assignment; run `autograder release`, then `autograder grade`." in done.stderr
    assert done.returncode == 1
