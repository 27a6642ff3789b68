"""The marks of PyTorch's symbolic tracer, which this package does not have.

Code that is only marked for the tracer runs; :mod:`tallow.jit` records graphs of real calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Proxy", "wrap"]


class Proxy:
    """The value of a symbolic trace: without a tracer there are none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("fx.Proxy: symbolic tracing is not supported")


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
