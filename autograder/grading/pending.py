"""Results awaiting the instructor's confirmation, spooled to disk, so that a class of any size fits into memory."""

import pickle
from collections.abc import Mapping
from pathlib import Path

from autograder.gradebook.queries import answers_of_tests
from autograder.gradebook.recorder import Recorder
from autograder.grading.review import (
    Change,
    Key,
    Kind,
    Part,
    Parts,
    Review,
    StoredParts,
    changes,
    from_ledger,
    mark_changes,
)
from autograder.model import Result


class PendingResults:
    """The results of one run that are not recorded yet.

    Args:
        folder: A temporary folder for the results.
        recorder: The recorder of the run; it is only read from.
        parts: What the marks of the whole class depend on now.
        cells: The cells of each question.
    """

    def __init__(self, folder: Path, recorder: Recorder, parts: Parts, cells: Mapping[Key, frozenset[str]]) -> None:
        self.folder, self.recorder, self.parts, self.cells = folder, recorder, parts, cells
        self.files: dict[str, Path] = {}
        self.found = Review((), (), (), ())
        self.changed: dict[Change, None] = {}

    def keep(self, result: Result, fingerprint: str, graded_by: StoredParts) -> None:
        """Spool one result to disk, and note what recording it would change."""
        student = result.student
        path = self.files[student] = self.folder / str(len(self.files))
        path.write_bytes(pickle.dumps((result, fingerprint, graded_by)))
        if not self.recorder.rows.known(student):
            self.found = Review(self.found.moves, self.found.same, (*self.found.first, student), ())
            return
        changed = self._changes(student, from_ledger(graded_by))
        self.changed |= dict.fromkeys(changed)
        moved = mark_changes(result, *self.recorder.preview(result), changed, self.cells)
        same = self.found.same if moved else (*self.found.same, student)
        self.found = Review((*self.found.moves, *moved), same, self.found.first, ())

    def _changes(self, student: str, now: Parts) -> tuple[Change, ...]:
        """Return what has changed for one student. A changed submission is last, without its two digests."""
        old = from_ledger(self.recorder.ledger.of(student).get("graded_by", []))
        handed_in = old.pop(Part(Kind.SUBMISSION), None)
        differs = bool(old) and handed_in != now[Part(Kind.SUBMISSION)]
        return (*changes(old, self.parts), *([Change(Kind.SUBMISSION)] if differs else []))

    def review(self) -> Review:
        """Return what recording all results would change, sorted by student."""
        ordered = tuple(sorted(self.found.moves, key=lambda move: move.student))
        same, first = tuple(sorted(self.found.same)), tuple(sorted(self.found.first))
        names = self.recorder.rows.names(answers_of_tests(self.recorder.course, self.recorder.assignment))
        return Review(ordered, same, first, tuple(self.changed), names)

    def record(self, student: str, recorder: Recorder) -> bool:
        """Record a student's pending result, and return whether there was one."""
        if student not in self.files:
            return False
        recorder.record(*pickle.loads(self.files[student].read_bytes()))
        return True
