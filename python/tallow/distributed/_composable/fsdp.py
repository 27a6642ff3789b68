"""The former place of :mod:`tallow.distributed.fsdp`."""

from __future__ import annotations

from tallow.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

__all__ = ["FSDPModule", "MixedPrecisionPolicy", "fully_shard"]
