"""Marks for NVIDIA's profiler; using them needs CUDA."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mark", "range", "range_pop", "range_push"]


def _missing() -> NoReturn:
    raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?")


def mark(msg: str) -> None:
    """Raise: there is no profiler to mark."""
    _missing()


def range_push(msg: str) -> int:
    """Raise: there is no profiler to mark."""
    _missing()


def range_pop() -> int:
    """Raise: there is no profiler to mark."""
    _missing()


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Raise on entering: there is no profiler to mark."""
    range_push(msg.format(*args, **kwargs))
    yield
