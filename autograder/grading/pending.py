"""Results awaiting the instructor's confirmation, spooled to disk, so that a class of any size fits into memory."""

import pickle
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from autograder.gradebook.queries import answers_of_tests
from autograder.gradebook.recorder import Graded, Recorder
from autograder.grading.review import (
    Change,
    Key,
    Kind,
    Part,
    Parts,
    Review,
    changes,
    from_ledger,
    mark_changes,
)


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

    def keep(self, batch: Sequence[Graded]) -> dict[str, Exception]:
        """Spool results to disk, and note what recording them would change.

        Returns:
            Nothing, in place of the errors that `Recorder.record_all` returns.
        """
        for graded in batch:
            self._keep(graded)
        return {}

    def _keep(self, graded: Graded) -> None:
        student = graded.result.student
        path = self.files[student] = self.folder / str(len(self.files))
        path.write_bytes(pickle.dumps(graded))
        if not self.recorder.rows.known(student):
            self.found = Review(self.found.moves, self.found.same, (*self.found.first, student), ())
            return
        changed = self._changes(student, from_ledger(graded.graded_by))
        self.changed |= dict.fromkeys(changed)
        moved = mark_changes(graded.result, *self.recorder.preview(graded.result), changed, self.cells)
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

    def of(self, students: Iterable[str]) -> list[Graded]:
        """Return the pending results of these students; some may have none."""
        return [pickle.loads(self.files[student].read_bytes()) for student in students if student in self.files]
