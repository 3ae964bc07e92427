"""Collecting: every file of every student, in the folder of the right student, and what was left out is reported."""

import datetime
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.course.roster import Person, Roster
from autograder.model import Status
from autograder.notebook.personalize import Personalization
from autograder.submissions import collect as collecting
from autograder.submissions import downloads
from autograder.submissions.collect import Collected, collect, laid_out
from autograder.submissions.parser import MIB
from autograder.tests.harness.tiny_course import make_notebooks, make_question

FILES = ["one.ipynb", "two.ipynb"]
OURS = {"timestamp.txt", "submission_secret.txt"}


@pytest.fixture
def own(tmp_path: Path) -> Course:
    """A course with the notebooks `one` and `two`."""
    notebooks = {name: make_question(name, f"{name} = 1", f"assert {name} == 1") for name in ("one", "two")}
    return make_notebooks(tmp_path / "course", **notebooks)


@pytest.fixture
def released(own: Course) -> dict[str, bytes]:
    """The notebooks that a student has, by file name."""
    return {name: (own.folder("source", "ps1") / name).read_bytes() for name in FILES}


def zipped(files: Mapping[Any, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def _zip(path: Path, files: Mapping[str, bytes]) -> Path:
    path.write_bytes(zipped(files))
    return path


def _tree(own: Course) -> dict[str, list[str]]:
    """The files of each student, without nbgrader's own two, which everybody has."""
    trees = {}
    for folder in sorted((own.root / "submitted").glob("*/ps1")):
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert names >= OURS
        trees[folder.parent.name] = sorted(names - OURS)
    return trees


def _by_student(results: list[Collected]) -> dict[str, Collected]:
    return {one.student: one for one in results}


# --- whose file is it -------------------------------------------------------------------------------------------------


def test_canvas(own: Course, released: dict[str, bytes], capsys: pytest.CaptureFixture[str]) -> None:
    mine = {"ps1/" + name: content for name, content in released.items()}
    loose = {f"roejo_18_{40 + i}_{name}": content for i, (name, content) in enumerate(released.items())}
    files = {
        "doejane_LATE_17_42_ps1.zip": zipped(mine | {"manifest.json": b"{}"}),
        **loose,
        "poeann_19_50_one-2.ipynb": released["one.ipynb"],
        "poeann_19_51_notes.txt": b"hello",
        "anon_x7Yz1_60_one.ipynb": released["one.ipynb"],
        "vanderberg_20_text.html": b"<p>my answer",
    }
    assert main(["--course", str(own.root), "collect", str(_zip(own.root / "submissions.zip", files))]) == 1
    assert _tree(own) == {
        "anon_x7Yz1": ["one.ipynb"],
        "doejane_17": FILES,
        "poeann_19": ["notes.txt", "one.ipynb"],
        "roejo_18": FILES,
        "vanderberg_20": ["text.html"],
    }
    lines = capsys.readouterr().out.splitlines()
    assert "doejane_17: 2 notebooks" in lines
    late = "Canvas marked this submission as late, but the course has no due date"
    assert f"  {late}; set c.Course.due_dates to deduct points." in lines
    place = lines.index("poeann_19: 1 notebook, 1 other file")
    assert lines[place + 1 : place + 3] == ["  one: read from one-2.ipynb.", "  two: not handed in."]
    assert f"collected 4 students in {own.root / 'submitted'}" in lines
    assert lines[-1] == "not everything was collected (see above): vanderberg_20"


def test_moodle(own: Course, released: dict[str, bytes]) -> None:
    folders = {f"Jane Doe_17_assignsubmission_file_/{name}": content for name, content in released.items()}
    newer = {"Zoë O'Hara_18_assignsubmission_file/ps1.zip": zipped(dict(released))}
    flat = {f"Max_19_assignsubmission_file_{name}": content for name, content in released.items()}
    online = {"Max_19_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello"}
    source = _zip(own.root / "course-assignment-123.zip", folders | newer | flat | online)
    assert [one.is_lost for one in collect(own, "ps1", [source])] == [False] * 3
    expected = {"Jane-Doe_17": FILES, "Max_19": [FILES[0], "onlinetext.html", FILES[1]], "Zoë-O-Hara_18": FILES}
    assert _tree(own) == expected


def test_folders_and_zips_a_student(own: Course, released: dict[str, bytes]) -> None:
    inbox = own.root / "inbox"
    (inbox / "ada" / "ps1").mkdir(parents=True)
    for name, content in released.items():
        (inbox / "ada" / "ps1" / name).write_bytes(content)
    _zip(inbox / "bob.zip", released)
    _zip(inbox / "cy_5_6_ps1.zip", released)
    (inbox / "one.ipynb").write_bytes(released["one.ipynb"])
    found = collect(own, "ps1", [inbox, _zip(own.root / "dan.zip", released)])
    assert _tree(own) == dict.fromkeys(("ada", "bob", "cy_5", "dan"), FILES)
    assert found[-1].messages == ("one.ipynb: could not be matched to a student; skipped.",)
    assert [(one.student, one.is_lost) for one in found][-2:] == [("dan", False), ("", True)]


ROSTER = Roster(
    (
        Person("alice", "Alice", "Ng", "alice@uni.example", "12", ("71",)),
        Person("bob", "", "Bob_12", "", "17", ("72",)),
        Person("Cy_9", "Cy", "Young"),
    )
)


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ngalice_12_40_one.ipynb", "alice"),
        ("bob_12_17_42_one.ipynb", "bob"),  # not the 12 that is Alice's
        ("bob_12_17_42_2_helper.py", "bob"),
        ("newname_12_40_one.ipynb", "alice"),  # the id on the platform is surer than the name
        ("bob_12_99_42_one.ipynb", "bob_12_99"),  # a stranger who is called like Bob
        ("youngcy_88_40_one.ipynb", "Cy_9"),  # by name: the roster has no Canvas id
        ("cy_9_40_one.ipynb", "cy_9"),  # a stranger's name and number, not Cy's id
        ("Alice Ng_71_assignsubmission_file_/one.ipynb", "alice"),
        ("Bob 12_72_assignsubmission_file_/one.ipynb", "bob"),
        ("Participant_71_assignsubmission_file_/one.ipynb", "alice"),
        ("Cy Young_99_assignsubmission_file_/one.ipynb", "Cy_9"),
        ("Cy_9_assignsubmission_file_/one.ipynb", "Cy-Moodle_9"),  # Moodle's Cy, number 9
        ("ALICE/one.ipynb", "alice"),
        ("alice@uni.example/one.ipynb", "alice"),
        ("12/one.ipynb", "12"),  # a folder's name is an id of the course, never one of Canvas
    ],
)
def test_who_is_who(own: Course, released: dict[str, bytes], name: str, student: str) -> None:
    files = {"Cy_9/two.ipynb": released["two.ipynb"], name: released["one.ipynb"]}
    (own.root / "in").mkdir()
    for path, content in files.items():
        (own.root / "in" / path).parent.mkdir(exist_ok=True)
        (own.root / "in" / path).write_bytes(content)
    collect(own, "ps1", [own.root / "in"], roster=ROSTER)
    expected = {"Cy_9": ["two.ipynb"]}
    expected[student] = sorted([*expected.get(student, []), name.rpartition("_")[2] if ".py" in name else "one.ipynb"])
    found = {key: [file.removeprefix("2_") for file in files] for key, files in _tree(own).items()}
    assert found == expected


def test_a_canvas_name_is_read_in_the_same_way_for_all_files(own: Course, released: dict[str, bytes]) -> None:
    source = _zip(
        own.root / "all.zip",
        {"bob_12_17_42_one.ipynb": released["one.ipynb"], "bob_12_17_43_1_plan.txt": b"x", "al_7_44_1_plan.txt": b"y"},
    )
    collect(own, "ps1", [source])
    assert _tree(own) == {"al_7": ["1_plan.txt"], "bob_12_17": ["1_plan.txt", "one.ipynb"]}


# --- every file -----------------------------------------------------------------------------------------------------


def test_every_file_is_kept_where_the_notebooks_find_it(own: Course, released: dict[str, bytes]) -> None:
    more = {"mymath.py": b"x = 1", "data/a.csv": b"1,2", "data/b.zip": zipped({"c.csv": b"3"}), "essay.pdf": b"%PDF"}
    inside = {f"ps1/{name}": content for name, content in (released | more).items()}
    outside = {"photo.png": b"\x89PNG", "ps1/draft.ipynb": b"{}", "ps1/.hidden": b"", "__MACOSX/ps1/._x": b""}
    source = _zip(own.root / "all.zip", {"doejane_17_42_ps1.zip": zipped(inside | outside)})
    (found,) = collect(own, "ps1", [source])
    others = ["data/a.csv", "data/c.csv", "draft.ipynb", "essay.pdf", "mymath.py", "photo.png"]
    assert _tree(own) == {"doejane_17": sorted([*FILES, *others])}
    assert (found.others, found.is_lost, found.messages) == (tuple(others), False, ())
    folder = own.folder("submitted", "ps1", "doejane_17")
    assert (folder / "mymath.py").read_bytes() == b"x = 1"
    assert (folder / "data" / "a.csv").read_bytes() == b"1,2"


def test_two_files_of_one_name_are_both_kept() -> None:
    files = {"a.zip/one.ipynb": b"1", "a.zip/lab.py": b"2", "b/lab.py": b"3", "lab.py": b"4", "one.ipynb": b"5"}
    expected = {"one.ipynb": b"1", "lab.py": b"2", "b/lab.py": b"3", "lab-2.py": b"4", "one-2.ipynb": b"5"}
    assert laid_out(files, {"one": "a.zip/one.ipynb"}, ["a.zip"]) == (expected, [])


def test_one_student_does_not_use_up_the_class(
    own: Course, released: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert downloads.SHARE == 256 * MIB
    monkeypatch.setattr(downloads, "SHARE", 40_000)
    big = {"noise.bin": bytes(range(256)) * 100, "more.bin": bytes(range(255)) * 100}
    folder = own.root / "in"
    for student, files in {"ada": big | released, "bob": released | {"x.bin": b"1"}}.items():
        (folder / student).mkdir(parents=True)
        for name, content in files.items():
            (folder / student / name).write_bytes(content)
    found = _by_student(collect(own, "ps1", [folder]))
    assert found["ada"].messages == ("noise.bin: the files are too large in total; skipped.",)
    assert (found["ada"].is_lost, found["bob"].is_lost) == (True, False)
    assert _tree(own) == {"ada": ["more.bin", *FILES], "bob": [*FILES, "x.bin"]}


def test_zips_in_zips(own: Course, released: dict[str, bytes]) -> None:
    deepest = zipped({"lab.py": b"x"})
    inner = zipped({**released, "deepest.zip": deepest})
    outer = {"work/inner.zip": inner, "old.rar": b"Rar!", "broken.zip": b"PK\3\4 and no more"}
    source = _zip(own.root / "all.zip", {"doejane_17_42_all.zip": zipped(outer)})
    (found,) = collect(own, "ps1", [source])
    assert _tree(own) == {"doejane_17": ["broken.zip", "deepest.zip", "old.rar", *FILES]}
    assert set(found.messages) == {
        "all.zip/broken.zip: not a readable zip file; kept, but not unpacked.",
        "all.zip/old.rar: unsupported archive type; kept, but not unpacked.",
        "all.zip/work/inner.zip/deepest.zip: a zip in a zip in a zip; kept, but not unpacked.",
    }


def test_names_that_no_system_accepts(own: Course, released: dict[str, bytes]) -> None:
    files = released | {"a\x1b[2J:b.txt": b"1", "n" * 300 + ".csv": b"2", "/".join("d" * 40) + "/x.txt": b"3"}
    source = _zip(own.root / "all.zip", {"doejane_17_42_all.zip": zipped(files)})
    (found,) = collect(own, "ps1", [source])
    names = _tree(own)["doejane_17"]
    assert names == ["a_[2J_b.txt", "n" * 49 + "….csv", *FILES]
    assert "all.zip/a?[2J:b.txt: renamed to all.zip/a_[2J_b.txt." in found.messages
    assert any(sentence.endswith("more than 32 folders deep; skipped.") for sentence in found.messages)
    assert found.is_lost


def _link(name: str) -> zipfile.ZipInfo:
    link = zipfile.ZipInfo(name)
    link.external_attr = 0o120777 << 16
    return link


def test_nothing_is_written_outside_and_no_bomb_is_unpacked(own: Course, released: dict[str, bytes]) -> None:
    source = own.root / "class.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil_1_2_one.ipynb", released["one.ipynb"])
        archive.writestr("doe_1_2_../../../one.ipynb", released["one.ipynb"])
        archive.writestr(_link("doe_1_3_two.ipynb"), "/etc/passwd")
        archive.writestr("doe_1_4_bomb.ipynb", b" " * (1 << 23))
        archive.writestr("doe_1_5_ps1.zip", zipped({"../one.ipynb": released["one.ipynb"]}))
        archive.writestr("doe_1_6_two.ipynb", released["two.ipynb"])
        archive.writestr("._2_9_one.ipynb", b"what macOS adds")
    before = {path for path in own.root.rglob("*") if path.is_file()}
    found = _by_student(collect(own, "ps1", [source]))
    folder = own.folder("submitted", "ps1", "doe_1")
    after = {path for path in own.root.rglob("*") if path.is_file()}
    assert after - before == {folder / name for name in ("two.ipynb", *OURS)}
    assert not (own.root.parent / "evil_1_2_one.ipynb").exists()
    assert found[""].messages == ("../../evil_1_2_one.ipynb: the path leads outside the zip; skipped.",)
    assert set(found["doe_1"].messages) == {
        "../../../one.ipynb: the path leads outside the zip; skipped.",
        "two.ipynb: symbolic link; skipped.",
        "bomb.ipynb: suspicious compression ratio; skipped.",
        "ps1.zip/../one.ipynb: the path leads outside the zip; skipped.",
        "one: not handed in.",
    }
    assert found["doe_1"].is_lost


def test_links_in_a_folder_are_refused(own: Course, released: dict[str, bytes]) -> None:
    inbox = own.root / "inbox" / "ada"
    inbox.mkdir(parents=True)
    (own.root / "secret.ipynb").write_bytes(released["one.ipynb"])
    (inbox / "one.ipynb").symlink_to(own.root / "secret.ipynb")
    (found,) = collect(own, "ps1", [inbox.parent])
    assert found.messages[0] == "one.ipynb: symbolic link; skipped."
    assert (found.student, found.notebooks, found.is_lost) == ("ada", (), True)
    assert not (own.root / "submitted").exists()


def test_a_damaged_zip_and_a_source_that_is_none(own: Course, capsys: pytest.CaptureFixture[str]) -> None:
    (own.root / "class.zip").write_bytes(b"PK\x03\x04 and no more")
    assert main(["--course", str(own.root), "collect", str(own.root / "class.zip")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  class.zip: not a readable zip file; skipped." in lines
    assert lines[-1] == "not everything was collected (see above): files that match no student"
    assert main(["--course", str(own.root), "collect", str(own.root / "class.rar")]) == 2
    said = capsys.readouterr().err
    assert said.strip().endswith(
        "class.rar: not a zip file or a folder; pass the download from your learning platform."
    )


def test_a_full_disk_costs_one_sentence_and_leaves_nothing_half_written(
    own: Course, released: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(collecting, "replace_folder", full)
    (found,) = collect(own, "ps1", [_zip(own.root / "ada.zip", released)])
    assert found.messages == ("cannot be written (No space left on device); collect again.",)
    assert found.is_lost
    assert list((own.root / "submitted" / "ada").iterdir()) == []


# --- again ----------------------------------------------------------------------------------------------------------


def test_a_submission_that_is_there_is_kept_unless_asked(own: Course, released: dict[str, bytes]) -> None:
    source = _zip(own.root / "ada.zip", released)
    collect(own, "ps1", [source])
    folder = own.folder("submitted", "ps1", "ada")
    secret = (folder / "submission_secret.txt").read_bytes()
    assert len(secret) == 32
    assert collect(own, "ps1", [source])[0].messages == ("unchanged since it was last collected.",)
    _zip(source, released | {"one.ipynb": released["one.ipynb"] + b"\n"})
    kept = collect(own, "ps1", [source])[0]
    assert kept.messages == ("already collected; the older files were kept. Pass --replace to overwrite.",)
    assert not kept.is_lost
    place = folder / "one.ipynb"
    assert place.read_bytes() == released["one.ipynb"]
    assert collect(own, "ps1", [source], replace=True)[0].notebooks == tuple(FILES)
    assert place.read_bytes() == released["one.ipynb"] + b"\n"
    assert (folder / "submission_secret.txt").read_bytes() == secret
    assert not list(own.root.glob("submitted/ada/.collect-*"))


# --- when -----------------------------------------------------------------------------------------------------------


def _dated(name: str, *moment: int) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (*moment, 0))  # type: ignore[arg-type]


def _stamps(own: Course, files: Mapping[zipfile.ZipInfo, bytes], roster: Roster | None = None) -> dict[str, str]:
    """Collect a zip with dated entries; gives the content of each timestamp.txt."""
    source = own.root / "dated.zip"
    source.write_bytes(zipped(files))
    own.due_dates, own.timezone = {"ps1": "2027-01-31 18:00"}, "Europe/Berlin"
    students = [one.student for one in collect(own, "ps1", [source], replace=True, roster=roster)]
    return {name: (own.folder("submitted", "ps1", name) / "timestamp.txt").read_text().strip() for name in students}


def test_canvas_mark_decides_whether_it_was_late(own: Course, released: dict[str, bytes]) -> None:
    one = released["one.ipynb"]
    at_once = {
        _dated("adaa_1_1_one.ipynb", 2027, 2, 3, 9, 0): one,
        _dated("bob_LATE_2_1_one.ipynb", 2027, 2, 3, 9, 1): one,
    }
    assert _stamps(own, at_once) == {"adaa_1": "2027-01-31 17:00:00 UTC", "bob_2": "2027-01-31 17:00:01 UTC"}
    apart = {
        _dated("adaa_1_1_one.ipynb", 2027, 1, 30, 9, 0): one,
        _dated("bob_LATE_2_1_one.ipynb", 2027, 2, 2, 9, 0): one,
    }
    assert _stamps(own, apart) == {"adaa_1": "2027-01-30 08:00:00 UTC", "bob_2": "2027-02-02 08:00:00 UTC"}


def test_moodles_zip_has_only_the_time_of_the_download(own: Course, released: dict[str, bytes]) -> None:
    one, name = released["one.ipynb"], "{}_{}_assignsubmission_file_/one.ipynb"
    names = [name.format("Ada", 1), name.format("Bob", 2)]
    early = {_dated(path, 2027, 1, 31, 17, 59): one for path in names}
    assert set(_stamps(own, early).values()) == {"2027-01-31 16:59:00 UTC"}
    late = {_dated(path, 2027, 2, 3, 9, 0): one for path in names}
    assert set(_stamps(own, late).values()) == {""}
    message = collect(own, "ps1", [own.root / "dated.zip"], replace=True)[0].messages[0]
    assert message == "unchanged since it was last collected."
    people = (
        Person("ada", moodle_ids=("1",), handed_in="Sunday, 31 January 2027, 6:30 PM"),
        Person("bob", moodle_ids=("2",)),
    )
    assert _stamps(own, late, Roster(people)) == {"ada": "2027-01-31 17:30:00 UTC", "bob": ""}
    own.root.joinpath("submitted/bob/ps1/timestamp.txt").write_text("x")
    (_, bob) = collect(own, "ps1", [own.root / "dated.zip"], replace=True, roster=Roster(people))
    reason = "the download does not say when it was handed in; it counts as on time until you write the time there"
    assert f"timestamp.txt is empty, because {reason}." in bob.messages


def test_a_student_does_not_choose_the_time(own: Course, released: dict[str, bytes]) -> None:
    own.due_dates = {"ps1": "2027-01-31"}
    inside = zipped({_dated("one.ipynb", 2026, 1, 1, 1, 1): released["one.ipynb"], "timestamp.txt": b"2026-01-01 UTC"})
    late = datetime.datetime(2027, 3, 1, 9, 0)
    source = own.root / "c.zip"
    source.write_bytes(zipped({_dated("Ada_1_assignsubmission_file_/a.zip", *late.timetuple()[:5]): inside}))
    (found,) = collect(own, "ps1", [source])
    assert found.handed_in == ""
    assert "timestamp.txt: the student's own; skipped, because `collect` writes this file." in found.messages
    assert (own.root / "submitted/Ada_1/ps1/timestamp.txt").read_bytes() == b""


def test_an_id_of_another_student_is_reported(
    own: Course, released: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Asks(Personalization):
        def remark(
            self, notebook: nbformat.NotebookNode, helpers: object, student: str
        ) -> tuple[Status, tuple[str, ...]]:
            return (Status.OTHER_ID, ("its student id is bob.",)) if student == "ada" else (Status.OK, ())

    monkeypatch.setattr(collecting, "personalization", lambda name: Asks())
    sources = [str(_zip(own.root / f"{name}.zip", released)) for name in ("ada", "bob")]
    assert main(["--course", str(own.root), "collect", *sources]) == 0
    assert capsys.readouterr().err == "Warning: ada: its student id is bob.\n"
