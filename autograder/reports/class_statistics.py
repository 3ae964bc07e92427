"""Work out the statistics of a graded class, for each question and each student, as frozen data.

`share` and `right` count students who handed in. Answers that are not marked yet are left out. `discrimination` is the
point-biserial correlation between a right answer (full points) and the score on all other questions. It is None where
it is not defined: fewer than three students, all of them right, all wrong, or all with the same score on the rest.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from autograder.gradebook.graded_notebooks import GradedAnswers
from autograder.gradebook.queries import Row, Table
from autograder.model import Outcome, Status, Verdict
from autograder.reports.outcomes import IN_A_CLASS, QuestionOutcome, question_outcome
from autograder.text import shorten

MOST = 8  # mistakes of a question, and repairs, that are listed
MOST_GROUPS = 50  # groups of students with the same wrong answers that are listed
MOST_WORDS = 240  # characters of a mistake
SAME_WRONG = 3  # students are flagged if all their wrong answers are identical and there are at least this many

Key = tuple[str, str]  # notebook, grade_id of the test


@dataclass(frozen=True)
class Mistake:
    """One mistake: how many students made it, as a share of all who handed in, and their commonest answers."""

    says: str
    students: int
    share: float
    given: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Question:
    """How a class did on one question. Counts are of students who handed in."""

    name: str
    points: float
    outcomes: Mapping[QuestionOutcome, int]
    share_right: float | None
    difficulty: float | None  # share of the points that was earned: low is hard
    discrimination: float | None
    mistakes: tuple[Mistake, ...]
    more_mistakes: int  # students with a mistake that is not listed
    without_evidence: Mapping[str, tuple[str, ...]]  # students by reason: timeout, crash, …


@dataclass(frozen=True)
class Prediction:
    """One prediction, how many students made it, and what the run printed."""

    notebook: str
    name: str
    guess: str
    students: int
    share: float
    observed: str


@dataclass(frozen=True)
class Flag:
    """Why an instructor should check these students' work."""

    why: str
    students: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True)
class StudentRow:
    """One student: marks and outcomes in the order of the questions."""

    student: str
    score: float | None
    status: Status
    outcomes: tuple[QuestionOutcome, ...]
    marks: tuple[float | None, ...]
    repairs: int
    name: str = ""  # from the roster or the gradebook


@dataclass(frozen=True)
class Summary:
    """The scores of those who handed in."""

    students: int
    handed_in: int
    open_marks: int  # students with an answer that is not marked yet
    max_score: float
    mean: float | None
    quartiles: tuple[float, ...]  # minimum, first quartile, median, third quartile, maximum


@dataclass(frozen=True)
class ClassReport:
    """Everything on the page and in `report.json`."""

    assignment: str
    summary: Summary
    questions: tuple[Question, ...]
    lines: tuple[StudentRow, ...]
    looks: tuple[Flag, ...]
    guesses: tuple[Prediction, ...]
    statuses: Mapping[str, int]
    repairs: tuple[tuple[str, int], ...]
    more_repairs: int
    without_verdicts: int  # students who handed in but have no stored verdicts


def class_report(
    results: Table, facts: Mapping[str, GradedAnswers], silent: Set[tuple[str, Key]] = frozenset()
) -> ClassReport:
    """Work out everything about a class. `facts` are by student; `silent` are written answers left as released."""
    names = {key: name for name, key in results.cells.items()}
    verdicts = {student: _named(found, names) for student, found in facts.items()}
    unwritten = {(student, names[key]) for student, key in silent if key in names}
    lines = tuple(_line(row, results.points, verdicts.get(row.student, {}), unwritten) for row in results.rows)
    repairs = Counter(repair for row in results.rows for repair in row.repairs)
    handed_in = [row for row in results.rows if row.score is not None]
    return ClassReport(
        assignment=results.assignment,
        summary=_summary(results, lines),
        questions=tuple(_question(place, results, lines, verdicts) for place in range(len(results.points))),
        lines=lines,
        looks=tuple(looks(lines, verdicts, tuple(results.points))),
        guesses=tuple(_guesses(facts)),
        statuses=dict(Counter(row.status for row in results.rows).most_common()),
        repairs=tuple(repairs.most_common(MOST)),
        more_repairs=max(0, len(repairs) - MOST),
        without_verdicts=sum(not verdicts.get(row.student) for row in handed_in),
    )


def _named(facts: GradedAnswers, names: Mapping[Key, str]) -> dict[str, Verdict]:
    return {names[key]: verdict for key, verdict in facts.verdicts.items() if key in names}


def _line(
    row: Row, points: Mapping[str, float], verdicts: Mapping[str, Verdict], unwritten: Set[tuple[str, str]]
) -> StudentRow:
    outcomes = tuple(
        QuestionOutcome.NOT_HANDED_IN
        if row.score is None
        else question_outcome(row.marks[name], most, verdicts.get(name), (row.student, name) in unwritten)
        for name, most in points.items()
    )
    marks, name = tuple(row.marks.values()), row.person.name
    return StudentRow(row.student, row.score, row.status, outcomes, marks, len(row.repairs), name)


def _summary(results: Table, lines: Sequence[StudentRow]) -> Summary:
    scores = [line.score for line in lines if line.score is not None]
    return Summary(
        students=len(lines),
        handed_in=len(scores),
        open_marks=sum(QuestionOutcome.NOT_MARKED in line.outcomes for line in lines),
        max_score=sum(results.points.values()),
        mean=statistics.fmean(scores) if scores else None,
        quartiles=tuple(float(score) for score in np.percentile(scores, (0, 25, 50, 75, 100))) if scores else (),
    )


def _question(
    place: int, results: Table, lines: Sequence[StudentRow], verdicts: Mapping[str, Mapping[str, Verdict]]
) -> Question:
    name, points = list(results.points.items())[place]
    counts = Counter(line.outcomes[place] for line in lines)
    marked = [line for line in lines if line.score is not None and line.marks[place] is not None]
    marks = [line.marks[place] or 0.0 for line in marked]
    own = {line.student: found[name] for line in lines if name in (found := verdicts.get(line.student, {}))}
    mistakes = _mistakes(own.values(), len(marked))
    return Question(
        name=name,
        points=points,
        outcomes={outcome: counts[outcome] for outcome in IN_A_CLASS},
        share_right=counts[QuestionOutcome.RIGHT] / len(marked) if marked else None,
        difficulty=statistics.fmean(marks) / points if marked and points else None,
        discrimination=_discrimination(place, marked),
        mistakes=tuple(mistakes[:MOST]),
        more_mistakes=sum(mistake.students for mistake in mistakes[MOST:]),
        without_evidence=_without_evidence(own),
    )


def _without_evidence(verdicts: Mapping[str, Verdict]) -> dict[str, tuple[str, ...]]:
    """Return the students whose answer could not be judged, by reason, the most frequent first."""
    students: dict[str, list[str]] = defaultdict(list)
    for student, verdict in verdicts.items():
        if verdict.outcome is Outcome.NO_EVIDENCE:
            students[verdict.reason].append(student)
    return {reason: tuple(names) for reason, names in sorted(students.items(), key=lambda one: -len(one[1]))}


def _discrimination(place: int, lines: Sequence[StudentRow]) -> float | None:
    right = [line.outcomes[place] is QuestionOutcome.RIGHT for line in lines]
    rest = [sum(mark or 0.0 for i, mark in enumerate(line.marks) if i != place) for line in lines]
    if len(lines) < 3 or len(set(right)) == 1 or len(set(rest)) == 1:
        return None
    return float(np.corrcoef(right, rest)[0, 1])


def _mistakes(verdicts: Iterable[Verdict], of: int) -> list[Mistake]:
    """Group mistakes by the tests' sentences, the most frequent first."""
    given: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in verdicts:
        if verdict.outcome == Outcome.FAILED:
            given[shorten(verdict.mistake or verdict.rationale, MOST_WORDS)][verdict.given or _values(verdict)] += 1
    found = [
        Mistake(says, (count := answers.total()), count / max(of, 1), tuple(answers.most_common(3)))
        for says, answers in given.items()
    ]
    return sorted(found, key=lambda mistake: (-mistake.students, mistake.says))


def _values(verdict: Verdict) -> str:
    """Return what the check that failed read, where no answer is recorded: a function is known by what it returned."""
    read = verdict.check.values if verdict.check else ()
    return "; ".join(f"{one.expression} is {one.value}" for one in read[:2])


def _guesses(facts: Mapping[str, GradedAnswers]) -> list[Prediction]:
    counts: dict[Key, Counter[str]] = defaultdict(Counter)
    observed: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for found in facts.values():
        for prediction in found.predictions:
            counts[prediction.notebook, prediction.name][prediction.guess] += 1
            observed[prediction.notebook, prediction.name, prediction.guess][prediction.observed] += 1
    return [
        Prediction(*key, guess, count, count / guesses.total(), observed[(*key, guess)].most_common(1)[0][0])
        for key, guesses in sorted(counts.items())
        for guess, count in guesses.most_common(MOST)
    ]


def looks(
    lines: Sequence[StudentRow], verdicts: Mapping[str, Mapping[str, Verdict]], questions: Sequence[str] = ()
) -> list[Flag]:
    """List students to check, by reason: first those who handed in nothing, or nothing usable.

    Args:
        lines: The students.
        verdicts: Their verdicts, by student and question.
        questions: The names of the questions, in the order of the students' marks.
    """

    def those(holds: Callable[[StudentRow], bool]) -> tuple[str, ...]:
        return tuple(line.student for line in lines if holds(line))

    alone = [  # a reason without students is left out
        Flag("handed in nothing", those(lambda line: line.score is None)),
        Flag("answered nothing", those(lambda line: _answered_nothing(verdicts.get(line.student, {})))),
        *(
            Flag(said, tuple(line.student for line in lines if line.status is status))
            for status, said in TROUBLES.items()
        ),
        *_flagged(lines, verdicts),
        *_open(lines, verdicts, questions),
    ]
    return [look for look in alone if look.students] + identical(verdicts)


UNJUDGED = "a test could not judge the answer: not marked yet"
TROUBLES = {
    Status.GRADER_ERROR: "the grader failed: not marked yet",
    Status.DAMAGED: "a notebook that cannot be read",
    Status.MISSING: "a notebook that was not handed in",
    Status.CRASH: "code that crashed its kernel",
    Status.MEMORY: "code that used too much memory",
    Status.TIMEOUT: "code that ran too long",
    Status.OUTPUT: "code that printed too much",
    Status.LIMIT: "code that reached a limit on files or processes",
    Status.OTHER_ID: "another student's id: copied, or mistyped",
    Status.NO_ID: "no id: the default numbers, not their own",
}


def _answered_nothing(verdicts: Mapping[str, Verdict]) -> bool:
    return {verdict.outcome for verdict in verdicts.values()} == {Outcome.NOT_ATTEMPTED}


def _flagged(lines: Sequence[StudentRow], verdicts: Mapping[str, Mapping[str, Verdict]]) -> list[Flag]:
    """Students by the flags of the tests that they failed."""
    students: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        for flag in sorted({verdict.flag for verdict in verdicts.get(line.student, {}).values() if verdict.flag}):
            students[flag].append(line.student)
    return [Flag(flag, tuple(names)) for flag, names in sorted(students.items())]


def _open(
    lines: Sequence[StudentRow], verdicts: Mapping[str, Mapping[str, Verdict]], questions: Sequence[str]
) -> list[Flag]:
    """Students with an answer that its test could not judge, by question, until an instructor has marked it."""
    students: dict[str, list[str]] = {name: [] for name in questions}
    for line in lines:
        found = verdicts.get(line.student, {})
        for name, mark in zip(questions, line.marks, strict=False):
            if mark is None and name in found and found[name].outcome is Outcome.OPEN:
                students[name].append(line.student)
    return [Flag(UNJUDGED, tuple(own), name) for name, own in students.items()]


def identical(verdicts: Mapping[str, Mapping[str, Verdict]]) -> list[Flag]:
    """Find groups of students with exactly the same wrong answers, at least `SAME_WRONG` of them."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for student, found in verdicts.items():
        wrong = tuple(sorted((name, v.given) for name, v in found.items() if v.outcome == Outcome.FAILED and v.given))
        if len(wrong) >= SAME_WRONG:
            groups[wrong].append(student)
    shared = sorted(
        ((wrong, students) for wrong, students in groups.items() if len(students) > 1),
        key=lambda group: (-len(group[0]), group[1]),
    )
    return [
        Flag(f"the same {len(wrong)} wrong answers", tuple(students), ", ".join(name for name, _ in wrong))
        for wrong, students in shared[:MOST_GROUPS]
    ]
