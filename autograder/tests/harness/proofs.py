"""The proofs of this checkout's graded notebooks: made once a run of the suite, by whichever process is first."""

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from autograder.course.course import Course
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import Proofs, proved
from autograder.rnn.sample_class import ASSIGNMENT
from autograder.tests.support import folder_of_run


def proved_once(course: Course, factory: pytest.TempPathFactory) -> Proofs:
    """Return the proofs of a course with notebooks of this checkout, and leave them where `grade` reads them."""
    return proved_in(folder_of_run(factory), course, ASSIGNMENT)


def proved_in(run: Path, course: Course, assignment: str) -> Proofs:
    """Return the proofs of such an assignment, of any name; `run` is the folder that the processes of a run share."""
    kept, own = run / "rnn.proofs", course.root / "reports" / f"{assignment}.proofs"
    own.parent.mkdir(exist_ok=True)
    with FileLock(run / "proofs.lock"):
        if kept.exists():
            shutil.copy(kept, own)
        proofs = proved(SourceAssignment.load(course, assignment))
        assert not proofs.remarks, "a remark would name this assignment to the others"
        shutil.copy(own, kept)
    return proofs
