"""Processes in a grid, which there are none of: the names, so that programs can mention them."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones
from tallow.distributed._one_process import OfManyProcesses

__all__ = ["DeviceMesh", "init_device_mesh"]


class DeviceMesh(OfManyProcesses):
    """Processes in a grid."""


def init_device_mesh(device_type: str, mesh_shape: tuple[int, ...], **options: Any) -> NoReturn:
    """Refuse: there is one process.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        f"init_device_mesh: a mesh of shape {tuple(mesh_shape)} needs several processes; there is "
        "one here"
    )


name_absent_ones(__name__)
