"""Switches of Intel MKL, which this build does not use."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Tell whether Intel MKL is used: no."""
    return False
