"""What tests in a browser share."""

import pytest

from autograder.gradebook.source_assignment import SourceAssignment
from autograder.model import Assignment
from autograder.tests.harness.handed_in import NAMES
from autograder.tests.harness.part_of_course import make_part
from autograder.tests.harness.proofs import proved_once


@pytest.fixture(scope="session")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The course's assignment with its tests proved; tests that use it are in the group `editors`."""
    course = make_part(tmp_path_factory.mktemp("editors"), *NAMES)
    return proved_once(course, tmp_path_factory).attached(SourceAssignment.load(course, "rnn_shapes").packed())
