"""Images in channels_last for functions written in Python: views in the order of the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["from_memory_order", "in_memory_order", "is_channels_last"]


def is_channels_last(image: Tensor) -> bool:
    """Are the channels behind the pixels in memory? No where both orders are the same."""
    if image.dim() != 4 or image.is_contiguous():
        return False
    return image.is_contiguous(memory_format=tallow.channels_last)


def in_memory_order(image: Tensor) -> Tensor:
    """View ``(N, C, H, W)`` as ``(N, H, W, C)``."""
    return image.permute(0, 2, 3, 1)


def from_memory_order(pixels: Tensor) -> Tensor:
    """View ``(N, H, W, C)`` as ``(N, C, H, W)``."""
    return pixels.permute(0, 3, 1, 2)
