"""The memory of CUDA devices: how much is used, and how much of it is cached."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tallow import _C
from tallow.cuda._device import _index

__all__ = [
    "empty_cache",
    "get_allocator_backend",
    "get_per_process_memory_fraction",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "memory_stats_as_nested_dict",
    "memory_summary",
    "reset_accumulated_memory_stats",
    "reset_max_memory_allocated",
    "reset_peak_memory_stats",
    "set_per_process_memory_fraction",
]

_runtime = _C._cuda


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Return the counters of a device's allocator; empty before CUDA is used.

    Names are like ``allocated_bytes.all.peak``: what is counted, in which pool (``all``,
    ``small_pool``, ``large_pool``), and which figure (``current``, ``peak``, ``allocated``,
    ``freed``).
    """
    if not _runtime.is_initialized():
        return OrderedDict()
    return OrderedDict(sorted(_runtime.memory_counters(_index(device)).items()))


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """Return the counters of :func:`memory_stats` as dictionaries in dictionaries."""
    result: dict[str, Any] = {}
    for name, value in memory_stats(device).items():
        *path, last = name.split(".")
        inner = result
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return result


def _counter(name: str, device: Any) -> int:
    return memory_stats(device).get(name, 0)


def memory_allocated(device: Any = None) -> int:
    """Return the bytes that tensors hold."""
    return _counter("allocated_bytes.all.current", device)


def max_memory_allocated(device: Any = None) -> int:
    """Return the largest number of bytes that tensors have held."""
    return _counter("allocated_bytes.all.peak", device)


def memory_reserved(device: Any = None) -> int:
    """Return the bytes taken from the device, for tensors or for reuse."""
    return _counter("reserved_bytes.all.current", device)


def max_memory_reserved(device: Any = None) -> int:
    """Return the largest number of bytes taken from the device."""
    return _counter("reserved_bytes.all.peak", device)


def reset_peak_memory_stats(device: Any = None) -> None:
    """Let the peaks start again from what is used now."""
    if _runtime.is_initialized():
        _runtime.reset_memory_counters(_index(device), True)


reset_max_memory_allocated = reset_peak_memory_stats


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Let the sums ``allocated`` and ``freed`` start again from 0."""
    if _runtime.is_initialized():
        _runtime.reset_memory_counters(_index(device), False)


def empty_cache() -> None:
    """Give unused memory back to the devices, for other programs to use."""
    if _runtime.is_initialized():
        _runtime.empty_cache()


def _empty_host_cache() -> None:
    if _runtime.is_initialized():
        _runtime.pin_empty_cache()


def get_allocator_backend() -> str:
    """Return the name of the allocator of device memory: tallow's own is ``'native'``."""
    return "native"


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Return the free and the total bytes of a device."""
    return _runtime.memory_info(_index(device))


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Limit this process to a part of a device's memory.

    Args:
        fraction: between 0 and 1.
        device: the current one by default.

    Raises:
        ValueError: the fraction is out of range.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    _runtime.set_memory_fraction(_index(device), float(fraction))
    _fractions[_index(device)] = float(fraction)


_fractions: dict[int, float] = {}


def get_per_process_memory_fraction(device: Any = None) -> float:
    """Return the part of a device's memory that this process is limited to."""
    return _fractions.get(_index(device), 1.0)


def _amount(nbytes: int) -> str:
    value = float(nbytes)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.2f} GiB"


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Return the most important counters as a table.

    Args:
        device: the current one by default.
        abbreviated: leave out the pools of small and large blocks.
    """
    stats = memory_stats(device)
    rows = [f"{'memory of cuda:' + str(_index(device)):32}{'now':>14}{'peak':>14}"]
    pools = ["all"] if abbreviated else ["all", "small_pool", "large_pool"]
    kinds = {
        "allocated_bytes": "held by tensors",
        "active_bytes": "in use or waiting for streams",
        "reserved_bytes": "taken from the device",
        "inactive_split_bytes": "free parts of used segments",
    }
    for kind, text in kinds.items():
        for pool in pools:
            name = text if pool == "all" else f"  {pool.replace('_', ' ')}"
            now, peak = (stats.get(f"{kind}.{pool}.{x}", 0) for x in ("current", "peak"))
            rows.append(f"{name:32}{_amount(now):>14}{_amount(peak):>14}")
    rows.append(f"{'segments taken from the device':32}{stats.get('num_device_alloc', 0):>14}")
    rows.append(f"{'retries after freeing caches':32}{stats.get('num_alloc_retries', 0):>14}")
    rows.append(f"{'out of memory':32}{stats.get('num_ooms', 0):>14}")
    return "\n".join(rows)
