"""Sort the downloads of a class from Canvas or Moodle into `submitted/<student>/<assignment>/`.

`platforms` reads the student from the name that the platform gave each file, and the roster says which id the student
has in the course. `downloads` reads the files of one student after the other, and `identify` finds which notebook a
file is. A notebook is written under the name that the course gives it; every other file keeps its place beside it.
nbgrader's two files are added: `timestamp.txt` (see `handed_in`) and a secret, which `nbgrader release_feedback` needs.
"""

import secrets
import tempfile
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.course.roster import Person, Roster
from autograder.course.times import write_time
from autograder.errors import Damaged, Refused
from autograder.files import replace_folder
from autograder.notebook.personalize import class_named, personalization
from autograder.submissions.downloads import Entry, Share, entries, free_path
from autograder.submissions.files import left_out, read_folder
from autograder.submissions.handed_in import SECRET, TIMESTAMP, PlatformTimes, hand_in_time, is_one_download, stamp
from autograder.submissions.identify import identify_notebooks, may_be_notebook
from autograder.submissions.owners import Owners, unknown
from autograder.submissions.parser import parse
from autograder.submissions.platforms import Sender, choose, likely_names, senders
from autograder.text import summarize

OWN_FILES = ("manifest.json", TIMESTAMP, SECRET)  # `autograder submit` adds the first, this module the others


@dataclass(frozen=True)
class Collected:
    """What was written for one student, and messages about the student's other files."""

    student: str  # "" for files that match no student
    notebooks: tuple[str, ...]
    messages: tuple[str, ...]
    others: tuple[str, ...] = ()  # the files beside the notebooks
    handed_in: str = ""  # the time, or "" if it is not known
    is_lost: bool = False  # whether work was handed in that is not in `submitted/`
    other_id: str = ""  # the message about another student's id in a notebook


@dataclass
class _HandIn:
    """The files of one student in the downloads."""

    sender: Sender
    person: Person | None
    files: list[tuple[str, Entry]] = field(default_factory=list)
    late: bool | None = None
    packed: datetime | None = None
    only_download: bool = True

    @property
    def student(self) -> str:
        return self.person.id if self.person else self.sender.folder

    def add(self, name: str, entry: Entry, sender: Sender) -> None:
        self.files.append((name, entry))
        if sender.late is not None:
            self.late = sender.late or bool(self.late)

    def platform_times(self) -> PlatformTimes:
        written = self.person.handed_in if self.person else ""
        return PlatformTimes(self.late, written, self.packed, self.only_download)


def collect(
    course: Course, assignment: str, sources: Sequence[Path], replace: bool = False, roster: Roster | None = None
) -> list[Collected]:
    """Write the files in the sources to `submitted/`, one folder for each student.

    Args:
        course: The course.
        assignment: The name of the assignment.
        sources: Zip files and folders, as downloaded from the learning platform.
        replace: Overwrite submissions that exist. Without it they are kept.
        roster: The course's students. Without it, folders are named as the platform names students.

    Returns:
        One entry for each student, sorted by id. Messages about files without a student come last, with an empty
        student name.

    Raises:
        UsageError: A source is not a zip file or a folder.
    """
    notebooks = {path.stem: nbformat.read(path, 4) for path in course.source_notebooks(assignment)}
    writer = _Writer(course, assignment, notebooks, replace)
    results = []
    with ExitStack() as opened:
        owners = Owners.of(course, roster or Roster(), notebooks)
        hand_ins, messages = _by_student(course, sources, owners, opened, notebooks)
        for hand_in in hand_ins:
            results.append(writer.write(hand_in))
    results.sort(key=lambda one: one.student)
    return results + ([Collected("", (), tuple(summarize(messages)), is_lost=True)] if messages else [])


def _by_student(
    course: Course, sources: Sequence[Path], owners: Owners, opened: ExitStack, notebooks: Iterable[str]
) -> tuple[list[_HandIn], list[str]]:
    """Return what each student handed in, and messages about files without a student."""
    hand_ins: dict[tuple[str, str], _HandIn] = {}
    messages: list[str] = []
    for source in sources:
        try:
            listed = owners.with_owner(entries(source, opened, course.zone, messages), source)
        except Refused as why:
            messages.append(left_out(source.name, why))
            continue
        names = {f"{name}.ipynb" for name in notebooks}
        certain = likely_names((entry.path.partition("/")[0] for entry in listed), owners.roster, names)
        seen: dict[tuple[str, str], _HandIn] = {}
        for entry in listed:
            top, _, below = entry.path.partition("/")
            ways = senders(top, bool(below) or top.casefold().endswith(".zip"))
            if not ways:
                messages.append(left_out(entry.path, Refused(entry.problem or "could not be matched to a student")))
                continue
            sender, person = choose(ways, owners.roster, certain)
            if not (person or sender.platform) and owners.is_nobodys(sender.name):
                messages.append(unknown(top))
                continue
            key = ("", person.id) if person else sender.identity
            hand_in = hand_ins.setdefault(key, _HandIn(sender, person))
            name = "/".join(filter(None, (sender.rest or ("" if below else top), below)))
            hand_in.add(name, entry, sender)
            seen[key] = hand_in
        _note_times(seen.values(), listed)
    return _with_own_folders(hand_ins.values()), messages


def _note_times(hand_ins: Iterable[_HandIn], listed: Sequence[Entry]) -> None:
    """Note when the files of one source were packed, and whether this may be the time of the download only."""
    latest = {}
    source = set(map(id, listed))
    for hand_in in hand_ins:
        times = [entry.packed for _, entry in hand_in.files if id(entry) in source and entry.packed]
        if times:
            latest[id(hand_in)] = max(times)
    one_download = is_one_download(latest.values())
    for hand_in in hand_ins:
        packed = latest.get(id(hand_in))
        if packed and (hand_in.packed is None or packed > hand_in.packed):
            hand_in.packed, hand_in.only_download = packed, one_download


def _with_own_folders(hand_ins: Iterable[_HandIn]) -> list[_HandIn]:
    """Give two students whose folders would have the same name different ones; students of the roster come first."""
    taken: set[str] = set()
    ordered = sorted(hand_ins, key=lambda one: (one.person is None, one.student))
    for hand_in in ordered:
        if hand_in.student in taken and hand_in.person is None:
            sender = hand_in.sender
            hand_in.sender = replace(sender, name=f"{sender.name}-{sender.platform or 'folder'}")
        taken.add(hand_in.student)
    return ordered


class _Writer:
    """Write what one student after the other handed in."""

    def __init__(self, course: Course, assignment: str, notebooks: Mapping[str, NotebookNode], overwrite: bool) -> None:
        self.course, self.assignment, self.notebooks, self.overwrite = course, assignment, notebooks, overwrite
        self.due, self.zone = course.due_date(assignment), course.zone
        self.hook = personalization(class_named(course.settings))
        self.helpers, _ = read_folder(course.folder("source", assignment))

    def write(self, hand_in: _HandIn) -> Collected:
        share = Share()
        share.fill(hand_in.files)
        own = [path for path in share.files if path.rpartition("/")[2] in OWN_FILES and _is_top(path, share.zips)]
        for path in own:
            del share.files[path]
        skipped = sorted({path.rpartition("/")[2] for path in own} - {OWN_FILES[0]})
        messages = [f"{name}: the student's own; skipped, because `collect` writes this file." for name in skipped]
        chosen, remarks = self._identified(share)
        missing = [f"{name}: not handed in." for name in self.notebooks if name not in chosen]
        files, refused = laid_out(share.files, chosen, share.zips)
        moment, said = hand_in_time(hand_in.platform_times(), self.due, self.zone)
        files[TIMESTAMP] = stamp(moment)
        messages += [*share.messages, *refused, *remarks, *([said] if said else []), *missing]
        result = Collected(
            hand_in.student,
            tuple(f"{name}.ipynb" for name in self.notebooks if name in chosen),
            tuple(messages),
            tuple(sorted(files.keys() - {f"{name}.ipynb" for name in chosen} - {TIMESTAMP})),
            write_time(moment) if moment else "",
            not chosen or not share.is_complete or bool(refused),
            self._other_id(hand_in.student, [share.files[path] for path in chosen.values()]),
        )
        return self._stored(result, files) if len(files) > 1 else result

    def _identified(self, share: Share) -> tuple[dict[str, str], list[str]]:
        """Return the path of each notebook by its name, and messages about the choices."""
        candidates = [path for path in share.files if may_be_notebook(path)]
        bare = {path.rpartition("/")[2]: path for path in candidates}
        paths = bare if len(bare) == len(candidates) else {path: path for path in candidates}
        files = {name: share.files[path] for name, path in paths.items()}
        placed, messages = identify_notebooks(files, list(self.notebooks), self.notebooks)
        chosen = {}
        for name, content in placed.items():
            if content is not None:
                chosen[name] = next(paths[file] for file in files if files[file] is content)
        return chosen, messages

    def _other_id(self, student: str, contents: Iterable[bytes]) -> str:
        """Return what the course's hook says about the first notebook that has another student's id."""
        for content in contents:
            try:
                status, remarks = self.hook.remark(parse(content, "")[0], self.helpers, student)
            except Damaged:
                continue
            if status == "other-id":
                return remarks[0]
        return ""

    def _stored(self, result: Collected, files: dict[str, bytes]) -> Collected:
        """Write the files to a temporary folder and rename it, so that no submission is ever half written."""
        folder = self.course.folder("submitted", self.assignment, result.student)
        older = _contents(folder)
        secret = older.pop(SECRET, secrets.token_hex(16).encode())
        if older == files:
            return replace(result, notebooks=(), others=(), messages=("unchanged since it was last collected.",))
        if older and not self.overwrite:
            kept = "already collected; the older files were kept. Pass --replace to overwrite."
            return replace(result, notebooks=(), others=(), messages=(kept,), is_lost=False)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".collect-") as temporary:
                new = Path(temporary, "new")
                for name, content in {**files, SECRET: secret}.items():
                    (new / name).parent.mkdir(parents=True, exist_ok=True)
                    (new / name).write_bytes(content)
                replace_folder(new, folder)
        except OSError as error:
            failed = f"cannot be written ({error.strerror}); collect again."
            return replace(result, notebooks=(), others=(), messages=(failed,), is_lost=True)
        return result


def _is_top(path: str, zips: Sequence[str]) -> bool:
    """Return whether a file is beside the notebooks, not in a folder where its name means something else."""
    folder = path.rpartition("/")[0]
    return not folder or folder in zips or "/" not in folder


def _contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder that was written by `collect`; symbolic links are not followed."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def laid_out(
    files: Mapping[str, bytes], chosen: Mapping[str, str], zips: Container[str]
) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of a submission by the path to write them to, and messages about files that have no place.

    A chosen notebook gets the course's name. Another file keeps its place relative to the notebooks, as if all zips had
    been unpacked where they were; a file that would overwrite another one keeps its whole path.

    Args:
        files: The content of each file by path.
        chosen: The path of each notebook by its name.
        zips: The paths of the zips that were unpacked.
    """
    placed = {f"{name}.ipynb": files[path] for name, path in chosen.items()}
    folders = [folder for folder, _ in Counter(path.rpartition("/")[0] for path in chosen.values()).most_common()]
    short = [_without_zips(folder, zips) for folder in folders]
    messages = []
    for path in sorted(set(files) - set(chosen.values()), key=partial(_rank, folders)):
        plain = _without_zips(path, zips)
        targets = [plain[len(folder) + 1 :] if folder else plain for folder in short if _is_in(plain, folder)]
        free = [target for target in (*targets, plain) if target not in (*placed, *OWN_FILES)]
        try:
            placed[free_path(free[0] if free else path, placed)] = files[path]
        except Refused as why:
            messages.append(left_out(path, why))
    return placed, messages


def _without_zips(path: str, zips: Container[str]) -> str:
    """Return a path without the names of the zips that were unpacked."""
    parts = path.split("/")
    return "/".join(part for place, part in enumerate(parts, 1) if "/".join(parts[:place]) not in zips)


def _is_in(path: str, folder: str) -> bool:
    return not folder or PurePosixPath(path).is_relative_to(folder)


def _rank(folders: Sequence[str], path: str) -> tuple[int, str]:
    """Return a sort key: files beside the notebooks come before others, which may have the same names."""
    return next((place for place, folder in enumerate(folders) if _is_in(path, folder)), len(folders)), path
