"""Graphs: work on a device recorded once and launched as a whole."""

from __future__ import annotations

from tallow.cuda._captured_step import capture
from tallow.cuda._graphed_callables import make_graphed_callables
from tallow.cuda._recording import (
    CUDAGraph,
    graph,
    graph_pool_handle,
    is_current_stream_capturing,
)

__all__ = [
    "CUDAGraph",
    "capture",
    "graph",
    "graph_pool_handle",
    "is_current_stream_capturing",
    "make_graphed_callables",
]
