"""A class's zips and folders, as Canvas and Moodle name them → `submitted/<student>/<assignment>/`.

Who handed in what is read off names alone: Canvas writes `doejane_LATE_17_42_1_lstm.ipynb`, Moodle
`Jane Doe_17_assignsubmission_file/1_lstm.ipynb`, a folder or zip for each student is known by its own name. What is in
the files is bytes until `placing` has found which notebook it is; only notebooks are written, under their own names.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.course.course import Course
from autograder.errors import UsageError
from autograder.files import replace_folder
from autograder.submissions.identify import MAX_OF_CLASS, identify_notebooks, read_class_zip, read_folder
from autograder.submissions.parser import MIB
from autograder.text import printable

CANVAS = re.compile(r"(?P<name>[^_/]+)_(?P<late>LATE_)?(?P<user>\d+)_\d+_(?P<rest>.+)")
MOODLE = re.compile(r"(?P<name>[^_/]+)_(?P<user>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>[^/]*(?:/.*)?)")
CLASS_BYTES = 4096 * MIB
OWN_FILES = ("manifest.json",)  # what `autograder submit` packs beside the notebooks


@dataclass(frozen=True)
class Collected:
    """What was made of one student's files: the notebooks placed, and sentences about all else."""

    student: str
    notebooks: tuple[str, ...]
    said: tuple[str, ...]


def collect(course: Course, assignment: str, sources: Sequence[Path], replace: bool = False) -> list[Collected]:
    """Put what the sources hold into submitted/, a folder a student; gives who it was, in order, and what was said.

    A submission that is there already is kept, unless `replace`. Files that belong to no student for certain come last,
    under an empty name. Raises CourseError where a source is neither a zip nor a folder.
    """
    masters = {path.stem: nbformat.read(path, 4) for path in course.masters(assignment)}
    files, late, said = _of_students(sources)
    found = []
    for student in sorted(files):
        placed, moved = identify_notebooks(_flat(files[student]), list(masters), masters)
        moved += ["Canvas marks it as late."] if student in late else []
        folder = course.folder("submitted", assignment, student)
        found.append(_write(folder, student, placed, moved, replace))
    return found + ([Collected("", (), tuple(said))] if said else [])


def _of_students(sources: Sequence[Path]) -> tuple[dict[str, dict[str, bytes]], set[str], list[str]]:
    """Each student's files, who was late, and what was left out."""
    students: dict[str, dict[str, bytes]] = {}
    late: set[str] = set()
    said: list[str] = []
    for source in sources:
        files, left = _read(source)
        said += left
        for path, content in files.items():
            student, rest, was_late = _owner(path)
            if not student:
                said.append(f"{printable(path)}: belongs to no student for certain; it was left out.")
            elif rest.rpartition("/")[2] not in OWN_FILES:
                students.setdefault(student, {})[rest] = content
                late |= {student} if was_late else set()
    return students, late, said


def _flat(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files without their folders and zips, where no two have one name."""
    bare = {path.rpartition("/")[2]: content for path, content in files.items()}
    return bare if len(bare) == len(files) else files


def _read(source: Path) -> tuple[dict[str, bytes], list[str]]:
    """All files of a source; of one student's own zip, below the zip's name."""
    if source.is_dir() and not source.is_symlink():
        return read_folder(source, total=CLASS_BYTES, most=MAX_OF_CLASS)
    if not source.is_file() or source.suffix.casefold() != ".zip":
        raise UsageError(f"{source}: neither a zip nor a folder; name what your learning platform gave you.")
    files, said = read_class_zip(source)
    own = _student(source.name)[0] if CANVAS.fullmatch(source.name) or MOODLE.fullmatch(source.name) else ""
    if own or _is_one_students(files):
        files = {f"{source.name}/{path}": content for path, content in files.items()}
    return files, said


def _is_one_students(files: Mapping[str, bytes]) -> bool:
    """Do the notebooks lie in it once, at the top or in one folder, and none below a platform's name?"""
    if any(_student(path.partition("/")[0])[0] for path in files):
        return False
    folders = {path.rpartition("/")[0] for path in files if path.endswith(".ipynb")}
    return len(folders) == 1 and not any(".zip" in folder.casefold() for folder in folders)


def _student(name: str) -> tuple[str, str, bool]:
    """The student, the rest of the name and whether it was late, by the platform's way of naming; empty: none."""
    if found := MOODLE.fullmatch(name):
        return _safe(f"{found['name']}_{found['user']}"), found["rest"], False
    if found := CANVAS.fullmatch(name):
        return _safe(f"{found['name']}_{found['user']}"), found["rest"], bool(found["late"])
    return "", name, False


def _owner(path: str) -> tuple[str, str, bool]:
    """The student to whom a path belongs, the path below that, and whether it was late."""
    top, _, below = path.partition("/")
    student, rest, late = _student(top)
    if student:
        return student, "/".join(filter(None, (rest, below))), late
    if below:
        return _safe(top[:-4] if top.casefold().endswith(".zip") else top), below, False
    return "", path, False


def _safe(name: str) -> str:
    """A student's id that is good as a folder's name on every system."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-. ")[:100]


def _write(
    folder: Path, student: str, placed: Mapping[str, bytes | None], said: Sequence[str], replace: bool
) -> Collected:
    """Write the notebooks whole: beside the folder first, then by a rename."""
    notebooks = {f"{name}.ipynb": content for name, content in placed.items() if content is not None}
    missing = [f"{name}: not handed in." for name in placed if placed[name] is None]
    sentences = (*said, *missing)
    if not notebooks:
        return Collected(student, (), sentences)
    if folder.exists():
        there = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in notebooks}
        if there == notebooks:
            return Collected(student, (), ("the same as was collected before.",))
        if not replace:
            return Collected(student, (), ("handed in before; that was kept (--replace takes the new one).",))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".collect-") as aside:
        made = Path(aside, "new")
        made.mkdir()
        for name, content in notebooks.items():
            (made / name).write_bytes(content)
        replace_folder(made, folder)
    return Collected(student, tuple(notebooks), sentences)
