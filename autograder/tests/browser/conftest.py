"""What tests in a browser share."""

import pytest

from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import proved
from autograder.model import Assignment
from autograder.tests.harness.handed_in import NAMES
from autograder.tests.harness.part_of_course import make_part


@pytest.fixture(scope="session")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The course's assignment with its tests proved; tests that use it are in the group `editors`."""
    source = SourceAssignment.load(make_part(tmp_path_factory.mktemp("editors"), *NAMES), "rnn_shapes")
    return proved(source).attached(source.packed())
