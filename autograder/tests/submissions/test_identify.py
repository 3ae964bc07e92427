"""Folders, zips and files as students hand them in, and as nobody should."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from autograder.notebook.cells import grade_id
from autograder.notebook.variants import released_copy
from autograder.submissions.identify import MAX_FILES, identify_notebooks, read_folder
from autograder.submissions.parser import MIB
from autograder.tests.harness.handed_in import LSTM, MASTERS, NAMES, code, of, saved, solved, starter

FILE = f"{LSTM}.ipynb"

# --- read_folder --------------------------------------------------------------------------------------------------


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_a_folder(tmp_path: Path) -> None:
    for name in (
        FILE,
        "data/x.csv",
        ".ipynb_checkpoints/1_lstm-checkpoint.ipynb",
        "__MACOSX/a",
        "data/.hidden",
        ".git/b",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "hand in.ZIP").write_bytes(
        zipped({"a/2.ipynb": b"2", "__MACOSX/._2.ipynb": b"", "a\\3.ipynb": b"3", "b/": b""})
    )
    before = sorted(tmp_path.rglob("*"))
    assert read_folder(tmp_path) == (
        {
            FILE: FILE.encode(),
            "data/x.csv": b"data/x.csv",
            "hand in.ZIP/a/2.ipynb": b"2",
            "hand in.ZIP/a/3.ipynb": b"3",
        },
        [],
    )
    assert sorted(tmp_path.rglob("*")) == before
    assert read_folder(tmp_path / "missing") == ({}, [])


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link.ipynb").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "hanging").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "x.tar.gz").write_bytes(b"")
    (folder / "bad\n\udcff").write_bytes(b"1")
    files, said = read_folder(folder)
    assert files == {"bad\n\\udcff": b"1"}
    assert said == [
        "hanging: symbolic link; skipped.",
        "link.ipynb: symbolic link; skipped.",
        "linked: symbolic link; skipped.",
        "pipe.ipynb: not a regular file; skipped.",
        "x.tar.gz: unsupported archive type; skipped.",
    ]


def test_a_file_that_must_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "open", refuse)
    assert read_folder(tmp_path) == ({}, ["a: cannot be read (Permission denied); skipped."])


def test_limits(tmp_path: Path) -> None:
    for name, size in (("a", 10), ("b", 11), ("c", 10), ("d", 6), ("e", 4)):
        (tmp_path / name).write_bytes(b"x" * size)
    files, said = read_folder(tmp_path, limit=10, total=24)
    assert list(files) == ["a", "c", "e"]
    assert said == [
        "b: larger than 9.53674e-06 MiB; skipped.",
        "d: the files are too large in total; skipped.",
    ]


def test_a_file_of_many_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10 * 2**30)
    assert read_folder(tmp_path) == ({}, ["huge: larger than 64 MiB; skipped."])


def test_more_files_than_a_student_has(tmp_path: Path) -> None:
    for n in range(MAX_FILES + 1):
        (tmp_path / f"{n:05}").touch()
    files, said = read_folder(tmp_path)
    assert len(files) == MAX_FILES
    assert said == [f"{MAX_FILES:05}: more than {MAX_FILES} files; skipped."]


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_what_is_left_in_a_zip(tmp_path: Path) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.ipynb", "1")
        archive.writestr("/etc/passwd", "1")
        archive.writestr("C:/evil", "1")
        archive.writestr(entry("link", stat.S_IFLNK | 0o777), "/etc/passwd")
        archive.writestr("inner.zip", zipped({"a": b"1"}))
        archive.writestr("bomb.ipynb", b"\0" * (10 * MIB))
        archive.writestr("large.ipynb", os.urandom(2 * MIB))
        archive.writestr("odd.ipynb", b"1", zipfile.ZIP_LZMA)
        archive.writestr("good.ipynb", b"1")
    (tmp_path / "a.zip").write_bytes(target.getvalue())
    files, said = read_folder(tmp_path, limit=16 * MIB, total=3 * MIB)
    assert files == {"a.zip/large.ipynb": files["a.zip/large.ipynb"], "a.zip/good.ipynb": b"1"}
    assert said == [
        "a.zip/../../evil.ipynb: the path leads outside the zip; skipped.",
        "a.zip//etc/passwd: the path leads outside the zip; skipped.",
        "a.zip/C:/evil: the path leads outside the zip; skipped.",
        "a.zip/link: symbolic link; skipped.",
        "a.zip/inner.zip: nested zip; skipped.",
        "a.zip/bomb.ipynb: the files are too large in total; skipped.",
        "a.zip/odd.ipynb: unsupported compression method; skipped.",
    ]
    (tmp_path / "a.zip").write_bytes(zipped({"bomb": b"\0" * (10 * MIB)}))
    assert read_folder(tmp_path)[1] == ["a.zip/bomb: suspicious compression ratio; skipped."]


def test_zips_that_lie(tmp_path: Path) -> None:
    content = zipped({"a.ipynb": b"x" * 5_000})
    size = (5_000).to_bytes(4, "little")
    (tmp_path / "short.zip").write_bytes(content.replace(size, (50).to_bytes(4, "little")))
    (tmp_path / "cut.zip").write_bytes(content[:-30])
    (tmp_path / "locked.zip").write_bytes(content.replace(b"PK\1\2\x14\x03\x14\0\0", b"PK\1\2\x14\x03\x14\0\1"))
    (tmp_path / "many.zip").write_bytes(zipped({str(n): b"" for n in range(MAX_FILES + 1)}, zipfile.ZIP_STORED))
    (tmp_path / "no.zip").write_bytes(b"hello")
    files, said = read_folder(tmp_path)
    assert files == {}
    assert said == [
        "cut.zip: not a readable zip file; skipped.",
        "locked.zip/a.ipynb: encrypted or damaged; skipped.",
        f"many.zip: the zip has more than {MAX_FILES} files; skipped.",
        "no.zip: not a readable zip file; skipped.",
        "short.zip/a.ipynb: encrypted or damaged; skipped.",
    ]


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9), st.binary(max_size=6)), max_size=4))
def test_whatever_happens_to_a_zip(tmp_path: Path, changes: list[tuple[int, int, bytes]]) -> None:
    content = zipped({"a.ipynb": b"x" * 400, "b/c.ipynb": os.urandom(50)})
    for start, length, new in changes:
        content = content[:start] + new + content[start + length :]
    (tmp_path / "a.zip").write_bytes(content)
    files, said = read_folder(tmp_path)
    assert all(sentence.isprintable() for sentence in said)
    assert sum(map(len, files.values())) <= 500


# --- place --------------------------------------------------------------------------------------------------------

CONTENTS = {name: saved(solved(name)) for name in NAMES}
OTHERS = {f"{name}.ipynb": content for name, content in CONTENTS.items() if name != LSTM}


def placed(*paths: str, masters: bool = False) -> tuple[bytes | None, list[str]]:
    """Where the first notebook was found, its path being its content, and what was said."""
    files = {path: path.encode() for path in paths}
    found, said = identify_notebooks(files | OTHERS, NAMES, MASTERS if masters else None)
    assert {name: content for name, content in found.items() if name != LSTM} == {
        name: content for name, content in CONTENTS.items() if name != LSTM
    }
    return found[LSTM], said


def test_exact_names() -> None:
    assert placed(FILE, "shapes.py", "notes.txt") == (FILE.encode(), [])
    assert identify_notebooks({FILE: b"1"}, [FILE]) == ({FILE: b"1"}, [])


@pytest.mark.parametrize(
    "path",
    [
        "1_lstm (1).ipynb",
        "1_lstm-Copy1.ipynb",
        "1_LSTM.ipynb",
        "alice_1_lstm.ipynb",
        "alice_9_1_lstm-2.ipynb",
        "1-lstm.ipynb",
    ]
    + [
        "1 LSTM final.ipynb",
        "1_lstm.ipynb.txt",
        "1_lstm.ipynb.json",
        "1_lstm.json",
        "a/1_lstm.ipynb",
        "a.zip/b/1_lstm.ipynb",
    ],
)
def test_renamed_and_misplaced(path: str) -> None:
    assert placed(path) == (path.encode(), [f"1_lstm: read from {path}."])
    assert placed(path, masters=True) == placed(path)


@pytest.mark.parametrize("path", ["1_lstmx.ipynb", "11_lstm.ipynb", "lstm.ipynb", "lstm_1.ipynb", "Untitled.ipynb"])
def test_other_names_are_not_taken(path: str) -> None:
    sentence = f"{path}: could not be matched to a missing notebook; skipped."
    assert placed(path) == (None, [sentence])


def test_missing() -> None:
    assert placed() == (None, [])
    assert identify_notebooks({}, ["a", "b"]) == ({"a": None, "b": None}, [])


def test_a_name_that_holds_another() -> None:
    files = {"bob_lstm_two.ipynb": b"2", "bob_lstm.ipynb": b"1"}
    assert identify_notebooks(files, ["lstm", "lstm_two"])[0] == {"lstm": b"1", "lstm_two": b"2"}
    assert identify_notebooks({"lstm gru.ipynb": b"1"}, ["lstm", "gru_"])[0]["lstm"] is None


@pytest.mark.parametrize("name", NAMES)
def test_by_its_cells(name: str) -> None:
    for nb in (solved(name), starter(name)):
        found, said = identify_notebooks({"Untitled.ipynb": saved(nb)}, NAMES, MASTERS)
        assert found == {other: saved(nb) if other == name else None for other in NAMES}
        assert said == [f"{name}: read from Untitled.ipynb, identified by its cells."]
    bare = NotebookNode(nb, cells=[NotebookNode(cell, metadata={}, id=f"x{n}") for n, cell in enumerate(nb.cells)])
    assert identify_notebooks({"a.ipynb": saved(bare)}, NAMES, MASTERS)[0][name] == saved(bare)
    few = NotebookNode(nb, cells=[cell for cell in nb.cells if grade_id(cell)[:1] == "q"])
    assert identify_notebooks({"a.ipynb": saved(few)}, NAMES, MASTERS)[0][name] == saved(few)


def test_cells_of_two_notebooks_decide_nothing() -> None:
    both = starter()
    both.cells += [cell for cell in starter(NAMES[3]).cells if cell.id.startswith("q")]
    found, said = identify_notebooks({"all.ipynb": saved(both), "no.ipynb": b"{"}, NAMES, MASTERS)
    assert set(found.values()) == {None}
    assert said == [
        "all.ipynb: could not be matched to a missing notebook; skipped.",
        "no.ipynb: could not be matched to a missing notebook; skipped.",
    ]


def test_a_name_that_its_cells_belie() -> None:
    files = {"1_lstm-Copy1.ipynb": CONTENTS[NAMES[2]]}
    found, said = identify_notebooks(files, NAMES, MASTERS)
    assert found == {name: CONTENTS[name] if name == NAMES[2] else None for name in NAMES}
    assert said == ["3_gru: read from 1_lstm-Copy1.ipynb, identified by its cells."]


def best(files: dict[str, bytes], masters: bool = True) -> tuple[str, list[str]]:
    found, said = identify_notebooks(files, [LSTM], {LSTM: MASTERS[LSTM]} if masters else None)
    return next(path for path, content in files.items() if content == found[LSTM]), said


def test_of_several_the_exact_name_counts() -> None:
    files = {FILE: saved(starter()), "1_lstm-Copy1.ipynb": CONTENTS[LSTM], "old/1_lstm.ipynb": CONTENTS[LSTM]}
    assert best(files) == (FILE, ["1_lstm: 3 files match; 1_lstm.ipynb was used: its name matches better."])


def test_of_several_alike_the_most_answered_counts() -> None:
    some = solved(q1=of(starter(), "q1").source)
    files = {"1_lstm (1).ipynb": saved(some), "1_lstm (2).ipynb": CONTENTS[LSTM], "1_lstm (3).ipynb": saved(starter())}
    sentence = "1_lstm: 3 files match; 1_lstm (2).ipynb was used: it has more answers."
    assert best(files) == ("1_lstm (2).ipynb", [sentence])
    sentence = "1_lstm: 3 files match; 1_lstm (1).ipynb was used: its name comes first."
    assert best(files, masters=False) == ("1_lstm (1).ipynb", [sentence])


def test_of_several_one_that_can_be_read_counts() -> None:
    files = {FILE: b"", "1_lstm (1).ipynb": CONTENTS[LSTM]}
    sentence = "1_lstm: 2 files match; 1_lstm (1).ipynb was used: the others cannot be read."
    assert best(files) == ("1_lstm (1).ipynb", [sentence])


def test_the_same_file_twice_is_no_choice() -> None:
    assert best({FILE: CONTENTS[LSTM], "1_lstm (1).ipynb": CONTENTS[LSTM]}) == (FILE, [])


def test_more_written_counts_where_names_of_cells_are_lost() -> None:
    short = starter()
    short.cells.append(code("q1 = 1"))
    files = {"1_lstm (1).ipynb": saved(starter()), "1_lstm (2).ipynb": saved(short)}
    assert best(files)[0] == "1_lstm (2).ipynb"


def test_a_released_copy_is_as_good_a_master() -> None:
    released = {name: released_copy(nb) for name, nb in MASTERS.items()}
    assert identify_notebooks({"a.ipynb": CONTENTS[LSTM]}, NAMES, released)[0][LSTM] == CONTENTS[LSTM]
