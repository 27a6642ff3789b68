"""A step of a graph."""

from __future__ import annotations

import builtins
import operator
import re
import types
import typing
from typing import TYPE_CHECKING, Any

import tallow
from tallow._symbols import _assert
from tallow.fx._names import is_ours, qualified_name, root_name
from tallow.fx.immutable_collections import immutable_dict, immutable_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow.fx.graph import Graph

__all__ = ["Node", "Target", "has_side_effect", "map_aggregate", "map_arg"]

Target = typing.Callable[..., Any] | str
Argument = Any
base_types = (
    *(str, int, float, bool, complex, tallow.dtype, tallow.Tensor, tallow.device),
    *(tallow.memory_format, tallow.layout),
)

_OPERATIONS = (
    *("placeholder", "call_method", "call_module", "call_function", "get_attr", "output", "root"),
)

_side_effectful_functions: set[Any] = {_assert, builtins.setattr, operator.setitem}


def has_side_effect(fn: Any) -> Any:
    """Mark a function, so that calls of it stay even if nothing uses their results.

    Example:
        >>> @has_side_effect
        ... def report(x):
        ...     print(x)
    """
    _side_effectful_functions.add(fn)
    return fn


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """Apply a function to all that lists, tuples, dictionaries and slices hold.

    Args:
        a: a tree of them.
        fn: from a leaf to what takes its place.
    """
    if isinstance(a, tuple):
        items = [map_aggregate(item, fn) for item in a]
        return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
    if isinstance(a, list):
        return immutable_list([map_aggregate(item, fn) for item in a])
    if isinstance(a, dict):
        return immutable_dict({key: map_aggregate(value, fn) for key, value in a.items()})
    if isinstance(a, slice):
        return slice(*(map_aggregate(end, fn) for end in (a.start, a.stop, a.step)))
    return fn(a)


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """Apply a function to the nodes among arguments.

    Raises:
        AssertionError: the function cannot be called.
    """
    if not callable(fn):
        raise AssertionError("torch.fx.map_arg(a, fn): fn must be a callable")
    return map_aggregate(a, lambda leaf: fn(leaf) if isinstance(leaf, Node) else leaf)


def type_repr(obj: Any) -> str:
    """Return how a type is written."""
    if isinstance(obj, type) and not hasattr(obj, "__origin__"):
        if is_ours(obj):
            return f"{root_name()}.{obj.__qualname__}"
        return obj.__qualname__ if obj.__module__ == "builtins" else _full_name(obj)
    if obj is ...:
        return "..."
    if isinstance(obj, types.FunctionType):
        return obj.__name__
    return re.sub(r"\b(tallow|torch)\.", f"{root_name()}.", repr(obj))


def _full_name(obj: Any) -> str:
    return f"{obj.__module__}.{obj.__qualname__}"


def format_arg(arg: Any) -> str:
    """Return how an argument is printed in a graph."""
    if isinstance(arg, list):
        return f"[{', '.join(map(format_arg, arg))}]"
    if isinstance(arg, tuple):
        return f"({', '.join(map(format_arg, arg))}{',' if len(arg) == 1 else ''})"
    if isinstance(arg, dict):
        return "{" + ", ".join(f"{key}: {format_arg(value)}" for key, value in arg.items()) + "}"
    return f"%{arg.name}" if isinstance(arg, Node) else str(arg)


class Node:
    """A step of a graph: what it does, with which arguments, and who uses the result.

    Args:
        graph: to which it belongs.
        name: the name of its result.
        op: 'placeholder' (an argument), 'get_attr', 'call_function', 'call_module', 'call_method'
            or 'output'.
        target: the function, or a name: of an argument, an attribute, a module or a method.
        args: positional arguments; nodes stand for their results.
        kwargs: named arguments.
        return_type: of the result.

    Raises:
        ValueError: a target that does not fit the operation.
    """

    def __init__(
        self,
        graph: Graph,
        name: str,
        op: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        return_type: Any = None,
    ) -> None:
        if op not in _OPERATIONS:
            raise AssertionError(f"Node: expected one of {_OPERATIONS} as op, given {op!r}")
        if op == "call_function" and not callable(target):
            raise ValueError(
                f"Node [graph = {graph}, name = '{name}'] target {target} has type "
                f"{type_repr(type(target))} but a Callable is expected"
            )
        if op != "call_function" and not isinstance(target, str):
            raise ValueError(
                f"Node [graph = {graph}, name = '{name}'] target {target} has type "
                f"{type_repr(type(target))} but a str is expected"
            )
        self.graph = graph
        self.name = name
        self.op = op
        self.target = target
        self.type = return_type
        self.users: dict[Node, None] = {}
        self.meta: dict[str, Any] = {}
        self._input_nodes: dict[Node, None] = {}
        self._args: Any = ()
        self._kwargs: Any = immutable_dict()
        self._prev = self._next = self
        self._erased = False
        self._update(args, kwargs)

    def __repr__(self) -> str:
        return self.name

    @property
    def next(self) -> Node:
        """The following step."""
        return self._next

    @property
    def prev(self) -> Node:
        """The step before."""
        return self._prev

    def prepend(self, x: Node) -> None:
        """Move a step of the same graph before this one."""
        if self.graph is not x.graph:
            raise AssertionError("Attempting to move a Node into a different Graph")
        if self is x:
            return
        x._unlink()
        before = self._prev
        before._next, x._prev = x, before
        x._next, self._prev = self, x

    def append(self, x: Node) -> None:
        """Move a step of the same graph after this one."""
        self._next.prepend(x)

    def _unlink(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    # --- arguments ---

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments."""
        return self._args

    @args.setter
    def args(self, args: tuple[Any, ...]) -> None:
        self._update(args, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The named arguments."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs: dict[str, Any]) -> None:
        self._update(self._args, kwargs)

    def _update(self, args: Any, kwargs: Any) -> None:
        self._args = map_aggregate(tuple(args), lambda leaf: leaf)
        self._kwargs = map_aggregate(dict(kwargs), lambda leaf: leaf)
        for node in self._input_nodes:
            node.users.pop(self, None)
        self._input_nodes = {}
        map_arg((self._args, self._kwargs), lambda node: self._input_nodes.setdefault(node))
        for node in self._input_nodes:
            node.users.setdefault(self)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The steps whose results this one uses, each once."""
        return list(self._input_nodes)

    def update_arg(self, idx: int, arg: Any) -> None:
        """Set a positional argument."""
        args = list(self.args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Any) -> None:
        """Insert a positional argument."""
        if not 0 <= idx <= len(self.args):
            raise AssertionError("insert_args index must be between 0 and len(self.args)")
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Any) -> None:
        """Set a named argument."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use the result of another step in the place of one."""
        swap = lambda node: new_input if node is old_input else node  # noqa: E731
        self._update(map_arg(self.args, swap), map_arg(self.kwargs, swap))

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] | None = None,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Let the users of this step use another one.

        Args:
            replace_with: the other step.
            delete_user_cb: tells of which users; of all by default.
            propagate_meta: also copy the notes of this step, if the other has none.

        Returns:
            The users that changed.
        """
        if propagate_meta:
            if replace_with.meta:
                raise AssertionError(
                    "Called node.replace_all_uses_with(replace_with, propagate_meta=True), but "
                    "replace_with already has .meta keys"
                )
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if delete_user_cb is None or delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    # --- questions ---

    @property
    def stack_trace(self) -> str | None:
        """Where the step was recorded, if the tracer keeps that."""
        return self.meta.get("stack_trace")

    @stack_trace.setter
    def stack_trace(self, trace: str | None) -> None:
        self.meta["stack_trace"] = trace

    def is_impure(self, impure_random: bool = True) -> bool:
        """Tell whether the step has to stay even if nothing uses its result."""
        if self.op in ("placeholder", "output"):
            return True
        if self.op == "call_function":
            return self.target in _side_effectful_functions
        if self.op == "call_module" and self.graph.owning_module is not None:
            module = self.graph.owning_module.get_submodule(self.target)
            return bool(getattr(module, "_is_impure", False))
        return False

    def _pretty_print_target(self, target: Any) -> str:
        if isinstance(target, str):
            return target
        if getattr(target, "__module__", None) == "builtins":
            return f"builtins.{target.__name__}"
        return qualified_name(target)

    def format_node(
        self,
        placeholder_names: list[str] | None = None,
        maybe_return_typename: list[str] | None = None,
    ) -> str | None:
        """Return a line about the step; or None, and an entry in a list that is given.

        Args:
            placeholder_names: gets the names and types of arguments.
            maybe_return_typename: gets the type of the result.
        """
        typed = f"{type_repr(self.type)} " if self.type else ""
        head = f"%{self.name} : {typed}[num_users={len(self.users)}] = {self.op}"
        if self.op == "placeholder":
            if placeholder_names is not None:
                placeholder_names.append(f"{self.target} : {typed}".removesuffix(" : ").rstrip())
                return None
            default = f"(default={self.args[0]})" if self.args else ""
            return f"{head}[target={self.target}]{default}"
        if self.op == "get_attr":
            return f"{head}[target={self._pretty_print_target(self.target)}]"
        if self.op == "output":
            if self.type and maybe_return_typename:
                maybe_return_typename[0] = f" -> {type_repr(self.type)}"
            return f"return {self.args[0]}"
        return (
            f"{head}[target={self._pretty_print_target(self.target)}]"
            f"(args = {format_arg(self.args)}, kwargs = {format_arg(self.kwargs)})"
        )
