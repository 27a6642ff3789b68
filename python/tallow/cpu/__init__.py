"""The CPU as a device among others: one, always there, with one stream."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tallow._absent import name_absent_ones
from tallow._streams import Event, Stream
from tallow.cpu import amp

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "amp",
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
    "set_device",
    "stream",
    "synchronize",
]

_STREAM = Stream()


def is_available() -> bool:
    """Tell whether there is a CPU: yes."""
    return True


def is_initialized() -> bool:
    """Tell whether the CPU is set up: yes."""
    return True


def device_count() -> int:
    """Return the number of CPUs that count as devices: 1."""
    return 1


def current_device() -> str:
    """Return the name of the device."""
    return "cpu"


def set_device(device: Any) -> None:
    """Accept a device; there is one."""


def synchronize(device: Any = None) -> None:
    """Return at once: work is done when it is asked for."""


def current_stream(device: Any = None) -> Stream:
    """Return the stream."""
    return _STREAM


@contextmanager
def stream(stream: Stream) -> Iterator[None]:
    """Accept a stream for a ``with`` block; there is one."""
    yield


StreamContext = stream

name_absent_ones(__name__)
