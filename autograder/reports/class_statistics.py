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
from autograder.model import Outcome, Verdict
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
    outcomes: Mapping[str, int]  # by the words of OUTCOMES
    share_right: float | None
    difficulty: float | None  # share of the points that was earned: low is hard
    discrimination: float | None
    mistakes: tuple[Mistake, ...]
    more_mistakes: int  # students with a mistake that is not listed
    without_evidence: Mapping[str, int]  # by reason: timeout, crash, …


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
    status: str
    outcomes: tuple[str, ...]
    marks: tuple[float | None, ...]
    repairs: int


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


# The outcomes of an answer, in the order in which charts stack them.
OUTCOMES = ("right", "partly right", "wrong", "not answered", Outcome.NO_EVIDENCE, "open", "not handed in")


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
        looks=tuple(looks(lines, verdicts)),
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
    outcomes = []
    for name, most in points.items():
        outcome = _outcome(row.marks[name], most, verdicts.get(name))
        left = outcome == "wrong" and (row.student, name) in unwritten
        outcomes.append("not handed in" if row.score is None else "not answered" if left else outcome)
    return StudentRow(row.student, row.score, row.status, tuple(outcomes), tuple(row.marks.values()), len(row.repairs))


def _outcome(mark: float | None, most: float, verdict: Verdict | None) -> str:
    if mark is None:
        return "open"
    if mark >= most:
        return "right"
    if mark > 0:
        return "partly right"
    silent = {Outcome.NOT_ATTEMPTED: "not answered", Outcome.NO_EVIDENCE: "no evidence"}
    return silent.get(verdict.outcome, "wrong") if verdict else "wrong"


def _summary(results: Table, lines: Sequence[StudentRow]) -> Summary:
    scores = [line.score for line in lines if line.score is not None]
    return Summary(
        students=len(lines),
        handed_in=len(scores),
        open_marks=sum("open" in line.outcomes for line in lines),
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
    own = [found[name] for line in lines if name in (found := verdicts.get(line.student, {}))]
    mistakes = _mistakes(own, len(marked))
    return Question(
        name=name,
        points=points,
        outcomes={word: counts[word] for word in OUTCOMES},
        share_right=counts["right"] / len(marked) if marked else None,
        difficulty=statistics.fmean(marks) / points if marked and points else None,
        discrimination=_discrimination(place, marked),
        mistakes=tuple(mistakes[:MOST]),
        more_mistakes=sum(mistake.students for mistake in mistakes[MOST:]),
        without_evidence=dict(
            Counter(verdict.reason for verdict in own if verdict.outcome is Outcome.NO_EVIDENCE).most_common()
        ),
    )


def _discrimination(place: int, lines: Sequence[StudentRow]) -> float | None:
    right = [line.outcomes[place] == "right" for line in lines]
    rest = [sum(mark or 0.0 for i, mark in enumerate(line.marks) if i != place) for line in lines]
    if len(lines) < 3 or len(set(right)) == 1 or len(set(rest)) == 1:
        return None
    return float(np.corrcoef(right, rest)[0, 1])


def _mistakes(verdicts: Iterable[Verdict], of: int) -> list[Mistake]:
    """Group mistakes by the tests' sentences, the most frequent first."""
    given: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in verdicts:
        if verdict.outcome == Outcome.FAILED:
            given[shorten(verdict.mistake or verdict.rationale, MOST_WORDS)][verdict.given] += 1
    found = [
        Mistake(says, (count := answers.total()), count / max(of, 1), tuple(answers.most_common(3)))
        for says, answers in given.items()
    ]
    return sorted(found, key=lambda mistake: (-mistake.students, mistake.says))


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


def looks(lines: Sequence[StudentRow], verdicts: Mapping[str, Mapping[str, Verdict]]) -> list[Flag]:
    """List students to check, by reason: first those who handed in nothing, or nothing usable."""

    def those(holds: Callable[[StudentRow], bool]) -> tuple[str, ...]:
        return tuple(line.student for line in lines if holds(line))

    alone = [
        Flag("handed in nothing", those(lambda line: line.score is None)),
        Flag("answered nothing", those(lambda line: _words(verdicts.get(line.student, {})) == {Outcome.NOT_ATTEMPTED})),
        *(Flag(said, tuple(line.student for line in lines if line.status == word)) for word, said in TROUBLES.items()),
        *_flagged(lines, verdicts),
    ]
    return [look for look in alone if look.students] + identical(verdicts)


TROUBLES = {
    "grader-error": "the grader failed: not marked yet",
    "damaged": "a notebook that cannot be read",
    "missing": "a notebook that was not handed in",
    "crash": "code that crashed its kernel",
    "memory": "code that used too much memory",
    "timeout": "code that ran too long",
    "output": "code that printed too much",
    "limit": "code that reached a limit on files or processes",
    "other-id": "another student's id: copied, or mistyped",
    "no-id": "no id: the default numbers, not their own",
}


def _words(verdicts: Mapping[str, Verdict]) -> set[str]:
    return {verdict.outcome for verdict in verdicts.values()}


def _flagged(lines: Sequence[StudentRow], verdicts: Mapping[str, Mapping[str, Verdict]]) -> list[Flag]:
    """Students by the flags of the tests that they failed."""
    students: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        for flag in sorted({verdict.flag for verdict in verdicts.get(line.student, {}).values() if verdict.flag}):
            students[flag].append(line.student)
    return [Flag(flag, tuple(names)) for flag, names in sorted(students.items())]


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
