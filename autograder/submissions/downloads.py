"""Read a download of a whole class, student by student: what each file is called, when it was packed, its content.

The content is untrusted, as in `files`. Contents are read for one student at a time, and each student has a share of
its own, so a large submission costs nobody else a file. A student's zips are unpacked, and the zips in them too. A zip
that is deeper, damaged or of another kind is kept as an ordinary file.
"""

import re
import zipfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path, PurePosixPath

from autograder.errors import Refused, UsageError
from autograder.submissions.files import (
    ARCHIVES,
    MAX_FILES,
    check_member,
    is_zip,
    left_out,
    members,
    open_zip,
    paths_in,
    read_member,
    read_regular,
)
from autograder.submissions.parser import MIB
from autograder.text import printable, shorten, visible

SHARE = 256 * MIB  # of each student, unpacked
DEEPEST = 32  # folders
LONGEST_NAME = 200  # bytes of a file's or folder's name
CUT_NAME = 50  # characters that are left of a longer one
NO_DATE = 1980  # the year of an entry without a date


@dataclass(frozen=True)
class Entry:
    """One file of a download."""

    path: str  # with "/"
    size: int
    packed: datetime | None  # in UTC; None: the download does not say
    read: Callable[[int, int], bytes]  # the largest size of a file, and what is left of the share → its content
    problem: str = ""  # why it must not be read, in a few words


def entries(source: Path, opened: ExitStack, zone: tzinfo, messages: list[str]) -> list[Entry]:
    """List the files of a folder or zip. A zip stays open until `opened` is closed.

    Args:
        source: The folder or zip.
        opened: Closes the zip.
        zone: The zone of the times in a zip.
        messages: Takes a message for each file or folder that is skipped.

    Raises:
        UsageError: The source is neither a folder nor a zip.
        Refused: It is called .zip but is none.
    """
    if source.is_dir() and not source.is_symlink():
        return [_of_file(path, source) for path in paths_in(source, messages=messages)]
    if not source.is_file() or not is_zip(source.name):
        raise UsageError(f"{source}: not a zip file or a folder; pass the download from your learning platform.")
    archive = opened.enter_context(open_zip(source))
    return [_of_member(archive, entry, parts, zone) for entry, parts in members(archive)]


def _of_file(path: Path, folder: Path) -> Entry:
    name = path.relative_to(folder).as_posix().encode(errors="backslashreplace").decode()
    status = path.lstat()
    packed = _utc(datetime.fromtimestamp(status.st_mtime, UTC))
    return Entry(name, status.st_size, packed, partial(read_regular, path))


def _of_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, parts: list[str], zone: tzinfo) -> Entry:
    problem = ""
    try:
        check_member(entry)
    except Refused as why:
        problem = str(why)
    try:
        packed = _utc(datetime(*entry.date_time, tzinfo=zone)) if entry.date_time[0] > NO_DATE else None
    except ValueError:  # a month 0, an hour 31
        packed = None
    path = entry.filename if problem else "/".join(parts)
    return Entry(path, entry.file_size, packed, partial(read_member, archive, entry), problem)


def _utc(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp(), UTC).replace(tzinfo=None)


@dataclass
class Share:
    """The files of one student, within the student's share.

    Attributes:
        files: The content of each file by path. The path has the names of the zips that it was in.
        zips: The paths of the zips that were unpacked.
        messages: Sentences about files that were skipped, renamed or kept as they are.
        is_complete: Whether no file was skipped.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    zips: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    is_complete: bool = True
    room: int = field(default_factory=lambda: SHARE)

    def fill(self, named: Iterable[tuple[str, Entry]]) -> None:
        """Read a student's files: notebooks and zips first, then small files before large ones."""
        for name, entry in sorted(named, key=lambda pair: _order(pair[0], pair[1].size)):
            try:
                if entry.problem:
                    raise Refused(entry.problem)
                self._add(name, entry.read(SHARE, self.room), 0)
            except Refused as why:
                self._skip(name, why)

    def _add(self, name: str, content: bytes, depth: int) -> None:
        if is_zip(name) and depth < 2:
            try:
                self._unpack(name, content, depth)
                return
            except Refused as why:
                self.messages.append(f"{printable(name)}: {why}; kept, but not unpacked.")
                self.is_complete = False
        elif is_zip(name) or name.casefold().endswith(ARCHIVES):
            reason = "a zip in a zip in a zip" if is_zip(name) else "unsupported archive type"
            self.messages.append(f"{printable(name)}: {reason}; kept, but not unpacked.")
        self._keep(name, content)

    def _unpack(self, name: str, content: bytes, depth: int) -> None:
        with open_zip(content) as archive:
            self.zips.append(clean_path(name))
            for entry, parts in sorted(members(archive), key=lambda pair: _order(pair[0].filename, pair[0].file_size)):
                path = f"{name}/{'/'.join(parts)}"
                try:
                    self._add(path, read_member(archive, entry, SHARE, self.room), depth + 1)
                except Refused as why:
                    self._skip(path, why)

    def _keep(self, name: str, content: bytes) -> None:
        path = clean_path(name)
        if len(self.files) >= MAX_FILES:
            raise Refused(f"more than {MAX_FILES} files")
        if path.count("/") > DEEPEST:
            raise Refused(f"more than {DEEPEST} folders deep")
        if len(content) > self.room:
            raise Refused("the files are too large in total")
        if self.files.get(path) == content:
            return
        if path != name or path in self.files:
            path = free_path(path, self.files)
            self.messages.append(f"{printable(name)}: renamed to {printable(path)}.")
        self.files[path] = content
        self.room -= len(content)

    def _skip(self, name: str, why: Refused) -> None:
        self.is_complete = False
        self.messages.append(left_out(name, why))


def _order(name: str, size: int) -> tuple[int, int, str]:
    return (0 if ".ipynb" in name.casefold() else 1 if is_zip(name) else 2), size, name


def clean_path(path: str) -> str:
    """Return a path whose parts every operating system accepts: printable, not too long, no reserved characters."""
    return "/".join(_clean(part) for part in path.split("/"))


def _clean(part: str) -> str:
    name = re.sub(r'[\\:*?"<>|]', "_", visible(part, instead="_"))
    fits = len(name.encode()) <= LONGEST_NAME
    return name if fits else shorten(name, CUT_NAME) + PurePosixPath(name).suffix[-10:]


def free_path(path: str, taken: Iterable[str]) -> str:
    """Return a path that is not taken, with a number before its suffix if needed."""
    known, whole = set(taken), PurePosixPath(path)
    folders = {str(parent) for other in known for parent in PurePosixPath(other).parents}
    numbered = (str(whole.with_name(f"{whole.stem}-{number}{whole.suffix}")) for number in range(2, MAX_FILES + 2))
    for name in (path, *numbered):
        if name not in known | folders and not known & {str(parent) for parent in PurePosixPath(name).parents}:
            return name
    raise Refused("the path is a file and a folder")
