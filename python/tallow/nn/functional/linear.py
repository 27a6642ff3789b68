"""Affine maps."""

from __future__ import annotations

from tallow import _C

__all__ = ["bilinear", "linear"]

linear = _C._nn.linear
bilinear = _C._VariableFunctions.bilinear
