"""Assertions for hidden tests (public API): they report what is wrong with an answer, and the right one.

A test may raise any AssertionError. These attributes of the error are saved in the gradebook as well as its message:

    mistake    what is wrong, without the help and the right answer
    help       one hint
    expected   the right answer, as text
    flag       the heading under which the class report lists students with this error; "" for none
"""

from collections.abc import Mapping
from typing import Any

from autograder.evidence.display import display, is_unanswered


def answered(name: str, answer: Any) -> None:
    """Raise AssertionError if the answer, or a part of it, is still `...`."""
    assert not is_unanswered(answer), f"{name}: not answered."


class WrongAnswerError(AssertionError):
    """An answer is wrong; the error has the mistake, a hint ("" if there is none) and the right answer."""

    def __init__(self, fault: object, expected: object, whole: object = None) -> None:
        super().__init__(f"{fault} Right: {expected!r}")
        self.mistake = str(getattr(fault, "rationale", fault))
        self.help = str(getattr(fault, "help", ""))
        self.expected = display(expected if whole is None else whole)


class FlaggedError(AssertionError):
    """An answer is wrong in a way that an instructor should look at, such as invented data."""

    def __init__(self, sentence: str, flag: str) -> None:
        super().__init__(sentence)
        self.flag = flag


def right(fault: object, expected: object, whole: object = None) -> None:
    """Raise WrongAnswerError if there is a fault.

    Args:
        fault: what is wrong; None if the answer is right.
        expected: the right value of the part that was compared.
        whole: the right value of the whole answer, if `expected` is only a part of it.
    """
    if fault is not None:
        raise WrongAnswerError(fault, expected, whole)


def choice_fault(name: str, given: str, correct: str, because: Mapping[str, str]) -> str | None:
    """Return what is wrong with a chosen text, or None; `because` explains the likely wrong choices."""
    chosen = given.strip().lower()
    return None if chosen == correct else f"{name}: {because.get(chosen, f'it is not {chosen!r}.')}"


def words(given: Mapping[str, str], expected: Mapping[str, str], because: Mapping[str, str]) -> None:
    """Compare each chosen text with the right one; raise WrongAnswerError for the first wrong one."""
    whole = expected if len(expected) > 1 else None
    for name, text in expected.items():
        right(choice_fault(name, given[name], text, because), text, whole)
