"""Times: zones by name and by offset, bare dates, and the sentence for every other form."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.course.times import FORM, read_time, write_time
from autograder.errors import CourseError
from autograder.tests.harness.tiny_course import make_course, make_question

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-01 18:00 UTC", "2026-07-01 18:00:00"),
        ("2026-07-01 18:00 Europe/Berlin", "2026-07-01 16:00:00"),
        ("2026-07-01 18:00+02:00", "2026-07-01 16:00:00"),
        ("2026-07-01 18:00 -0700", "2026-07-02 01:00:00"),
        ("2026-07-01T18:00:30Z", "2026-07-01 18:00:30"),
        ("2026-07-01 18:00:30.123456 UTC", "2026-07-01 18:00:30.123456"),
        ("2026-07-01 9:05", "2026-07-01 07:05:00"),
        ("2026-07-01", "2026-07-01 21:59:59"),  # the end of the day, in the course's zone
        ("2026-01-01", "2026-01-01 22:59:59"),
        ("2026-07-01 America/New_York", "2026-07-02 03:59:59"),
        ("2026-07-01 18:00 CEST", "2026-07-01 16:00:00"),  # the course's own abbreviation, as the exchange writes it
        ("2026-10-25 02:30 CET", "2026-10-25 01:30:00"),  # the repeated hour
        ("2026-07-01 18:00 EST", "2026-07-01 23:00:00"),  # a name of the time zone database
    ],
)
def test_forms(text: str, utc: str) -> None:
    assert read_time(text, BERLIN) == datetime.fromisoformat(utc)


@pytest.mark.parametrize("zone", ["CEST", "PDT", "JST", "IST", "../../etc/passwd", "Europe", "Mars/Base"])
def test_zones_that_nobody_can_tell(zone: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a time zone; write it like") as raised:
        read_time(f"2026-07-01 18:00 {zone}", UTC)
    assert str(raised.value).endswith(FORM)


@pytest.mark.parametrize(
    "text", ["01.07.2026", "01.07.2026 18:00 UTC", "July 1", "", "2026-13-01", "2026-07-01 25:00", "9" * 5000]
)
def test_other_forms_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 2027-01-31 18:00 Europe/Berlin"):
        read_time(text, UTC)


def test_what_is_written_is_read() -> None:
    moment = datetime(2027, 1, 31, 18, 0, 1)
    assert read_time(write_time(moment), BERLIN) == moment


def test_a_course_with_a_zone_or_date_that_is_none(tmp_path: Path) -> None:
    course = make_course(tmp_path, make_question("x", "x = 5", "assert x == 5"))
    course.timezone = "CEST"
    with pytest.raises(CourseError, match=r"c\.Course\.timezone: 'CEST' is not the name of a time zone; write a name"):
        _ = course.zone
    course.timezone, course.due_dates = "UTC", {"ps1": "01.07.2026"}
    with pytest.raises(CourseError, match=r"the due date '01\.07\.2026' of ps1 cannot be read: .*; write it like"):
        course.due_date("ps1")
