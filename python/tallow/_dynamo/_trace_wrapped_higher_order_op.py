"""Indexing by tensors under ``vmap``, which calls its function once per element here."""

from __future__ import annotations

from contextlib import nullcontext

__all__ = ["TransformGetItemToIndex"]

TransformGetItemToIndex = nullcontext
