"""``compile``: accepted everywhere; functions and modules run as they are."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from tallow._absent import name_absent_ones

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
]


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
    **others: Any,
) -> Any:
    """Return a function or module as it is; the kernels are compiled already.

    Args:
        model: a function or module; without it a decorator is returned.
        fullgraph: accepted, without effect.
        dynamic: accepted, without effect.
        backend: accepted, without effect.
        mode: accepted, without effect.
        options: accepted, without effect.
        disable: accepted, without effect.
        **others: accepted, without effect.

    Raises:
        RuntimeError: both `mode` and `options` are given.

    Example:
        >>> @compile
        ... def double(x):
        ...     return x * 2
        >>> double(tallow.ones(1))
        tensor([2.])
    """
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    return (lambda function: function) if model is None else model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return a function as it is; usable as a decorator with or without arguments."""
    return functools.partial(disable, recursive=recursive) if fn is None else fn


def allow_in_graph(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as it is."""
    return fn


def assume_constant_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as it is."""
    return fn


def is_compiling() -> bool:
    """Tell whether the code is being compiled: never."""
    return False


def is_dynamo_compiling() -> bool:
    """Tell whether the code is being compiled: never."""
    return False


def is_exporting() -> bool:
    """Tell whether the code is being exported: never."""
    return False


def reset() -> None:
    """Do nothing: nothing is cached."""


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """Return the names of compilers: none."""
    return []


def cudagraph_mark_step_begin() -> None:
    """Do nothing: there are no CUDA graphs."""


class set_stance:
    """Accepted as a call, context manager or decorator, without effect."""

    def __init__(self, stance: str = "default", **others: Any) -> None:
        self.stance = stance

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *exc_info: object) -> None:
        """Do nothing."""

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is."""
        return fn


name_absent_ones(__name__)
