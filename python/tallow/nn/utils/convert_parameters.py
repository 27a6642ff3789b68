"""All parameters as one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow._tensor import Tensor
from tallow.nn._spelling import package

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Flatten several tensors into one vector.

    Args:
        parameters: tensors on one device.

    Example:
        >>> parameters_to_vector([tallow.zeros(2), tallow.ones(1, 1)])
        tensor([0., 0., 1.])
    """
    parameters = list(parameters)
    _check_one_device(parameters)
    return tallow.cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give several tensors the values in a vector; the inverse of :func:`parameters_to_vector`.

    Args:
        vec: as many elements as the tensors have together.
        parameters: they become views of ``vec``.

    Raises:
        TypeError: ``vec`` is not a tensor.
        RuntimeError: ``vec`` is too short; no parameter has been changed then.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected {package()}.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    _check_one_device(parameters)
    start = 0
    views = []
    for parameter in parameters:
        stop = start + parameter.numel()
        views.append(vec[start:stop].view(parameter.shape).data)
        start = stop
    for parameter, view in zip(parameters, views, strict=True):
        parameter.data = view


def _check_one_device(parameters: list[Tensor]) -> None:
    devices = {parameter.device for parameter in parameters}
    if len(devices) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
