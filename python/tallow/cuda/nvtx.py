"""Marks for NVIDIA's profilers: points and ranges of time with a text."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow.cuda._device import why_unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


def _annotate(kind: int, msg: str = "", range_id: int = 0) -> int:
    if why := why_unavailable():
        raise RuntimeError(
            f"NVTX functions not installed. Are you sure you have a CUDA build? {why}"
        )
    return _C._cuda.annotate(kind, msg, range_id)


def mark(msg: str) -> None:
    """Mark a point in time."""
    _annotate(0, msg)


def range_push(msg: str) -> int:
    """Begin a range inside those that the thread has begun; return how many those are."""
    return _annotate(1, msg)


def range_pop() -> int:
    """End the range that the thread began last; return how many it is still in."""
    return _annotate(2)


def range_start(msg: str) -> int:
    """Begin a range that any thread may end; return its name for :func:`range_end`."""
    return _annotate(3, msg)


def range_end(range_id: int) -> None:
    """End a range that :func:`range_start` began."""
    _annotate(4, range_id=range_id)


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Mark the time of a ``with`` block.

    Args:
        msg: a text, with fields as of :meth:`str.format`.
        args: for its fields.
        kwargs: for its named fields.
    """
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
