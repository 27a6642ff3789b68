"""Switches of cuDNN: accepted and remembered, without effect on the CPU."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["flags", "is_acceptable", "is_available", "version"]

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Tell whether cuDNN can be used: no."""
    return False


def version() -> int | None:
    """Return the version of cuDNN: ``None``."""
    return None


def is_acceptable(tensor: Any) -> bool:
    """Tell whether cuDNN could work on a tensor: no."""
    return False


@contextlib.contextmanager
def flags(**changes: Any) -> Iterator[None]:
    """Change switches inside a ``with`` block.

    Args:
        **changes: new values of ``enabled``, ``benchmark``, ``deterministic``, ``allow_tf32``.
    """
    switches = globals()
    before = {name: switches[name] for name in changes}
    switches.update(changes)
    try:
        yield
    finally:
        switches.update(before)
