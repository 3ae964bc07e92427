"""Report how the tests of an existing course are judged. Nothing is graded, and nothing is written."""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.distribution import own_command
from autograder.errors import CourseError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import Proofs, proved
from autograder.judging.proof import Kind
from autograder.text import visible

if TYPE_CHECKING:
    from autograder.course.course import Course

WIDTH = 80
FAULTS = "These source notebooks have faults. Their tests are not counted:"
HEADINGS = {
    Kind.WRONG: "These tests are wrong. `{command} release` refuses them:",
    Kind.OPEN: "These tests stay open. Nobody gets a mark from them; you mark the answers:",
    Kind.DECIDED: "Here an object of the student decides:",
    Kind.EMPTY: "These tests also pass for an empty answer:",
    Kind.STUDENTS: "These values come from the student's notebook, though your cells set them:",
}


@dataclass(frozen=True)
class Report:
    """What is known of the tests of one assignment.

    Attributes:
        assignment: Its name.
        faults: A sentence for each fault of a source notebook.
        proofs: What is known of its tests.
    """

    assignment: str
    faults: tuple[str, ...]
    proofs: Proofs

    @property
    def is_well(self) -> bool:
        """Return whether every test works as it is."""
        return not self.faults and len(self.proofs.proofs) == len(self.proofs.tests)

    def lines(self) -> Iterator[str]:
        """Yield the report, in lines of at most 80 characters where the texts have spaces."""
        proofs = self.proofs
        for notebook in dict.fromkeys(name for name, _ in proofs.tests):
            working = [cell for name, cell in proofs.tests if name == notebook and (name, cell) in proofs.proofs]
            yield from _wrapped(f"{self.assignment}/{notebook}.ipynb: {_listed(working)}", "", "  ")
        yield from _section(FAULTS, self.faults)
        for kind, heading in HEADINGS.items():
            yield from _section(heading.format(command=own_command()), self.proofs.sentences(kind))
        yield ""
        yield f"{self.assignment}: {_count(len(self.proofs.proofs), len(self.proofs.tests))}"


def examine(course: "Course", assignment: str, progress: Callable[[str], None]) -> Report:
    """Prove the tests of an assignment without keeping the proofs.

    Args:
        course: The course.
        assignment: The assignment.
        progress: Called with the name of each notebook whose tests are proved.
    """
    try:
        source = SourceAssignment.examined(course, assignment)
        return Report(assignment, source.findings, proved(source, progress=progress, write=False))
    except CourseError as error:
        return Report(assignment, tuple(str(error).splitlines()), Proofs())


def total(reports: Iterable[Report]) -> str:
    """Return how many tests of several assignments work as they are."""
    proofs = [report.proofs for report in reports]
    return f"all: {_count(sum(len(one.proofs) for one in proofs), sum(len(one.tests) for one in proofs))}"


def _count(working: int, tests: int) -> str:
    return f"{working} of {tests} tests work as they are"


def _listed(cells: list[str]) -> str:
    if not cells:
        return "no test works as it is"
    return f"{', '.join(cells)} {'works as it is' if len(cells) == 1 else 'work as they are'}"


def _section(heading: str, sentences: Iterable[str]) -> Iterator[str]:
    sentences = list(sentences)
    if sentences:
        yield ""
        yield heading
    for sentence in sentences:
        yield from _wrapped(sentence, "* ", "  ")


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        visible(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
