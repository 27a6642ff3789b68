"""Tensors without data for tracing: here tensors of the device ``meta`` serve, and none is fake."""

from __future__ import annotations

from typing import Any

__all__ = ["FakeTensor", "is_fake"]


class FakeTensor:
    """A tensor that only knows its shape: no tensor is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("FakeTensor: use device='meta' for tensors without data")


def is_fake(x: object) -> bool:
    """Tell whether a tensor is a fake one: no.

    Example:
        >>> from tallow._subclasses.fake_tensor import is_fake
        >>> is_fake(tallow.ones(1))
        False
    """
    return isinstance(x, FakeTensor)
