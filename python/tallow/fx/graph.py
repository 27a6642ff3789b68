"""Programs as lists of steps."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from tallow.fx._codegen import PythonCode, write
from tallow.fx._names import Namespace, snake_case
from tallow.fx.node import Node, map_arg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tallow.nn import Module

__all__ = ["Graph", "PythonCode"]


class _Nodes:
    """The steps of a graph in order; steps may be added and erased on the way."""

    def __init__(self, graph: Graph, backwards: bool = False) -> None:
        self.graph, self.backwards = graph, backwards

    def __len__(self) -> int:
        return self.graph._length

    def __iter__(self) -> Iterator[Node]:
        at = self.graph._root
        while True:
            at = at._prev if self.backwards else at._next
            if at is self.graph._root:
                return
            if not at._erased:
                yield at

    def __reversed__(self) -> _Nodes:
        return _Nodes(self.graph, not self.backwards)


def _name_of(target: Any) -> str:
    """The name that the result of a step would have."""
    name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    if name.startswith("__") and name.endswith("__"):
        name = name[2:-2]
    return snake_case(name)


class Graph:
    """The steps of a program, from its arguments (placeholders) to its output.

    Args:
        owning_module: whose attributes and modules the steps name.
        tracer_cls: the class of the tracer that recorded them.
        tracer_extras: accepted, and kept.

    Example:
        >>> graph = Graph()
        >>> x = graph.placeholder("x")
        >>> _ = graph.output(graph.call_function(tallow.relu, (x,)))
        >>> print(graph)  # doctest: +NORMALIZE_WHITESPACE
        graph():
            %x : [num_users=1] = placeholder[target=x]
            %relu : [num_users=1] = call_function[target=tallow.relu](args = (%x,), kwargs = {})
            return relu
    """

    def __init__(
        self,
        owning_module: Module | None = None,
        tracer_cls: type | None = None,
        tracer_extras: dict[str, Any] | None = None,
    ) -> None:
        self._root = Node(self, "", "root", "", (), {})
        self._namespace = Namespace()
        self._length = 0
        self._before = self._root  # new steps come before this one
        self.owning_module = owning_module
        self._tracer_cls = tracer_cls
        self._tracer_extras = tracer_extras

    @property
    def nodes(self) -> _Nodes:
        """The steps in order."""
        return _Nodes(self)

    def output_node(self) -> Node:
        """Return the output."""
        return next(iter(reversed(self.nodes)))

    def find_nodes(self, *, op: str, target: Any = None, sort: bool = True) -> list[Node]:
        """Return the steps of an operation, and of a target if one is given."""
        found = [node for node in self.nodes if node.op == op]
        return [node for node in found if target is None or node.target == target]

    # --- making steps ---

    def create_node(
        self,
        op: str,
        target: Any,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a step at the point of insertion, which is the end by default.

        Args:
            op: see :class:`Node`, as for the following ones.
            target: the function, or a name.
            args: positional arguments.
            kwargs: named arguments.
            name: the wished name of the result.
            type_expr: the type of the result.
        """
        args, kwargs = args or (), kwargs or {}
        if not isinstance(args, tuple) or not isinstance(kwargs, dict):
            raise AssertionError("args must be a tuple and kwargs a dict")
        candidate = name if name is not None else _name_of(target)
        unique = self._namespace.create_name(candidate, None)
        node = Node(self, unique, op, target, args, kwargs, type_expr)
        self._namespace.associate(unique, node)
        self._before.prepend(node)
        self._length += 1
        return node

    def placeholder(
        self, name: str, type_expr: Any = None, default_value: Any = inspect.Signature.empty
    ) -> Node:
        """Add an argument; ``*args`` and ``**kwargs`` are names with their stars."""
        args = () if default_value is inspect.Signature.empty else (default_value,)
        return self.create_node("placeholder", name, args, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """Add the value of an attribute of the module."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(
        self,
        module_name: str,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a call of a module by its path."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(
        self,
        method_name: str,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a call of a method of the first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(
        self,
        the_function: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        type_expr: Any = None,
        name: str | None = None,
    ) -> Node:
        """Add a call of a function."""
        return self.create_node("call_function", the_function, args, kwargs, name, type_expr)

    def output(self, result: Any, type_expr: Any = None) -> Node:
        """Add the output."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def node_copy(self, node: Node, arg_transform: Callable[[Node], Any] = lambda x: x) -> Node:
        """Add a copy of a step, maybe of another graph.

        Args:
            node: what is copied.
            arg_transform: from the nodes of its arguments to those of the copy's.
        """
        args = map_arg(node.args, arg_transform)
        kwargs = map_arg(node.kwargs, arg_transform)
        copy = self.create_node(node.op, node.target, args, dict(kwargs), node.name, node.type)
        copy.meta = dict(node.meta)
        return copy

    def graph_copy(
        self, g: Graph, val_map: dict[Node, Any], return_output_node: bool = False
    ) -> Any:
        """Add copies of the steps of another graph up to its output.

        Args:
            g: the other graph.
            val_map: what stands for nodes of `g`; gets an entry for each.
            return_output_node: also return the other graph's output itself.

        Returns:
            What the other graph's output is here, or None.
        """
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                value = map_arg(node.args[0], val_map.__getitem__)
                return (value, node) if return_output_node else value
            val_map[node] = self.node_copy(node, val_map.__getitem__)
        return None

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Graph:
        copy = Graph(tracer_cls=self._tracer_cls, tracer_extras=self._tracer_extras)
        values: dict[Node, Any] = {}
        found = copy.graph_copy(self, values, return_output_node=True)
        if found is not None:
            value, old = found
            new = copy.output(value, type_expr=old.type)
            new.meta = dict(old.meta)
        if memo is not None:
            memo[id(self)] = copy
        return copy

    # --- changing ---

    def erase_node(self, to_erase: Node) -> None:
        """Remove a step that nothing uses.

        Raises:
            RuntimeError: something does.
        """
        if to_erase.users:
            raise RuntimeError(
                f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in "
                f"the graph: {to_erase.users}!"
            )
        if to_erase.graph is not self:
            raise RuntimeError(f"Attempting to remove {to_erase} from wrong graph!")
        if to_erase._erased:
            return
        to_erase._update((), {})
        to_erase._unlink()
        to_erase._erased = True
        self._namespace.release(to_erase)
        self._length -= 1

    def inserting_before(self, n: Node | None = None) -> Any:
        """Make steps before one, or at the beginning, from now on or inside a ``with`` block."""
        if n is None:
            return self.inserting_after(self._root)
        if n.graph is not self:
            raise AssertionError("Node to insert before is not in graph.")
        return _InsertPoint(self, n)

    def inserting_after(self, n: Node | None = None) -> Any:
        """Make steps after one, or at the end, from now on or inside a ``with`` block."""
        if n is None:
            return self.inserting_before(self._root)
        if n.graph is not self:
            raise AssertionError("Node to insert after is not in graph.")
        return _InsertPoint(self, n.next)

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Remove steps whose results nothing uses; tell whether there were any.

        Args:
            is_impure_node: tells which steps stay; by default :meth:`Node.is_impure`.
        """
        self.lint()
        stays = is_impure_node or Node.is_impure
        changed = False
        for node in reversed(self.nodes):
            if not node.users and not stays(node):
                self.erase_node(node)
                changed = True
        return changed

    def lint(self) -> None:
        """Raise RuntimeError or ValueError if the steps are no program."""
        seen: set[Node] = set()
        names: set[str] = set()

        def check(arg: Node, user: Node) -> None:
            if arg.graph is not self:
                raise RuntimeError(
                    f"Argument '{arg}' of Node '{user}' does not belong to this Graph, but was "
                    "used as an argument! If you are copying nodes from another graph, make sure "
                    "to use ``arg_transform`` on node_copy() to remap values"
                )
            if arg not in seen:
                raise RuntimeError(
                    f"Argument '{arg}' of Node '{user}' was used before it has been defined! "
                    f"Please check that Nodes in the graph are topologically ordered\n{self}"
                )

        for node in self.nodes:
            for arg in node.all_input_nodes:
                check(arg, node)
            seen.add(node)
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            names.add(node.name)
        if self.owning_module is not None:
            for node in self.nodes:
                if node.op in ("get_attr", "call_module"):
                    self._check_target(node)

    def _check_target(self, node: Node) -> None:
        found: Any = self.owning_module
        for atom in node.target.split("."):
            if not hasattr(found, atom):
                raise RuntimeError(
                    f"Node {node} target {node.target} references nonexistent attribute {atom} of "
                    f"{type(self.owning_module).__name__}"
                )
            found = getattr(found, atom)

    # --- text ---

    def python_code(self, root_module: str, *, verbose: bool = False, **options: Any) -> PythonCode:
        """Return the program as the source of a function ``forward``.

        Args:
            root_module: the name of the module in the code, 'self'.
            verbose: also write the types of results, where they are known.
            options: of PyTorch's printing, must be off.

        Raises:
            NotImplementedError: an option is on.
        """
        for name, value in options.items():
            if value:
                raise NotImplementedError(f"python_code: {name}={value!r} is not supported")
        return write(self, root_module)

    def __str__(self) -> str:
        return "\n    ".join(["graph():", *(str(node.format_node()) for node in self.nodes)])

    def print_tabular(self) -> None:
        """Print the steps as a table."""
        rows = [["opcode", "name", "target", "args", "kwargs"]]
        rows += [
            [node.op, node.name, str(node.target), str(node.args), str(node.kwargs)]
            for node in self.nodes
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(5)]
        rows.insert(1, ["-" * width for width in widths])
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            print("  ".join(cells).rstrip())  # noqa: T201  # what it is for


class _InsertPoint:
    """Sets where steps are made, at once; leaving the block takes that back."""

    def __init__(self, graph: Graph, before: Node) -> None:
        self._graph, self._previous = graph, graph._before
        graph._before = before

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        self._graph._before = self._previous
