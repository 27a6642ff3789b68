"""Whole steps of a program that are recorded when they have run a few times."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import tallow
from tallow.cuda._recording import CUDAGraph, graph
from tallow.cuda.streams import Stream, current_stream, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tallow import Tensor

__all__ = ["capture", "is_warming_up"]

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
