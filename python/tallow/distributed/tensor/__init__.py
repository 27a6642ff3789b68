"""Tensors spread over processes: their names, so that programs can ask whether they have one."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones
from tallow.distributed._one_process import OfManyProcesses
from tallow.distributed.device_mesh import DeviceMesh

__all__ = ["DTensor", "DeviceMesh", "Partial", "Placement", "Replicate", "Shard"]


class DTensor(OfManyProcesses):
    """A tensor spread over processes: no tensor is one."""

    @staticmethod
    def from_local(*args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: there is one process."""
        raise NotImplementedError(
            "distributed.tensor.DTensor.from_local: tensors live in one process here"
        )


class Placement(OfManyProcesses):
    """How a tensor is spread along one dimension of a mesh."""


class Shard(Placement):
    """Cut in pieces."""


class Replicate(Placement):
    """A copy in each process."""


class Partial(Placement):
    """A part of a sum in each process."""


name_absent_ones(__name__)
