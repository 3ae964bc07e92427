"""The data that crosses walls: frozen, fit to be sent from any machine. Everything here is spelt once.

    Assignment + Submission ─▶ TestPlan, NoEvidence ─▶ Verdict ─▶ NotebookResult ─▶ Result

Only the standard library is imported, so that the judge's process can load this too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one test cell."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ATTEMPTED = "not attempted"
    NO_EVIDENCE = "no evidence"
    GRADER_ERROR = "grader error"


class Reason(StrEnum):
    """Why there is no evidence for a test cell, or, the last two, why it is the test's own fault; else `NONE`."""

    NONE = ""
    TIMEOUT = "timeout"
    CRASH = "crash"
    MEMORY = "memory"
    OUTPUT = "output"
    LIMIT = "limit"
    DAMAGED = "damaged"
    MISSING = "missing"
    RAISED = "raised"
    NOT_PLAIN_DATA = "not plain data"
    PREPARATION = "preparation"
    LAST_VALUE = "last value"


class Status(StrEnum):
    """One word for a submission: what is wrong with it, the most serious first, or how far its grading is."""

    OK = ""
    GRADER_ERROR = "grader-error"
    DAMAGED = "damaged"
    MISSING = "missing"
    CRASH = "crash"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    OUTPUT = "output"
    LIMIT = "limit"
    OTHER_ID = "other-id"
    NO_ID = "no-id"
    UNSANDBOXED = "unsandboxed"  # graded without a sandbox, as the instructor asked for in so many words
    NOT_SUBMITTED = "not submitted"
    NEEDS_MANUAL_GRADING = "needs manual grading"
    GRADED = "graded"
    UNCHANGED = "unchanged"  # it was graded before and is not run again


# What may be wrong with a submission, the most serious first: the order that a class's CSV documents.
TROUBLES = tuple(Status)[1 : tuple(Status).index(Status.UNSANDBOXED) + 1]

NO_RESPONSE = "No response."  # the grader's comment at an answer that was left as released


@dataclass(frozen=True)
class NoEvidence:
    """Why nothing could be taken for a test cell."""

    reason: Reason
    sentence: str


@dataclass(frozen=True)
class TestPlan:
    """How one test cell is judged: what it is worth, what it runs on, and what is taken from the student's kernel."""

    __test__ = False  # pytest would collect it by its name

    cell: str  # grade_id
    points: float
    answers: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]  # name, expression
    prelude: str  # source
    test: str  # source, without the lines that declare evidence
    own: tuple[str, ...] = ()  # of the answers those that the cells before this test ask for


@dataclass(frozen=True)
class Verdict:
    """What became of one test cell. `points` is None where the mark stays open: on a `grader error` alone."""

    cell: str
    outcome: Outcome
    points: float | None
    rationale: str = ""
    reason: Reason = Reason.NONE  # of `no evidence` and `grader error`
    mistake: str = ""  # of `failed`: the part of the rationale that says what is so, without help and what is right
    help: str = ""
    expected: str = ""  # what is right, as text
    given: str = ""  # the answer, as text
    subject: str = ""  # of `no evidence`: the name that has no value
    detail: tuple[str, ...] = ()  # of `no evidence`: what `evidence.refusals` knows of it
    flag: str = ""  # of `failed`: words under which the class report lists it, where the test's exception names some
    traceback: str = ""  # of a `grader error`: where the grader itself failed

    @property
    def is_unbound(self) -> bool:
        """Is there no evidence because nothing has bound the `subject`, for whatever reason?"""
        return bool(self.subject) and not self.detail


@dataclass(frozen=True)
class Assignment:
    """What an assignment is graded by: its notebooks' teaching copies as JSON, and the files they import.

    `wordings` are stubs that were handed out before they were changed, by (notebook, grade_id).
    """

    notebooks: tuple[tuple[str, bytes], ...]
    helpers: tuple[tuple[str, bytes], ...]
    wordings: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = ()
    personalization: str = ""  # name of the course's class, "" where it has none


@dataclass(frozen=True)
class Submission:
    """What one student handed in: file names and contents, as they were read; sentences about what was left out."""

    student: str
    files: Mapping[str, bytes]
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotebookResult:
    """One notebook graded: its autograded copy as JSON, a verdict for each test cell, the answers left as released."""

    name: str
    content: bytes
    verdicts: tuple[Verdict, ...]
    untouched: frozenset[str]  # grade_ids of answer cells without a response
    repairs: tuple[str, ...] = ()
    status: Status = Status.OK
    traceback: str = ""  # of the grader's own failure on it


@dataclass(frozen=True)
class Result:
    """One submission graded."""

    student: str
    notebooks: tuple[NotebookResult, ...]
    repairs: tuple[str, ...] = ()  # of the submission as a whole; each notebook has its own

    @property
    def status(self) -> Status:
        """The most serious of its notebooks' statuses."""
        return most_serious(notebook.status for notebook in self.notebooks)


def most_serious(statuses: Iterable[str]) -> Status:
    """Return the one of these that comes first in `TROUBLES`, or `Status.OK` where none of them is there."""
    found = set(statuses)
    return next((status for status in TROUBLES if status in found), Status.OK)
