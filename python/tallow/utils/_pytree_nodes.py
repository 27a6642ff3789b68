"""Which classes are nodes of a tree, and how they are taken apart; see `tallow.utils._pytree`."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import TYPE_CHECKING, Any, NamedTuple

from tallow import _C

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "MAPPINGS",
    "SUPPORTED_NODES",
    "GetAttrKey",
    "MappingKey",
    "NodeDef",
    "SequenceKey",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "is_structseq",
    "is_structseq_class",
    "is_structseq_instance",
    "node_type",
    "register_constant",
    "register_dataclass",
    "register_pytree_node",
]


class SequenceKey(NamedTuple):
    """A step of a path: an index."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, tree: Any) -> Any:
        """Take the step."""
        return tree[self.idx]


class MappingKey(NamedTuple):
    """A step of a path: a key of a mapping."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, tree: Any) -> Any:
        """Take the step."""
        return tree[self.key]


class GetAttrKey(NamedTuple):
    """A step of a path: an attribute."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, tree: Any) -> Any:
        """Take the step."""
        return getattr(tree, self.name)


class NodeDef(NamedTuple):
    """How a class is taken apart and put together."""

    type: type
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]]
    unflatten_fn: Callable[[Iterable[Any], Any], Any]
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None


SUPPORTED_NODES: dict[Any, NodeDef] = {}
MAPPINGS = (dict, OrderedDict, defaultdict)


def _register(cls: Any, flatten: Any, unflatten: Any, keys: Callable[[Any], Iterable[Any]]) -> None:
    def with_keys(tree: Any) -> tuple[list[tuple[Any, Any]], Any]:
        children, context = flatten(tree)
        return list(zip(keys(tree), children, strict=True)), context

    SUPPORTED_NODES[cls] = NodeDef(cls, flatten, unflatten, with_keys)


def _indices(tree: Any) -> Iterable[SequenceKey]:
    return map(SequenceKey, range(len(tree)))


def _mapping_keys(tree: Any) -> Iterable[MappingKey]:
    return map(MappingKey, tree)


def _pairs(context: Any, children: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(context, children, strict=True)


_register(tuple, lambda t: (list(t), None), lambda c, _: tuple(c), _indices)
_register(list, lambda t: (t, None), lambda c, _: list(c), _indices)
_register(_C.Size, lambda t: (list(t), None), lambda c, _: _C.Size(tuple(c)), _indices)


# By name, since packages register their kinds of dict with them.
def _dict_flatten(tree: dict[Any, Any]) -> tuple[list[Any], list[Any]]:
    return list(tree.values()), list(tree)


def _dict_unflatten(children: Iterable[Any], keys: list[Any]) -> dict[Any, Any]:
    return dict(_pairs(keys, children))


_register(dict, _dict_flatten, _dict_unflatten, _mapping_keys)
_register(
    OrderedDict,
    lambda t: (list(t.values()), list(t)),
    lambda c, k: OrderedDict(_pairs(k, c)),
    _mapping_keys,
)
_register(
    defaultdict,
    lambda t: (list(t.values()), [t.default_factory, list(t)]),
    lambda c, k: defaultdict(k[0], _pairs(k[1], c)),
    _mapping_keys,
)
_register(deque, lambda t: (list(t), t.maxlen), lambda c, n: deque(c, maxlen=n), _indices)
_dict_flatten_with_keys = SUPPORTED_NODES[dict].flatten_with_keys_fn
# All named tuples share an entry; the context is the class.
_register(
    namedtuple,
    lambda t: (list(t), type(t)),
    lambda c, cls: cls(*c),
    lambda t: map(GetAttrKey, t._fields),
)


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: Callable[[Any], Any] | None = None,
    from_dumpable_context: Callable[[Any], Any] | None = None,
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Make instances of a class nodes.

    Args:
        cls: a class that has not been registered.
        flatten_fn: returns the children and what else is needed.
        unflatten_fn: puts children and that together again.
        serialized_type_name: for written tree specs, which do not exist here; ignored.
        to_dumpable_context: as ``serialized_type_name``.
        from_dumpable_context: as ``serialized_type_name``.
        flatten_with_keys_fn: as ``flatten_fn``, with a key before each child.

    Raises:
        ValueError: the class has been registered.

    Example:
        >>> class Pair:
        ...     def __init__(self, left, right):
        ...         self.left, self.right = left, right
        >>> register_pytree_node(Pair, lambda p: ([p.left, p.right], None), lambda c, _: Pair(*c))
        >>> from tallow.utils._pytree import tree_leaves
        >>> tree_leaves({"a": Pair(1, [2, 3])})
        [1, 2, 3]
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls!r} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)


def register_dataclass(
    cls: type,
    *,
    field_names: list[str] | None = None,
    drop_field_names: list[str] | None = None,
    serialized_type_name: str | None = None,
) -> None:
    """Make instances of a dataclass nodes whose children are its fields.

    Args:
        cls: a dataclass that has not been registered.
        field_names: the children; by default all fields that the constructor takes.
        drop_field_names: fields that are lost.
        serialized_type_name: for written tree specs, which do not exist here; ignored.

    Raises:
        ValueError: not a dataclass, or registered already.
    """
    import dataclasses

    if not dataclasses.is_dataclass(cls):
        raise ValueError(f"register_dataclass: {cls!r} is not a dataclass")
    if field_names is None:
        dropped = drop_field_names or []
        field_names = [f.name for f in dataclasses.fields(cls) if f.init and f.name not in dropped]

    def flatten_with_keys(tree: Any) -> tuple[list[tuple[Any, Any]], Any]:
        names = [name for name in field_names if getattr(tree, name) is not None]
        absent = [name for name in field_names if getattr(tree, name) is None]
        return [(GetAttrKey(name), getattr(tree, name)) for name in names], [names, absent]

    def flatten(tree: Any) -> tuple[list[Any], Any]:
        children, context = flatten_with_keys(tree)
        return [value for _, value in children], context

    def unflatten(children: Iterable[Any], context: Any) -> Any:
        names, absent = context
        return cls(**dict(zip(names, children, strict=True)), **dict.fromkeys(absent))

    register_pytree_node(cls, flatten, unflatten, flatten_with_keys_fn=flatten_with_keys)


def register_constant(cls: type) -> None:
    """Make instances of a class nodes without children, kept in the structure itself."""
    register_pytree_node(
        cls, lambda x: ([], x), lambda _, x: x, flatten_with_keys_fn=lambda x: ([], x)
    )


def is_namedtuple_class(cls: Any) -> bool:
    """Tell whether a class is that of named tuples."""
    fields = getattr(cls, "_fields", None)
    return isinstance(cls, type) and issubclass(cls, tuple) and isinstance(fields, tuple)


def is_namedtuple_instance(obj: Any) -> bool:
    """Tell whether an object is a named tuple."""
    return is_namedtuple_class(type(obj))


def is_namedtuple(obj: Any) -> bool:
    """Tell whether an object is a named tuple or the class of one."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_structseq_class(cls: Any) -> bool:
    """Tell whether a class is a struct sequence, as the results with several tensors are."""
    count = getattr(cls, "n_sequence_fields", None)
    return isinstance(cls, type) and issubclass(cls, tuple) and isinstance(count, int)


def is_structseq_instance(obj: Any) -> bool:
    """Tell whether an object is a struct sequence."""
    return is_structseq_class(type(obj))


def is_structseq(obj: Any) -> bool:
    """Tell whether an object is a struct sequence or the class of one."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


def node_type(tree: Any) -> Any:
    """The key of the tree's root in ``SUPPORTED_NODES``, or the class of a leaf."""
    cls = type(tree)
    if cls in SUPPORTED_NODES:
        return cls
    if is_namedtuple_class(cls):
        return namedtuple
    if is_structseq_class(cls):
        _register(cls, lambda t: (list(t), None), lambda c, _: cls(tuple(c)), _indices)
    return cls
