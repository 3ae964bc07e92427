"""Read the files that a student handed in: a folder, and the zips in it. Nothing else opens a submitted file.

The content is untrusted. This module writes nothing to disk, opens regular files only, follows no links, and checks an
entry's size before it unpacks the entry. The bounds for one student:

    files and folders       2,000, those at the top first
    folders in each other   32
    bytes                   64 MiB for a file, 256 MiB for all files; notebooks first
    names                   255 bytes, 1,000 for a whole path; a name that is not plain text is changed

Messages report which files were skipped and which were renamed.
"""

import io
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from autograder.errors import Refused
from autograder.submissions.parser import MIB
from autograder.text import printable, summarize

MAX_FILES = 2_000  # files and folders of a student, and entries of a zip
MAX_OF_CLASS = 500_000  # files and folders in a class's folder
MAX_DEPTH = 32
MAX_NAME, MAX_PATH = 255, 1_000  # bytes
MAX_LISTED = 50_000  # entries of one folder; the others are not even listed
ENTRY = b"PK\1\2"  # the signature of an entry in a zip's list of files
MAX_RATIO = 200  # of a zip entry: JSON text is compressed 10 to 20 times, a zip bomb about 1,000 times
ARCHIVES = (".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
NOT_TEXT = ("Cc", "Cs", "Zl", "Zp")  # Unicode categories: control characters, bytes that are not UTF-8, line ends

ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError, OverflowError)


# --- a folder → files ---------------------------------------------------------------------------------------------


def read_folder(
    folder: Path, limit: int = 64 * MIB, total: int = 256 * MIB, most: int = MAX_FILES
) -> tuple[dict[str, bytes], list[str]]:
    """Read the regular files of a folder, and the files in its zips. Hidden files and folders are ignored.

    Args:
        folder: The folder to read.
        limit: The largest size of one file, in bytes.
        total: The largest size of all files together, in bytes.
        most: The largest number of files and folders.

    Returns:
        The content of each file by path, and a message for each file that was skipped or renamed.
    """
    reading = _Reading(limit, total, most)
    for path in sorted(paths_in(folder, most, reading.messages), key=lambda path: not _is_notebook(path.name)):
        name = path.relative_to(folder).as_posix()
        reading.add(name.split("/"), partial(_content, path), unpack=is_zip(name))
    files = {name: reading.files[name] for name in sorted(reading.files)}
    return files, summarize(reading.messages)


def _content(path: Path, limit: int, room: int) -> bytes:
    content = read_regular(path, limit, room)
    if path.name.casefold().endswith(ARCHIVES):
        raise Refused("unsupported archive type")
    return content


@dataclass
class _Reading:
    """The files read so far, and how much is left of the bounds."""

    limit: int
    room: int
    most: int
    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)

    def add(self, parts: Sequence[str], read: Callable[[int, int], bytes], unpack: bool = False) -> None:
        """Read one file, or report why it is skipped. `read` takes the largest size and the bytes that are left."""
        name = "/".join(parts)
        try:
            place = self._place(parts)
            content = read(self.limit, self.room)
            if unpack:
                self._unpack(name, content)
                return
            self.files[place] = content
            self.room -= len(content)
            self.folders |= _folders(place)
        except Refused as why:
            self.messages.append(left_out(name, why))
        else:
            if place != name:
                odd = any(_plain(part) != part for part in parts)
                cause = "its name is not UTF-8 or has control characters" if odd else "another file has this name"
                self.messages.append(f'{printable(name)}: renamed to "{printable(place)}", because {cause}.')

    def _place(self, parts: Sequence[str]) -> str:
        """Return the path under which a file is kept; raise Refused if it has none."""
        if len(parts) - 1 > MAX_DEPTH:
            raise Refused(f"more than {MAX_DEPTH} folders deep")
        place = "/".join(map(_plain, parts))
        if place in self.files:
            *above, last = map(_plain, parts)
            names = ("/".join([*above, f"{count}_{last}"]) for count in range(2, self.most + 2))
            place = next(name for name in names if name not in self.files)
        if max(map(_length, place.split("/"))) > MAX_NAME or _length(place) > MAX_PATH:
            raise Refused("the name is too long")
        folders = _folders(place)
        if place in self.folders or not folders.isdisjoint(self.files):
            raise Refused("another file or folder has this name")
        if len(self.files) + len(self.folders | folders) >= self.most:
            raise Refused(_too_many(self.most))
        return place

    def _unpack(self, name: str, content: bytes) -> None:
        with open_zip(content) as archive:
            for entry, parts in members(archive):
                read = _refuse_nested if is_zip(entry.filename) else partial(read_member, archive, entry)
                self.add([*name.split("/"), *parts], read)


def _refuse_nested(limit: int, room: int) -> bytes:
    raise Refused("nested zip")


def _too_many(most: int) -> str:
    return f"more than {most} files and folders"


def _plain(name: str) -> str:
    return "".join("_" if unicodedata.category(character) in NOT_TEXT else character for character in name)


def _length(name: str) -> int:
    return len(name.encode())


def _folders(place: str) -> set[str]:
    """Return the folders that a path is in."""
    parts = place.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts))}


def _is_notebook(name: str) -> bool:
    return ".ipynb" in name.casefold()


def left_out(name: str, why: Refused) -> str:
    """Return the message about a file that is skipped."""
    return f"{printable(name)}: {why}; skipped."


def paths_in(folder: Path, most: int = MAX_OF_CLASS, messages: list[str] | None = None) -> Iterator[Path]:
    """Yield the paths of a folder's files level by level, without hidden ones. Links are yielded like files.

    Args:
        folder: The folder. One that cannot be read has no files.
        most: The largest number of files and folders; those at the top come first, and notebooks before others.
        messages: Takes a message for each file and folder that is skipped.
    """
    messages = [] if messages is None else messages
    waiting, count = deque([folder]), 0
    while waiting:
        parent = waiting.popleft()
        parts = parent.relative_to(folder).parts
        try:
            if len(parts) > MAX_DEPTH or count > most:
                raise Refused(f"more than {MAX_DEPTH} folders deep" if len(parts) > MAX_DEPTH else _too_many(most))
            listed = _listed(parent)
        except Refused as why:
            messages.append(left_out("/".join(parts), why))
            continue
        for name, is_folder in listed:
            count += 1
            if count > most:
                messages.append(left_out("/".join([*parts, name]), Refused(_too_many(most))))
            elif is_folder:
                waiting.append(parent / name)
            else:
                yield parent / name


def _listed(folder: Path) -> list[tuple[str, bool]]:
    """Return the names in a folder, sorted with notebooks first, and whether each is a folder."""
    try:
        with os.scandir(folder) as entries:
            names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, MAX_LISTED)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Refused(f"cannot be read ({error.strerror})") from None
    shown = [(name, is_folder) for name, is_folder in names if not is_hidden([name])]
    return sorted(shown, key=lambda entry: (not _is_notebook(entry[0]), entry[0]))


def is_hidden(parts: Iterable[str]) -> bool:
    """Return whether a program made the file, not the student: checkpoints, caches, files that macOS adds to a zip."""
    return any((part.startswith(".") and part != "..") or part in ("__MACOSX", "__pycache__") for part in parts)


def is_zip(name: str) -> bool:
    """Return whether a file's name ends with .zip."""
    return name.casefold().endswith(".zip")


# --- one file -----------------------------------------------------------------------------------------------------


def read_regular(path: Path, limit: int, room: int | None = None) -> bytes:
    """Return the content of a regular file, without following links.

    Args:
        path: The file.
        limit: The largest size of one file, in bytes.
        room: How many bytes are left for all files together; None means that `limit` is enough.

    Raises:
        Refused: It is no regular file, cannot be read, or is too large.
    """
    room = limit if room is None else room
    try:
        _check(path.lstat(), limit, room)  # check before opening: opening a pipe can block
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            _check(os.fstat(file.fileno()), limit, room)
            content = file.read(limit + 1)
    except OSError as error:
        raise Refused(f"cannot be read ({error.strerror})") from None
    _measure(len(content), limit, room)
    return content


def _check(status: os.stat_result, limit: int, room: int) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise Refused("symbolic link")
    if not stat.S_ISREG(status.st_mode):
        raise Refused("not a regular file")
    _measure(status.st_size, limit, room)


def _measure(size: int, limit: int, room: int) -> None:
    if size > limit:
        raise Refused(f"larger than {limit / MIB:g} MiB")
    if size > room:
        raise Refused("the files are too large in total")


# --- a zip → files ------------------------------------------------------------------------------------------------


def open_zip(content: bytes | Path) -> zipfile.ZipFile:
    """Open a zip: the bytes of a student's, or the file of a whole class.

    Raises:
        Refused: It is no zip, or a student's zip has too many entries.
    """
    if isinstance(content, bytes) and content.count(ENTRY) > MAX_FILES:  # before any entry is parsed
        raise Refused(f"the zip has more than {MAX_FILES} files")
    try:
        return zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content)
    except ZIP_FAULTS:
        raise Refused("not a readable zip file") from None


def members(archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, list[str]]]:
    """Yield the files in a zip, each with the parts of its path."""
    for entry in archive.infolist():
        parts = re.split(r"[/\\]", entry.filename)
        if parts[-1] and not is_hidden(parts):  # a folder's name ends with "/"
            yield entry, parts


def check_member(entry: zipfile.ZipInfo) -> None:
    """Raise Refused if a file in a zip must not be unpacked, whatever its size."""
    parts = re.split(r"[/\\]", entry.filename)
    if ".." in parts or "" in parts or re.match("[A-Za-z]:", parts[0]):
        raise Refused("the path leads outside the zip")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused("symbolic link")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("unsupported compression method")
    if entry.file_size > max(MIB, MAX_RATIO * entry.compress_size):
        raise Refused("suspicious compression ratio")


def read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, room: int) -> bytes:
    """Return the content of a file in a zip; raise Refused if it must not be unpacked or is larger than the limits."""
    check_member(entry)
    _measure(entry.file_size, limit, room)
    try:
        with archive.open(entry) as file:  # never reads more than the declared size
            return file.read(entry.file_size)
    except ZIP_FAULTS:
        raise Refused("encrypted or damaged") from None
