"""Kinds of tensors that PyTorch makes from subclasses: the fake ones, by name."""

from __future__ import annotations

from tallow._subclasses.fake_tensor import FakeTensor, is_fake

__all__ = ["FakeTensor", "is_fake"]
