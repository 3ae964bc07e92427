"""Files that are written whole or not at all, and folders that are swapped."""

import zipfile
from pathlib import Path

import pytest

from autograder.files import digest, replace_folder, write_atomically, write_zip


def _fail(*_: object) -> None:
    raise OSError("no space left")


@pytest.mark.parametrize(("data", "content"), [("é\n", b"\xc3\xa9\n"), (b"\x00\r\n", b"\x00\r\n")])
def test_a_file_is_written_with_the_bytes_given(data: bytes | str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text("old")
    write_atomically(path, data)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_write_that_fails_leaves_the_old_file_alone(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "marks.csv"
    path.write_text("old")
    monkeypatch.setattr(Path, step, _fail)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _folder(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "one").write_text(text)
    return path


def test_a_folder_is_put_in_place_of_another(tmp_path: Path) -> None:
    new, place = _folder(tmp_path / "new", "new"), _folder(tmp_path / "class/ps1", "old")
    _folder(tmp_path / "class/.ps1.old", "left behind by a kill")
    replace_folder(new, place)
    assert (place / "one").read_text() == "new"
    assert [path.name for path in (tmp_path / "class").iterdir()] == ["ps1"]
    assert not new.exists()


def test_a_folder_is_put_where_there_was_none(tmp_path: Path) -> None:
    replace_folder(_folder(tmp_path / "new", "new"), tmp_path / "class/ps1")
    assert (tmp_path / "class/ps1/one").read_text() == "new"


def test_a_swap_that_fails_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, place = _folder(tmp_path / "new", "new"), _folder(tmp_path / "class/ps1", "old")
    move = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == new:
            _fail()
        return move(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="no space left"):
        replace_folder(new, place)
    assert (place / "one").read_text() == "old"
    assert [path.name for path in (tmp_path / "class").iterdir()] == ["ps1"]


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    write_zip(tmp_path / "a/one.zip", {"b": b"2", "a": b"1" * 1000})
    write_zip(tmp_path / "a/two.zip", {"a": b"1" * 1000, "b": b"2"})
    assert (tmp_path / "a/one.zip").read_bytes() == (tmp_path / "a/two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a/one.zip") as archive:
        assert archive.namelist() == ["a", "b"]
        assert archive.read("a") == b"1" * 1000


def test_a_digest_counts_the_length_of_each_part() -> None:
    assert digest("a", b"bc") == digest(b"a", "bc")
    assert len({digest("a", "bc"), digest("ab", "c"), digest("abc"), digest("a", "bc", "")}) == 4
