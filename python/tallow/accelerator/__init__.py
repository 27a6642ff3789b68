"""The accelerator of the machine, whatever its kind: CUDA, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import tallow
from tallow import cuda
from tallow._absent import absent

__all__ = [
    "Graph",
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "current_stream",
    "device_count",
    "device_index",
    "empty_cache",
    "empty_host_cache",
    "get_device_capability",
    "get_memory_info",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_accumulated_memory_stats",
    "reset_peak_memory_stats",
    "set_device_idx",
    "set_device_index",
    "set_stream",
    "synchronize",
]

_INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
_OTHERS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


def _missing() -> NoReturn:
    raise RuntimeError(
        f"Cannot access accelerator device when none is available. {cuda.why_unavailable()}"
    )


def _require() -> None:
    if not cuda.is_available():
        _missing()


def is_available() -> bool:
    """Tell whether there is an accelerator."""
    return cuda.is_available()


def device_count() -> int:
    """Return the number of accelerators."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> Any:
    """Return the kind of accelerator as a device without index, or ``None``."""
    return tallow.device("cuda") if cuda.is_available() else None


def current_device_index() -> int:
    """Return the index of the calling thread's device."""
    _require()
    return cuda.current_device()


current_device_idx = current_device_index


def set_device_index(device: Any, /) -> None:
    """Choose the calling thread's device; a negative index changes nothing."""
    if isinstance(device, int) and device < 0:
        return
    _require()
    cuda.set_device(device)


set_device_idx = set_device_index


class device_index:
    """Choose a device by its index inside a ``with`` block; ``None`` changes nothing."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device
        self._context = cuda.device(-1 if device is None else device)

    def __enter__(self) -> None:
        self._context.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        self._context.__exit__(*exc_info)


def current_stream(device: Any = None, /) -> Any:
    """Return the stream that the calling thread uses."""
    _require()
    return cuda.current_stream(device)


def set_stream(stream: Any) -> None:
    """Choose the stream, and its device, that the calling thread uses."""
    _require()
    cuda.set_stream(stream)


def synchronize(device: Any = None, /) -> None:
    """Wait for all work on a device."""
    _require()
    cuda.synchronize(device)


def empty_cache() -> None:
    """Give unused memory back to the devices."""
    cuda.empty_cache()


def empty_host_cache() -> None:
    """Give unused page-locked memory back to the system."""
    cuda.memory._empty_host_cache()


def get_device_capability(device: Any = None, /) -> dict[str, Any]:
    """Return what a device can do: ``supported_dtypes`` are the types its tensors may have."""
    _require()
    cuda.get_device_properties(device)
    return {"supported_dtypes": {getattr(tallow, name) for name in _INTEGERS + _OTHERS}}


def get_memory_info(device_index: Any = None, /) -> tuple[int, int]:
    """Return the free and the total bytes of a device."""
    _require()
    return cuda.mem_get_info(device_index)


def memory_stats(device_index: Any = None, /) -> dict[str, Any]:
    """Return the counters of a device's allocator."""
    return cuda.memory_stats(device_index)


def memory_allocated(device_index: Any = None, /) -> int:
    """Return the bytes that tensors hold."""
    return cuda.memory_allocated(device_index)


def max_memory_allocated(device_index: Any = None, /) -> int:
    """Return the largest number of bytes that tensors have held."""
    return cuda.max_memory_allocated(device_index)


def memory_reserved(device_index: Any = None, /) -> int:
    """Return the bytes taken from the device."""
    return cuda.memory_reserved(device_index)


def max_memory_reserved(device_index: Any = None, /) -> int:
    """Return the largest number of bytes taken from the device."""
    return cuda.max_memory_reserved(device_index)


def reset_peak_memory_stats(device_index: Any = None, /) -> None:
    """Let the peaks start again from what is used now."""
    cuda.reset_peak_memory_stats(device_index)


def reset_accumulated_memory_stats(device_index: Any = None, /) -> None:
    """Let the sums of what was allocated and freed start again from 0."""
    cuda.reset_accumulated_memory_stats(device_index)


if TYPE_CHECKING:
    from tallow.accelerator.graphs import Graph


def __getattr__(name: str) -> Any:
    if name == "Graph":
        from tallow.accelerator.graphs import Graph

        return Graph
    raise absent(__name__, name)
