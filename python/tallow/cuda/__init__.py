"""CUDA devices, where the plugin is installed; without one every name here still answers.

The plugin is opened when CUDA is used or asked about, never at import. `why_unavailable` says what
is missing.
"""

from __future__ import annotations

import importlib
from typing import Any

from tallow._absent import absent
from tallow._C import OutOfMemoryError
from tallow.cuda._device import (
    _lazy_init,
    can_device_access_peer,
    current_device,
    device,
    device_count,
    device_of,
    get_device_capability,
    get_device_name,
    get_device_properties,
    init,
    is_available,
    is_bf16_supported,
    is_initialized,
    is_tf32_supported,
    libraries,
    set_device,
    synchronize,
    why_unavailable,
)
from tallow.cuda.memory import (
    empty_cache,
    get_allocator_backend,
    get_per_process_memory_fraction,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    memory_stats,
    memory_stats_as_nested_dict,
    memory_summary,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
)
from tallow.cuda.random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)
from tallow.cuda.streams import (
    Event,
    ExternalStream,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    set_stream,
    stream,
)

__all__ = [
    "CUDAGraph",
    "Event",
    "ExternalStream",
    "OutOfMemoryError",
    "Stream",
    "StreamContext",
    "can_device_access_peer",
    "capture",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "device_of",
    "empty_cache",
    "get_allocator_backend",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_per_process_memory_fraction",
    "get_rng_state",
    "get_rng_state_all",
    "graph",
    "graph_pool_handle",
    "init",
    "initial_seed",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_current_stream_capturing",
    "is_initialized",
    "is_tf32_supported",
    "libraries",
    "make_graphed_callables",
    "manual_seed",
    "manual_seed_all",
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
    "seed",
    "seed_all",
    "set_device",
    "set_per_process_memory_fraction",
    "set_rng_state",
    "set_rng_state_all",
    "set_stream",
    "stream",
    "synchronize",
    "why_unavailable",
]

has_half = True
has_magma = False
_GRAPHS = [
    "CUDAGraph",
    "capture",
    "graph",
    "graph_pool_handle",
    "is_current_stream_capturing",
    "make_graphed_callables",
]


def __getattr__(name: str) -> Any:
    if name in ("amp", "graphs", "nvtx"):
        return importlib.import_module(f"tallow.cuda.{name}")
    if name in _GRAPHS:
        return getattr(importlib.import_module("tallow.cuda.graphs"), name)
    if name.endswith("Tensor"):
        from tallow import _legacy

        if name in _legacy.NAMES:
            return globals().setdefault(name, _legacy.tensor_type(name, cuda=True))
    raise absent(__name__, name)


def get_arch_list() -> list[str]:
    """Return the architectures that the plugin is known to have code for: none are listed."""
    return []


def ipc_collect() -> None:
    """Do nothing: memory is not shared between processes."""
    _lazy_init()
