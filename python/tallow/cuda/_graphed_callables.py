"""Callables whose forward and backward are recorded as graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.cuda._device import synchronize
from tallow.cuda._recording import CUDAGraph, graph, graph_pool_handle
from tallow.cuda.streams import Stream, current_stream, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

__all__ = ["make_graphed_callables"]


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


def _replace_forward(module: Any, replay: Callable[..., Any]) -> None:
    original, training = module.forward, module.training

    def forward(*args: Any) -> Any:
        return replay(*args) if module.training == training else original(*args)

    module.forward = forward
