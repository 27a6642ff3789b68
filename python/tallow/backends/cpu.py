"""The CPU backend.

Attributes:
    winograd: whether float32 convolutions with 3x3 kernels and stride 1 may use the Winograd
        algorithm, up to four times as fast and with about twice the rounding error. ``True`` at
        first; deterministic algorithms switch it off as well.
"""

from __future__ import annotations

import sys
from types import ModuleType

from tallow import _C, _settings

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """Return the instruction set the kernels use: ``'DEFAULT'``, ``'AVX2'`` or ``'AVX512'``."""
    level = _C._cpu_level().upper()
    return "DEFAULT" if level == "BASELINE" else level


class _CpuModule(ModuleType):
    """A module with a switch that the kernels see."""

    @property
    def winograd(self) -> bool:
        return _settings.is_winograd_allowed()

    @winograd.setter
    def winograd(self, allowed: bool) -> None:
        _settings.allow_winograd(allowed)


sys.modules[__name__].__class__ = _CpuModule
