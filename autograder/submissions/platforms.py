"""Read who handed in a file from the name that a learning platform gave it.

    Canvas    doejane_LATE_17_42_1_lstm.ipynb        name, late or not, user id, attachment, file
              doejane_17_text.html                   a text entry or a link has no attachment
              anon_x7Yz1_42_1_lstm.ipynb             an anonymous assignment
    Moodle    Jane Doe_17_assignsubmission_file_/…   name, number in this assignment; the slash can be missing
              Participant_17_assignsubmission_file_  an anonymous assignment
    others    jane/… and jane.zip                    a folder or a zip for each student

Canvas allows "_" and digits in names, so `bob_12_17_42_lab.ipynb` is Bob 12's or Bob_12's. `senders` returns every way
to read a name. `choose` decides: by the roster, where the user id and the name must both fit, then by the names of the
other files.
"""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from autograder.course.roster import Person, Roster, folder_of, plain, safe_id

_MOODLE = re.compile(r"(?P<name>[^_/]+)_(?P<user>\d+)_assignsubmission_[a-z]+_?(?P<rest>[^/]*)")
_ANONYMOUS = re.compile(r"(?P<late>LATE_)?anon_(?P<user>[^\W_]+)_(?:\d+_)?(?P<rest>.+)")
_CANVAS_TAIL = re.compile(r"_(?P<late>LATE_)?(?P<user>\d+)_(?:\d+_(?P<rest>.+)|(?P<entry>(?:text|link)\.html))")


@dataclass(frozen=True)
class Sender:
    """Who handed in a file, as the platform writes it."""

    platform: str  # "Canvas" or "Moodle"; "" if the name is a folder's or a zip's
    name: str
    user: str = ""
    late: bool | None = None  # None: the platform does not say
    rest: str = ""  # the file's own name; "" if it is the name of a folder

    @property
    def identity(self) -> tuple[str, str]:
        """Return what tells two students apart."""
        return self.platform, self.user or self.name

    @property
    def folder(self) -> str:
        """Return the id of the student's folder if no roster has the student."""
        return folder_of(self.name, self.user) if self.platform else safe_id(self.name)


def senders(top: str, is_folder: bool) -> list[Sender]:
    """Return who may have handed in a file or folder with this name, the most likely sender first.

    Args:
        top: The first part of its path.
        is_folder: Whether it is a folder or a zip, whose name may be the student's.
    """
    if match := _MOODLE.fullmatch(top):
        return [Sender("Moodle", match["name"], match["user"], None, match["rest"])]
    if match := _ANONYMOUS.fullmatch(top):
        return [Sender("Canvas", "anon", match["user"], bool(match["late"]), match["rest"])]
    ways = [_of_canvas(top, place) for place, sign in enumerate(top) if sign == "_" and place]
    if found := [way for way in ways if way is not None]:
        return found
    stem = top[:-4] if top.casefold().endswith(".zip") else top
    return [Sender("", stem)] if is_folder and safe_id(stem) else []


def _of_canvas(top: str, place: int) -> Sender | None:
    match = _CANVAS_TAIL.fullmatch(top, place)
    if match is None or not plain(top[:place]):
        return None
    return Sender("Canvas", top[:place], match["user"], bool(match["late"]), match["rest"] or match["entry"])


def likely_names(listed: Iterable[str], roster: Roster, notebooks: Container[str]) -> set[tuple[str, str]]:
    """Return the name and user id of each sender who is certain in a download.

    Certain is a name that can be read in one way only, that fits a student of the roster, or whose rest is the file
    name of a notebook of the course.

    Args:
        listed: The first parts of the download's paths.
        roster: The students of the course.
        notebooks: The file names of the assignment's notebooks.
    """
    certain = set()
    for top in set(listed):
        ways = senders(top, is_folder=False)
        fits = [way for way in ways if _fits(way, roster)] or [way for way in ways if way.rest in notebooks]
        certain |= {(way.name, way.user) for way in (fits[:1] or (ways if len(ways) == 1 else []))}
    return certain


def choose(ways: Sequence[Sender], roster: Roster, certain: Container[tuple[str, str]]) -> tuple[Sender, Person | None]:
    """Choose among the ways to read a name, and return the student of the roster, or None if it has no such student.

    Args:
        ways: What `senders` returned; not empty.
        roster: The students of the course.
        certain: What `likely_names` returned.
    """
    fits = [way for way in ways if _fits(way, roster)]
    sure = fits or [way for way in ways if (way.name, way.user) in certain or len(ways) == 1]
    way = (sure or ways)[0]
    return way, (roster.on_platform(*way.identity) if sure else None) or _by_name(way, roster)


def _fits(way: Sender, roster: Roster) -> bool:
    """Return whether the roster has a student with both this platform id and this name."""
    person = roster.on_platform(*way.identity)
    return person is not None and any(plain(name) == plain(way.name) for name in person.names)


def _by_name(way: Sender, roster: Roster) -> Person | None:
    """Return the only student whose id or name this is, unless the platform's id shows that it is another one."""
    if not way.platform:
        return roster.known_as(way.name)
    person = roster.named(way.name)
    return None if person and way.platform == "Canvas" and person.canvas_id else person
