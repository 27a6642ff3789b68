"""Sharding parameters over processes, which this package does not do.

The class is here for code that asks whether a module is an instance of it: none is.
"""

from __future__ import annotations

from typing import Any

from tallow.nn.modules.module import Module

__all__ = ["FullyShardedDataParallel"]


class FullyShardedDataParallel(Module):
    """A module whose parameters are spread over processes; there are none."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "FullyShardedDataParallel: parameters cannot be spread over processes; "
            "expected a plain module"
        )
