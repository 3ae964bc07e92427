"""What a student handed in: a folder or zip → files → which of them is which notebook.

Everything here is bytes that somebody else wrote. Nothing is written to disk, no link is followed, and nothing is
unpacked before its size is known. A file is known by its exact name, by a name that holds the notebook's, or by its
cells; where none is it for certain, none is taken. What was left out, and which file was chosen, are said in sentences.
"""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode

from autograder.errors import Damaged
from autograder.notebook.cells import grade_id
from autograder.submissions.parser import MIB, parse
from autograder.text import normalize_whitespace, printable, summarize

Files = Mapping[str, bytes]  # path inside the submission, with "/" -> content of a regular file

MAX_FILES = 2_000  # in a student's folder, and in a zip
MAX_OF_CLASS = 20_000  # in a class's folder or zip
MAX_RATIO = 200  # of a zip's member: JSON text shrinks to a tenth or twentieth, a bomb to a thousandth
ARCHIVES = (".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")

_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError, OverflowError)


class _Refused(Exception):  # noqa: N818
    """Says in a few words why a file was left out."""


# --- a folder → files ---------------------------------------------------------------------------------------------


def read_folder(
    folder: Path, limit: int = 64 * MIB, total: int = 256 * MIB, most: int = MAX_FILES
) -> tuple[dict[str, bytes], list[str]]:
    """Read the regular files of a student's folder, and those in its zips; say what was left out and why.

    `limit` is for one file, `total` for all together, in bytes; `most` is for how many files there may be. Hidden files
    and folders are passed over.
    """
    files: dict[str, bytes] = {}
    said: list[str] = []
    for path in _paths(folder):
        name = path.relative_to(folder).as_posix().encode(errors="backslashreplace").decode()
        try:
            if len(files) >= most:
                raise _Refused(f"more than {most} files")
            room = total - sum(map(len, files.values()))
            content = _regular(path, limit, room)
            files |= _members(name, content, limit, room, said) if _is_zip(name) else {name: content}
        except _Refused as why:
            said.append(_left_out(name, why))
    return files, summarize(said)


def read_class_zip(path: Path, limit: int = 64 * MIB, total: int = 4096 * MIB) -> tuple[dict[str, bytes], list[str]]:
    """Read a zip of a whole class, and the students' zips in it, by the same rules as a folder."""
    files: dict[str, bytes] = {}
    said: list[str] = []
    try:
        outer = _members("", _regular(path, total, total), limit, total, said, most=MAX_OF_CLASS, inner=True)
    except _Refused as why:
        return {}, [_left_out(path.name, why)]
    room = total - sum(map(len, outer.values()))
    for name, content in outer.items():
        try:
            inside = _members(name, content, limit, room, said) if _is_zip(name) else {name: content}
        except _Refused as why:
            said.append(_left_out(name, why))
            continue
        room -= sum(map(len, inside.values())) if _is_zip(name) else 0
        files |= inside
    return files, summarize(said)


def _left_out(name: str, why: _Refused) -> str:
    return f"{printable(name)}: {why}; it was left out."


def _paths(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):  # it walks into no link: a linked folder is listed with the files
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in linked and not _hidden([name]))
        yield from (Path(parent) / name for name in sorted(names + linked) if not _hidden([name]))


def _hidden(parts: Iterable[str]) -> bool:
    """Made by a program and not by the student: checkpoints, caches, what macOS adds to a zip."""
    return any((part.startswith(".") and part != "..") or part in ("__MACOSX", "__pycache__") for part in parts)


def _is_zip(name: str) -> bool:
    return name.casefold().endswith(".zip")


def _regular(path: Path, limit: int, room: int) -> bytes:
    try:
        _check(path.lstat(), limit, room)  # before it is opened: that alone can block on a pipe or wake a device
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            _check(os.fstat(file.fileno()), limit, room)
            content = file.read(limit + 1)
    except OSError as error:
        raise _Refused(f"it cannot be read ({error.strerror})") from None
    _measure(len(content), limit, room)
    if path.name.casefold().endswith(ARCHIVES):
        raise _Refused("an archive that is not looked into")
    return content


def _check(status: os.stat_result, limit: int, room: int) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise _Refused("a link")
    if not stat.S_ISREG(status.st_mode):
        raise _Refused("no regular file")
    _measure(status.st_size, limit, room)


def _measure(size: int, limit: int, room: int) -> None:
    if size > limit:
        raise _Refused(f"larger than {limit / MIB:g} MiB")
    if size > room:
        raise _Refused("the files together are too large")


def _members(
    name: str, content: bytes, limit: int, room: int, said: list[str], most: int = MAX_FILES, inner: bool = False
) -> dict[str, bytes]:
    """The files in a zip, as `name/path`; `inner` says whether zips in it are files like others."""
    if content.count(b"PK\1\2") > most:  # every entry begins so: counted before any of them is built
        raise _Refused(f"a zip with more than {most} files")
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                parts = re.split(r"[/\\]", entry.filename)
                if not parts[-1] or _hidden(parts):  # the name of a folder ends in "/"
                    continue
                try:
                    if _is_zip(entry.filename) and not inner:
                        raise _Refused("a zip in a zip")
                    files["/".join(filter(None, [name, *parts]))] = _member(archive, entry, parts, limit, room)
                    room -= entry.file_size
                except _Refused as why:
                    said.append(_left_out(f"{name}/{entry.filename}".lstrip("/"), why))
    except _ZIP_FAULTS:
        raise _Refused("no zip that can be read") from None
    return files


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, parts: list[str], limit: int, room: int) -> bytes:
    if ".." in parts or "" in parts or ":" in parts[0]:
        raise _Refused("a path that leads out of the zip")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _Refused("a link")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Refused("packed by a method that cannot be bounded")
    _measure(entry.file_size, limit, room)
    if entry.file_size > max(MIB, MAX_RATIO * entry.compress_size):
        raise _Refused("packed too tightly for a notebook")
    try:
        with archive.open(entry) as file:  # reads no more than the size that it says, whatever is packed in it
            return file.read(entry.file_size)
    except _ZIP_FAULTS:
        raise _Refused("encrypted or damaged") from None


# --- files → which is which notebook ------------------------------------------------------------------------------


def identify_notebooks(
    files: Files, names: Sequence[str], masters: Mapping[str, NotebookNode] | None = None
) -> tuple[dict[str, bytes | None], list[str]]:
    """Find the notebooks `names` among the files: by the exact name, by a name that holds it, by the cells.

    `masters` (by the same names) let a file be known by its cells; without them only names count. None stands where no
    file is the notebook for certain.
    """
    masters = masters or {}
    own = _own_marks(masters)
    ranks = {path: _rank(path, files[path], names, own) for path in sorted(files) if _may_be_notebook(path)}
    placed: dict[str, bytes | None] = dict.fromkeys(names)
    said: list[str] = []
    for name in names:
        found = {path: rank for path, (rank, known) in ranks.items() if known == name}
        if found:
            path, sentence = _best(name, found, files, masters.get(name))
            placed[name] = files[path]
            said += sentence
    if None in placed.values():
        unknown = [printable(path) for path, (_, known) in ranks.items() if known is None]
        said += [f"{path}: none of the missing notebooks for certain; it was left aside." for path in unknown]
    return placed, summarize(said)


def _may_be_notebook(path: str) -> bool:
    """Mail programs and browsers save a notebook as .ipynb.txt, .ipynb.json or .json."""
    base = path.rpartition("/")[2].casefold()
    return ".ipynb" in base or base.endswith(".json")


def _rank(path: str, content: bytes, names: Sequence[str], own: Mapping[str, set[str]]) -> tuple[int, str | None]:
    """How a file is known (0 exact, 1 misplaced, 2 renamed, 3 by its cells, 4 not at all), and as which notebook."""
    base = path.rpartition("/")[2]
    exact = [name for name in names if base == name.removesuffix(".ipynb") + ".ipynb"]
    if exact:
        return (0 if path == base else 1), exact[0]
    kin = _kin(content, own)
    held = [name for name in names if f" {_words(name)} " in f" {_words(base)} "]
    longest = [name for name in held if len(name) == max(map(len, held))]  # "lstm_2" holds "lstm" as well
    if len(longest) == 1 and kin in (None, longest[0]):
        return 2, longest[0]
    return (3, kin) if kin else (4, None)


def _words(name: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", name.casefold().removesuffix(".ipynb")))


def _lines(nb: NotebookNode) -> set[str]:
    return {normalize_whitespace(line) for cell in nb.cells for line in cell.source.splitlines()}


def _marks(nb: NotebookNode) -> set[str]:
    """What a notebook can be known by: its cells' ids and names, and its lines."""
    return {cell.get("id", "") for cell in nb.cells} | {grade_id(cell) for cell in nb.cells} | _lines(nb)


def _own_marks(masters: Mapping[str, NotebookNode]) -> dict[str, set[str]]:
    """The marks that only one of the masters has."""
    marks = {name: _marks(nb) for name, nb in masters.items()}
    counts = Counter(mark for found in marks.values() for mark in found)
    return {name: {mark for mark in found if mark and counts[mark] == 1} for name, found in marks.items()}


def _kin(content: bytes, own: Mapping[str, set[str]]) -> str | None:
    """The master that the cells come from; None unless it is a sixth of one and hardly anything of another."""
    try:
        marks = _marks(parse(content, "")[0]) if own else set()
    except Damaged:
        return None
    shares = sorted(((len(marks & mine) / max(len(mine), 1), name) for name, mine in own.items()), reverse=True)
    first, second = [*shares, (0.0, ""), (0.0, "")][:2]
    return first[1] if first[0] > max(1 / 6, 3 * second[0]) else None


def _best(name: str, ranks: dict[str, int], files: Files, master: NotebookNode | None) -> tuple[str, list[str]]:
    """Which of the files that could be it counts: readable, better named, more answered, first in order; and why."""
    paths = list(ranks)
    keys = {path: (0, ranks[path], (0, 0)) for path in paths}
    if len(paths) > 1:
        keys = {path: (*_answered(files[path], master, ranks[path]),) for path in paths}
    best = min(paths, key=lambda path: keys[path])
    rest = [keys[path] for path in paths if files[path] != files[best]]
    if rest:
        step = next((i for i, (a, b) in enumerate(zip(keys[best], min(rest), strict=True)) if a != b), 3)
        why = ("the others cannot be read", "it is better named", "more is answered in it", "the first in order")[step]
        return best, [f"{name}: {len(rest) + 1} files could be it; {printable(best)} was taken: {why}."]
    cells = " by its cells" if ranks[best] == 3 else ""
    return best, [f"{name}: found as {printable(best)}{cells}."] if ranks[best] else []


def _answered(content: bytes, master: NotebookNode | None, rank: int) -> tuple[int, int, tuple[int, int]]:
    """A key for sorting: unreadable last, then by rank, then by cells answered and by lines that the master has not."""
    try:
        nb, _ = parse(content, "")
    except Damaged:
        return 1, rank, (0, 0)
    if master is None:
        return 0, rank, (0, 0)
    known = {cell.get("id"): normalize_whitespace(cell.source) for cell in master.cells}
    known |= {grade_id(cell): normalize_whitespace(cell.source) for cell in master.cells if grade_id(cell)}
    ids = [(grade_id(cell) or cell.id, normalize_whitespace(cell.source)) for cell in nb.cells]
    changed = {name for name, source in ids if known.get(name, source) != source}
    return 0, rank, (-len(changed), -len(_lines(nb) - _lines(master)))
