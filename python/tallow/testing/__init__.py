"""Comparing tensors in tests, and making them."""

from __future__ import annotations

from tallow._absent import name_absent_ones
from tallow.testing._comparison import assert_allclose, assert_close
from tallow.testing._creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

name_absent_ones(__name__)
