"""Follow a random generator of the test that student code has drawn from.

Theory of operation. A generator that the test passes to a student's function is copied into the kernel, and its new
state comes back as data. A student who could choose that state would choose the test's next numbers. So the state is
taken over only if drawing leads there. Both kinds of generator make it quick to find out: the distance of two states of
PCG64 is a logarithm in its group, found bit by bit; the Mersenne Twister is run forward, 624 numbers at a time.
"""

import random
from typing import Any

import numpy as np

from autograder.evidence.reader_leaves import DamageError

MAX_DRAWS = 2**24  # numbers that a call may draw
WORDS = 624  # of a Mersenne Twister's state
MASK = 2**128 - 1
MULTIPLIERS = {"PCG64": 0x2360ED051FC65DA44385DF649FCCF645, "PCG64DXSM": 0xDA942042E4DD58B5}
_ELSEWHERE = "a random generator in a state that drawing does not lead to"


def follow(generator: Any, state: Any) -> None:
    """Bring a generator of the test into the state that its copy has in the kernel.

    Args:
        generator: A `random.Random`, a `numpy.random.Generator` or a `numpy.random.RandomState`.
        state: The state as data, from `evidence.server`.

    Raises:
        DamageError: Drawing does not lead there.
    """
    try:
        if isinstance(generator, random.Random):
            key, position = _followed(_words(generator.getstate()[1]), _words(state[1]))
            generator.setstate((3, (*map(int, key), position), None))
        elif isinstance(generator, np.random.RandomState):
            before = generator.get_state(legacy=False)
            key, position = _followed(_parts(before), _parts(state))
            generator.set_state({**before, "state": {"key": key, "pos": position}, "has_gauss": 0, "gauss": 0.0})
        else:
            _follow_bits(generator.bit_generator, state)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        raise DamageError("a random generator of unknown form") from error


_Words = tuple[np.ndarray[Any, Any], int]


def _words(numbers: Any) -> _Words:
    *key, position = numbers
    return np.array(key, np.uint32), int(position)


def _parts(state: Any) -> _Words:
    return np.array(state["state"]["key"], np.uint32), int(state["state"]["pos"])


def _followed(before: _Words, after: _Words) -> _Words:
    """Return the state `after` of a Mersenne Twister, if drawing leads there."""
    if after[0].shape != (WORDS,) or not 0 <= after[1] <= WORDS:
        raise DamageError(_ELSEWHERE)
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": before[0], "pos": before[1]}}
    step = (after[1] - before[1]) % WORDS
    for _ in range(0, MAX_DRAWS, WORDS):
        twister.random_raw(step, output=False)
        if twister.state["state"]["pos"] == after[1] and (twister.state["state"]["key"] == after[0]).all():
            return after
        step = WORDS
    raise DamageError(_ELSEWHERE)


def _follow_bits(bits: Any, state: Any) -> None:
    before = bits.state
    name = before["bit_generator"]
    if name == "MT19937":
        key, position = _followed(_parts(before), _parts(state))
        bits.state = {**before, "state": {"key": key, "pos": position}}
    elif name in MULTIPLIERS:
        start, stop, step = before["state"]["state"], int(state["state"]["state"]), before["state"]["inc"]
        drawn = _distance(start, stop, MULTIPLIERS[name], step) if 0 <= stop <= MASK else MAX_DRAWS
        if drawn >= MAX_DRAWS:
            raise DamageError(_ELSEWHERE)
        half = _half(bits, drawn) if state["has_uint32"] else None
        bits.state = before
        bits.advance(drawn)
        if half is not None:
            bits.state = {**bits.state, "has_uint32": 1, "uinteger": half}


def _half(bits: Any, drawn: int) -> int:
    """Return the half of the last number that is left over from drawing 32 bits."""
    before = bits.state
    if not drawn:
        return int(before["uinteger"])
    bits.advance(drawn - 1)
    return int(bits.random_raw()) >> 32


def _distance(start: int, stop: int, factor: int, summand: int) -> int:
    """Return how many steps a linear congruential generator takes from one state to another."""
    bit, distance = 1, 0
    while start != stop and bit <= MASK:
        if (start ^ stop) & bit:
            start, distance = (start * factor + summand) & MASK, distance | bit
        bit, summand, factor = bit << 1, (factor + 1) * summand & MASK, factor * factor & MASK
    return distance
