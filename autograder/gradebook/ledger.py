"""Store what nbgrader's gradebook has no column for: a submission's status, repairs, and whether it reproduces.

Each student has one JSON file, `reports/<assignment>/<student>.json`. It is written atomically. One file per student
keeps the cost of a write independent of the class's size.
"""

import json
from pathlib import Path
from typing import Any

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.model import Status, most_serious


class Ledger:
    """The stored facts of one assignment, by student.

    The facts of a student are:
        notebooks: `status` and `repairs` of each notebook, by name.
        repairs: Repairs of the submission as a whole.
        fingerprint: A digest of all that its marks depend on; "" if it must be graded again.
        graded_by: The same in parts, in the format of `grading.review.to_ledger`.
        reproducible: The text of `replay.compare.Reproduction`, only to be shown.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        self.folder: Path = course.root / "reports" / assignment

    def of(self, student: str) -> dict[str, Any]:
        """Return all facts about a student; an empty dict if there are none."""
        path = self.folder / f"{student}.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CourseError(f"{path}: not valid JSON ({error}); delete the file and grade again.") from error

    def status(self, student: str) -> Status:
        """Return the most serious status of a student's notebooks."""
        return most_serious(self.statuses(student).values())

    def statuses(self, student: str) -> dict[str, Status]:
        """Return the status of each of a student's notebooks, by name."""
        return {name: Status(entry["status"]) for name, entry in self.of(student).get("notebooks", {}).items()}

    def repairs(self, student: str) -> tuple[str, ...]:
        """Return all repairs made to a student's submission."""
        facts = self.of(student)
        notebooks = facts.get("notebooks", {}).items()
        own = [f"{name}: {repair}" for name, entry in notebooks for repair in entry["repairs"]]
        return (*facts.get("repairs", ()), *own)

    def note(self, student: str, **facts: Any) -> None:
        """Save facts about a student. They replace older facts of the same name."""
        text = json.dumps(self.of(student) | facts, indent=1, sort_keys=True, ensure_ascii=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / f"{student}.json", text)
