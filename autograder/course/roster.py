"""Read and keep the list of a course's students: who has which id in the course, in Canvas and in Moodle.

The course's own file, `c.Course.roster`, has the columns `COLUMNS`; only `id` is needed. Every other command uses the
ids of this column: they name the folders in `submitted/` and the rows of the gradebook. Exports of a platform are read
too: Canvas' gradebook, Moodle's grading worksheet and its list of participants. `combined` adds them to the course's.

A student keeps one Canvas id. Moodle numbers participants again in each assignment, so `moodle_id` may have several.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from autograder.course.course import Course
from autograder.course.people import match
from autograder.csv_files import CsvTable, read_sheet, write_sheet
from autograder.errors import CourseError
from autograder.text import printable, summarize, visible

COLUMNS = ("id", "first_name", "last_name", "email", "canvas_id", "moodle_id")
LONGEST_ID = 100  # characters of an id that is also a folder's name
TEST_STUDENT = "Student, Test"  # every Canvas course has one; it is nobody
HANDED_IN = "Last modified (submission)"  # a column of Moodle's grading worksheet


@dataclass(frozen=True)
class Person:
    """A student of the course."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    canvas_id: str = ""
    moodle_ids: tuple[str, ...] = ()
    full_name: str = field(default="", compare=False)  # as the platform writes it
    keys: tuple[str, ...] = field(default=(), compare=False)  # what a platform also knows the student by
    handed_in: str = field(default="", compare=False)  # as Moodle's worksheet writes it

    @property
    def names(self) -> tuple[str, ...]:
        """Return the ways to write the name, first name first and last name first."""
        first, last = self.first_name, self.last_name
        return tuple(name for name in (self.full_name, f"{first} {last}".strip(), f"{last} {first}".strip()) if name)

    @property
    def name(self) -> str:
        """Return the name, first name first, on one line; "" if it is not known."""
        return visible(f"{self.first_name} {self.last_name}".strip() or self.full_name)

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the cells of the course's own file, in the order of `COLUMNS`."""
        return (
            self.id,
            self.first_name,
            self.last_name,
            self.email,
            self.canvas_id,
            " ".join(self.moodle_ids),
        )


@dataclass(frozen=True)
class Roster:
    """A list of students, and the file that it was read from."""

    people: tuple[Person, ...] = ()
    path: Path | None = None
    platform: str = ""  # "Canvas" or "Moodle" if the file is an export; "" if it is the course's own

    @cached_property
    def by_id(self) -> dict[str, Person]:
        """Return the students by the course's id."""
        return {person.id: person for person in self.people}

    def on_platform(self, platform: str, user: str) -> Person | None:
        """Return the student with this id on a platform."""
        return self._by_user.get((platform, user))

    @cached_property
    def _by_user(self) -> dict[tuple[str, str], Person]:
        canvas = {("Canvas", person.canvas_id): person for person in self.people if person.canvas_id}
        return canvas | {("Moodle", user): person for person in self.people for user in person.moodle_ids}

    def named(self, name: str) -> Person | None:
        """Return the only student with this name; letters and digits count, in any case."""
        return self._by_name.get(plain(name)) if plain(name) else None

    @cached_property
    def _by_name(self) -> dict[str, Person | None]:
        pairs = {(plain(name), person.id) for person in self.people for name in person.names}
        times = Counter(name for name, _ in pairs)
        return {name: self.by_id[student] for name, student in pairs if times[name] == 1}

    def known_as(self, name: str) -> Person | None:
        """Return the student with this id or e-mail address; case and the encoding of accents do not matter."""
        found = match({name: [name]}, [[person.id, person.email] for person in self.people]).rows
        return self.people[found[name]] if name in found else None


def plain(name: str) -> str:
    """Return the letters and digits of a name, without case, as Canvas writes it in the names of files."""
    return re.sub(r"[\W_]", "", name).casefold()


def safe_id(name: str) -> str:
    """Return an id that is a valid folder name on every operating system."""
    return re.sub(r"[^\w.@+-]+", "-", name).strip("-. +@")[:LONGEST_ID]


def folder_of(name: str, user: str) -> str:
    """Return the id of a student who is not in a roster: the name and the id on the platform."""
    return safe_id(f"{name}_{user}")


def course_roster(course: Course) -> Roster:
    """Read the course's roster; an empty one if there is no file.

    Raises:
        CourseError: The file cannot be read, or has no column that identifies a student.
    """
    path = course.root / course.roster
    return read_roster(path) if course.roster and path.exists() else Roster((), path)


def read_roster(path: Path) -> Roster:
    """Read a list of students: the course's own file, or an export of Canvas or Moodle.

    Raises:
        CourseError: The file cannot be read, identifies nobody, or gives two students the same id.
    """
    sheet = read_sheet(path)
    if sheet.place("Section") is not None and sheet.place("Student") is not None and sheet.place("ID") is not None:
        platform, people = "Canvas", _of_canvas(sheet)
    elif sheet.place("id", "student_id", "student id") is not None:
        platform, people = "", _of_course(sheet, path)
    elif sheet.place("Identifier", "Username", "ID number", "Email address") is not None:
        platform, people = "Moodle", _of_moodle(sheet)
    else:
        advice = "pass the course's own list (a column `id`), Canvas' gradebook, or Moodle's worksheet or participants"
        raise CourseError(f"{path}: no column identifies the students; {advice}.")
    people = list(dict.fromkeys(people))
    twice = [name for name, times in Counter(person.id for person in people).items() if times > 1]
    if twice:
        raise CourseError(f"{path}: two students have the id {printable(twice[0])}; give each student one id.")
    return Roster(tuple(people), path, platform)


def _of_course(sheet: CsvTable, path: Path) -> list[Person]:
    get = _getter(sheet)
    people = []
    for row in sheet.rows:
        student = get(row, "id", "student_id", "student id")
        if not student:
            continue
        if re.search(r"[/\\\x00-\x1f]", student) or student.startswith(".") or len(student) > LONGEST_ID:
            problem = f"the id {printable(student)!r} cannot name a folder"
            raise CourseError(f"{path}: {problem}; use at most {LONGEST_ID} characters, no slash, no leading dot.")
        numbers = tuple(re.findall(r"\d+", get(row, "moodle_id", "moodle id")))
        names = get(row, "first_name", "first name"), get(row, "last_name", "last name", "surname")
        person = Person(student, *names, get(row, "email", "e-mail", "email address"), full_name=get(row, "name"))
        people.append(replace(person, canvas_id=get(row, "canvas_id", "canvas id"), moodle_ids=numbers))
    return people


def _of_canvas(sheet: CsvTable) -> list[Person]:
    get = _getter(sheet)
    people = []
    for row in sheet.rows:
        user, name = get(row, "ID"), get(row, "Student")
        if not user.isdecimal() or name == TEST_STUDENT:
            continue
        last, _, first = name.partition(", ")
        login, sis = get(row, "SIS Login ID"), get(row, "SIS User ID")
        email = next((key for key in (get(row, "Email"), login) if "@" in key), "")
        keys = tuple(filter(None, (login, sis, get(row, "Integration ID"), email)))
        student = safe_id(login or sis) or folder_of(plain(name), user)
        people.append(Person(student, first, last, email, user, full_name=name, keys=keys))
    return people


def _of_moodle(sheet: CsvTable) -> list[Person]:
    get = _getter(sheet)
    people = []
    for row in sheet.rows:
        first, last = get(row, "First name"), get(row, "Last name", "Surname")
        full = get(row, "Full name")
        if full and not (first or last):
            first, _, last = full.rpartition(" ")
        numbers = re.findall(r"\d+$", get(row, "Identifier"))
        keys = tuple(filter(None, (get(row, name) for name in ("Username", "ID number", "Email address"))))
        known = next(filter(None, map(safe_id, keys)), "")  # an id of signs alone cannot name a folder
        student = known or folder_of(full or "Participant", "".join(numbers))
        person = Person(student, first, last, get(row, "Email address"), "", tuple(numbers), full, keys)
        people += [replace(person, handed_in=get(row, HANDED_IN))] if keys or numbers else []
    return people


def _getter(sheet: CsvTable) -> Callable[..., str]:
    """Return a function that reads a row's first non-empty cell among columns of some names."""

    def get(row: Sequence[str], *names: str) -> str:
        places = (sheet.place(name) for name in names)
        return next((row[i].strip() for i in places if i is not None and row[i].strip()), "")

    return get


def combined(ours: Roster, theirs: Roster) -> tuple[Roster, list[str]]:
    """Return the course's list with what a platform's list adds: students, names and ids on the platform.

    A cell that the course's list has filled is never changed.

    Returns:
        The list, and a message for each student whose ids contradict each other.
    """
    same = _same_people(ours, theirs)
    people = list(ours.people)
    messages = []
    for place, person in enumerate(theirs.people):
        mine = same.get(place)
        if mine is None:
            taken = person.id in ours.by_id
            messages += [f"{person.id}: another student of {theirs.path} has this id in the roster."] if taken else []
            people += [] if taken else [person]
            continue
        older = people[mine]
        if older.canvas_id and person.canvas_id and older.canvas_id != person.canvas_id:
            differs = f"the roster has the Canvas id {older.canvas_id}, the export has {person.canvas_id}"
            messages.append(f"{older.id}: {differs}; the roster's was kept.")
        people[mine] = _filled(older, person)
    return replace(ours, people=tuple(people)), summarize(messages)


def _same_people(ours: Roster, theirs: Roster) -> dict[int, int]:
    """Return which student of our list each one of theirs is, by place: by platform id, by other ids, by name."""
    places = {person.id: place for place, person in enumerate(ours.people)}
    same: dict[int, int] = {}
    for place, person in enumerate(theirs.people):
        users = [("Canvas", person.canvas_id), *(("Moodle", user) for user in person.moodle_ids)]
        mine = next((one for user in users if (one := ours.on_platform(*user))), None)
        if mine and places[mine.id] not in same.values():
            same[place] = places[mine.id]
    rows = [[person.id, person.email] if i not in same.values() else [] for i, person in enumerate(ours.people)]
    names = {str(i): [person.id, *person.keys] for i, person in enumerate(theirs.people) if i not in same}
    same |= {int(place): row for place, row in match(names, rows).rows.items()}
    for place, person in enumerate(theirs.people):
        mine = next((one for name in person.names if (one := _namesake(name, ours, theirs))), None)
        if place not in same and mine and places[mine.id] not in same.values():
            same[place] = places[mine.id]
    return same


def _namesake(name: str, ours: Roster, theirs: Roster) -> Person | None:
    """Return our student of this name, unless an e-mail address or a Canvas id shows that it is another person."""
    mine, other = ours.named(name), theirs.named(name)
    if mine is None or other is None:
        return None
    pairs = ((mine.email.casefold(), other.email.casefold()), (mine.canvas_id, other.canvas_id))
    return None if any(a and b and a != b for a, b in pairs) else mine


def _filled(mine: Person, other: Person) -> Person:
    return replace(
        mine,
        first_name=mine.first_name or other.first_name,
        last_name=mine.last_name or other.last_name,
        email=mine.email or other.email,
        canvas_id=mine.canvas_id or other.canvas_id,
        moodle_ids=tuple(dict.fromkeys((*mine.moodle_ids, *other.moodle_ids))),
        full_name=mine.full_name or other.full_name,
        keys=(*mine.keys, *other.keys),
        handed_in=other.handed_in,
    )


def save_roster(roster: Roster) -> None:
    """Write the course's own list. Columns of the file that are not in `COLUMNS` are kept, and so is its style."""
    assert roster.path is not None
    if roster.platform:
        return
    header, extra, style = list(COLUMNS), dict[str, Iterable[str]](), None
    if roster.path.exists():
        sheet = read_sheet(roster.path)
        known = {place for name in COLUMNS if (place := sheet.place(name)) is not None}
        others = [place for place in range(len(sheet.header)) if place not in known]
        header += [sheet.header[place] for place in others]
        ids = sheet.place("id", "student_id", "student id") or 0
        extra = {row[ids].strip(): [row[place] for place in others] for row in sheet.rows}
        style = sheet.style
    blank = [""] * (len(header) - len(COLUMNS))
    rows = [[*person.cells, *extra.get(person.id, blank)] for person in roster.people]
    write_sheet(roster.path, [header, *rows], style)
