"""CUDA devices: this build has none, and says so the way a CPU build of PyTorch does."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NoReturn

from tallow._absent import absent
from tallow._C import OutOfMemoryError

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "Event",
    "OutOfMemoryError",
    "Stream",
    "StreamContext",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "device_of",
    "empty_cache",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "init",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "stream",
    "synchronize",
]

has_half = True
has_magma = False


def __getattr__(name: str) -> Any:
    if name in ("amp", "nvtx"):
        return importlib.import_module(f"tallow.cuda.{name}")
    if name.endswith("Tensor"):
        from tallow import _legacy

        if name in _legacy.NAMES:
            return globals().setdefault(name, _legacy.tensor_type(name, cuda=True))
    raise absent(__name__, name)


def _lazy_init() -> NoReturn:
    raise AssertionError("Torch not compiled with CUDA enabled")


# ---- questions with an answer


def is_available() -> bool:
    """Tell whether a CUDA device can be used: no."""
    return False


def is_initialized() -> bool:
    """Tell whether CUDA has been started: no."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Tell whether the device computes in bfloat16: there is none."""
    return False


def device_count() -> int:
    """Return the number of CUDA devices: 0."""
    return 0


def get_arch_list() -> list[str]:
    """Return the architectures this build has code for: none."""
    return []


def memory_allocated(device: Any = None) -> int:
    """Return the bytes in use on a device: 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """Return the largest number of bytes in use so far: 0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """Return the bytes held for reuse: 0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """Return the largest number of bytes held so far: 0."""
    return 0


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Return counters of the allocator: none."""
    return OrderedDict()


def reset_peak_memory_stats(device: Any = None) -> None:
    """Do nothing: nothing is counted."""


def empty_cache() -> None:
    """Do nothing: nothing is cached."""


# ---- seeds: scripts set them before they know whether there is a device


def manual_seed(seed: int) -> None:
    """Accept a seed for the current device."""


def manual_seed_all(seed: int) -> None:
    """Accept a seed for all devices."""


def seed() -> None:
    """Do nothing: there is no generator to seed."""


def seed_all() -> None:
    """Do nothing: there is no generator to seed."""


def get_rng_state_all() -> list[Tensor]:
    """Return the states of all devices' generators: none."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Accept the states of no devices."""


# ---- requests that need a device


def init() -> None:
    """Raise: there is no CUDA to start."""
    _lazy_init()


def synchronize(device: Any = None) -> None:
    """Raise: there is no device to wait for."""
    _lazy_init()


def current_device() -> int:
    """Raise: there is no device."""
    _lazy_init()


def set_device(device: Any) -> None:
    """Raise unless the index is negative, which means no device."""
    if not isinstance(device, int) or device >= 0:
        _lazy_init()


def get_device_name(device: Any = None) -> str:
    """Raise: there is no device."""
    _lazy_init()


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Raise: there is no device."""
    _lazy_init()


def get_device_properties(device: Any = None) -> Any:
    """Raise: there is no device."""
    _lazy_init()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Raise: there is no device."""
    _lazy_init()


def ipc_collect() -> None:
    """Raise: there is no device."""
    _lazy_init()


def current_stream(device: Any = None) -> Any:
    """Raise: there is no device."""
    _lazy_init()


def default_stream(device: Any = None) -> Any:
    """Raise: there is no device."""
    _lazy_init()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """Raise: there is no device."""
    _lazy_init()


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Raise: there is no device."""
    _lazy_init()


class Stream:
    """A queue of work on a device; making one raises."""

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        raise RuntimeError("torch.cuda.Stream requires CUDA support")


class Event:
    """A mark in a queue of work; making one raises."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        raise RuntimeError("torch.cuda.Event requires CUDA support")


class StreamContext:
    """Use a stream inside a ``with`` block; ``None`` changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *exc_info: object) -> None:
        """Do nothing."""


def stream(stream: Stream | None) -> StreamContext:
    """Use a stream inside a ``with`` block; ``None`` changes nothing."""
    return StreamContext(stream)


class device:
    """Choose a device inside a ``with`` block.

    Args:
        device: index of the device; negative or ``None`` changes nothing.

    Raises:
        RuntimeError: on entering the block with any other index.
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else getattr(device, "index", device)

    def __enter__(self) -> None:
        if not isinstance(self.idx, int) or self.idx >= 0:
            raise RuntimeError("PyTorch was compiled without CUDA support")

    def __exit__(self, *exc_info: object) -> None:
        """Do nothing."""


class device_of(device):
    """Choose the device of a tensor inside a ``with`` block; for CPU tensors nothing changes."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device())
