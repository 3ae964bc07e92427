"""Read the files that a student handed in (a folder or zip), and identify the notebooks among them.

The content is untrusted. This module writes nothing to disk, follows no links, and checks an entry's size before it
unpacks the entry. A file is identified by its exact name, by a name that contains the notebook's name, or by its cells.
If the match is not clear, no file is used. Messages report which files were skipped and which file was chosen.
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
MAX_RATIO = 200  # of a zip entry: JSON text is compressed 10 to 20 times, a zip bomb about 1,000 times
ARCHIVES = (".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")

_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError, OverflowError)


class _Refused(Exception):  # noqa: N818
    """A file is skipped; the text is the reason, in a few words."""


# --- a folder → files ---------------------------------------------------------------------------------------------


def read_folder(
    folder: Path, limit: int = 64 * MIB, total: int = 256 * MIB, most: int = MAX_FILES
) -> tuple[dict[str, bytes], list[str]]:
    """Read the regular files of a folder, and the files in its zips. Hidden files and folders are ignored.

    Args:
        folder: The folder to read.
        limit: The largest size of one file, in bytes.
        total: The largest size of all files together, in bytes.
        most: The largest number of files.

    Returns:
        The content of each file by path, and a message for each file that was skipped.
    """
    files: dict[str, bytes] = {}
    messages: list[str] = []
    for path in _paths(folder):
        name = path.relative_to(folder).as_posix().encode(errors="backslashreplace").decode()
        try:
            if len(files) >= most:
                raise _Refused(f"more than {most} files")
            room = total - sum(map(len, files.values()))
            content = _regular(path, limit, room)
            files |= _members(name, content, limit, room, messages) if _is_zip(name) else {name: content}
        except _Refused as why:
            messages.append(_left_out(name, why))
    return files, summarize(messages)


def read_class_zip(path: Path, limit: int = 64 * MIB, total: int = 4096 * MIB) -> tuple[dict[str, bytes], list[str]]:
    """Read the zip of a whole class, and the students' zips in it, with the same rules as `read_folder`."""
    files: dict[str, bytes] = {}
    messages: list[str] = []
    try:
        outer = _members("", _regular(path, total, total), limit, total, messages, most=MAX_OF_CLASS, inner=True)
    except _Refused as why:
        return {}, [_left_out(path.name, why)]
    room = total - sum(map(len, outer.values()))
    for name, content in outer.items():
        try:
            inside = _members(name, content, limit, room, messages) if _is_zip(name) else {name: content}
        except _Refused as why:
            messages.append(_left_out(name, why))
            continue
        room -= sum(map(len, inside.values())) if _is_zip(name) else 0
        files |= inside
    return files, summarize(messages)


def _left_out(name: str, why: _Refused) -> str:
    return f"{printable(name)}: {why}; skipped."


def _paths(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):  # does not follow links; linked folders are yielded like files
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in linked and not _hidden([name]))
        yield from (Path(parent) / name for name in sorted(names + linked) if not _hidden([name]))


def _hidden(parts: Iterable[str]) -> bool:
    """Return whether a program made the file, not the student: checkpoints, caches, files that macOS adds to a zip."""
    return any((part.startswith(".") and part != "..") or part in ("__MACOSX", "__pycache__") for part in parts)


def _is_zip(name: str) -> bool:
    return name.casefold().endswith(".zip")


def _regular(path: Path, limit: int, room: int) -> bytes:
    try:
        _check(path.lstat(), limit, room)  # check before opening: opening a pipe can block
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            _check(os.fstat(file.fileno()), limit, room)
            content = file.read(limit + 1)
    except OSError as error:
        raise _Refused(f"cannot be read ({error.strerror})") from None
    _measure(len(content), limit, room)
    if path.name.casefold().endswith(ARCHIVES):
        raise _Refused("unsupported archive type")
    return content


def _check(status: os.stat_result, limit: int, room: int) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise _Refused("symbolic link")
    if not stat.S_ISREG(status.st_mode):
        raise _Refused("not a regular file")
    _measure(status.st_size, limit, room)


def _measure(size: int, limit: int, room: int) -> None:
    if size > limit:
        raise _Refused(f"larger than {limit / MIB:g} MiB")
    if size > room:
        raise _Refused("the files are too large in total")


def _members(
    name: str, content: bytes, limit: int, room: int, messages: list[str], most: int = MAX_FILES, inner: bool = False
) -> dict[str, bytes]:
    """Return the files in a zip by `name/path`. With `inner`, zips inside the zip are returned as ordinary files."""
    if content.count(b"PK\1\2") > most:  # the signature of an entry: count entries before parsing any
        raise _Refused(f"the zip has more than {most} files")
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                parts = re.split(r"[/\\]", entry.filename)
                if not parts[-1] or _hidden(parts):  # a folder's name ends with "/"
                    continue
                try:
                    if _is_zip(entry.filename) and not inner:
                        raise _Refused("nested zip")
                    files["/".join(filter(None, [name, *parts]))] = _member(archive, entry, parts, limit, room)
                    room -= entry.file_size
                except _Refused as why:
                    messages.append(_left_out(f"{name}/{entry.filename}".lstrip("/"), why))
    except _ZIP_FAULTS:
        raise _Refused("not a readable zip file") from None
    return files


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, parts: list[str], limit: int, room: int) -> bytes:
    if ".." in parts or "" in parts or ":" in parts[0]:
        raise _Refused("the path leads outside the zip")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _Refused("symbolic link")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Refused("unsupported compression method")
    _measure(entry.file_size, limit, room)
    if entry.file_size > max(MIB, MAX_RATIO * entry.compress_size):
        raise _Refused("suspicious compression ratio")
    try:
        with archive.open(entry) as file:  # never reads more than the declared size
            return file.read(entry.file_size)
    except _ZIP_FAULTS:
        raise _Refused("encrypted or damaged") from None


# --- files → which is which notebook ------------------------------------------------------------------------------


def identify_notebooks(
    files: Files, names: Sequence[str], sources: Mapping[str, NotebookNode] | None = None
) -> tuple[dict[str, bytes | None], list[str]]:
    """Identify notebooks among files: by the exact name, by a name that contains it, or by the cells.

    Args:
        files: The content of each file by path.
        names: The names of the notebooks to find.
        sources: The source notebooks by name. Without them, files are identified by name only.

    Returns:
        The content of each notebook by name, None where no file matches clearly; and messages about the choices.
    """
    sources = sources or {}
    own = _own_marks(sources)
    ranks = {path: _rank(path, files[path], names, own) for path in sorted(files) if _may_be_notebook(path)}
    placed: dict[str, bytes | None] = dict.fromkeys(names)
    messages: list[str] = []
    for name in names:
        matches = {path: rank for path, (rank, known) in ranks.items() if known == name}
        if matches:
            path, sentences = _best(name, matches, files, sources.get(name))
            placed[name] = files[path]
            messages += sentences
    if None in placed.values():
        unknown = [printable(path) for path, (_, known) in ranks.items() if known is None]
        messages += [f"{path}: could not be matched to a missing notebook; skipped." for path in unknown]
    return placed, summarize(messages)


def _may_be_notebook(path: str) -> bool:
    """Return whether a file may be a notebook. Browsers save some as .ipynb.txt, .ipynb.json or .json."""
    base = path.rpartition("/")[2].casefold()
    return ".ipynb" in base or base.endswith(".json")


def _rank(path: str, content: bytes, names: Sequence[str], own: Mapping[str, set[str]]) -> tuple[int, str | None]:
    """Return how a file is identified and as which notebook (None if it is not identified).

    0: exact name, 1: exact name in a subfolder, 2: similar name, 3: by its cells, 4: not identified.
    """
    base = path.rpartition("/")[2]
    exact = [name for name in names if base == name.removesuffix(".ipynb") + ".ipynb"]
    if exact:
        return (0 if path == base else 1), exact[0]
    by_cells = _source_by_cells(content, own)
    contained = [name for name in names if f" {_words(name)} " in f" {_words(base)} "]
    longest = [name for name in contained if len(name) == max(map(len, contained))]  # "lstm_2" also contains "lstm"
    if len(longest) == 1 and by_cells in (None, longest[0]):
        return 2, longest[0]
    return (3, by_cells) if by_cells else (4, None)


def _words(name: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", name.casefold().removesuffix(".ipynb")))


def _lines(nb: NotebookNode) -> set[str]:
    return {normalize_whitespace(line) for cell in nb.cells for line in cell.source.splitlines()}


def _marks(nb: NotebookNode) -> set[str]:
    """Return what identifies a notebook: its cells' ids and names, and its lines."""
    return {cell.get("id", "") for cell in nb.cells} | {grade_id(cell) for cell in nb.cells} | _lines(nb)


def _own_marks(sources: Mapping[str, NotebookNode]) -> dict[str, set[str]]:
    """Return the marks that appear in only one source notebook, by its name."""
    all_marks = {name: _marks(nb) for name, nb in sources.items()}
    counts = Counter(mark for marks in all_marks.values() for mark in marks)
    return {name: {mark for mark in marks if mark and counts[mark] == 1} for name, marks in all_marks.items()}


def _source_by_cells(content: bytes, own: Mapping[str, set[str]]) -> str | None:
    """Return the source notebook that the cells come from.

    None unless the file has over a sixth of its marks, and over three times the share of any other notebook's.
    """
    try:
        marks = _marks(parse(content, "")[0]) if own else set()
    except Damaged:
        return None
    shares = sorted(((len(marks & mine) / max(len(mine), 1), name) for name, mine in own.items()), reverse=True)
    first, second = [*shares, (0.0, ""), (0.0, "")][:2]
    return first[1] if first[0] > max(1 / 6, 3 * second[0]) else None


def _best(name: str, ranks: dict[str, int], files: Files, source: NotebookNode | None) -> tuple[str, list[str]]:
    """Choose one of several matching files, and explain the choice.

    Readable files come first, then better names, then more answers, then the order of names.
    """
    paths = list(ranks)
    keys = {path: (0, ranks[path], (0, 0)) for path in paths}
    if len(paths) > 1:
        keys = {path: (*_answered(files[path], source, ranks[path]),) for path in paths}
    best = min(paths, key=lambda path: keys[path])
    rest = [keys[path] for path in paths if files[path] != files[best]]
    if rest:
        step = next((i for i, (a, b) in enumerate(zip(keys[best], min(rest), strict=True)) if a != b), 3)
        reasons = (
            "the others cannot be read",
            "its name matches better",
            "it has more answers",
            "its name comes first",
        )
        return best, [f"{name}: {len(rest) + 1} files match; {printable(best)} was used: {reasons[step]}."]
    cells = ", identified by its cells" if ranks[best] == 3 else ""
    return best, [f"{name}: read from {printable(best)}{cells}."] if ranks[best] else []


def _answered(content: bytes, source: NotebookNode | None, rank: int) -> tuple[int, int, tuple[int, int]]:
    """Return a sort key: unreadable files last, then by rank, changed cells and lines that the source does not have."""
    try:
        nb, _ = parse(content, "")
    except Damaged:
        return 1, rank, (0, 0)
    if source is None:
        return 0, rank, (0, 0)
    known = {cell.get("id"): normalize_whitespace(cell.source) for cell in source.cells}
    known |= {grade_id(cell): normalize_whitespace(cell.source) for cell in source.cells if grade_id(cell)}
    ids = [(grade_id(cell) or cell.id, normalize_whitespace(cell.source)) for cell in nb.cells]
    changed = {name for name, source in ids if known.get(name, source) != source}
    return 0, rank, (-len(changed), -len(_lines(nb) - _lines(source)))
