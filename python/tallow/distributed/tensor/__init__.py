"""Tensors spread over processes: their names, so that programs can ask whether they have one."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = ["DTensor", "DeviceMesh", "Partial", "Placement", "Replicate", "Shard"]


class _OfManyProcesses:
    """What does not exist in a group of one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"distributed.tensor.{type(self).__name__}: tensors live in one process here"
        )


class DTensor(_OfManyProcesses):
    """A tensor spread over processes: no tensor is one."""

    @staticmethod
    def from_local(*args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: there is one process."""
        raise NotImplementedError(
            "distributed.tensor.DTensor.from_local: tensors live in one process here"
        )


class DeviceMesh(_OfManyProcesses):
    """Processes in a grid."""


class Placement(_OfManyProcesses):
    """How a tensor is spread along one dimension of a mesh."""


class Shard(Placement):
    """Cut in pieces."""


class Replicate(Placement):
    """A copy in each process."""


class Partial(Placement):
    """A part of a sum in each process."""


name_absent_ones(__name__)
