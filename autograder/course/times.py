"""Read times as people and platforms write them, and return them as the gradebook stores them: naive, in UTC.

    2027-01-31 18:00                   in the course's zone, c.Course.timezone
    2027-01-31 18:00 UTC               in a named zone of the time zone database
    2027-01-31 18:00 Europe/Berlin
    2027-01-31 18:00+01:00             with an offset
    2027-01-31                         the end of that day, in the course's zone

Abbreviations such as CEST or IST are refused, because several zones share them. The only exception is the one that the
course's own zone has at that time, because nbgrader's exchange writes it.
"""

import re
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

FORM = "write it like 2027-01-31 18:00 Europe/Berlin, 2027-01-31 18:00+01:00 or 2027-01-31"
LONGEST = 100  # characters of a time
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[ T](?P<clock>\d\d?:\d\d(?::\d\d(?:\.\d{1,6})?)?))?(?:\s*(?P<zone>\S+))?"
)
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")


def zone_named(name: str) -> tzinfo:
    """Return the zone of this name in the time zone database.

    Raises:
        ValueError: There is no such zone.
    """
    if name in ("UTC", "Z", "GMT"):
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:  # an unknown name, a folder of the database, or a path
        raise ValueError(f"{name[:40]!r} is not the name of a time zone") from error


def read_time(text: str, zone: tzinfo) -> datetime:
    """Read a time and return it in UTC, without a zone, as the gradebook stores it.

    Args:
        text: The time, in one of the forms above.
        zone: The course's zone.

    Raises:
        ValueError: The text has another form; the message says what is wrong and shows the form.
    """
    match = _TIME.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        raise ValueError(f"not a date in the form YYYY-MM-DD; {FORM}")
    try:
        clock = _clock(match["clock"])
        local = datetime.combine(datetime.fromisoformat(match["day"]), clock)
        return _with_zone(local, match["zone"], zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{error}; {FORM}") from error


def write_time(moment: datetime) -> str:
    """Return a time in UTC, without a zone, as a text that nbgrader and `read_time` read."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _clock(text: str | None) -> time:
    """Return the time of day; without one, the last second of the day."""
    if text is None:
        return time(23, 59, 59)
    return time.fromisoformat(text if text[1:2] != ":" else f"0{text}")


def _with_zone(local: datetime, name: str | None, zone: tzinfo) -> datetime:
    if name is None:
        return local.replace(tzinfo=zone)
    if _OFFSET.fullmatch(name):
        return datetime.fromisoformat(f"{local.isoformat()}{name}")
    for fold in (0, 1):  # the second: the hour that is repeated when summer time ends
        own = local.replace(tzinfo=zone, fold=fold)
        if own.tzname() == name:
            return own
    return local.replace(tzinfo=zone_named(name))
