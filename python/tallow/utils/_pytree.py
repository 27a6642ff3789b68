"""Trees of containers: taking them apart into leaves and putting them together again.

A node is a list, tuple, named tuple, struct sequence, dict, OrderedDict, defaultdict, deque, or
an instance of a class that has been registered; everything else, None included, is a leaf.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from tallow.utils._pytree_nodes import (
    MAPPINGS,
    SUPPORTED_NODES,
    GetAttrKey,
    MappingKey,
    NodeDef,
    SequenceKey,
    is_namedtuple,
    is_namedtuple_class,
    is_namedtuple_instance,
    is_structseq,
    is_structseq_class,
    is_structseq_instance,
    node_type,
    register_constant,
    register_dataclass,
    register_pytree_node,
)
from tallow.utils._pytree_nodes import _dict_flatten as _dict_flatten
from tallow.utils._pytree_nodes import _dict_flatten_with_keys as _dict_flatten_with_keys
from tallow.utils._pytree_nodes import _dict_unflatten as _dict_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    KeyPath = tuple[Any, ...]

PyTree = Any

__all__ = [
    "SUPPORTED_NODES",
    "GetAttrKey",
    "MappingKey",
    "NodeDef",
    "PyTree",
    "SequenceKey",
    "TreeSpec",
    "arg_tree_leaves",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "is_structseq",
    "is_structseq_class",
    "is_structseq_instance",
    "key_get",
    "keystr",
    "map_only",
    "register_constant",
    "register_dataclass",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_map_with_path",
    "tree_structure",
    "tree_unflatten",
    "treespec_dict",
    "treespec_leaf",
    "treespec_pprint",
    "treespec_tuple",
]


def tree_is_leaf(tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None) -> bool:
    """Tell whether a tree is nothing but a leaf.

    Args:
        tree: anything.
        is_leaf: makes leaves of nodes for which it returns True.
    """
    if is_leaf is not None and is_leaf(tree):
        return True
    return node_type(tree) not in SUPPORTED_NODES


class TreeSpec:
    """The structure of a tree: its nodes without its leaves.

    Attributes:
        type: class of the root, ``namedtuple`` for all named tuples, None for a leaf.
        context: what the node needs besides its children, such as the keys of a dict.
        num_leaves: number of leaves.
        num_nodes: number of nodes and leaves.
        num_children: number of children of the root.
    """

    __slots__ = ("_children", "context", "num_children", "num_leaves", "num_nodes", "type")
    num_leaves: int
    num_nodes: int

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type = type
        self.context = context
        self._children = list(children_specs)
        self.num_children = len(self._children)
        leaf = type is None
        self.num_leaves = 1 if leaf else sum(child.num_leaves for child in self._children)
        self.num_nodes = 1 + sum(child.num_nodes for child in self._children)

    def is_leaf(self) -> bool:
        """Tell whether the tree is nothing but a leaf."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """Return the structures of the children."""
        return list(self._children)

    def child(self, index: int) -> TreeSpec:
        """Return the structure of one child."""
        return self._children[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (
            self.type is other.type
            and self.context == other.context
            and self._children == other._children
        )

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves, tuple(self._children)))

    def __repr__(self) -> str:
        return self._text(0)

    def _text(self, indent: int) -> str:
        if self.is_leaf():
            return "*"
        indent += 2
        separator = ",\n" + " " * indent
        children = separator.join(child._text(indent) for child in self._children)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{children}])"

    def flatten_up_to(self, tree: PyTree) -> list[PyTree]:
        """Take a tree apart as far as this structure reaches.

        Raises:
            ValueError: the tree has other nodes.
        """
        if self.is_leaf():
            return [tree]
        kind = node_type(tree)
        mappings = self.type in MAPPINGS and kind in MAPPINGS
        if kind is not self.type and not mappings:
            got = type(tree) if kind not in SUPPORTED_NODES else kind
            raise ValueError(f"Node type mismatch; expected {self.type}, but got {got}.")
        children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        children = list(children)
        if mappings:
            keys = self.context[1] if self.type is defaultdict else self.context
            missing, extra = set(keys) - set(tree), set(tree) - set(keys)
            if missing or extra:
                parts = [f"missing key(s): {missing}"] if missing else []
                parts += [f"extra key(s): {extra}"] if extra else []
                raise ValueError(f"Node keys mismatch; {'; '.join(parts)}.")
            children = [tree[key] for key in keys]
        elif len(children) != self.num_children:
            raise ValueError(
                f"Node arity mismatch; expected {self.num_children}, but got {len(children)}."
            )
        elif context != self.context and self.type is not deque:
            raise ValueError(
                f"Node context mismatch for custom node type {self.type}: "
                f"expected {self.context!r}, but got {context!r}."
            )
        return [
            part
            for child, spec in zip(children, self._children, strict=True)
            for part in spec.flatten_up_to(child)
        ]

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """Put leaves together to a tree of this structure.

        Raises:
            ValueError: another number of leaves.
        """
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec "
                f"refers to a pytree that holds {self.num_leaves} items ({self})."
            )
        return self._build(iter(leaves))

    def _build(self, leaves: Iterator[Any]) -> PyTree:
        if self.is_leaf():
            return next(leaves)
        children = [child._build(leaves) for child in self._children]
        return SUPPORTED_NODES[self.type].unflatten_fn(children, self.context)


PyTreeSpec = TreeSpec
_get_node_type = node_type
_register_pytree_node = register_pytree_node  # the name of older programs
_LEAF_SPEC = TreeSpec(None, None, [])


def LeafSpec() -> TreeSpec:
    """Return the structure of a leaf."""
    return _LEAF_SPEC


treespec_leaf = LeafSpec


def treespec_tuple(iterable: Iterable[TreeSpec] = (), /) -> TreeSpec:
    """Return the structure of a tuple with given children."""
    return TreeSpec(tuple, None, list(iterable))


def treespec_dict(mapping: Any = (), /, **kwargs: TreeSpec) -> TreeSpec:
    """Return the structure of a dict with given children."""
    children = dict(mapping, **kwargs)
    return TreeSpec(dict, list(children), list(children.values()))


def treespec_pprint(treespec: TreeSpec) -> str:
    """Return the tree as text, with ``*`` for every leaf."""

    class Star:
        def __repr__(self) -> str:
            return "*"

    return repr(treespec.unflatten([Star() for _ in range(treespec.num_leaves)]))


# Taking apart and putting together.


def _flatten(tree: PyTree, is_leaf: Callable[[PyTree], bool] | None, leaves: list[Any]) -> TreeSpec:
    kind = node_type(tree)
    if kind not in SUPPORTED_NODES or (is_leaf is not None and is_leaf(tree)):
        leaves.append(tree)
        return _LEAF_SPEC
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    return TreeSpec(kind, context, [_flatten(child, is_leaf, leaves) for child in children])


def tree_flatten(
    tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None
) -> tuple[list[Any], TreeSpec]:
    """Return the leaves of a tree in order, and its structure.

    Args:
        tree: anything.
        is_leaf: makes leaves of nodes for which it returns True.

    Example:
        >>> tree_flatten([1, {"a": 2}])
        ([1, 2], TreeSpec(list, None, [*,
          TreeSpec(dict, ['a'], [*])]))
    """
    leaves: list[Any] = []
    return leaves, _flatten(tree, is_leaf, leaves)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """Put leaves together to a tree of a given structure.

    Raises:
        TypeError: ``treespec`` is no structure.
        ValueError: another number of leaves.

    Example:
        >>> leaves, spec = tree_flatten((1, [2, 3]))
        >>> tree_unflatten([10 * leaf for leaf in leaves], spec)
        (10, [20, 30])
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "Expected `treespec` to be an instance of PyTreeSpec but got item of type "
            f"{type(treespec)}."
        )
    return treespec.unflatten(leaves)


def tree_iter(tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None) -> Iterator[Any]:
    """Yield the leaves of a tree in order."""
    yield from tree_leaves(tree, is_leaf)


def tree_leaves(tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None) -> list[Any]:
    """Return the leaves of a tree in order.

    Example:
        >>> tree_leaves({"b": (1, None), "a": [[2]]})
        [1, None, 2]
    """
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None) -> TreeSpec:
    """Return the structure of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def arg_tree_leaves(*args: PyTree, **kwargs: PyTree) -> list[Any]:
    """Return the leaves of all arguments."""
    return tree_leaves(args) + tree_leaves(kwargs)


def tree_map(
    func: Callable[..., Any],
    tree: PyTree,
    *rests: PyTree,
    is_leaf: Callable[[PyTree], bool] | None = None,
) -> PyTree:
    """Apply a function to every leaf.

    Args:
        func: gets a leaf of ``tree`` and what stands in its place in each of ``rests``.
        tree: gives the structure of the result.
        rests: trees that have at least this structure.
        is_leaf: makes leaves of nodes for which it returns True.

    Raises:
        ValueError: one of ``rests`` has other nodes.

    Example:
        >>> tree_map(lambda x, y: x + y, {"a": 1, "b": (2,)}, {"a": 10, "b": (20,)})
        {'a': 11, 'b': (22,)}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten(func(*parts) for parts in zip(leaves, *others, strict=True))


def tree_map_(
    func: Callable[..., Any],
    tree: PyTree,
    *rests: PyTree,
    is_leaf: Callable[[PyTree], bool] | None = None,
) -> PyTree:
    """Call a function for every leaf and return the tree itself; see :func:`tree_map`."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _predicate(chosen: Any) -> Callable[[Any], bool]:
    from types import UnionType

    if isinstance(chosen, type | tuple | UnionType):
        return lambda x: isinstance(x, chosen)
    if callable(chosen):
        return chosen
    raise TypeError("Argument must be a type, a tuple of types, or a callable.")


def map_only(type_or_types_or_pred: Any, /) -> Callable[[Callable[[Any], Any]], Any]:
    """Return a decorator that lets a function change chosen leaves only.

    Args:
        type_or_types_or_pred: types, or a function that tells.

    Example:
        >>> tree_map(map_only(int)(lambda x: x + 1), [1, "a"])
        [2, 'a']
    """
    chosen = _predicate(type_or_types_or_pred)

    def decorate(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda leaf: function(leaf) if chosen(leaf) else leaf

    return decorate


def tree_map_only(
    type_or_types_or_pred: Any,
    /,
    func: Callable[[Any], Any],
    tree: PyTree,
    is_leaf: Callable[[PyTree], bool] | None = None,
) -> PyTree:
    """Apply a function to the leaves of certain types and keep the others.

    Example:
        >>> tree_map_only(int, lambda x: x + 1, [1, "a", 2.0])
        [2, 'a', 2.0]
    """
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_map_only_(
    type_or_types_or_pred: Any,
    /,
    func: Callable[[Any], Any],
    tree: PyTree,
    is_leaf: Callable[[PyTree], bool] | None = None,
) -> PyTree:
    """Call a function for the leaves of certain types and return the tree itself."""
    return tree_map_(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_all(
    pred: Callable[[Any], bool], tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None
) -> bool:
    """Tell whether a condition holds for all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(
    pred: Callable[[Any], bool], tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None
) -> bool:
    """Tell whether a condition holds for a leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all_only(
    type_or_types: Any,
    /,
    pred: Callable[[Any], bool],
    tree: PyTree,
    is_leaf: Callable[[PyTree], bool] | None = None,
) -> bool:
    """Tell whether a condition holds for all leaves of certain types."""
    return all(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))


def tree_any_only(
    type_or_types: Any,
    /,
    pred: Callable[[Any], bool],
    tree: PyTree,
    is_leaf: Callable[[PyTree], bool] | None = None,
) -> bool:
    """Tell whether a condition holds for a leaf of certain types."""
    return any(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))


# Paths.


def _with_paths(
    tree: PyTree, is_leaf: Callable[[PyTree], bool] | None, path: KeyPath
) -> Iterator[tuple[KeyPath, Any]]:
    kind = node_type(tree)
    if kind not in SUPPORTED_NODES or (is_leaf is not None and is_leaf(tree)):
        yield path, tree
        return
    flatten = SUPPORTED_NODES[kind].flatten_with_keys_fn
    if flatten is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {kind}. Please pass a "
            "flatten_with_keys_fn argument to register_pytree_node."
        )
    for key, child in flatten(tree)[0]:
        yield from _with_paths(child, is_leaf, (*path, key))


def tree_leaves_with_path(
    tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None
) -> list[tuple[KeyPath, Any]]:
    """Return every leaf with the path that leads to it.

    Example:
        >>> [(keystr(path), leaf) for path, leaf in tree_leaves_with_path([1, {"a": 2}])]
        [('[0]', 1), ("[1]['a']", 2)]
    """
    return list(_with_paths(tree, is_leaf, ()))


def tree_flatten_with_path(
    tree: PyTree, is_leaf: Callable[[PyTree], bool] | None = None
) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """Return every leaf with its path, and the structure of the tree."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(
    func: Callable[..., Any],
    tree: PyTree,
    *rests: PyTree,
    is_leaf: Callable[[PyTree], bool] | None = None,
) -> PyTree:
    """As :func:`tree_map`, where ``func`` gets the path before the leaf."""
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten(
        func(path, leaf, *parts) for (path, leaf), *parts in zip(pairs, *others, strict=True)
    )


def keystr(kp: KeyPath) -> str:
    """Return a path as it would be written after the name of the tree."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: KeyPath) -> Any:
    """Return what a path leads to.

    Example:
        >>> key_get([1, {"a": 2}], (SequenceKey(1), MappingKey("a")))
        2
    """
    for key in kp:
        obj = key.get(obj)
    return obj


def _broadcast_to_and_flatten(
    tree: PyTree, treespec: TreeSpec, is_leaf: Callable[[PyTree], bool] | None = None
) -> list[Any] | None:
    """Give every leaf of a structure the leaf of ``tree`` above it; None if that does not fit."""
    if tree_is_leaf(tree, is_leaf):
        return [tree] * treespec.num_leaves
    if treespec.is_leaf():
        return None
    kind = node_type(tree)
    if kind is not treespec.type:
        return None
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    children = list(children)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    found: list[Any] = []
    for child, spec in zip(children, treespec.children(), strict=True):
        part = _broadcast_to_and_flatten(child, spec, is_leaf)
        if part is None:
            return None
        found += part
    return found
