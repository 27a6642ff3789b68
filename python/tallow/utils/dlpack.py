"""Exchange of tensors with other libraries, without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import from_dlpack

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """Return a capsule for a library that does not call ``tensor.__dlpack__()`` itself.

    Args:
        tensor: any; the capsule keeps its memory alive and can be taken over once.

    Example:
        >>> from_dlpack(to_dlpack(tallow.ones(2)))
        tensor([1., 1.])
    """
    return tensor.__dlpack__()
