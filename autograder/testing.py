"""Assertions for tests: public API. What a course's hidden tests import to say what is wrong, and what is right.

A test may raise any AssertionError. What it says beyond its sentence crosses to the gradebook as data, by attributes:

    mistake    what is wrong, without help and without what is right
    help       one thing to look at
    expected   what is right, as text
    flag       words under which the class report lists the students who met this error; "" for none
"""

from collections.abc import Mapping
from typing import Any

from autograder.evidence.display import display, is_unanswered


def answered(name: str, answer: Any) -> None:
    """Raise AssertionError where the answer, or a part of it, is still `...`."""
    assert not is_unanswered(answer), f"{name}: not answered."


class WrongAnswerError(AssertionError):
    """A test did not hold; says what is so, one thing to look at ("" where there is none), and what is right."""

    def __init__(self, fault: object, expected: object, whole: object = None) -> None:
        super().__init__(f"{fault} Right: {expected!r}")
        self.mistake = str(getattr(fault, "rationale", fault))
        self.help = str(getattr(fault, "help", ""))
        self.expected = display(expected if whole is None else whole)


class FlaggedError(AssertionError):
    """A test failed in a way that an instructor wants to look at, such as data that was made up."""

    def __init__(self, sentence: str, flag: str) -> None:
        super().__init__(sentence)
        self.flag = flag


def right(fault: object, expected: object, whole: object = None) -> None:
    """Raise WrongAnswerError with the fault (anything but None) and what is right: of a part, or of the `whole`."""
    if fault is not None:
        raise WrongAnswerError(fault, expected, whole)


def choice_fault(name: str, given: str, correct: str, because: Mapping[str, str]) -> str | None:
    """What is wrong with a chosen text; `because` has a reason for each tempting one."""
    chosen = given.strip().lower()
    return None if chosen == correct else f"{name}: {because.get(chosen, f'it is not {chosen!r}.')}"


def words(given: Mapping[str, str], expected: Mapping[str, str], because: Mapping[str, str]) -> None:
    """Hold each chosen text to the right one, and show what is right."""
    whole = expected if len(expected) > 1 else None
    for name, text in expected.items():
        right(choice_fault(name, given[name], text, because), text, whole)
