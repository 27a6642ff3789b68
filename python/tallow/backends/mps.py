"""Switches of Apple's Metal, which this build does not use."""

from __future__ import annotations

__all__ = ["is_available", "is_built", "is_macos13_or_newer"]


def is_available() -> bool:
    """Tell whether Apple's Metal is used: no."""
    return False


def is_built() -> bool:
    """Tell whether this build has Apple's Metal: no."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Tell whether this is macOS 13 or newer: no."""
    return False
