"""A stand-in for optree in plain Python: it takes nested structures apart and puts them together again.

It has what Keras calls. There is one namespace. The nodes are lists, tuples, named tuples, deques, dicts, registered
classes and, unless `none_is_leaf` is true, None; everything else is a leaf.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

DICTS = (dict, OrderedDict, defaultdict)
UNLIKE = "Structures don't have the same nested structure."
IsLeaf = Callable[[Any], bool] | None
_registered: dict[type, Callable[[Any], "Node"]] = {}


class Node(NamedTuple):
    """A structure that is taken apart: its children, their keys, and how to put new children together."""

    children: Sequence[Any]
    keys: Sequence[Any]
    join: Callable[[Sequence[Any]], Any]


class Spec(NamedTuple):
    """A structure without its leaves: how to put it together, and the specs of its children. A leaf has no `join`."""

    join: Callable[[Sequence[Any]], Any] | None
    children: tuple["Spec", ...]

    @property
    def num_leaves(self) -> int:
        """Return the number of leaves."""
        return sum(child.num_leaves for child in self.children) if self.join else 1

    @property
    def num_nodes(self) -> int:
        """Return the number of nodes, leaves included."""
        return 1 + sum(child.num_nodes for child in self.children)


def register_pytree_node_class(cls: type, *, namespace: str) -> type:
    """Register a class with `tree_flatten` and `tree_unflatten` as a node; return the class."""

    def taken_apart(tree: Any) -> Node:
        children, data, *keys = tree.tree_flatten()
        names = keys[0] if keys and keys[0] is not None else range(len(children))
        return Node(list(children), list(names), lambda new: cls.tree_unflatten(data, new))  # type: ignore[attr-defined]

    _registered[cls] = taken_apart
    return cls


def _node(tree: Any, none_is_leaf: bool, is_leaf: IsLeaf = None) -> Node | None:
    """Return a structure taken apart, or None for a leaf."""
    kind = type(tree)
    if is_leaf and is_leaf(tree):
        return None
    if tree is None:
        return None if none_is_leaf else Node([], [], lambda new: None)
    if kind in _registered:
        return _registered[kind](tree)
    if kind in DICTS:
        return _dict_node(tree)
    if kind in (list, tuple):
        return Node(list(tree), range(len(tree)), kind)
    if kind is deque:
        return Node(list(tree), range(len(tree)), lambda new: deque(new, maxlen=tree.maxlen))
    if isinstance(tree, tuple) and hasattr(kind, "_fields"):
        return Node(list(tree), range(len(tree)), lambda new: kind(*new))
    return None


def _dict_node(tree: Any) -> Node:
    """Take a dict apart: its children are sorted by key, except in an OrderedDict; a new dict has the old order."""
    keys = list(tree) if isinstance(tree, OrderedDict) else _sorted(tree)

    def join(new: Sequence[Any]) -> Any:
        values = dict(zip(keys, new, strict=True))
        pairs = ((key, values[key]) for key in tree)
        return defaultdict(tree.default_factory, pairs) if isinstance(tree, defaultdict) else type(tree)(pairs)

    return Node([tree[key] for key in keys], keys, join)


def _sorted(keys: Iterable[Any]) -> list[Any]:
    """Sort keys; keys that cannot be compared are sorted by their class first, or keep their order."""
    keys = list(keys)
    for by in (lambda key: key, lambda key: (f"{type(key).__module__}.{type(key).__qualname__}", key)):
        try:
            return sorted(keys, key=by)
        except TypeError:
            pass
    return keys


def _walk(tree: Any, none_is_leaf: bool, is_leaf: IsLeaf, path: tuple[Any, ...], leaves: list[Any]) -> Spec:
    node = _node(tree, none_is_leaf, is_leaf)
    if node is None:
        leaves.append((path, tree))
        return Spec(None, ())
    pairs = zip(node.children, node.keys, strict=True)
    return Spec(node.join, tuple(_walk(child, none_is_leaf, is_leaf, (*path, key), leaves) for child, key in pairs))


def tree_flatten_with_path(
    tree: Any, is_leaf: IsLeaf = None, *, none_is_leaf: bool = False, namespace: str = ""
) -> tuple[list[Any], list[Any], Spec]:
    """Return the paths of the leaves, the leaves, and the structure."""
    leaves: list[Any] = []
    spec = _walk(tree, none_is_leaf, is_leaf, (), leaves)
    return [path for path, _ in leaves], [leaf for _, leaf in leaves], spec


def tree_flatten(tree: Any, is_leaf: IsLeaf = None, **options: Any) -> tuple[list[Any], Spec]:
    """Return the leaves and the structure."""
    _, leaves, spec = tree_flatten_with_path(tree, is_leaf, **options)
    return leaves, spec


def tree_paths(tree: Any, is_leaf: IsLeaf = None, **options: Any) -> list[Any]:
    """Return the paths of the leaves."""
    return tree_flatten_with_path(tree, is_leaf, **options)[0]


def tree_is_leaf(tree: Any, is_leaf: IsLeaf = None, *, none_is_leaf: bool = False, namespace: str = "") -> bool:
    """Return whether a structure is a leaf."""
    return _node(tree, none_is_leaf, is_leaf) is None


def tree_unflatten(treespec: Spec, leaves: Iterable[Any]) -> Any:
    """Put leaves together in a structure; raise ValueError if there are too many or too few."""
    rest = iter(leaves)
    tree = _joined(treespec, rest)
    if next(rest, rest) is not rest:
        raise ValueError("Too many leaves for the structure.")
    return tree


def _joined(spec: Spec, rest: Iterator[Any]) -> Any:
    if spec.join:
        return spec.join([_joined(child, rest) for child in spec.children])
    leaf = next(rest, rest)
    if leaf is rest:
        raise ValueError("Too few leaves for the structure.")
    return leaf


def tree_map(
    func: Callable[..., Any],
    tree: Any,
    *rests: Any,
    is_leaf: IsLeaf = None,
    none_is_leaf: bool = False,
    namespace: str = "",
) -> Any:
    """Call a function with each leaf and what the other structures have in its place; return a structure of results.

    Raises:
        ValueError: Another structure differs above a leaf.
    """
    node = _node(tree, none_is_leaf, is_leaf)
    if node is None:
        return func(tree, *rests)
    rows = [_like(tree, node, other, none_is_leaf) for other in rests]
    options: dict[str, Any] = {"is_leaf": is_leaf, "none_is_leaf": none_is_leaf}
    return node.join([tree_map(func, *each, **options) for each in zip(node.children, *rows, strict=True)])


def _like(tree: Any, node: Node, other: Any, none_is_leaf: bool) -> Sequence[Any]:
    """Return the children of another structure in the order of the first; raise ValueError if it differs."""
    theirs = _node(other, none_is_leaf)
    both_dicts = type(tree) in DICTS and type(other) in DICTS
    if theirs is None or not (both_dicts or type(other) is type(tree)) or len(theirs.keys) != len(node.keys):
        raise ValueError(UNLIKE)
    if both_dicts:
        if set(other) != set(tree):
            raise ValueError(UNLIKE)
        return [other[key] for key in node.keys]
    if list(theirs.keys) != list(node.keys):
        raise ValueError(UNLIKE)
    return theirs.children
