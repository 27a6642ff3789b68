"""Streams and events of any device: on a CPU work is done when it is asked for."""

from __future__ import annotations

import time
from typing import Any, Self

import tallow

__all__ = ["Event", "Stream"]


def _kind(what: str, device: Any) -> str:
    found: str = tallow.device("cpu" if device is None else device).type
    if found == "cuda" and not tallow.cuda.is_available():
        raise RuntimeError(
            f"{what}: PyTorch is not linked with support for cuda devices. "
            f"{tallow.cuda.why_unavailable()}"
        )
    if found not in ("cpu", "cuda"):
        raise RuntimeError(f"{what}: PyTorch is not linked with support for {found} devices")
    return found


class Event:
    """A mark in a stream.

    Args:
        device: where; the CPU by default. For a GPU this makes a :class:`tallow.cuda.Event`.
        enable_timing: let :meth:`elapsed_time` measure.
        blocking: accepted, nobody has to wait on a CPU.
        interprocess: must be False on a CPU.

    Raises:
        RuntimeError: a device that is not there.
        ValueError: `interprocess` on a CPU.
    """

    def __new__(cls, device: Any = None, **options: Any) -> Any:
        """Return an event of the device's own kind."""
        if _kind("Event", device) == "cuda":
            return tallow.cuda.Event(**options)
        return super().__new__(cls)

    def __init__(
        self,
        device: Any = None,
        *,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
    ) -> None:
        if interprocess:
            raise ValueError("Event: interprocess=True is not supported on a CPU")
        self.device = tallow.device("cpu")
        self.event_id = 0
        self._timed = bool(enable_timing)
        self._when: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Mark this moment."""
        self._when = time.perf_counter()

    def wait(self, stream: Stream | None = None) -> None:
        """Return at once: all earlier work is done."""

    def query(self) -> bool:
        """Tell whether all work before the mark is done: always."""
        return True

    def synchronize(self) -> None:
        """Return at once: all earlier work is done."""

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds between two marks.

        Raises:
            RuntimeError: an event without timing, or that has not been recorded.
        """
        if not (self._timed and end_event._timed):
            raise RuntimeError("Both events must be created with argument 'enable_timing=True'.")
        if self._when is None or end_event._when is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return (end_event._when - self._when) * 1000

    def __repr__(self) -> str:
        return "torch.Event device_type=cpu, device_index=-1, event_flag=0, event_id=0"


class Stream:
    """A queue of work; a CPU has only the one of the calling thread.

    Args:
        device: where; the CPU by default. For a GPU this makes a :class:`tallow.cuda.Stream`.
        priority: accepted; a CPU has one queue.

    Raises:
        RuntimeError: a device that is not there.
    """

    def __new__(cls, device: Any = None, *, priority: int = 0) -> Any:
        """Return a stream of the device's own kind."""
        if _kind("Stream", device) == "cuda":
            return tallow.cuda.Stream(device, priority)
        return super().__new__(cls)

    def __init__(self, device: Any = None, *, priority: int = 0) -> None:
        self.device = tallow.device("cpu")
        self.device_index = -1
        self.stream_id = 0

    def synchronize(self) -> None:
        """Return at once: all work is done."""

    def query(self) -> bool:
        """Tell whether all work is done: always."""
        return True

    def wait_stream(self, stream: Stream) -> None:
        """Return at once: all work is done."""

    def wait_event(self, event: Event) -> None:
        """Return at once: all work is done."""

    def record_event(self, event: Event | None = None) -> Event:
        """Record an event, a new one by default, and return it."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream)

    def __hash__(self) -> int:
        return hash(Stream)

    def __repr__(self) -> str:
        return "torch.Stream device_type=cpu, device_index=-1, stream_id=0"
