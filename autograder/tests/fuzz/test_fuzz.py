"""Whatever bytes a reader gets, it returns data within its bounds, or fails with one sentence."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC
from pathlib import Path, PurePosixPath

import nbformat
import pytest
from hypothesis import given

from autograder.course.roster import LONGEST_ID, read_roster
from autograder.errors import CourseError, Damaged, EvidenceError, Refused
from autograder.evidence.decoder import NOTHING, decode, decode_all
from autograder.submissions.downloads import SHARE, Share, entries
from autograder.submissions.files import MAX_FILES, read_folder
from autograder.submissions.parser import parse
from autograder.tests.fuzz.mutations import QUICK, changed, corpus

EVIDENCE = (
    b'"value" "missing" "refused" "raised" "array" "list" "dict" "float" [ ] { } , : \\" \\u0000 nan -1 1e999'.split()
)
NOTEBOOK = (
    b'"cells" "cell_type" "source" "metadata" "nbgrader" "grade_id" null [] {} "" 1e999 -1 \xef\xbb\xbf \xff'.split()
)
ROSTER = b'id Student ID Section Identifier "Full name" ; , \t \n \r \x00 " "" \xff\xfe \xef\xbb\xbf = + .. /'.split(
    b" "
)
ZIP = b"PK\1\2 PK\3\4 PK\5\6 PK\6\6 \xff\xff\xff\xff \x00\x00\x00\x00 .. / \\ .zip \x00 \x08 \x0c \x01".split(b" ")


def read_evidence(content: bytes) -> list[str]:
    """Read a kernel's text; return the messages."""
    messages = []
    try:
        decode(content)
    except EvidenceError as error:
        messages.append(str(error))
    try:
        entries = decode_all(content)
    except EvidenceError as error:
        return [*messages, str(error)]
    for name, entry in entries.items():
        assert name == entry.subject
        assert (entry.value is NOTHING) == bool(entry.reason)
    return messages + [entry.sentence for entry in entries.values() if entry.reason]


def read_notebook(content: bytes) -> list[str]:
    """Read a submitted notebook; return the messages."""
    try:
        notebook, messages = parse(content, "a.ipynb")
    except Damaged as damage:
        return [str(damage)]
    nbformat.validate(notebook)
    return messages


def read_list(content: bytes) -> list[str]:
    """Read a roster; return the messages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "roster.csv")
        path.write_bytes(content)
        try:
            people = read_roster(path).people
        except CourseError as error:
            return [str(error)]
    ids = [person.id for person in people]
    assert len(set(ids)) == len(ids)
    assert all(one and "/" not in one and not one.startswith(".") and len(one) <= LONGEST_ID for one in ids)
    return []


def read_zip(content: bytes) -> list[str]:
    """Read a zip in a student's folder, and the same as a class's download; return the messages."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        path = Path(folder, "a.zip")
        path.write_bytes(content)
        files, messages = read_folder(Path(folder))
        share = Share()
        try:
            share.fill([(entry.path, entry) for entry in entries(path, opened, UTC, messages)])
        except Refused as why:
            messages.append(str(why))
    for found in (files, share.files):
        assert len(found) <= MAX_FILES
        assert sum(map(len, found.values())) <= SHARE
        assert all(map(is_inside, found))
    return messages + share.messages


def is_inside(name: str) -> bool:
    """Return whether a path cannot leave its folder."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


def check(reader: str, content: bytes) -> None:
    """Let a reader read a content; each message must be one line without control characters."""
    assert all(message and message.isprintable() for message in READERS[reader](content))


READERS: dict[str, Callable[[bytes], list[str]]] = {
    "evidence": read_evidence,
    "notebooks": read_notebook,
    "rosters": read_list,
    "zips": read_zip,
}


@pytest.mark.parametrize(("reader", "name"), [(reader, name) for reader in READERS for name in corpus(reader)])
def test_the_corpus(reader: str, name: str) -> None:
    check(reader, corpus(reader)[name])


@QUICK
@given(changed("evidence", *EVIDENCE))
def test_evidence(content: bytes) -> None:
    check("evidence", content)


@QUICK
@given(changed("notebooks", *NOTEBOOK))
def test_notebooks(content: bytes) -> None:
    check("notebooks", content)


@QUICK
@given(changed("rosters", *ROSTER))
def test_rosters(content: bytes) -> None:
    check("rosters", content)


@QUICK
@given(changed("zips", *ZIP))
def test_zips(content: bytes) -> None:
    check("zips", content)
