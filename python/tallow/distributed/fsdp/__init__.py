"""Sharding parameters over processes, which this package does not do.

The classes are here for code that asks whether a module is an instance of one: none is.
"""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones
from tallow.distributed._one_process import OfManyProcesses
from tallow.nn.modules.module import Module

__all__ = [
    "CPUOffload",
    "FSDPModule",
    "FullyShardedDataParallel",
    "MixedPrecision",
    "MixedPrecisionPolicy",
    "fully_shard",
]


class FullyShardedDataParallel(Module):
    """A module whose parameters are spread over processes; there are none."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "FullyShardedDataParallel: parameters cannot be spread over processes; "
            "expected a plain module"
        )


class FSDPModule(OfManyProcesses):
    """A module that :func:`fully_shard` has spread over processes."""


class MixedPrecisionPolicy(OfManyProcesses):
    """The types that a module spread over processes computes and talks in."""


class MixedPrecision(OfManyProcesses):
    """The same for :class:`FullyShardedDataParallel`."""


class CPUOffload(OfManyProcesses):
    """Where a module spread over processes keeps its parameters."""


def fully_shard(module: Module, **options: Any) -> NoReturn:
    """Refuse: there is one process.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "fully_shard: parameters cannot be spread over processes; expected a plain module"
    )


name_absent_ones(__name__)
