"""What nbgrader's gradebook has no column for: a submission's status, its repairs, whether it reproduces.

One JSON file a student, `reports/<assignment>/<student>.json`, written whole or not at all, so that a note costs the
same in a class of any size.
"""

import json
from pathlib import Path
from typing import Any

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.model import Status, most_serious


class Ledger:
    """Facts by student: `notebooks` (by name their `status` and `repairs`), `repairs` of the submission as a whole,
    `fingerprint` (of what it was graded by, "" where it is to be graded again), `reproducible` (yes, no …, not run)."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.folder: Path = course.root / "reports" / assignment

    def of(self, student: str) -> dict[str, Any]:
        """All facts known of a student; empty where there are none."""
        path = self.folder / f"{student}.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CourseError(f"{path}: is not JSON ({error}); delete it and grade again.") from error

    def status(self, student: str) -> Status:
        """The most serious status of a student's notebooks."""
        return most_serious(entry["status"] for entry in self.of(student).get("notebooks", {}).values())

    def repairs(self, student: str) -> tuple[str, ...]:
        """All repairs made to a student's submission."""
        facts = self.of(student)
        notebooks = facts.get("notebooks", {}).items()
        own = [f"{name}: {repair}" for name, entry in notebooks for repair in entry["repairs"]]
        return (*facts.get("repairs", ()), *own)

    def note(self, student: str, **facts: Any) -> None:
        """Keep facts of a student, over older ones of the same name."""
        text = json.dumps(self.of(student) | facts, indent=1, sort_keys=True, ensure_ascii=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / f"{student}.json", text)
