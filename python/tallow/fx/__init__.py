"""The marks of PyTorch's symbolic tracer, which this package does not have.

Code that is only marked for the tracer runs; :mod:`tallow.jit` records graphs of real calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Graph", "GraphModule", "Node", "Proxy", "Tracer", "symbolic_trace", "wrap"]


class _OfTracing:
    """What only a symbolic trace makes: programs ask whether they have one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"fx.{type(self).__name__}: symbolic tracing is not supported")


class Proxy(_OfTracing):
    """The value of a symbolic trace: without a tracer there are none."""


class Graph(_OfTracing):
    """The steps of a symbolic trace."""


class Node(_OfTracing):
    """A step of a symbolic trace."""


class GraphModule(_OfTracing):
    """A module made of a symbolic trace."""


class Tracer(_OfTracing):
    """What makes symbolic traces."""


def symbolic_trace(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse; :func:`tallow.jit.trace` records the graph of a real call."""
    raise NotImplementedError("fx.symbolic_trace: symbolic tracing is not supported")


def wrap(fn_or_name: str | Callable[..., Any]) -> Any:
    """Return what is to be a single step of a symbolic trace as it is.

    Args:
        fn_or_name: a function, or the name of one.

    Raises:
        RuntimeError: neither a function nor a name.

    Example:
        >>> tallow.fx.wrap(len)([1, 2])
        2
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError(
            "Unsupported type for global function! Must be either a callable or string name"
        )
    return fn_or_name
