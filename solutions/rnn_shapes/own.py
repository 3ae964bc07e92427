"""Each learner's own sizes, where a course gives them: drawn from the id and the course's salt, alike everywhere.

Nothing here is secret. Who knows an id can work out its sizes, and still has to answer for them.
"""

import hashlib
import itertools
import unicodedata

Sizes = tuple[int, int, int, int]  # batch, timesteps, features, units
CHOICES = (range(7, 26), range(2, 10), range(3, 25))  # of all but batch, which stays as it usually is


def sizes_of(student: object, salt: str, usual: Sizes) -> Sizes:
    """The sizes of one student, no two alike and none of them a usual one; the usual ones where no id is typed."""
    if not known(student):
        return usual
    taken = set(usual)
    drawn = [some for some in itertools.product(*CHOICES) if len(taken | set(some)) == len(taken) + len(some)]
    number = hashlib.sha256(f"{salt}\n{spelled(student)}".encode()).digest()
    timesteps, features, units = drawn[int.from_bytes(number, "big") % len(drawn)]
    return usual[0], timesteps, features, units


def whose(student: object, *sizes: int) -> str:
    """Whose sizes these are, in a sentence."""
    said = ", ".join(f"{axis} {size}" for axis, size in zip(("batch", "timesteps", "features", "units"), sizes))
    if not known(student):
        return f"The usual sizes: {said}. No student id is typed yet: type yours above, then run all cells again."
    return f"The sizes of {str(student).strip()}: {said}."


def known(student: object) -> bool:
    """Is an id typed?"""
    return student is not ... and bool(spelled(student))


def spelled(student: object) -> str:
    """An id, however its letters were typed."""
    return unicodedata.normalize("NFC", str(student)).strip().casefold()
