"""Work on a device recorded once and launched as a whole: CUDA graphs."""

from __future__ import annotations

import gc
import itertools
import warnings
from typing import Self

from tallow import _C
from tallow.cuda._device import _index, is_available, synchronize
from tallow.cuda.memory import empty_cache
from tallow.cuda.streams import Stream, StreamContext

__all__ = ["CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing"]

_runtime = _C._cuda
_MODES = {"global": 0, "thread_local": 1, "relaxed": 2}
_pools = itertools.count(2**62)  # far from the numbers that the plugin gives out
_debugging = False


def is_current_stream_capturing() -> bool:
    """Tell whether the current stream is recorded into a graph."""
    return _runtime.is_loaded() and is_available() and _runtime.is_capturing(_index())


def graph_pool_handle() -> tuple[int, int]:
    """Return the name of a new pool of memory, for graphs that share one."""
    return (0, next(_pools))


class CUDAGraph:
    """Work on a device that is recorded once and then launched as a whole.

    The work reads and writes the same memory each time: copy new inputs into the tensors that were
    used while recording, and read the results from those that it made. Random numbers differ from
    one replay to the next.

    Args:
        keep_graph: leave the recording open to changes by CUDA's own functions, which
            :meth:`raw_cuda_graph` is for; :meth:`instantiate`, or else the first replay, takes it
            as it is then.
    """

    def __init__(self, keep_graph: bool = False) -> None:
        self._keep_graph = keep_graph
        self._graph = _runtime.Graph()

    def capture_begin(
        self,
        pool: tuple[int, int] | None = None,
        capture_error_mode: str = "global",
        check_input_liveness: bool = False,
    ) -> None:
        """Start to record what the current stream, not the default one, is given.

        Args:
            pool: memory that is shared with other graphs, from :func:`graph_pool_handle` or
                :meth:`pool`.
            capture_error_mode: which calls of other threads break the recording: ``'global'``,
                ``'thread_local'`` or ``'relaxed'``.
            check_input_liveness: only ``False``: tensors that the work reads must be kept alive.

        Raises:
            RuntimeError: the current stream is the default one, or a graph is being recorded.
        """
        if check_input_liveness:
            raise NotImplementedError(
                "CUDAGraph.capture_begin: check_input_liveness=True is not supported"
            )
        if capture_error_mode not in _MODES:
            raise ValueError(
                f"Unknown capture error mode. Expected `global`, `thread_local`, or `relaxed`, got "
                f"{capture_error_mode}"
            )
        self._graph.begin(pool[1] if pool else 0, _MODES[capture_error_mode])

    def capture_end(self) -> None:
        """End the recording.

        Raises:
            RuntimeError: the recording was broken by a call that waits for the device.
        """
        if self._graph.end() == 0:
            warnings.warn(
                "The CUDA Graph is empty. This usually means that the graph was attempted to be "
                "captured on wrong device or stream.",
                stacklevel=2,
            )
        if not self._keep_graph:
            self._graph.instantiate()

    def instantiate(self) -> None:
        """Make a kept recording ready to be replayed, as it is now.

        Raises:
            RuntimeError: nothing is recorded, or the graph is not kept.
        """
        if self._graph.driver_handle(True) and not self._keep_graph:
            raise RuntimeError(
                "instantiate() is intended to be called by the user only when keep_graph=true"
            )
        self._graph.instantiate()

    def replay(self) -> None:
        """Queue the recorded work on the current stream."""
        self._graph.replay()

    def reset(self) -> None:
        """Drop the recorded work and its memory."""
        self._graph.reset()

    def pool(self) -> tuple[int, int]:
        """Return the name of the graph's memory, to share it with others.

        Raises:
            RuntimeError: nothing is recorded.
        """
        if not self._graph.captured():
            raise RuntimeError("Called CUDAGraph::pool() without a preceding successful capture.")
        return (0, self._graph.pool)

    def raw_cuda_graph(self) -> int:
        """Return CUDA's own handle of the recording, a ``cudaGraph_t``, which stays the graph's.

        Raises:
            RuntimeError: the graph is not kept, or nothing is recorded.
        """
        if not self._keep_graph:
            raise RuntimeError(
                "You cannot access the raw cudaGraph_t instance unless CUDAGraph was initialized "
                "with keep_graph=true"
            )
        if not (handle := self._graph.driver_handle(False)):
            raise RuntimeError(
                "You cannot access the raw cudaGraph_t instance until capture_end() has been called"
            )
        return handle

    def raw_cuda_graph_exec(self) -> int:
        """Return CUDA's own handle of what is replayed, a ``cudaGraphExec_t``.

        Raises:
            RuntimeError: there is none yet.
        """
        if not (handle := self._graph.driver_handle(True)):
            raise RuntimeError(
                "You cannot access the raw cudaGraphExec_t instance until instantiate() has been "
                "called"
            )
        return handle

    def enable_debug_mode(self) -> None:
        """Allow :meth:`debug_dump` for graphs that are not kept, this one and others."""
        global _debugging
        _debugging = True

    def debug_dump(self, debug_path: str) -> None:
        """Draw the recorded work into a file, in the language of Graphviz.

        Args:
            debug_path: the file; nothing is written while nothing is recorded.
        """
        if _debugging or self._keep_graph:
            self._graph.draw(debug_path)
        else:
            warnings.warn(
                "CUDA Graphs debug not enabled, set with [graph].enable_debug_mode()", stacklevel=2
            )


class graph:
    """Record the work of a ``with`` block into a graph.

    Args:
        cuda_graph: what to record into.
        pool: as of :meth:`CUDAGraph.capture_begin`.
        stream: where the block runs; a stream of its own by default.
        capture_error_mode: as of :meth:`CUDAGraph.capture_begin`.
        enable_annotations: only ``False``.
        check_input_liveness: only ``False``.
    """

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: tuple[int, int] | None = None,
        stream: Stream | None = None,
        capture_error_mode: str = "global",
        enable_annotations: bool = False,
        check_input_liveness: bool = False,
    ) -> None:
        if enable_annotations or check_input_liveness:
            name = "enable_annotations" if enable_annotations else "check_input_liveness"
            raise NotImplementedError(f"cuda.graph: {name}=True is not supported")
        self.cuda_graph = cuda_graph
        self.pool = pool
        self.capture_stream = Stream() if stream is None else stream
        self.capture_error_mode = capture_error_mode
        self._context = StreamContext(self.capture_stream)

    def __enter__(self) -> Self:
        synchronize()
        gc.collect()
        empty_cache()
        self._context.__enter__()
        try:
            self.cuda_graph.capture_begin(self.pool, self.capture_error_mode)
        except BaseException:
            self._context.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self.cuda_graph.capture_end()
            else:
                self.cuda_graph.reset()
        finally:
            self._context.__exit__(kind, *rest)
