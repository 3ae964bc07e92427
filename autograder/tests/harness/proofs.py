"""The proofs of this checkout's graded notebooks: made once a run of the suite, by whichever process is first."""

import shutil

import pytest
from filelock import FileLock

from autograder.course.course import Course
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import Proofs, proved
from autograder.rnn.sample_class import ASSIGNMENT
from autograder.tests.support import folder_of_run


def proved_once(course: Course, factory: pytest.TempPathFactory) -> Proofs:
    """Return the proofs of a course with notebooks of this checkout, and leave them where `grade` reads them."""
    run = folder_of_run(factory)
    kept, own = run / f"{ASSIGNMENT}.proofs", course.root / "reports" / f"{ASSIGNMENT}.proofs"
    own.parent.mkdir(exist_ok=True)
    with FileLock(run / "proofs.lock"):
        if kept.exists():
            shutil.copy(kept, own)
        proofs = proved(SourceAssignment.load(course, ASSIGNMENT))
        shutil.copy(own, kept)
    return proofs
