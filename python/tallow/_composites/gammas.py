"""The incomplete gamma functions and polygamma as methods spell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow.special._gamma_parts import gammainc as igamma
from tallow.special._gamma_parts import gammaincc as igammac

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["igamma", "igammac", "polygamma"]


def polygamma(self: Tensor, n: int) -> Tensor:
    """Differentiate the digamma function `n` times; see :func:`tallow.polygamma`."""
    return tallow.polygamma(n, self)
