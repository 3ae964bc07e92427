"""The roster: the course's own list and what platforms export, and how one is added to the other."""

import csv
from pathlib import Path

import pytest

from autograder.course.roster import COLUMNS, Person, Roster, combined, read_roster, save_roster
from autograder.errors import CourseError

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,ps1 (7),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,2.00,(read only)
"Ng, Bob",17,S17,bob@uni.example,A,,
"Doe, Jane",18,S18,,A,,
"Poe, Ann",19,,,A,,
"Student, Test",20,,hash,A,,
"""
MOODLE = """Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Last modified (submission)
Participant 71,Bob Ng,,BOB@uni.example,Submitted,,2.00,"Sunday, 31 January 2027, 6:30 PM"
Participant 72,Jane Doe,S18,,Submitted,,2.00,-
Teilnehmer/in73,,,,Submitted,,2.00,-
"""


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_canvas(tmp_path: Path) -> None:
    roster = read_roster(_write(tmp_path / "x.csv", CANVAS))
    assert [person.cells for person in roster.people] == [
        ("bob@uni.example", "Bob", "Ng", "bob@uni.example", "17", ""),
        ("S18", "Jane", "Doe", "", "18", ""),
        ("poeann_19", "Ann", "Poe", "", "19", ""),
    ]
    assert roster.platform == "Canvas"


def test_moodle(tmp_path: Path) -> None:
    roster = read_roster(_write(tmp_path / "x.csv", MOODLE))
    assert [person.cells for person in roster.people] == [
        ("BOB@uni.example", "Bob", "Ng", "BOB@uni.example", "", "71"),
        ("S18", "Jane", "Doe", "", "", "72"),
        ("Participant_73", "", "", "", "", "73"),
    ]
    assert roster.people[0].handed_in == "Sunday, 31 January 2027, 6:30 PM"


def test_a_platform_is_added_to_the_courses_list_which_keeps_what_it_has(tmp_path: Path) -> None:
    own = "id;first_name;last_name;email;group\nbob;Robert;Ng;bob@uni.example;A\njd;Jane;Doe;;B\nzed;Zed;Z;;A\n"
    path = _write(tmp_path / "roster.csv", own)
    for text in (CANVAS, MOODLE, MOODLE.replace("Participant 7", "Participant 8")):
        roster, messages = combined(read_roster(path), read_roster(_write(tmp_path / "export.csv", text)))
        assert messages == []
        save_roster(roster)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert rows == [
        [*COLUMNS, "group"],
        ["bob", "Robert", "Ng", "bob@uni.example", "17", "71 81", "A"],
        ["jd", "Jane", "Doe", "", "18", "72 82", "B"],
        ["zed", "Zed", "Z", "", "", "", "A"],
        ["poeann_19", "Ann", "Poe", "", "19", "", ""],
        ["Participant_73", "", "", "", "", "73", ""],
    ]


def test_ids_that_contradict_each_other_are_reported(tmp_path: Path) -> None:
    ours = read_roster(_write(tmp_path / "a.csv", "id,email,canvas_id\nbob,bob@uni.example,5\nS18,,6\n"))
    theirs = read_roster(_write(tmp_path / "b.csv", CANVAS))
    both, messages = combined(ours, theirs)
    assert [person.canvas_id for person in both.people[:2]] == ["5", "6"]
    assert messages == [
        "bob: the roster has the Canvas id 5, the export has 17; the roster's was kept.",
        "S18: the roster has the Canvas id 6, the export has 18; the roster's was kept.",
    ]


def test_a_namesake_with_another_address_is_another_person(tmp_path: Path) -> None:
    own = _write(tmp_path / "a.csv", "id,first_name,last_name,email\nx1,Bob,Ng,other@uni.example\n")
    both, _ = combined(read_roster(own), read_roster(_write(tmp_path / "b.csv", CANVAS)))
    assert [person.id for person in both.people] == ["x1", "bob@uni.example", "S18", "poeann_19"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,colour\nada,red\n", "no column identifies the students; pass the course's own list"),
        ("id\nada\nbob\nada,\n", None),
        ("id,email\nada,a@x\nada,b@x\n", "two students have the id ada; give each student one id."),
        ("id\na/b\n", "the id 'a/b' cannot name a folder"),
        ("id\n.ssh\n", "the id '.ssh' cannot name a folder"),
    ],
)
def test_files_that_are_no_roster(text: str, message: str | None, tmp_path: Path) -> None:
    path = _write(tmp_path / "x.csv", text)
    if message is None:
        assert [person.id for person in read_roster(path).people] == ["ada", "bob"]
        return
    with pytest.raises(CourseError, match=message):
        read_roster(path)


def test_names_and_ids_are_found_however_they_are_written() -> None:
    roster = Roster(
        (Person("ada", "Ada", "O'Hara", "Ada@uni.example"), Person("al", "Al", "Ng"), Person("an", "Al", "Ng"))
    )
    assert roster.named("oharaada") == roster.people[0] == roster.known_as("ADA@uni.example")
    assert roster.named("Al Ng") is None  # two students
    assert roster.known_as("bob") is None
