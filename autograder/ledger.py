"""What nbgrader's gradebook has no column for: a submission's status, its repairs, whether it reproduces.

One JSON file an assignment, `reports/<assignment>.json`, written aside and renamed, so that it is never half there.
"""

import json
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.errors import CourseError
from autograder.result import most_serious


class Ledger:
    """Facts by student: `notebooks` (by name their `status` and `repairs`), `repairs` of the submission as a whole,
    `reproducible` (yes, no …, not run)."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.path: Path = course.root / "reports" / f"{assignment}.json"
        self.facts: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            try:
                self.facts = json.loads(self.path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise CourseError(f"{self.path}: is not JSON ({error}); delete it and grade again.") from error

    def of(self, student: str) -> dict[str, Any]:
        """All facts known of a student; empty where there are none."""
        return self.facts.get(student, {})

    def status(self, student: str) -> str:
        """The most serious status of a student's notebooks, "" where nothing is wrong."""
        return most_serious(entry["status"] for entry in self.of(student).get("notebooks", {}).values())

    def repairs(self, student: str) -> tuple[str, ...]:
        """All repairs made to a student's submission."""
        facts = self.of(student)
        notebooks = facts.get("notebooks", {}).items()
        own = [f"{name}: {repair}" for name, entry in notebooks for repair in entry["repairs"]]
        return (*facts.get("repairs", ()), *own)

    def note(self, student: str, **facts: Any) -> None:
        """Keep facts of a student, over older ones of the same name, and write the file."""
        self.facts[student] = self.of(student) | facts
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(".part")
        aside.write_text(json.dumps(self.facts, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
        aside.replace(self.path)
