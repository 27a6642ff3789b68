"""Comparing tensors in tests, and making them."""

from __future__ import annotations

from tallow.testing._comparison import assert_allclose, assert_close
from tallow.testing._creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
