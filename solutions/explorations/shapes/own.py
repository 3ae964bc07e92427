"""Draw each student's own sizes from the student's id and the course's salt: the same on every machine.

Nothing here is secret. Anyone who knows an id can work out its sizes, and still has to answer the questions for them.
"""

import hashlib
import itertools
import unicodedata

Sizes = tuple[int, int, int, int]  # batch, timesteps, features, units
CHOICES = (range(7, 26), range(2, 10), range(3, 25))  # for all but batch, which keeps its usual size


def sizes_of(student: object, salt: str, usual: Sizes) -> Sizes:
    """Return one student's sizes: all different, and none of them a usual one; without an id, the usual sizes."""
    if not known(student):
        return usual
    taken = set(usual)
    drawn = [some for some in itertools.product(*CHOICES) if len(taken | set(some)) == len(taken) + len(some)]
    number = hashlib.sha256(f"{salt}\n{spelled(student)}".encode()).digest()
    timesteps, features, units = drawn[int.from_bytes(number, "big") % len(drawn)]
    return usual[0], timesteps, features, units


def describe_sizes(student: object, *sizes: int) -> str:
    """Describe the sizes in a sentence, and say whose they are."""
    listed = ", ".join(f"{axis} {size}" for axis, size in zip(("batch", "timesteps", "features", "units"), sizes))
    if not known(student):
        return f"The usual sizes: {listed}. Type your student id in the cell above, then run all cells again."
    return f"The sizes of {str(student).strip()}: {listed}."


def known(student: object) -> bool:
    """Return whether an id was typed."""
    return student is not ... and bool(spelled(student))


def spelled(student: object) -> str:
    """Return an id in one spelling: without outer spaces, in lower case, its letters in one Unicode form."""
    return unicodedata.normalize("NFC", str(student)).strip().casefold()
