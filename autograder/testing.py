"""Assertions for hidden tests (public API): they report what is wrong with an answer, and the right one.

A test may raise any AssertionError. These attributes of the error are saved in the gradebook as well as its message:

    mistake    what is wrong, without the help and the right answer
    help       one hint
    expected   the right answer, as text
    flag       the heading under which the class report lists students with this error; "" for none

A test whose last value is a number gives that many points. If that number has such an error as its attribute `lost`,
the error says what the other points were lost for; `assert_parts` returns such a number.
"""

from collections.abc import Callable, Mapping
from typing import Any

from autograder.evidence.display import display, is_unanswered


class UnansweredError(AssertionError):
    """An answer, or a part of it, is still `...`."""


class WrongAnswerError(AssertionError):
    """An answer is wrong; the error has the mistake, a hint ("" if there is none) and the right answer."""

    def __init__(self, fault: object, right: object) -> None:
        super().__init__(f"{fault} Right: {right!r}")
        self.mistake = str(getattr(fault, "rationale", fault))
        self.help = str(getattr(fault, "help", ""))
        self.right, self.expected = right, display(right)


class FlaggedError(AssertionError):
    """An answer is wrong in a way that an instructor should look at, such as invented data."""

    def __init__(self, sentence: str, flag: str) -> None:
        super().__init__(sentence)
        self.flag = flag


class LostPartsError(AssertionError):
    """Some parts of an answer are wrong or unanswered; the error has the mistakes of all of them."""

    def __init__(self, errors: list[AssertionError]) -> None:
        super().__init__(" ".join(map(str, errors)))
        self.mistake = " ".join(str(getattr(error, "mistake", error)) for error in errors)
        self.help = " ".join(filter(None, (str(getattr(error, "help", "")) for error in errors)))
        rights = [error.right for error in errors if isinstance(error, WrongAnswerError)]
        self.expected = display(rights[0]) if len(rights) == 1 else _together(rights)
        self.flag = next(filter(None, (str(getattr(error, "flag", "")) for error in errors)), "")


class Points(int):
    """A number of points, and the error that says why it is not more; None if all parts are right."""

    lost: LostPartsError | None = None


def plain_types(answer: Any) -> Any:
    """Return an answer with Python's own types in place of the student's subclasses of them, in all its parts.

    A function such as `re.sub` cannot read a text of a student's class, since that stays in the student's kernel.

    Args:
        answer: Any value. Mappings become dicts; what is no number, text or collection of Python's stays as it is.
    """
    if isinstance(answer, Mapping):
        return {plain_types(key): plain_types(part) for key, part in answer.items()}
    for kind in (list, tuple, set, frozenset):
        if isinstance(answer, kind):
            return kind(map(plain_types, answer))
    if isinstance(answer, str):
        return "".join(answer)
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        return int(answer) if isinstance(answer, int) else float(answer)
    return answer


def assert_answered(*values: object) -> None:
    """Raise UnansweredError if a value, or a part of it, is still `...`."""
    if any(map(is_unanswered, values)):
        raise UnansweredError("Not answered.")


def assert_no_fault(fault: object, right: object) -> None:
    """Raise WrongAnswerError if there is a fault.

    Args:
        fault: What is wrong, such as a sentence or an object with the texts `rationale` and `help`; None if nothing is.
        right: The right answer, which feedback shows beside the given one.
    """
    if fault is not None:
        raise WrongAnswerError(fault, right)


def assert_parts(*parts: Callable[[], object]) -> Points:
    """Run the parts of a test, each worth one point, and return the points.

    The call is the last line of a test, so that the test's value is the points that it gives:

        assert_parts(partial(assert_choice, q["a"], "yes"), partial(assert_choice, q["b"], "no"))

    Args:
        parts: Functions without arguments that raise AssertionError if their part is wrong.

    Returns:
        The number of right parts. What is wrong with the others is printed, and is the number's attribute `lost`.

    Raises:
        LostPartsError: no part is right.
        UnansweredError: no part is answered.
    """
    errors: list[AssertionError] = []
    for part in parts:
        try:
            part()
        except AssertionError as error:
            errors.append(error)
    if errors and all(isinstance(error, UnansweredError) for error in errors) and len(errors) == len(parts):
        raise errors[0]
    if errors and len(errors) == len(parts):
        raise LostPartsError(errors)
    points = Points(len(parts) - len(errors))
    if errors:
        points.lost = LostPartsError(errors)
        print(points.lost)  # noqa: T201 - for nbgrader, which knows nothing of the attribute
    return points


def _together(rights: list[Any]) -> str:
    """Return several right answers as one text; parts of one dict become that dict."""
    if rights and all(isinstance(right, dict) for right in rights):
        return display({key: value for right in rights for key, value in right.items()})
    return "; ".join(map(display, rights))
