"""Sort the downloads of a class from Canvas or Moodle into `submitted/<student>/<assignment>/`.

The student is read from the file's name alone. Canvas writes `doejane_LATE_17_42_1_lstm.ipynb`, Moodle writes
`Jane Doe_17_assignsubmission_file/1_lstm.ipynb`; any other folder or zip for one student has the student's name.
`identify` finds which notebook a file is. Only notebooks are written, under the names that the course gives them.
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
OWN_FILES = ("manifest.json",)  # `autograder submit` adds it to the notebooks


@dataclass(frozen=True)
class Collected:
    """The notebooks written for one student, and messages about all other files."""

    student: str
    notebooks: tuple[str, ...]
    said: tuple[str, ...]


def collect(course: Course, assignment: str, sources: Sequence[Path], replace: bool = False) -> list[Collected]:
    """Write the notebooks in the sources to `submitted/`, one folder for each student.

    Args:
        course: The course.
        assignment: The name of the assignment.
        sources: Zip files and folders, as downloaded from the learning platform.
        replace: Overwrite submissions that exist. Without it they are kept.

    Returns:
        One entry for each student, sorted by name. Messages about files without a student come last, with an empty
        student name.

    Raises:
        UsageError: A source is not a zip file or a folder.
    """
    notebooks = {path.stem: nbformat.read(path, 4) for path in course.masters(assignment)}
    files, late, messages = _of_students(sources)
    results = []
    for student in sorted(files):
        placed, remarks = identify_notebooks(_flat(files[student]), list(notebooks), notebooks)
        remarks += ["Canvas marked this submission as late."] if student in late else []
        folder = course.folder("submitted", assignment, student)
        results.append(_write(folder, student, placed, remarks, replace))
    return results + ([Collected("", (), tuple(messages))] if messages else [])


def _of_students(sources: Sequence[Path]) -> tuple[dict[str, dict[str, bytes]], set[str], list[str]]:
    """Return the files of each student, the students whose submission was late, and messages about skipped files."""
    students: dict[str, dict[str, bytes]] = {}
    late: set[str] = set()
    messages: list[str] = []
    for source in sources:
        files, skipped = _read(source)
        messages += skipped
        for path, content in files.items():
            student, rest, was_late = _owner(path)
            if not student:
                messages.append(f"{printable(path)}: could not be matched to a student; skipped.")
            elif rest.rpartition("/")[2] not in OWN_FILES:
                students.setdefault(student, {})[rest] = content
                late |= {student} if was_late else set()
    return students, late, messages


def _flat(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files without their folders and zips, unless two files would have the same name."""
    bare = {path.rpartition("/")[2]: content for path, content in files.items()}
    return bare if len(bare) == len(files) else files


def _read(source: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return all files of a source. For one student's zip, each path starts with the zip's name."""
    if source.is_dir() and not source.is_symlink():
        return read_folder(source, total=CLASS_BYTES, most=MAX_OF_CLASS)
    if not source.is_file() or source.suffix.casefold() != ".zip":
        raise UsageError(f"{source}: not a zip file or a folder; pass the download from your learning platform.")
    files, messages = read_class_zip(source)
    own = _student(source.name)[0] if CANVAS.fullmatch(source.name) or MOODLE.fullmatch(source.name) else ""
    if own or _is_one_students(files):
        files = {f"{source.name}/{path}": content for path, content in files.items()}
    return files, messages


def _is_one_students(files: Mapping[str, bytes]) -> bool:
    """Return whether a zip is one student's: all notebooks are in one folder, and no path has a platform's naming."""
    if any(_student(path.partition("/")[0])[0] for path in files):
        return False
    folders = {path.rpartition("/")[0] for path in files if path.endswith(".ipynb")}
    return len(folders) == 1 and not any(".zip" in folder.casefold() for folder in folders)


def _student(name: str) -> tuple[str, str, bool]:
    """Return the student, the rest of the name, and whether it was late; "" if no platform names files like this."""
    if match := MOODLE.fullmatch(name):
        return _safe(f"{match['name']}_{match['user']}"), match["rest"], False
    if match := CANVAS.fullmatch(name):
        return _safe(f"{match['name']}_{match['user']}"), match["rest"], bool(match["late"])
    return "", name, False


def _owner(path: str) -> tuple[str, str, bool]:
    """Return the student that a path belongs to, the rest of the path, and whether it was late."""
    top, _, below = path.partition("/")
    student, rest, late = _student(top)
    if student:
        return student, "/".join(filter(None, (rest, below))), late
    if below:
        return _safe(top[:-4] if top.casefold().endswith(".zip") else top), below, False
    return "", path, False


def _safe(name: str) -> str:
    """Return a student id that is a valid folder name on every operating system."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-. ")[:100]


def _write(
    folder: Path, student: str, placed: Mapping[str, bytes | None], messages: Sequence[str], replace: bool
) -> Collected:
    """Write the notebooks to a temporary folder and rename it, so that no submission is ever half written."""
    notebooks = {f"{name}.ipynb": content for name, content in placed.items() if content is not None}
    missing = [f"{name}: not handed in." for name in placed if placed[name] is None]
    sentences = (*messages, *missing)
    if not notebooks:
        return Collected(student, (), sentences)
    if folder.exists():
        existing = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in notebooks}
        if existing == notebooks:
            return Collected(student, (), ("unchanged since it was last collected.",))
        if not replace:
            return Collected(
                student, (), ("already collected; the older files were kept. Pass --replace to overwrite.",)
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".collect-") as temporary:
        new = Path(temporary, "new")
        new.mkdir()
        for name, content in notebooks.items():
            (new / name).write_bytes(content)
        replace_folder(new, folder)
    return Collected(student, tuple(notebooks), sentences)
