"""Switches of the opt_einsum package, which this build does not use."""

from __future__ import annotations

__all__ = ["enabled", "is_available", "strategy"]

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """Tell whether the opt_einsum package is used: no."""
    return False
