"""Intel's GPUs: this build has no support for them."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "get_rng_state_all",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "seed",
    "synchronize",
]


def _missing() -> NoReturn:
    raise AssertionError("Torch not compiled with XPU enabled")


def is_available() -> bool:
    """Tell whether an Intel GPU can be used: no."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Tell whether the device computes in bfloat16: there is none."""
    return False


def is_initialized() -> bool:
    """Tell whether the device is set up: no."""
    return False


def device_count() -> int:
    """Return the number of Intel GPUs: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Accept a seed for the device."""


def manual_seed_all(seed: int) -> None:
    """Accept a seed for all devices."""


def seed() -> None:
    """Do nothing: there is no generator to seed."""


def get_rng_state_all() -> list[Any]:
    """Return the generator states of all devices: none."""
    return []


def empty_cache() -> None:
    """Do nothing: there is no memory to give back."""


def current_device() -> int:
    """Raise: there is no device."""
    _missing()


def synchronize(device: Any = None) -> None:
    """Raise: there is no device to wait for."""
    _missing()
