"""Collects the events of a thread for a profile, through the watcher that explain() uses."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow._explain.events import source_line
from tallow._explain.values import tensors_in
from tallow._explain.watcher import current_watcher
from tallow.profiler._events import FunctionEvent

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Collector", "record_function"]


class _NoLedger:
    """Stands where a trace notes which hooks could have run; a profile does not ask."""

    def removed(self, table: Any, key: int) -> None:
        """Take no notice."""

    def merge(self, inner: Any) -> None:
        """Take no notice."""


class Collector:
    """The open end of a profile; the watcher treats it as it treats a trace's.

    Args:
        shapes: whether to note the shapes of arguments.
        stack: whether to note the caller's line.
        modules: whether calls of modules are events.
    """

    def __init__(self, *, shapes: bool, stack: bool, modules: bool) -> None:
        self.events: list[FunctionEvent] = []
        self.ledger = _NoLedger()
        self._shapes, self._stack, self._modules = shapes, stack, modules
        self._open: list[FunctionEvent | None] = []  # None: what is not shown
        self._thread = threading.get_ident()
        self._start = time.perf_counter_ns()

    def attach(self) -> None:
        """Collect from now on what this thread does."""
        watcher: Any = current_watcher()
        watcher.recorders.append(self)
        watcher.install()

    def detach(self) -> None:
        """Collect no longer; what is open counts up to now."""
        watcher: Any = current_watcher()
        if self in watcher.recorders:
            watcher.recorders.remove(self)
        watcher.install()
        while self._open:
            self.leave()

    def enter(self, name: str) -> None:
        """Open an event inside the one that is open."""
        start = (time.perf_counter_ns() - self._start) / 1e3
        event = FunctionEvent(len(self.events), name, self._thread, start)
        event.cpu_parent = next((e for e in reversed(self._open) if e is not None), None)
        if event.cpu_parent is not None:
            event.cpu_parent.cpu_children.append(event)
        if self._stack and (line := source_line()):
            event.stack = [line]
        self.events.append(event)
        self._open.append(event)

    def leave(self, time_ns: int | None = None, allocated: int | None = None) -> None:
        """Close the event that is open."""
        event = self._open.pop()
        if event is None:
            return
        now = (time.perf_counter_ns() - self._start) / 1e3
        span = event.time_range
        span.end = now if time_ns is None else span.start + time_ns / 1e3
        if allocated is None:
            allocated = sum(child.cpu_memory_usage for child in event.cpu_children)
        event.cpu_memory_usage = allocated

    # Called by the watcher.

    def begin(self, kind: str, subject: Any, args: Any, scope: str | None) -> None:
        """Something begins."""
        name = self._name(kind, subject)
        if name is None:
            self._open.append(None)
            return
        self.enter(name)
        if self._shapes and args is not None and kind in ("op", "function"):
            self.events[-1].input_shapes = [list(t.shape) for t in tensors_in(tuple(args))]

    def end(self, result: Any, error: Any, time_ns: int, allocated: int, saved: int) -> None:
        """What began last has ended."""
        if self._open:
            self.leave(time_ns, allocated)

    def adopt(self, events: Any, inner: Any) -> None:
        """Take no notice of what an explain() inside has recorded."""

    def _name(self, kind: str, subject: Any) -> str | None:
        if kind == "op":
            # An operator that Python spells with a symbol may come under its method's name.
            return f"aten::{subject[2:-2] if subject.startswith('__') else subject}"
        if kind == "function":
            return str(subject.__name__)
        if kind == "node":
            return str(subject[0])
        if kind == "pass":
            return "backward"
        if kind == "call" and self._modules:
            return f"nn.Module: {type(subject).__name__}"
        return None


class record_function:
    """Name a part of a program, as a context manager or a decorator, for profiles of it.

    Without a profile it does nothing.

    Args:
        name: what the part is called.
        args: text that PyTorch adds to the event; ignored.

    Example:
        >>> with tallow.profiler.profile() as prof, record_function("half"):
        ...     y = tallow.ones(4) / 2
        >>> [event.name for event in prof.events()]
        ['half', 'aten::ones', 'aten::div']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args
        self._collector: Collector | None = None

    def __enter__(self) -> record_function:
        watcher = _C._watcher()
        if watcher is not None and watcher.recorders:
            innermost = watcher.recorders[-1]
            if isinstance(innermost, Collector):
                self._collector = innermost
                innermost.enter(self.name)
        return self

    def __exit__(self, *exc_info: object) -> None:
        collector, self._collector = self._collector, None
        if collector is not None and collector._open:
            collector.leave()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Name every call of a function."""

        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return named
