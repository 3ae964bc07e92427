"""The stand-in for optree, next to the real one, on random structures."""

import random
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from types import ModuleType
from typing import Any

import optree
import pytest

from autograder.lite.start_up import optree as stand_in

Pair = namedtuple("Pair", "a b")
LEAVES: tuple[Any, ...] = (1, 2.5, "s", None, (), [], {})
DEPTH, SEEDS = 4, 1_000
BOTH: tuple[ModuleType, ModuleType] = (optree, stand_in)


def _tree(rng: random.Random, depth: int = 0) -> Any:
    """A random structure of all kinds of nodes."""
    if depth == DEPTH or rng.random() < 0.3:
        return rng.choice(LEAVES)
    parts = [_tree(rng, depth + 1) for _ in range(rng.randrange(4))]
    named = {f"{rng.choice('zyxwv')}{i}": part for i, part in enumerate(parts)}
    mixed = {rng.choice((i, str(i), (i,))): part for i, part in enumerate(parts)}
    kinds: list[Callable[[], Any]] = [
        lambda: parts,
        lambda: tuple(parts),
        lambda: named,
        lambda: mixed,
        lambda: OrderedDict(named),
        lambda: defaultdict(list, named),
        lambda: deque(parts, maxlen=rng.choice((None, 9))),
        lambda: Pair(_tree(rng, depth + 1), _tree(rng, depth + 1)),
    ]
    return rng.choice(kinds)()


def _similar(rng: random.Random, tree: Any) -> Any:
    """A structure that often fits: the same with other leaves, of another kind of dict, or a random one."""
    changed = optree.tree_map(lambda leaf: [leaf, leaf], tree) if rng.random() < 0.5 else tree
    if isinstance(changed, dict):
        return rng.choice((dict, OrderedDict))(reversed(list(changed.items())))
    return changed if rng.random() < 0.7 else _tree(rng)


def _outcome(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    try:
        return repr(function(*arguments, **options))
    except ValueError:
        return "ValueError"


def _is_pair(part: Any) -> bool:
    return isinstance(part, list) and len(part) == 2


def _together(*leaves: Any) -> Any:
    return leaves


def _all(library: ModuleType, tree: Any, other: Any, none_is_leaf: bool) -> list[Any]:
    """What a library makes of two structures."""
    options = {"none_is_leaf": none_is_leaf, "namespace": "keras"}
    leaves, spec = library.tree_flatten(tree, **options)
    counts = (len(leaves), len(leaves) + 1, len(leaves) - 1)
    return [
        *(leaves, spec.num_nodes, spec.num_leaves),
        *(_outcome(library.tree_unflatten, spec, range(count)) for count in counts),
        library.tree_flatten(tree, _is_pair, **options)[0],
        library.tree_paths(tree, **options),
        library.tree_is_leaf(tree, **options),
        _outcome(library.tree_map, _together, tree, other, **options),
    ]


@pytest.mark.parametrize("none_is_leaf", [True, False])
def test_it_does_what_optree_does(none_is_leaf: bool) -> None:
    for seed in range(SEEDS):
        rng = random.Random(seed)
        tree = _tree(rng)
        other = _similar(rng, tree)
        assert _all(stand_in, tree, other, none_is_leaf) == _all(optree, tree, other, none_is_leaf), (tree, other)


def test_a_registered_class_is_a_node() -> None:
    class Both:
        def __init__(self, a: Any, b: Any) -> None:
            self.a, self.b = a, b

        def tree_flatten(self) -> tuple[tuple[Any, Any], None]:
            return (self.a, self.b), None

        @classmethod
        def tree_unflatten(cls, data: None, children: Any) -> "Both":
            return cls(*children)

    found = []
    for lib in BOTH:
        lib.register_pytree_node_class(Both, namespace="stand-in")
        tree = {"x": Both(1, [2])}
        mapped = lib.tree_map(lambda leaf: leaf + 1, tree, namespace="stand-in")
        found.append((lib.tree_paths(tree, namespace="stand-in"), mapped["x"].a, mapped["x"].b))
    assert found == [([("x", 0), ("x", 1, 0)], 2, [3])] * 2
