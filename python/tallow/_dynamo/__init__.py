"""The names of PyTorch's graph capture that programs use directly: there is none, all run as is."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tallow._absent import name_absent_ones
from tallow._dynamo import eval_frame, utils
from tallow._dynamo.eval_frame import OptimizedModule
from tallow.compiler import (
    allow_in_graph,
    assume_constant_result,
    disable,
    is_compiling,
    list_backends,
    reset,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "OptimizedModule",
    "allow_in_graph",
    "assume_constant_result",
    "config",
    "disable",
    "eval_frame",
    "graph_break",
    "is_compiling",
    "list_backends",
    "mark_dynamic",
    "mark_static",
    "mark_static_address",
    "maybe_mark_dynamic",
    "reset",
    "utils",
]


class _Config(SimpleNamespace):
    """Settings of the capture, kept and without effect."""

    @contextmanager
    def patch(self, changes: dict[str, Any] | None = None, **more: Any) -> Iterator[None]:
        """Change settings inside a ``with`` block."""
        before = dict(vars(self))
        vars(self).update(changes or {}, **more)
        try:
            yield
        finally:
            vars(self).clear()
            vars(self).update(before)


config = _Config(suppress_errors=False, cache_size_limit=8, verbose=False)


def graph_break(msg: str = "") -> None:
    """Do nothing: there is no graph to end."""


def _mark(t: Any, index: Any = None, **options: Any) -> None:
    """Do nothing: there is no graph that could depend on sizes or addresses."""


mark_dynamic = maybe_mark_dynamic = mark_static = _mark


def mark_static_address(t: Any, guard: bool = False) -> None:
    """Do nothing: there is no graph that could depend on an address."""


name_absent_ones(__name__)
