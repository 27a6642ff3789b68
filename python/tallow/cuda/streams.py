"""Streams, queues of work on a device, and events, marks in them."""

from __future__ import annotations

from typing import Any, Self

import tallow
from tallow import _C
from tallow.cuda._device import _index

__all__ = [
    "Event",
    "ExternalStream",
    "Stream",
    "StreamContext",
    "current_stream",
    "default_stream",
    "set_stream",
    "stream",
]

_runtime = _C._cuda


class Stream:
    """A queue of work on a CUDA device; work of different streams may overlap.

    Each device has a few dozen streams, which are handed out in turn.

    Args:
        device: where the stream is; the current device by default.
        priority: lower numbers go first; 0 or negative.
    """

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        handle = kwargs.pop("stream_ptr", None)
        if kwargs:
            raise TypeError(f"Stream() got an unexpected keyword argument {next(iter(kwargs))!r}")
        self.device_index = _index(device)
        if handle is None:
            handle = _runtime.stream_create(self.device_index, priority)
        self.cuda_stream: int = handle
        self._previous: list[tuple[int, int, int]] = []

    @property
    def device(self) -> tallow.device:
        """The device of the stream."""
        return tallow.device("cuda", self.device_index)

    @property
    def stream_id(self) -> int:
        """The number of the stream."""
        return self.cuda_stream

    @property
    def priority(self) -> int:
        """The priority of the stream."""
        return _runtime.stream_priority(self.device_index, self.cuda_stream)

    def wait_event(self, event: Event) -> None:
        """Let later work of this stream wait for an event."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Let later work of this stream wait for what another one holds now."""
        self.wait_event(stream.record_event())

    def record_event(self, event: Event | None = None) -> Event:
        """Record an event, a new one by default, and return it."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def query(self) -> bool:
        """Tell whether all work is done."""
        return _runtime.stream_query(self.device_index, self.cuda_stream)

    def synchronize(self) -> None:
        """Wait for all work."""
        _runtime.stream_synchronize(self.device_index, self.cuda_stream)

    def __enter__(self) -> Self:
        device = _runtime.current_device()
        _runtime.set_device(self.device_index)
        before = _runtime.current_stream(self.device_index)
        self._previous.append((device, self.device_index, before))
        _runtime.set_stream(self.device_index, self.cuda_stream)
        return self

    def __exit__(self, *exc_info: object) -> None:
        device, index, handle = self._previous.pop()
        _runtime.set_stream(index, handle)
        _runtime.set_device(device)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Stream)
            and self.cuda_stream == other.cuda_stream
            and self.device_index == other.device_index
        )

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device_index))

    def __repr__(self) -> str:
        return (
            f"<{_C._get_namespace()}.cuda.Stream device={self.device} "
            f"cuda_stream={self.cuda_stream:#x}>"
        )


class ExternalStream(Stream):
    """A stream that another library has made; it must outlive its use here.

    Args:
        stream_ptr: the address of the stream, a ``cudaStream_t``.
        device: where the stream is.
    """

    def __init__(self, stream_ptr: int, device: Any = None, **kwargs: Any) -> None:
        super().__init__(device, stream_ptr=stream_ptr, **kwargs)


class Event:
    """A mark in a stream: to wait for, to ask about, to measure time with.

    Args:
        enable_timing: keep the time at which the event is passed.
        blocking: let :meth:`synchronize` sleep instead of spin.
        interprocess: not supported.
        external: accepted for compatibility.
    """

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
        external: bool = False,
    ) -> None:
        if interprocess:
            raise NotImplementedError("Event: interprocess=True is not supported")
        self._timing = enable_timing
        self._blocking = blocking
        self._device = _index() if _runtime.is_loaded() or not external else 0
        self.cuda_event = 0  # made by the first record()

    @property
    def device(self) -> tallow.device | None:
        """Where the event was recorded; ``None`` before."""
        return tallow.device("cuda", self._device) if self.cuda_event else None

    def record(self, stream: Stream | None = None) -> None:
        """Put the event behind what a stream, by default the current one, holds now."""
        stream = current_stream() if stream is None else stream
        if not self.cuda_event:
            self._device = stream.device_index
            self.cuda_event = _runtime.event_create(self._device, self._timing, self._blocking)
        elif self._device != stream.device_index:
            raise RuntimeError(
                f"Event device cuda:{self._device} does not match recording stream's device "
                f"{stream.device}."
            )
        _runtime.event_record(self._device, self.cuda_event, stream.cuda_stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Let later work of a stream, by default the current one, wait for the event."""
        stream = current_stream() if stream is None else stream
        if self.cuda_event:
            _runtime.stream_wait_event(stream.device_index, stream.cuda_stream, self.cuda_event)

    def query(self) -> bool:
        """Tell whether the work before the event is done."""
        return not self.cuda_event or _runtime.event_query(self._device, self.cuda_event)

    def synchronize(self) -> None:
        """Wait for the work before the event."""
        if self.cuda_event:
            _runtime.event_synchronize(self._device, self.cuda_event)

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds between this event and a later one.

        Raises:
            ValueError: an event was made without ``enable_timing`` or never recorded.
        """
        if not (self._timing and end_event._timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if not (self.cuda_event and end_event.cuda_event):
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return _runtime.event_elapsed(self._device, self.cuda_event, end_event.cuda_event)

    def ipc_handle(self) -> bytes:
        """Raise: CUDA's objects are not shared between processes."""
        raise NotImplementedError("Event.ipc_handle: events are not shared between processes")

    @classmethod
    def from_ipc_handle(cls, device: Any, handle: bytes) -> Event:
        """Raise: CUDA's objects are not shared between processes."""
        raise NotImplementedError("Event.from_ipc_handle: events are not shared between processes")

    def __del__(self) -> None:
        if getattr(self, "cuda_event", 0):
            _runtime.event_destroy(self._device, self.cuda_event)

    def __repr__(self) -> str:
        state = f"{self.cuda_event:#x}" if self.cuda_event else "uninitialized"
        return f"<{_C._get_namespace()}.cuda.Event {state}>"


def current_stream(device: Any = None) -> Stream:
    """Return the stream that the calling thread uses on a device."""
    index = _index(device)
    return Stream(index, stream_ptr=_runtime.current_stream(index))


def default_stream(device: Any = None) -> Stream:
    """Return the stream that a device starts with."""
    return Stream(_index(device), stream_ptr=0)


def set_stream(stream: Stream | None) -> None:
    """Make a stream, and its device, the calling thread's own; ``None`` changes nothing."""
    if stream is None:
        return
    _runtime.set_device(stream.device_index)
    _runtime.set_stream(stream.device_index, stream.cuda_stream)


class StreamContext:
    """Use a stream inside a ``with`` block; ``None`` changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self.stream.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        if self.stream is not None:
            self.stream.__exit__(*exc_info)


def stream(stream: Stream | None) -> StreamContext:
    """Use a stream inside a ``with`` block; ``None`` changes nothing."""
    return StreamContext(stream)
