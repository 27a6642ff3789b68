"""Data that ships with the package: 1,797 handwritten digits.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0; the test set, in the copy of
scikit-learn. ``tools/make_digits.py`` in the repository makes ``digits.bin`` from it.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import tallow
from tallow.storage import as_tensor, storage_from_bytes

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["load_digits"]

_COUNT, _SIDE = 1797, 8


def load_digits() -> tuple[Tensor, Tensor]:
    """Return the images and what they show.

    Returns:
        Images of shape ``(1797, 8, 8)`` and dtype uint8 with values from 0 (paper) to 16 (ink),
        and labels of shape ``(1797,)`` and dtype int64.

    Raises:
        RuntimeError: the file in the package is damaged.

    Example:
        >>> from tallow.datasets import load_digits
        >>> images, labels = load_digits()
        >>> tuple(images.shape), labels[:5].tolist()
        ((1797, 8, 8), [0, 1, 2, 3, 4])
    """
    path = Path(__file__).with_name("digits.bin")
    data = zlib.decompress(path.read_bytes())
    pixels = _COUNT * _SIDE * _SIDE
    if len(data) != pixels + _COUNT:
        raise RuntimeError(f"{path} is damaged: it holds {len(data)} bytes")
    table = as_tensor(storage_from_bytes(data), tallow.uint8)
    return table[:pixels].view(_COUNT, _SIDE, _SIDE), table[pixels:].to(tallow.int64)
