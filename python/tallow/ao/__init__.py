"""Models of few bits, of which there is what packages name when they are imported."""

from __future__ import annotations

from tallow._absent import name_absent_ones
from tallow.ao import quantization

__all__ = ["quantization"]

name_absent_ones(__name__)
