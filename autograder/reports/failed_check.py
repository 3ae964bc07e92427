"""Explain a failed test to the student: the check that failed and its values, and nothing that is hidden.

A visible check is shown with its line and the values that it read. Of a hidden check, students read the course's own
message, or only which check it is (`c.Feedback.hidden_tests`). The words of a library, or of the answer's own code, are
not shown for a hidden check, since they may quote what it compares.
"""

from dataclasses import dataclass

from autograder.model import Check, Value, Verdict, Words

MESSAGE, NUMBER = "message", "number"  # the values of c.Feedback.hidden_tests


@dataclass(frozen=True)
class Explanation:
    """What a student reads about a failed test.

    Attributes:
        says: A sentence.
        line: The line of the test; "" if it is hidden, or not known.
        values: The values that the line read.
        is_open: Whether the test's hint and right answer may be shown.
    """

    says: str
    line: str = ""
    values: tuple[Value, ...] = ()
    is_open: bool = True

    @property
    def text(self) -> str:
        """Return all of it as lines of text."""
        values = [f"    {one.expression} is {one.value}" for one in self.values]
        return "\n".join([self.says, *filter(None, [self.line]), *values])


def explain(verdict: Verdict, hidden_tests: str = MESSAGE) -> Explanation:
    """Return what a student reads about a failed test.

    Args:
        verdict: The verdict, whose outcome is `failed`.
        hidden_tests: The course's setting, `c.Feedback.hidden_tests`.
    """
    check, message = verdict.check, verdict.mistake or verdict.rationale
    if check is None:
        return Explanation(message)
    if check.is_hidden:
        is_message = check.words is Words.COURSE and hidden_tests == MESSAGE
        return Explanation(message) if is_message else Explanation(_which(verdict, check), is_open=False)
    says = "This check failed:" if check.words is Words.NONE else message
    return Explanation(says, check.source, tuple(one for one in check.values if not one.is_hidden))


def _which(verdict: Verdict, check: Check) -> str:
    which = f"Hidden check {check.number} of {check.of}" if check.of > 1 else "The hidden check"
    if verdict.points:
        return f"{which} did not give all points."
    return f"{which} could not use your answer ({check.error})." if check.error else f"{which} failed."
