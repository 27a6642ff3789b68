"""From 8x8 digits to the 28x28 images that LeNet reads, as they are or a little moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["SIDE", "enlarge", "enlarge_moved"]

SIDE = 28
_SMALL = 8
_STRETCH = 0.15  # largest change of size, as a share
_MOVE = 1.0  # largest move, in pixels of the small image


def _resampling(stretch: Tensor, move: Tensor) -> Tensor:
    """Return matrices that resample one axis linearly.

    Args:
        stretch: ``(N,)``, factor between 0.85 and 1.15.
        move: ``(N,)``, in pixels of the small image.

    Returns:
        ``(N, 28, 8)``; row ``i`` holds the weights of the small pixels in large pixel ``i``.
    """
    large = tallow.arange(float(SIDE)) - (SIDE - 1) / 2
    place = large * stretch.unsqueeze(1) * (_SMALL / SIDE) + (_SMALL - 1) / 2 + move.unsqueeze(1)
    distance = (place.unsqueeze(2) - tallow.arange(float(_SMALL))).abs()
    return (1 - distance).clamp(min=0)


def _resampled(digits: Tensor, stretch: Tensor, move: Tensor) -> Tensor:
    rows = _resampling(stretch[:, 0], move[:, 0])
    columns = _resampling(stretch[:, 1], move[:, 1])
    return (rows @ digits @ columns.transpose(1, 2)).unsqueeze(1)


def enlarge(digits: Tensor) -> Tensor:
    """Return digits of shape ``(N, 8, 8)`` as images of shape ``(N, 1, 28, 28)``."""
    count = digits.size(0)
    return _resampled(digits, tallow.ones(count, 2), tallow.zeros(count, 2))


def enlarge_moved(digits: Tensor) -> Tensor:
    """Return digits as images, each stretched and moved a little at random."""
    count = digits.size(0)
    stretch = 1 + (tallow.rand(count, 2) * 2 - 1) * _STRETCH
    return _resampled(digits, stretch, (tallow.rand(count, 2) * 2 - 1) * _MOVE)
