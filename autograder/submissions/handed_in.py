"""Find out when a student handed in: from what the platform says while collecting, from timestamp.txt afterwards.

What a platform says, the surest first:

    Moodle's worksheet    the time of each submission
    Canvas' LATE mark     late or not; Canvas writes no time. A late submission is later than the due date
    the zip's times       the time of each entry, unless all entries have about the same one: then it is the time of
                          the download, which only shows that nobody handed in later than that

If none of these decides whether a submission is late, its timestamp.txt is empty, and the instructor is told. A time is
never taken from the student's own zip, whose times the student can choose.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from autograder.course.times import FORM, read_time, write_time
from autograder.errors import Refused
from autograder.submissions.files import read_regular
from autograder.text import printable

TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"  # nbgrader's files beside a submission
MAX_STAMP = 1024  # bytes
ONE_DOWNLOAD = timedelta(minutes=10)  # a platform makes a zip in less time
_MOODLE_TIMES = tuple(
    f"{day}{clock}"
    for day in ("%A, %d %B %Y, ", "%A, %B %d, %Y, ", "%d %B %Y, ", "%d/%m/%y, ")
    for clock in ("%I:%M %p", "%H:%M", "%I:%M:%S %p", "%H:%M:%S")
)


@dataclass(frozen=True)
class PlatformTimes:
    """What a platform says about one submission."""

    late: bool | None = None  # None: nothing
    written: str = ""  # the time in Moodle's worksheet
    packed: datetime | None = None  # the latest time among the entries of the class's zip, in UTC
    only_download: bool = True  # whether `packed` may be the time of the download


def hand_in_time(platform: PlatformTimes, due: datetime | None, zone: tzinfo) -> tuple[datetime | None, str]:
    """Return when a submission was handed in, or None if nobody knows; and a message for the instructor, or "".

    Args:
        platform: What the platform says.
        due: When the assignment is due, in UTC.
        zone: The course's zone, in which the worksheet's times are.
    """
    if platform.written not in ("", "-"):
        if moment := _moodle_time(platform.written, zone):
            return moment, ""
        return None, _unknown(f"Moodle's time {printable(platform.written)!r} cannot be read", due)
    if platform.late is not None:
        return _by_mark(platform, due)
    if platform.packed and (not platform.only_download or (due and platform.packed <= due)):
        return platform.packed, ""
    return None, _unknown("the download does not say when it was handed in", due) if due else ""


def _by_mark(platform: PlatformTimes, due: datetime | None) -> tuple[datetime | None, str]:
    """Return a time on the side of the due date that Canvas' mark says."""
    known = None if platform.only_download else platform.packed
    if not platform.late:
        times = [moment for moment in (platform.packed if due else known, due) if moment]
        return min(times, default=None), ""
    marked = "Canvas marked this submission as late"
    if due is None:
        return known, f"{marked}, but the course has no due date; set c.Course.due_dates to deduct points."
    if known and known > due:
        return known, f"{marked}."
    return due + timedelta(
        seconds=1
    ), f"{marked}, but not how late; {TIMESTAMP} has the first second after the due date."


def _unknown(reason: str, due: datetime | None) -> str:
    counts = "it counts as on time until you write the time there" if due else "write the time there"
    return f"{TIMESTAMP} is empty, because {reason}; {counts}."


def _moodle_time(text: str, zone: tzinfo) -> datetime | None:
    for form in _MOODLE_TIMES:
        try:
            local = datetime.strptime(text.strip().replace("\u202f", " "), form)
        except ValueError:
            continue
        return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    try:
        return read_time(text, zone)
    except ValueError:
        return None


def is_one_download(latest: Iterable[datetime]) -> bool:
    """Return whether the latest times of the students' files are so close that they may be the download's."""
    times = sorted(latest)
    return len(times) < 2 or times[-1] - times[0] <= ONE_DOWNLOAD


def stamp(moment: datetime | None) -> bytes:
    """Return the content of timestamp.txt; nbgrader reads an empty file as a time that is not known."""
    return f"{write_time(moment)}\n".encode() if moment else b""


def read_stamp(folder: Path, zone: tzinfo) -> tuple[datetime | None, str]:
    """Return the time in a submission's timestamp.txt, or None; and what is wrong with the file, or "".

    Args:
        folder: The submission.
        zone: The course's zone.
    """
    path = folder / TIMESTAMP
    if not os.path.lexists(path):
        return None, ""
    counts = "the submission counts as on time until you correct the file"
    try:
        text = read_regular(path, MAX_STAMP).decode(errors="replace").strip()
    except Refused:
        return None, f"{TIMESTAMP} is not a small text file; {counts}: {FORM}."
    if not text:
        return None, f"{TIMESTAMP} is empty, so nobody knows when it was handed in; {counts}: {FORM}."
    try:
        return read_time(text, zone), ""
    except ValueError as error:
        return None, f"{TIMESTAMP} has {printable(text)!r}; {counts}: {error}."
