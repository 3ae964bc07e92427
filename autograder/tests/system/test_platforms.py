"""A class's way through Canvas and through Moodle: collect, grade, export; everybody is matched on both.

The downloads and exports have the documented forms. Canvas: `lastfirst_LATE_user_attachment_file`, and the gradebook's
columns Student, ID, SIS User ID, SIS Login ID, Section. Moodle: `Full name_number_assignsubmission_file_/file`, and the
columns of the grading worksheet.
"""

import csv
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.tests.harness.tiny_course import make_course, make_question

pytestmark = pytest.mark.kernel
PEOPLE = [  # first name, last name, user id, login, whether late
    ("Ada", "Lovelace", 11, "al100", False),
    ("Bob", "12", 12, "b12", False),
    ("Bob", "Ng", 13, "bob_12", True),
    ("Élodie", "O'Hara-Müller", 14, "eo3", False),
    ("Li", "", 15, "li", False),
    ("Max", "van der Berg", 16, "mb@uni.example", True),
    ("Zoë", "Smith", 17, "zs1", False),
    ("Zoë", "Smith", 18, "zs2", False),
]
SETTINGS = """
c.Course.due_dates = {"ps1": "2027-01-31 18:00"}
c.Course.timezone = "Europe/Berlin"
c.AssignLatePenalties.plugin_class = "autograder.gradebook.late_policy.DailyPenalty"
"""
ANSWER = "x = 5\nimport mymath"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course whose assignment is released."""
    course = make_course(tmp_path_factory.mktemp("released"), make_question("x", "x = 5", "assert x == 5"), SETTINGS)
    assert main(["--course", str(course.root), "release"]) == 0
    return course.root


def _work(root: Path) -> dict[str, bytes]:
    notebook = nbformat.read(root / "release" / "ps1" / "book.ipynb", 4)
    notebook.cells[0].source = ANSWER
    return {"book.ipynb": nbformat.writes(notebook).encode(), "mymath.py": b"y = 1"}


def _table(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def _read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def _canvas(root: Path) -> tuple[Path, Path]:
    with zipfile.ZipFile(root / "submissions.zip", "w") as archive:
        for first, last, user, _, late in PEOPLE:
            name = re.sub(r"\W", "", ", ".join(filter(None, (last, first))).lower()).replace("12bob", "bob_12")
            for number, (file, content) in enumerate(_work(root).items()):
                archive.writestr(f"{name}{'_LATE' if late else ''}_{user}_{90 + number}_{file}", content)
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps1 (7)"]]
    rows += [["    Points Possible", "", "", "", "", "2.00"]]
    for first, last, user, login, _ in PEOPLE:
        rows.append([", ".join(filter(None, (last, first))), str(user), f"S{user}", login, "A", ""])
    rows[3][0] = "bob_12"
    return root / "submissions.zip", _table(root / "Grades.csv", [*rows, ["Student, Test", "99", "", "hash", "A", ""]])


def _moodle(root: Path) -> tuple[Path, Path]:
    with zipfile.ZipFile(root / "C-ps1-9.zip", "w") as archive:
        for first, last, user, *_ in PEOPLE:
            name = re.sub(r"""[&<>"`|':\\/]""", "", f"{first} {last}".strip())
            for file, content in _work(root).items():
                archive.writestr(f"{name}_{user + 400}_assignsubmission_file_/{file}", content)
    header = "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed"
    rows = [[*header.split(","), "Last modified (submission)", "Last modified (grade)", "Feedback comments"]]
    for first, last, user, login, late in PEOPLE:
        when = "Monday, 1 February 2027, 6:00 AM" if late else "Sunday, 31 January 2027, 5:59 PM"
        email = login if "@" in login else f"{login}@uni.example"
        status = ["Submitted for grading - ", "", "2.00", "Yes", when, "-", ""]
        rows.append([f"Participant {user + 400}", f"{first} {last}".strip(), email, *status])
    return root / "C-ps1-9.zip", _table(root / "Worksheet.csv", rows)


@pytest.mark.parametrize("listed", ["roster at collect", "no roster at collect"])
@pytest.mark.parametrize("platform", ["canvas", "moodle"])
def test_everybody_is_matched(
    platform: str, listed: str, released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(released, tmp_path / "course"))
    source, export = (_canvas if platform == "canvas" else _moodle)(root)
    roster = ["--roster", str(export)] if listed == "roster at collect" else []
    assert main(["--course", str(root), "collect", str(source), *roster]) == 0
    assert main(["--course", str(root), "grade"]) == 0
    assert main(["--course", str(root), "export", "--format", platform, "--roster", str(export)]) == 0
    assert not (root / f"{platform}-unmatched.csv").exists()
    rows = _read(root / f"{platform}.csv")
    place = rows[0].index("Grade") if platform == "moodle" else -1
    sent = [row[place] for row in rows[1 if platform == "moodle" else 2 :]][: len(PEOPLE)]
    told_late = platform == "canvas" or bool(roster)
    assert sent == ["1.8" if late and told_late else "2" for *_, late in PEOPLE]
    if roster:
        _check_names(root, platform, capsys)


def _check_names(root: Path, platform: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The course's ids name the folders, and names and times are in grades.csv, in the gradebook's order."""
    ids = [login if "@" in login or platform == "canvas" else f"{login}@uni.example" for *_, login, _ in PEOPLE]
    assert Course.at(root).students("ps1") == sorted(ids)
    assert main(["--course", str(root), "export"]) == 0
    header, *rows = _read(root / "grades.csv")
    grades = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    late = grades[ids[2]]
    assert [late[name] for name in ("raw_score", "late_penalty", "score")] == ["2", "0.2", "1.8"]
    when = "2027-01-31 17:00:01 UTC" if platform == "canvas" else "2027-02-01 05:00:00 UTC"
    assert (late["first_name"], late["last_name"], late["handed_in"]) == ("Bob", "Ng", when)
    assert grades[ids[5]]["email"] == "mb@uni.example"
    printed = capsys.readouterr().out
    assert all(student in printed for student in ids)


def test_nbgrader_releases_the_feedback_of_a_collected_class(released: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(released, tmp_path / "course"))
    source, _ = _moodle(root)  # without times: timestamp.txt is empty
    assert main(["--course", str(root), "collect", str(source)]) == 0
    assert main(["--course", str(root), "grade"]) == 0
    assert main(["--course", str(root), "feedback"]) == 0
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o777)
    command = [sys.executable, "-m", "nbgrader", "release_feedback", "ps1", f"--Exchange.root={tmp_path / 'exchange'}"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "exchange" / "tiny" / "feedback").glob("*.html"))
    assert len(pages) == len(PEOPLE)
