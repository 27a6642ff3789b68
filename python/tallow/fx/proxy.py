"""Values of a trace: they record what is done with them."""

from __future__ import annotations

import dis
import inspect
import operator
import sys
from typing import TYPE_CHECKING, Any

from tallow.fx.graph import Graph
from tallow.fx.node import Node, base_types, map_aggregate
from tallow.overrides import is_tensor_method_or_property

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Attribute", "GraphAppendingTracer", "Proxy", "TraceError", "TracerBase"]

_ITERATION = (
    "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as "
    "a *args or **kwargs function argument: the number of its elements is not known in a trace"
)


class TraceError(ValueError):
    """What a trace cannot record."""


class TracerBase:
    """What records: it makes nodes, and values for them."""

    graph: Graph
    record_stack_traces: bool = False
    traced_func_name: str = "forward"

    def create_node(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a step to the graph; tracers may override what is done with it."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """Return the value of a step."""
        return Proxy(node, self)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:
        """Add a step for values, and return its value.

        Args:
            kind: the operation, see :class:`Node`.
            target: the function, or a name.
            args: positional arguments with values of the trace.
            kwargs: named ones.
            name: the wished name.
            type_expr: the type.
            proxy_factory_fn: makes the value; by default :meth:`proxy`.
        """
        given, named = self.create_arg(args), self.create_arg(kwargs)
        node = self.create_node(kind, target, given, dict(named), name, type_expr)
        return (proxy_factory_fn or self.proxy)(node)

    def create_arg(self, a: Any) -> Any:
        """Return what stands for a value in the arguments of a step.

        Raises:
            NotImplementedError: nothing can.
            RuntimeError: a key of a dictionary is a value of the trace.
        """
        if isinstance(a, Proxy):
            return a.node
        if hasattr(a, "__fx_create_arg__"):
            return a.__fx_create_arg__(self)
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return type(a)(*[self.create_arg(item) for item in a])
        if isinstance(a, tuple | list):
            return (tuple if isinstance(a, tuple) else list)(self.create_arg(item) for item in a)
        if isinstance(a, dict):
            for key in a:
                if isinstance(key, Proxy | Node):
                    raise RuntimeError(
                        "Keys for dictionaries used as an argument cannot contain a Node. "
                        f"Got key: {key.node if isinstance(key, Proxy) else key}"
                    )
            return {key: self.create_arg(value) for key, value in a.items()}
        if isinstance(a, slice):
            return slice(*(self.create_arg(end) for end in (a.start, a.stop, a.step)))
        if isinstance(a, range):
            return range(*(self.create_arg(end) for end in (a.start, a.stop, a.step)))
        if a is None or a is ... or isinstance(a, base_types):
            return a
        if isinstance(a, type) or inspect.isroutine(a):
            return a
        raise NotImplementedError(f"argument of type: {type(a)}")

    def to_bool(self, obj: Proxy) -> bool:
        """Raise: which way control flow goes is not known in a trace.

        Raises:
            TraceError: always.
        """
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Any) -> Iterator[Proxy]:
        """Return the elements that an assignment to several names takes.

        Raises:
            TraceError: anything else iterates.
        """
        frame = sys._getframe(2)
        for step in dis.get_instructions(frame.f_code):
            if step.offset == frame.f_lasti:
                if step.opname == "UNPACK_SEQUENCE":
                    return (obj[number] for number in range(step.argval))
                break
        raise TraceError(_ITERATION)

    def keys(self, obj: Proxy) -> Any:
        """Return the value of ``obj.keys()``."""
        return Attribute(obj, "keys")()


class GraphAppendingTracer(TracerBase):
    """Adds to a graph that is there.

    Args:
        graph: the graph.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph


class Proxy:
    """The value of a step: operators, methods and functions of it become further steps.

    Args:
        node: the step.
        tracer: what records; by default the node's graph gets the steps.

    Example:
        >>> graph = tallow.fx.Graph()
        >>> x = Proxy(graph.placeholder("x"))
        >>> (x + 1).relu()
        Proxy(relu)
    """

    def __init__(self, node: Node, tracer: TracerBase | None = None) -> None:
        self.tracer = GraphAppendingTracer(node.graph) if tracer is None else tracer
        self.node = node

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"'Proxy' object has no attribute {name!r}")
        return Attribute(self, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Proxy:
        from copy import deepcopy

        return Proxy(deepcopy(self.node, memo), self.tracer)

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        """Call the value."""
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Proxy]:
        return self.tracer.iter(self)

    def __abs__(self) -> Proxy:
        return self.tracer.create_proxy("call_function", abs, (self,), {})

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def __len__(self) -> int:
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want this call to be "
            "recorded, please call torch.fx.wrap('len') at module scope"
        )

    def keys(self) -> Any:
        """Return the value of ``keys()``, which ``**`` asks for."""
        return self.tracer.keys(self)

    @classmethod
    def __torch_function__(
        cls, orig_method: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        tracers: dict[TracerBase, None] = {}

        def collect(leaf: Any) -> Any:
            if isinstance(leaf, Proxy):
                tracers[leaf.tracer] = None
            return leaf

        kwargs = kwargs or {}
        map_aggregate((tuple(args), kwargs), collect)
        if len(tracers) > 1:
            raise RuntimeError(
                f"Found multiple different tracers {list(tracers)} while trying to trace "
                f"operations {orig_method}"
            )
        tracer = next(iter(tracers))
        if is_tensor_method_or_property(orig_method):
            return tracer.create_proxy("call_method", orig_method.__name__, args, kwargs)
        return tracer.create_proxy("call_function", orig_method, args, kwargs)


class Attribute(Proxy):
    """An attribute of a value; becomes a step when it is used, a call of it is one of a method."""

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The step, made when it is first asked for."""
        if self._node is None:
            made = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {})
            self._node = made.node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        """Call the method."""
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


_OPERATORS = (
    *("eq", "ne", "lt", "gt", "le", "ge", "pos", "neg", "invert", "getitem"),
    *("add", "sub", "mul", "floordiv", "truediv", "mod", "pow", "lshift", "rshift"),
    *("and_", "or_", "xor", "matmul"),
)


def _add_operators() -> None:
    def forward(function: Any) -> Any:
        def method(*args: Any, **kwargs: Any) -> Proxy:
            return args[0].tracer.create_proxy("call_function", function, args, kwargs)

        return method

    def reflected(function: Any) -> Any:
        def method(self: Proxy, other: Any) -> Proxy:
            return self.tracer.create_proxy("call_function", function, (other, self), {})

        return method

    for name in _OPERATORS:
        function, plain = getattr(operator, name), name.strip("_")
        setattr(Proxy, f"__{plain}__", forward(function))
        if name not in _OPERATORS[:9]:
            setattr(Proxy, f"__r{plain}__", reflected(function))


_add_operators()
