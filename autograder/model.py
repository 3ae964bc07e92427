"""What grading one submission gives: plain frozen data, in the order of the course, fit to be sent from any machine."""

from collections.abc import Iterable
from dataclasses import dataclass

from autograder.judging.judge import Verdict
from autograder.notebook.personalize import NO_ID, OTHER_ID


@dataclass(frozen=True)
class NotebookResult:
    """One notebook graded: its autograded copy as JSON, a verdict for each test cell, the answers left as released."""

    name: str
    content: bytes
    verdicts: tuple[Verdict, ...]
    untouched: frozenset[str]  # grade_ids of answer cells without a response
    repairs: tuple[str, ...] = ()
    status: str = ""  # what is wrong with it in one word, such as missing, damaged, timeout; "" where nothing is


@dataclass(frozen=True)
class Result:
    """One submission graded."""

    student: str
    notebooks: tuple[NotebookResult, ...]
    repairs: tuple[str, ...] = ()  # of the submission as a whole; each notebook has its own

    @property
    def status(self) -> str:
        """The most serious of its notebooks' statuses, "" where all went well."""
        return most_serious(notebook.status for notebook in self.notebooks)


def most_serious(statuses: Iterable[str]) -> str:
    """The one of these statuses that comes first in `STATUSES`; "" where none does."""
    found = set(statuses)
    return next((word for word in STATUSES if word in found), "")


UNSANDBOXED = "unsandboxed"  # graded without a sandbox, as the instructor asked for in so many words

# What may be wrong with a submission, most serious first; of a class's CSV this is the documented precedence.
STATUSES = (
    "grader-error",
    "damaged",
    "missing",
    "crash",
    "memory",
    "timeout",
    "output",
    "limit",
    OTHER_ID,
    NO_ID,
    UNSANDBOXED,
)

UNCHANGED = "unchanged"  # what is said of a submission that was graded before and is not run again
