"""Define the data that parts of the grader exchange: frozen, and picklable so that other machines can send it.

    Assignment + Submission ─▶ TestPlan, NoEvidence ─▶ Verdict ─▶ NotebookResult ─▶ Result

Only the standard library is imported, because the judge's process loads this module too.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The result of one test cell."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ATTEMPTED = "not attempted"
    NO_EVIDENCE = "no evidence"
    OPEN = "open"  # not judged, because the test cannot judge it: the points stay open for the instructor
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
    OBJECT_FOR_DATA = "object for data"  # an object where the solution has plain data
    OTHER_TYPE = "other type"  # an object of a library's type, which may be right
    UNPROVED_PLACE = "unproved place"
    NOT_SUPPORTED = "not supported"
    NOT_PROVED = "not proved"
    PREPARATION = "preparation"
    LAST_VALUE = "last value"


class Status(StrEnum):
    """The status of a submission: its problem, the most serious first, or the progress of its grading.

    If a reason why there is no evidence is also a problem of the submission, both have the same value.
    """

    OK = ""
    GRADER_ERROR = "grader-error"
    DAMAGED = Reason.DAMAGED.value
    MISSING = Reason.MISSING.value
    CRASH = Reason.CRASH.value
    MEMORY = Reason.MEMORY.value
    TIMEOUT = Reason.TIMEOUT.value
    OUTPUT = Reason.OUTPUT.value
    LIMIT = Reason.LIMIT.value
    OTHER_ID = "other-id"
    NO_ID = "no-id"
    UNSANDBOXED = "unsandboxed"  # graded without a sandbox, by the option --unsafe-no-sandbox
    NOT_SUBMITTED = "not submitted"
    NEEDS_MANUAL_GRADING = "needs manual grading"
    GRADED = "graded"
    UNCHANGED = "unchanged"  # graded before, so not run again


# The possible problems of a submission, the most serious first.
TROUBLES = tuple(Status)[1 : tuple(Status).index(Status.UNSANDBOXED) + 1]

NOTHING_READ = (Status.GRADER_ERROR, Status.DAMAGED, Status.MISSING)  # no answer could be read

NO_RESPONSE = "No response."  # the grader's comment on an unanswered cell
NOT_MARKED = "The test could not judge this answer. Your instructor will mark it."


@dataclass(frozen=True)
class NoEvidence:
    """Why there is no evidence for a test cell."""

    reason: Reason
    sentence: str


@dataclass(frozen=True)
class Fault:
    """Why the course's own cell cannot be used."""

    line: int  # in the cell; 0 for the whole cell
    what: str
    fix: str
    unsupported: bool = False  # the cell is not wrong: nbgrader can use it, and this grader cannot

    def __str__(self) -> str:
        return f"{f'line {self.line}: ' if self.line else ''}{self.what}; {self.fix}"

    def of(self, cell: str) -> str:
        """Return the fault as a sentence without its full stop, after the cell's name."""
        return f"{cell}, {self}" if self.line else f"{cell}: {self}"


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
    asked: tuple[str, ...] = ()  # those answers that an answer cell assigns
    faults: tuple[Fault, ...] = ()  # why the test can be judged on no submission, such as a shell command in it
    rebinds: tuple[str, ...] = ()  # names that are also set in the student's kernel when the test binds them
    locked: tuple[str, ...] = ()  # classes of locked cells: their instances cross as data
    visible: tuple[str, ...] = ()  # what the visible part imports and defines; also done in the student's kernel
    hidden_lines: tuple[int, ...] = ()  # the lines of the cell that students do not see
    hidden_names: tuple[str, ...] = ()  # what such lines bind or change, in this test or an earlier one
    imports: tuple[tuple[str, tuple[str, ...]], ...] = ()  # imports of `visible` that run before the test; their names
    files: bool = False  # whether the test may read files that the notebook wrote
    keep: bool = False  # whether later tests of the notebook need names of this one, or this one needs earlier ones'
    careful: bool = False  # whether the test needs the kernel for what it does with data: identity, or code in texts
    givens: tuple[tuple[str, str], ...] = ()  # names with the course's own value, as evidence text; not in `answers`
    proof: str = ""  # JSON: what `judging.live.places` knows of the solution's run; "" if the test was never proved

    @property
    def live(self) -> bool:
        """Return whether the test is judged while the notebook's kernel answers."""
        return self.keep or self.files or self.careful or not self.proof or bool(json.loads(self.proof)["live"])

    @property
    def proved_givens(self) -> dict[str, str]:
        """Return the names whose value is the course's own on the solution's run, and the cells that set them."""
        return dict(json.loads(self.proof).get("givens", {})) if self.proof else {}


class Words(StrEnum):
    """Whose words the message of a failed check is."""

    NONE = "none"  # an assertion without a message
    COURSE = "course"  # of the test, of a module beside it, or of `autograder.testing`
    OTHER = "other"  # of a library or of the answer's code: it may quote what a hidden test compares


@dataclass(frozen=True)
class Value:
    """What a part of a failed check was; `is_hidden` if it was computed with what only hidden lines bind."""

    expression: str
    value: str
    is_hidden: bool


@dataclass(frozen=True)
class Check:
    """Where a test failed. It is for the instructor: students see of a hidden check only which one it is."""

    line: int  # in the test cell of the source notebook
    source: str
    values: tuple[Value, ...]
    is_hidden: bool  # whether one of the lines that led there is between nbgrader's marks of hidden tests
    words: Words
    error: str  # the error's type; "" for an assertion
    number: int  # among the hidden checks of the test, or among the others
    of: int

    @classmethod
    def read(cls, data: Mapping[str, Any] | None) -> "Check | None":
        """Return the check that was written as JSON; None for None."""
        if data is None:
            return None
        values = [Value(**one) if isinstance(one, Mapping) else Value(*one) for one in data["values"]]
        return cls(**{**data, "values": tuple(values), "words": Words(data["words"])})


@dataclass(frozen=True)
class Verdict:
    """The result of one test cell. `points` is None if it is not graded: `open` or `grader error`."""

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
    line: int = 0  # of the test, where it could not go on
    proof: str = ""  # on the solution's run: what later runs are held to, as JSON
    empty: tuple[str, ...] = ()  # on the solution's run: empty answers that pass, such as "`f` returns []"
    flag: str = ""  # for `failed`: the heading in the class report, if the test sets one
    traceback: str = ""  # for `grader error`: where the grader itself failed
    check: Check | None = None  # for `failed`: where

    @property
    def is_of_lost_judge(self) -> bool:
        """Return whether there is no verdict because the process that judges was killed or is stuck."""
        return self.outcome is Outcome.GRADER_ERROR and bool(self.traceback)

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
    edited: tuple[str, ...] = ()  # files that students edit; they are not in `helpers`
    visible: tuple[tuple[tuple[str, str], str], ...] = ()  # the part of a test that students see, by the same
    bound: tuple[tuple[str, tuple[str, ...]], ...] = ()  # by notebook: the names that the solution's answers bind
    read: tuple[tuple[str, tuple[str, ...]], ...] = ()  # by notebook: those that it needs from its tests
    proofs: tuple[tuple[tuple[str, str], str], ...] = ()  # by (notebook, grade_id): see `TestPlan.proof`
    hidden: tuple[tuple[tuple[str, str], tuple[int, ...]], ...] = ()  # by the same: lines that students do not see


@dataclass(frozen=True)
class Submission:
    """What one student handed in: file contents by name, and messages about skipped files."""

    student: str
    files: Mapping[str, bytes]
    repairs: tuple[str, ...] = ()

    def others(self, placed: Mapping[str, bytes | None]) -> dict[str, bytes]:
        """Return the files that were not identified as a notebook, by name."""
        return {path: content for path, content in self.files.items() if content not in placed.values()}


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
    ran: bool = True  # otherwise it is missing or damaged, and no kernel could change that


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

    @property
    def reasons(self) -> set[Reason]:
        """Return the reasons of its verdicts."""
        return {verdict.reason for notebook in self.notebooks for verdict in notebook.verdicts}

    @property
    def open_answers(self) -> list[tuple[str, str, str]]:
        """Return the notebook, the test and the reason of each answer that a proved test could not judge."""
        verdicts = [(notebook.name, verdict) for notebook in self.notebooks for verdict in notebook.verdicts]
        return [
            (name, verdict.cell, verdict.rationale)
            for name, verdict in verdicts
            if verdict.outcome is Outcome.OPEN and verdict.reason is not Reason.NOT_PROVED
        ]


def most_serious(statuses: Iterable[str]) -> Status:
    """Return the status that comes first in `TROUBLES`, or `Status.OK` if none is in it."""
    present = set(statuses)
    return next((status for status in TROUBLES if status in present), Status.OK)
