"""Results that wait for a yes: on disk, so that a class of any size fits into memory."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

from autograder.gradebook.recorder import Recorder
from autograder.grading.review import ANSWER, Parts, Review, changed, moves
from autograder.model import Result

Recorded = tuple[Result, str, Mapping[str, str]]  # what Recorder.record takes


class PendingResults:
    """Results of one run, none of them recorded; `folder` is this process's own and is gone after it."""

    def __init__(self, folder: Path, recorder: Recorder, parts: Parts) -> None:
        self.folder, self.recorder, self.parts = folder, recorder, parts
        self.files: dict[str, Path] = {}
        self.found = Review((), (), (), ())
        self.what: dict[str, None] = {}

    def keep(self, result: Result, fingerprint: str, graded_by: Mapping[str, str]) -> None:
        """Hold one result, and note what recording it would change."""
        student = result.student
        path = self.files[student] = self.folder / str(len(self.files))
        path.write_bytes(pickle.dumps((result, fingerprint, graded_by)))
        old: dict[str, str] = dict(self.recorder.ledger.of(student).get("graded_by", {}))
        if not self.recorder.rows.known(student):
            self.found = Review(self.found.moves, self.found.same, (*self.found.first, student), ())
            return
        answer = ANSWER if old and old.pop(ANSWER, "") != graded_by[ANSWER] else ""
        what = changed(old, self.parts)
        self.what |= dict.fromkeys((*what, *([answer] if answer else [])))
        moved = moves(result, *self.recorder.preview(result), what, answer)
        same = self.found.same if moved else (*self.found.same, student)
        self.found = Review((*self.found.moves, *moved), same, self.found.first, ())

    def review(self) -> Review:
        """What recording all of them would change, by student."""
        ordered = tuple(sorted(self.found.moves, key=lambda move: move.student))
        same, first = tuple(sorted(self.found.same)), tuple(sorted(self.found.first))
        return Review(ordered, same, first, tuple(self.what), self.recorder.rows.names())

    def results(self) -> dict[str, Callable[[], Recorded]]:
        """By student how to get what was held back."""
        return {student: lambda path=path: pickle.loads(path.read_bytes()) for student, path in self.files.items()}  # type: ignore[misc]
