"""Graphs: work on a device recorded once and launched as a whole."""

from __future__ import annotations

import contextlib
import gc
import itertools
from typing import TYPE_CHECKING, Any, Self

import tallow
from tallow import _C
from tallow.cuda._device import _index, is_available, synchronize
from tallow.cuda.memory import empty_cache
from tallow.cuda.streams import Stream, current_stream, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tallow import Tensor

__all__ = [
    "CUDAGraph",
    "capture",
    "graph",
    "graph_pool_handle",
    "is_current_stream_capturing",
    "make_graphed_callables",
]

_runtime = _C._cuda
_MODES = {"global": 0, "thread_local": 1, "relaxed": 2}
_pools = itertools.count(2**62)  # far from the numbers that the plugin gives out


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
    """

    def __init__(self, keep_graph: bool = False) -> None:
        if keep_graph:
            raise NotImplementedError("CUDAGraph: keep_graph=True is not supported")
        self._graph = _runtime.Graph()

    def capture_begin(
        self, pool: tuple[int, int] | None = None, capture_error_mode: str = "global"
    ) -> None:
        """Start to record what the current stream, not the default one, is given.

        Args:
            pool: memory that is shared with other graphs, from :func:`graph_pool_handle` or
                :meth:`pool`.
            capture_error_mode: which calls of other threads break the recording: ``'global'``,
                ``'thread_local'`` or ``'relaxed'``.

        Raises:
            RuntimeError: the current stream is the default one, or a graph is being recorded.
        """
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
        self._graph.end()

    def replay(self) -> None:
        """Queue the recorded work on the current stream."""
        self._graph.replay()

    def reset(self) -> None:
        """Drop the recorded work and its memory."""
        self._graph.reset()

    def pool(self) -> tuple[int, int]:
        """Return the name of the graph's memory, to share it with others."""
        return (0, self._graph.pool)


class graph:
    """Record the work of a ``with`` block into a graph.

    Args:
        cuda_graph: what to record into.
        pool: as of :meth:`CUDAGraph.capture_begin`.
        stream: where the block runs; a stream of its own by default.
        capture_error_mode: as of :meth:`CUDAGraph.capture_begin`.
    """

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: tuple[int, int] | None = None,
        stream: Stream | None = None,
        capture_error_mode: str = "global",
    ) -> None:
        self.cuda_graph = cuda_graph
        self.pool = pool
        self.capture_stream = Stream() if stream is None else stream
        self.capture_error_mode = capture_error_mode
        self._context = globals()["stream"](self.capture_stream)

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


class _Recorded:
    """The graphs of one callable, and the tensors that they read and write."""

    def __init__(self, call: Callable[..., Any], args: tuple[Tensor, ...], pool: Any) -> None:
        self.parameters = tuple(call.parameters()) if isinstance(call, tallow.nn.Module) else ()
        self.inputs = args
        self.surface = args + self.parameters
        self.forward_graph, self.backward_graph = CUDAGraph(), CUDAGraph()
        with graph(self.forward_graph, pool):
            outputs = call(*args)
        self.single = isinstance(outputs, tallow.Tensor)
        self.outputs: tuple[Tensor, ...] = (outputs,) if self.single else tuple(outputs)
        self.grad_outputs: tuple[Tensor | None, ...] = ()
        self.grad_inputs: tuple[Tensor | None, ...] = ()

    def record_backward(self, pool: Any, allow_unused: bool) -> None:
        """Record the gradients of everything that requires one."""
        self.grad_outputs = tuple(
            tallow.empty_like(output) if output.requires_grad else None for output in self.outputs
        )
        wanted = [tensor for tensor in self.surface if tensor.requires_grad]
        found: tuple[Tensor | None, ...] = ()
        if wanted and any(grad is not None for grad in self.grad_outputs):
            with graph(self.backward_graph, pool):
                found = tallow.autograd.grad(
                    [output for output in self.outputs if output.requires_grad],
                    wanted,
                    [grad for grad in self.grad_outputs if grad is not None],
                    only_inputs=True,
                    allow_unused=allow_unused,
                )
        remaining = iter(found)
        self.grad_inputs = tuple(
            next(remaining, None) if tensor.requires_grad else None for tensor in self.surface
        )


def _warm_up(call: Callable[..., Any], args: tuple[Tensor, ...], count: int, unused: bool) -> None:
    surface = list(args)
    if isinstance(call, tallow.nn.Module):
        surface += call.parameters()
    wanted = [tensor for tensor in surface if tensor.requires_grad]
    side = Stream()
    side.wait_stream(current_stream())
    with stream(side):
        for _ in range(count):
            outputs = call(*args)
            outputs = (outputs,) if isinstance(outputs, tallow.Tensor) else tuple(outputs)
            differentiable = [output for output in outputs if output.requires_grad]
            if wanted and differentiable:
                tallow.autograd.grad(
                    differentiable,
                    wanted,
                    [tallow.empty_like(output) for output in differentiable],
                    allow_unused=unused,
                )
    current_stream().wait_stream(side)
    synchronize()


def _graphed(recorded: _Recorded) -> Callable[..., Any]:
    """Return a function that replays what was recorded, with a derivative that does so too."""

    class Graphed(tallow.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *surface: Any) -> Any:
            for own, given in zip(recorded.inputs, surface, strict=False):
                if own.data_ptr() != given.data_ptr():
                    own.detach().copy_(given)
            recorded.forward_graph.replay()
            return tuple(output.detach() for output in recorded.outputs)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            for own, given in zip(recorded.grad_outputs, grads, strict=True):
                if own is not None and own.data_ptr() != given.data_ptr():
                    own.copy_(given)
            recorded.backward_graph.replay()
            return tuple(None if grad is None else grad.detach() for grad in recorded.grad_inputs)

    def call(*args: Tensor) -> Any:
        if len(args) != len(recorded.inputs):
            raise TypeError(
                f"a graphed callable takes the {len(recorded.inputs)} tensors it was recorded "
                f"with, got {len(args)}"
            )
        for i, (own, given) in enumerate(zip(recorded.inputs, args, strict=True)):
            if own.shape != given.shape or own.dtype != given.dtype:
                raise ValueError(
                    f"a graphed callable was recorded with {own.dtype} {tuple(own.shape)} as "
                    f"argument {i}, got {given.dtype} {tuple(given.shape)}"
                )
        outputs = Graphed.apply(*args, *recorded.parameters)
        return outputs[0] if recorded.single else outputs

    return call


def make_graphed_callables(
    callables: Any,
    sample_args: Any,
    num_warmup_iters: int = 3,
    allow_unused_input: bool = False,
    pool: tuple[int, int] | None = None,
) -> Any:
    """Record callables, forward and backward, and return ones that replay that.

    A module is changed in place: its forward replays the graphs while its ``training`` is what it
    was, and is the original otherwise. The results of one call are overwritten by the next.

    Args:
        callables: a function or module of tensors, or several that are called one after the other.
        sample_args: a tuple of tensors for each, of the shapes and types that later calls have and
            with the same ``requires_grad``.
        num_warmup_iters: how often each is called before it is recorded.
        allow_unused_input: may gradients be undefined?
        pool: memory to share, see :func:`graph_pool_handle`.

    Returns:
        The graphed form, or a tuple of them.

    Raises:
        RuntimeError: autocast caches weights, which cannot be recorded, or a callable waits for the
            device.
    """
    if tallow.is_autocast_enabled() and tallow.is_autocast_cache_enabled():
        raise RuntimeError(
            "make_graphed_callables does not support the autocast caching. Please set "
            "`cache_enabled=False`."
        )
    single = not isinstance(callables, tuple)
    calls: tuple[Any, ...] = (callables,) if single else callables
    samples: Sequence[tuple[Tensor, ...]] = (sample_args,) if single else sample_args
    for args in samples:
        if not all(isinstance(arg, tallow.Tensor) for arg in args):
            raise TypeError("sample_args must be tuples of tensors")
    pool = graph_pool_handle() if pool is None else pool
    for call, args in zip(calls, samples, strict=True):
        _warm_up(call, args, num_warmup_iters, allow_unused_input)
    # In the order in which they will run: memory of one is reused by the next.
    recorded = [_Recorded(call, args, pool) for call, args in zip(calls, samples, strict=True)]
    for one in reversed(recorded):
        one.record_backward(pool, allow_unused_input)
    results: list[Any] = []
    for call, one in zip(calls, recorded, strict=True):
        replay = _graphed(one)
        if isinstance(call, tallow.nn.Module):
            _replace_forward(call, replay)
            results.append(call)
        else:
            results.append(replay)
    return results[0] if single else tuple(results)


_warm_ups = 0


def is_warming_up() -> bool:
    """Tell whether :class:`capture` runs a function that it means to record, or records it."""
    return _warm_ups > 0


@contextlib.contextmanager
def _warming_up(active: bool) -> Iterator[None]:
    global _warm_ups
    _warm_ups += active
    try:
        yield
    finally:
        _warm_ups -= active


class capture:
    """Turn a function of tensors into one that is recorded and replayed.

    For each combination of shapes, types and other values of the arguments, the first calls run as
    usual, the next one is recorded, and later ones replay that: their tensors are copied into those
    that were recorded with. Results are overwritten by the next call. What cannot be recorded,
    because it waits for the device, runs as usual, and `reason` says why.

    Args:
        function: takes and returns tensors, and may change others in place, such as parameters. Its
            Python code runs while recording and never again.
        warmup: how many calls run as usual first.
    """

    def __init__(self, function: Callable[..., Any], warmup: int = 2) -> None:
        self.function = function
        self.warmup = warmup
        self.reason = ""
        self._calls: dict[Any, int] = {}
        self._recorded: dict[Any, tuple[CUDAGraph, list[Tensor], Any]] = {}

    def __call__(self, *args: Any) -> Any:
        """Call, record or replay the function."""
        key = tuple(
            (arg.shape, arg.dtype, arg.device, arg.stride(), arg.requires_grad)
            if isinstance(arg, tallow.Tensor)
            else arg
            for arg in args
        )
        given = [arg for arg in args if isinstance(arg, tallow.Tensor)]
        if key in self._recorded:
            graph_of_call, inputs, result = self._recorded[key]
            with tallow.no_grad():
                for own, tensor in zip(inputs, given, strict=True):
                    own.copy_(tensor)
            graph_of_call.replay()
            return result
        count = self._calls[key] = self._calls.get(key, 0) + 1
        if self.reason or count <= self.warmup:
            return self._run(args)
        return self._record(key, args, given)

    def _run(self, args: tuple[Any, ...]) -> Any:
        """Run as usual, on a stream of its own: gradients remember theirs."""
        side = Stream()
        side.wait_stream(current_stream())
        with stream(side), _warming_up(not self.reason):
            result = self.function(*args)
        current_stream().wait_stream(side)
        return result

    def _record(self, key: Any, args: tuple[Any, ...], given: list[Tensor]) -> Any:
        inputs = [tensor.detach().clone().requires_grad_(tensor.requires_grad) for tensor in given]
        rest = iter(inputs)
        own = [next(rest) if isinstance(arg, tallow.Tensor) else arg for arg in args]
        graph_of_call = CUDAGraph()
        try:
            with graph(graph_of_call), _warming_up(True):
                result = self.function(*own)
        except RuntimeError as error:
            self.reason = str(error)
            return self._run(args)
        self._recorded[key] = graph_of_call, inputs, result
        graph_of_call.replay()
        return result


def _replace_forward(module: Any, replay: Callable[..., Any]) -> None:
    original, training = module.forward, module.training

    def forward(*args: Any) -> Any:
        return replay(*args) if module.training == training else original(*args)

    module.forward = forward
