"""What became of an attack, and whether that is what was to become of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autograder.tests.attacks.harness.attack import Attack


@dataclass(frozen=True)
class Mark:
    """One question's. A written answer has all its points while it waits for a reader."""

    points: float
    most: float
    word: str = ""  # of the verdict; plain nbgrader has none
    rationale: str = ""
    reason: str = ""

    @property
    def full(self) -> bool:
        """Is it all there was to earn?"""
        return self.points == self.most


@dataclass(frozen=True)
class Outcome:
    """What a grader made of one attack: the attacker's marks by question, and what else happened."""

    marks: Mapping[str, Mark]
    trouble: tuple[str, ...] = ()  # class aborted, process left, and the like
    seconds: float = 0.0


def gained(attack: Attack, outcome: Outcome) -> list[str]:
    """Questions that earned more than they should."""
    expected = {name: attack.expected(name) for name in outcome.marks if not attack.must_earn(name)}
    return [name for name, wanted in expected.items() if wanted and outcome.marks[name].points > wanted.points]


def lost(attack: Attack, outcome: Outcome) -> list[str]:
    """Honest questions that earned less than they should."""
    return [name for name, mark in outcome.marks.items() if attack.must_earn(name) and not mark.full]


def faults(attack: Attack, outcome: Outcome) -> list[str]:
    """Everything in which our grader's outcome is not as expected, in sentences."""
    return [*outcome.trouble, *_late(attack, outcome), *_wrong(attack, outcome)]


def _late(attack: Attack, outcome: Outcome) -> Iterator[str]:
    if outcome.seconds > attack.seconds:
        yield f"grading took {outcome.seconds:.0f} s; it has {attack.seconds:g}"


def _wrong(attack: Attack, outcome: Outcome) -> Iterator[str]:
    for name, mark in outcome.marks.items():
        wanted = attack.expected(name)
        said = f"{name}: {mark.word} with {mark.points:g} of {mark.most:g} ({mark.reason or '–'}: {mark.rationale})"
        if attack.must_earn(name):
            if not mark.full:
                yield f"{said}; it had earned full marks"
        elif mark.word == "grader error":
            yield f"{said}; a student must not cause that"
        elif wanted and (mark.word, mark.points) != (wanted.word, wanted.points):
            yield f"{said}; {wanted.word} with {wanted.points:g} was expected"
        elif wanted and wanted.part not in f"{mark.reason}: {mark.rationale}":
            yield f"{said}; {wanted.part!r} was expected"
