"""The former place of :mod:`tallow.distributed.tensor`."""

from __future__ import annotations

from tallow._absent import name_absent_ones
from tallow.distributed.tensor import (
    DeviceMesh,
    DTensor,
    Partial,
    Placement,
    Replicate,
    Shard,
)

__all__ = ["DTensor", "DeviceMesh", "Partial", "Placement", "Replicate", "Shard"]

name_absent_ones(__name__)
