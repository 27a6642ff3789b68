"""Apple's GPUs: this build has no support for them."""

from __future__ import annotations

from typing import NoReturn

__all__ = [
    "current_allocated_memory",
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "seed",
    "synchronize",
]


def _missing(what: str) -> NoReturn:
    raise RuntimeError(f"Cannot execute {what}() without MPS backend.")


def is_available() -> bool:
    """Tell whether an Apple GPU can be used: no."""
    return False


def device_count() -> int:
    """Return the number of Apple GPUs: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Accept a seed for the device."""


def seed() -> None:
    """Do nothing: there is no generator to seed."""


def synchronize() -> None:
    """Raise: there is no device to wait for."""
    _missing("deviceSynchronize")


def empty_cache() -> None:
    """Raise: there is no device."""
    _missing("emptyCache")


def current_allocated_memory() -> int:
    """Raise: there is no device."""
    _missing("getCurrentAllocatedMemory")
