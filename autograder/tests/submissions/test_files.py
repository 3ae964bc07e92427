"""Folders and zips as students hand them in, and as nobody should."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.errors import Refused
from autograder.submissions.files import (
    MAX_DEPTH,
    MAX_FILES,
    paths_in,
    read_folder,
    read_regular,
)
from autograder.submissions.parser import MIB
from autograder.tests.harness.handed_in import LSTM

FILE = f"{LSTM}.ipynb"


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
    assert files == {"bad__": b"1"}
    assert said == [
        "link.ipynb: symbolic link; skipped.",
        "pipe.ipynb: not a regular file; skipped.",
        'bad??: renamed to "bad__", because its name is not UTF-8 or has control characters.',
        "hanging: symbolic link; skipped.",
        "linked: symbolic link; skipped.",
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
    assert said == [f"{MAX_FILES:05}: more than {MAX_FILES} files and folders; skipped."]


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
        "a.zip/bomb.ipynb: suspicious compression ratio; skipped.",
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


def test_names_that_become_one(tmp_path: Path) -> None:
    for name in ("a\n.py", "a\r.py", "a_.py"):
        (tmp_path / name).write_text(repr(name))
    files, said = read_folder(tmp_path)
    assert sorted(files.values()) == [b"'a\\n.py'", b"'a\\r.py'", b"'a_.py'"]
    assert sorted(files) == ["2_a_.py", "3_a_.py", "a_.py"]
    assert said == [
        'a?.py: renamed to "a_.py", because its name is not UTF-8 or has control characters.',
        'a?.py: renamed to "2_a_.py", because its name is not UTF-8 or has control characters.',
        'a_.py: renamed to "3_a_.py", because another file has this name.',
    ]


def test_folders_that_are_too_deep(tmp_path: Path) -> None:
    deepest = tmp_path / "/".join(["d"] * (MAX_DEPTH + 2))
    deepest.mkdir(parents=True)
    allowed = tmp_path / "/".join(["d"] * MAX_DEPTH)
    (deepest / "lost.csv").touch()
    (allowed / "kept.csv").touch()
    files, said = read_folder(tmp_path)
    assert list(files) == ["d/" * MAX_DEPTH + "kept.csv"]
    assert said == [f"{'d/' * MAX_DEPTH}d: more than {MAX_DEPTH} folders deep; skipped."]
    (tmp_path / "a.zip").write_bytes(zipped({"d/" * MAX_DEPTH + "kept.csv": b"1"}))
    assert f"more than {MAX_DEPTH} folders deep; skipped." in read_folder(tmp_path)[1][1]


def test_a_notebook_is_read_whatever_is_beside_it(tmp_path: Path) -> None:
    for n in range(MAX_FILES + 50):
        (tmp_path / f"a{n}").mkdir()
    (tmp_path / "large.bin").write_bytes(b"x" * 20)
    (tmp_path / "z.ipynb").write_bytes(b"y" * 10)
    files, said = read_folder(tmp_path, total=15)
    assert files == {"z.ipynb": b"y" * 10}
    assert said[-1].endswith(" more")
    assert len(said) == 21
    assert said[0].endswith(f"more than {MAX_FILES} files and folders; skipped.")


def test_files_and_folders_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "w.zip").write_bytes(zipped({"a": b"1", "a/b": b"2", "c/d": b"3", "c": b"4", "e" * 300: b"5"}))
    files, said = read_folder(tmp_path)
    assert files == {"w.zip/a": b"1", "w.zip/c/d": b"3"}
    assert said == [
        "w.zip/a/b: another file or folder has this name; skipped.",
        "w.zip/c: another file or folder has this name; skipped.",
        f"w.zip/{'e' * 73}…: the name is too long; skipped.",
    ]


def test_a_folder_that_must_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert read_folder(tmp_path) == ({}, ["closed: cannot be read (Permission denied); skipped."])


def test_one_file(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * 11)
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    assert read_regular(tmp_path / "long", 11) == b"x" * 11
    refused = {"long": "larger than", "folder": "not a regular file", "pipe": "not a regular file", "zero": "symbolic"}
    for name, why in refused.items():
        with pytest.raises(Refused, match=why):
            read_regular(tmp_path / name, 10)
    with pytest.raises(Refused, match="not a regular file"):
        read_regular(Path("/dev/zero"), 10)
    with pytest.raises(Refused, match="cannot be read"):
        read_regular(tmp_path / "missing", 10)


def test_the_files_of_a_class_are_bounded(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).touch()
    assert [path.name for path in paths_in(tmp_path, most=2)] == ["a", "b"]
