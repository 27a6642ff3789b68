"""The CPU backend."""

from __future__ import annotations

from tallow import _C

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """Return the instruction set the kernels use: ``'DEFAULT'``, ``'AVX2'`` or ``'AVX512'``."""
    level = _C._cpu_level().upper()
    return "DEFAULT" if level == "BASELINE" else level
