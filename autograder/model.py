"""Define the data that parts of the grader exchange: frozen, and picklable so that other machines can send it.

    Assignment + Submission ─▶ TestPlan, NoEvidence ─▶ Verdict ─▶ NotebookResult ─▶ Result

Only the standard library is imported, because the judge's process loads this module too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The result of one test cell."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ATTEMPTED = "not attempted"
    NO_EVIDENCE = "no evidence"
    GRADER_ERROR = "grader error"


class Reason(StrEnum):
    """Why a test cell has no evidence. The last two: why the test itself is wrong. Otherwise `NONE`."""

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
    """The status of a submission: its problem, the most serious first, or the progress of its grading."""

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
    UNSANDBOXED = "unsandboxed"  # graded without a sandbox, by the option --unsafe-no-sandbox
    NOT_SUBMITTED = "not submitted"
    NEEDS_MANUAL_GRADING = "needs manual grading"
    GRADED = "graded"
    UNCHANGED = "unchanged"  # graded before, so not run again


# The possible problems of a submission, the most serious first.
TROUBLES = tuple(Status)[1 : tuple(Status).index(Status.UNSANDBOXED) + 1]

NO_RESPONSE = "No response."  # the grader's comment on an unanswered cell


@dataclass(frozen=True)
class NoEvidence:
    """Why there is no evidence for a test cell."""

    reason: Reason
    sentence: str


@dataclass(frozen=True)
class TestPlan:
    """How to judge one test cell: its points, its source, and the evidence to read from the student's kernel."""

    __test__ = False  # otherwise pytest would collect the class because of its name

    cell: str  # grade_id
    points: float
    answers: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]  # name, expression
    prelude: str  # source
    test: str  # source, without the lines that declare evidence
    own: tuple[str, ...] = ()  # those answers that the cells just before this test ask for


@dataclass(frozen=True)
class Verdict:
    """The result of one test cell. `points` is None if it is not graded, which only a `grader error` causes."""

    cell: str
    outcome: Outcome
    points: float | None
    rationale: str = ""
    reason: Reason = Reason.NONE  # for `no evidence` and `grader error`
    mistake: str = ""  # for `failed`: the rationale without the help and the right answer
    help: str = ""
    expected: str = ""  # the right answer, as text
    given: str = ""  # the student's answer, as text
    subject: str = ""  # for `no evidence`: the name without a value
    detail: tuple[str, ...] = ()  # for `no evidence`: details from `evidence.refusals`
    flag: str = ""  # for `failed`: the heading in the class report, if the test sets one
    traceback: str = ""  # for `grader error`: where the grader itself failed

    @property
    def is_unbound(self) -> bool:
        """Return whether there is no evidence because no code has set the name `subject`."""
        return bool(self.subject) and not self.detail


@dataclass(frozen=True)
class Assignment:
    """What an assignment is graded with: its source notebooks without solutions, as JSON, and the files they import.

    `wordings` are the stubs of earlier releases, by (notebook, grade_id).
    """

    notebooks: tuple[tuple[str, bytes], ...]
    helpers: tuple[tuple[str, bytes], ...]
    wordings: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = ()
    personalization: str = ""  # the name of the course's class, or ""


@dataclass(frozen=True)
class Submission:
    """What one student handed in: file contents by name, and messages about skipped files."""

    student: str
    files: Mapping[str, bytes]
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotebookResult:
    """One graded notebook: its autograded copy as JSON, and a verdict for each test cell."""

    name: str
    content: bytes
    verdicts: tuple[Verdict, ...]
    untouched: frozenset[str]  # grade_ids of unanswered cells
    repairs: tuple[str, ...] = ()
    status: Status = Status.OK
    traceback: str = ""  # of an error of the grader itself


@dataclass(frozen=True)
class Result:
    """One graded submission."""

    student: str
    notebooks: tuple[NotebookResult, ...]
    repairs: tuple[str, ...] = ()  # of the whole submission; repairs of a notebook are in its NotebookResult

    @property
    def status(self) -> Status:
        """Return the most serious of its notebooks' statuses."""
        return most_serious(notebook.status for notebook in self.notebooks)


def most_serious(statuses: Iterable[str]) -> Status:
    """Return the status that comes first in `TROUBLES`, or `Status.OK` if none is in it."""
    present = set(statuses)
    return next((status for status in TROUBLES if status in present), Status.OK)
