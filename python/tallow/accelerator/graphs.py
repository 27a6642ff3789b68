"""Graphs of an accelerator, whatever its kind."""

from __future__ import annotations

from typing import Self

from tallow.accelerator import empty_cache, empty_host_cache, synchronize
from tallow.cuda.graphs import CUDAGraph

__all__ = ["Graph"]


class Graph(CUDAGraph):
    """Work on the accelerator that is recorded once and then launched as a whole.

    A ``with`` block records what the current stream is given; it must not be the default one.

    Args:
        keep_graph: as of :class:`tallow.cuda.CUDAGraph`.
        pool: memory that is shared with other graphs, from :meth:`pool` of one.
        capture_error_mode: as of :meth:`tallow.cuda.CUDAGraph.capture_begin`; ``'default'`` is
            ``'global'``.
    """

    def __init__(
        self,
        keep_graph: bool = False,
        *,
        pool: tuple[int, int] | None = None,
        capture_error_mode: str = "default",
    ) -> None:
        super().__init__(keep_graph)
        self.graph_pool = pool
        self.capture_error_mode = capture_error_mode

    def capture_begin(self) -> None:  # type: ignore[override]
        """Start to record what the current stream is given.

        Raises:
            RuntimeError: the current stream is the default one, or a graph is being recorded.
        """
        mode = self.capture_error_mode
        super().capture_begin(self.graph_pool, "global" if mode == "default" else mode)

    def __enter__(self) -> Self:
        synchronize()
        empty_cache()
        empty_host_cache()
        self.capture_begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.capture_end()
        else:
            self.reset()
