"""Automatic mixed precision: accepted everywhere; on the CPU everything stays in full precision."""

from __future__ import annotations

from tallow._absent import name_absent_ones
from tallow.amp.autocast_mode import (
    autocast,
    custom_bwd,
    custom_fwd,
    is_autocast_available,
)
from tallow.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

name_absent_ones(__name__)
