"""The accelerator of the machine, whatever its kind: this build has none."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = [
    "current_accelerator",
    "current_device_index",
    "current_stream",
    "device_count",
    "is_available",
    "set_device_index",
    "synchronize",
]


def _missing() -> NoReturn:
    raise RuntimeError("Cannot access accelerator device when none is available.")


def is_available() -> bool:
    """Tell whether there is an accelerator: no."""
    return False


def device_count() -> int:
    """Return the number of accelerators: 0."""
    return 0


def current_accelerator(check_available: bool = False) -> Any:
    """Return the kind of accelerator: ``None``."""
    return None


def current_device_index() -> int:
    """Raise: there is no accelerator."""
    _missing()


def set_device_index(device: Any, /) -> None:
    """Raise unless the index is negative, which means no accelerator."""
    if not isinstance(device, int) or device >= 0:
        _missing()


def current_stream(device: Any = None, /) -> Any:
    """Raise: there is no accelerator."""
    _missing()


def synchronize(device: Any = None, /) -> None:
    """Raise: there is no accelerator."""
    _missing()


name_absent_ones(__name__)
