"""A random generator of the test goes on where student code left it, and nowhere else."""

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograder.evidence.reader_leaves import DamageError
from autograder.evidence.server.shared import state_of
from autograder.judging.live.generators import MAX_DRAWS, follow

GENERATORS: dict[str, Callable[[int], Any]] = {
    "random.Random": random.Random,
    "RandomState": np.random.RandomState,
    "PCG64": np.random.default_rng,
    "PCG64DXSM": lambda seed: np.random.Generator(np.random.PCG64DXSM(seed)),
    "MT19937": lambda seed: np.random.Generator(np.random.MT19937(seed)),
}


def _draw(generator: Any, count: int) -> list[Any]:
    if isinstance(generator, random.Random):
        return [generator.random() for _ in range(count)]
    return list(generator.uniform(size=count))


@pytest.mark.parametrize("count", [0, 1, 7, 313, 2000])
@pytest.mark.parametrize("kind", GENERATORS)
def test_it_goes_on_after_what_was_drawn(kind: str, count: int) -> None:
    ours = GENERATORS[kind](5)
    _draw(ours, 3)
    theirs = copy.deepcopy(ours)
    _draw(theirs, count)
    follow(ours, state_of(theirs))
    assert _draw(ours, 4) == _draw(theirs, 4)


def test_half_a_number_is_left_over() -> None:
    ours = np.random.default_rng(5)
    theirs = copy.deepcopy(ours)
    theirs.integers(0, 100, dtype=np.int32)
    follow(ours, state_of(theirs))
    assert list(ours.integers(0, 100, 3, dtype=np.int32)) == list(theirs.integers(0, 100, 3, dtype=np.int32))


@pytest.mark.parametrize("kind", GENERATORS)
def test_another_seed_is_refused_and_nothing_changes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.judging.live.generators.MAX_DRAWS", 2**16)
    ours, same = GENERATORS[kind](5), GENERATORS[kind](5)
    with pytest.raises(DamageError, match="a random generator in a state that drawing does not lead to"):
        follow(ours, state_of(GENERATORS[kind](6)))
    assert _draw(ours, 4) == _draw(same, 4)


def test_numbers_cannot_be_chosen_by_the_half_that_is_left_over() -> None:
    ours, honest = np.random.default_rng(5), np.random.default_rng(5)
    for generator in (ours, honest):
        generator.integers(0, 100, dtype=np.int32)
    follow(ours, {**state_of(honest), "has_uint32": 1, "uinteger": 0})
    assert state_of(ours) == state_of(honest)


def test_a_generator_runs_only_forward() -> None:
    ours, before = np.random.default_rng(5), np.random.default_rng(5)
    _draw(ours, 1)
    with pytest.raises(DamageError):
        follow(ours, state_of(before))
    assert MAX_DRAWS < 2**32  # so that the way around is not open


@pytest.mark.parametrize("state", [None, 3, [], (3, (1, 2), None), {"state": {"key": [1], "pos": 0}}, {"state": {}}])
@pytest.mark.parametrize("kind", GENERATORS)
def test_what_is_no_state_is_refused(kind: str, state: Any) -> None:
    with pytest.raises(DamageError):
        follow(GENERATORS[kind](5), state)
