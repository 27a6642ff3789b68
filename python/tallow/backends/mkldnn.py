"""Switches of oneDNN, which this build does not use."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["enabled", "flags", "is_available"]

enabled = True


def is_available() -> bool:
    """Tell whether oneDNN is used: no."""
    return False


@contextlib.contextmanager
def flags(enabled: bool = False, **others: Any) -> Iterator[None]:
    """Change switches inside a ``with`` block; accepted, without effect."""
    yield
