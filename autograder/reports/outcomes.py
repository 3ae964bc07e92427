"""Name what the class report and the feedback pages say about a student's answer to one question."""

from enum import StrEnum

from autograder.model import Outcome, Verdict


class QuestionOutcome(StrEnum):
    """The outcome of one answer, in the order in which charts stack them. Its value is the text on the pages."""

    RIGHT = "right"
    PARTLY_RIGHT = "partly right"
    WRONG = "wrong"
    NOT_ANSWERED = "not answered"
    NOT_JUDGED = "not judged"
    NOT_MARKED = "not marked yet"
    NOT_HANDED_IN = "not handed in"
    MARKED = "marked"  # on a feedback page: an instructor gave a mark and no test decides


IN_A_CLASS = tuple(QuestionOutcome)[:-1]  # the outcomes that the class report has
WITHOUT_ANSWER = {
    Outcome.NOT_ATTEMPTED: QuestionOutcome.NOT_ANSWERED,
    Outcome.NO_EVIDENCE: QuestionOutcome.NOT_JUDGED,
}


def question_outcome(mark: float | None, points: float, verdict: Verdict | None, untouched: bool) -> QuestionOutcome:
    """Return the outcome of an answer that was handed in.

    Args:
        mark: The mark; None if the answer is not marked yet.
        points: The points of the question.
        verdict: The verdict of the question's test, if it has one.
        untouched: The student left the answer as released.
    """
    if mark is None:
        return QuestionOutcome.NOT_MARKED
    if mark >= points:
        return QuestionOutcome.RIGHT
    if mark > 0:
        return QuestionOutcome.PARTLY_RIGHT
    known = WITHOUT_ANSWER.get(verdict.outcome) if verdict else None
    return known or (QuestionOutcome.NOT_ANSWERED if untouched else QuestionOutcome.WRONG)
