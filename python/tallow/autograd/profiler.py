"""Profiling under its older path; see :mod:`tallow.profiler`."""

from __future__ import annotations

from typing import Any

from tallow import profiler
from tallow.profiler import record_function
from tallow.profiler._events import EventList, FunctionEvent, FunctionEventAvg

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "emit_nvtx",
    "profile",
    "record_function",
]


class emit_nvtx:
    """Marks for NVIDIA's profiler: not supported."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "autograd.profiler.emit_nvtx: not supported; use profiler.profile"
        )


class profile:
    """Record which operators run inside a ``with`` block.

    Args:
        enabled: whether to do anything at all.
        use_cuda: as CUDA among the activities of :class:`tallow.profiler.profile`.
        use_device: refused unless None or ``"cpu"``.
        record_shapes: note the shapes of arguments.
        with_flops: refused.
        profile_memory: show memory in tables.
        with_stack: note the line of the program that called.
        with_modules: calls of modules are events too.
        use_kineto: accepted for compatibility; there is one profiler.
        use_cpu: refused unless True.

    Raises:
        NotImplementedError: an option that is refused.

    Example:
        >>> with profile() as prof:
        ...     y = tallow.ones(2).exp()
        >>> [average.key for average in prof.key_averages()]
        ['aten::ones', 'aten::exp']
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
    ) -> None:
        if use_device not in (None, "cpu") or not use_cpu:
            raise NotImplementedError("profile: only the CPU is supported")
        self.enabled = enabled
        self._inner = profiler.profile(
            record_shapes=record_shapes,
            profile_memory=profile_memory,
            with_stack=with_stack,
            with_flops=with_flops,
            with_modules=with_modules,
            use_cuda=use_cuda,
        )

    def __enter__(self) -> profile:
        if self.enabled:
            self._inner.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.enabled:
            self._inner.stop()

    @property
    def function_events(self) -> EventList:
        """Everything recorded."""
        return self._inner.events()

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """Return the sums over events of the same name."""
        return self._inner.key_averages(group_by_input_shape, group_by_stack_n)

    def table(self, *args: Any, **kwargs: Any) -> str:
        """Return the events as text; see :meth:`EventList.table`."""
        return self.function_events.table(*args, **kwargs)

    def total_average(self) -> FunctionEventAvg:
        """Return the sum over all events."""
        return self.function_events.total_average()

    def export_chrome_trace(self, path: Any) -> None:
        """Write the events as JSON for ``chrome://tracing`` or Perfetto."""
        self._inner.export_chrome_trace(path)
