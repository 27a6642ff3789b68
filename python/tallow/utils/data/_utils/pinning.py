"""Batches in page-locked memory, from which copies to a device can be asynchronous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tallow

__all__ = ["pinned"]


def pinned(data: Any) -> Any:
    """Return data with every tensor in it copied to page-locked memory.

    Args:
        data: tensors, and mappings, tuples and lists of them to any depth; other objects may have a
            method ``pin_memory``, and are returned as they are without one.
    """
    if isinstance(data, tallow.Tensor):
        return data.pin_memory()
    if isinstance(data, Mapping):
        return type(data)({key: pinned(value) for key, value in data.items()})  # type: ignore[call-arg]
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pinned(value) for value in data))
    if isinstance(data, (tuple, list)):
        return type(data)(pinned(value) for value in data)
    return data.pin_memory() if hasattr(data, "pin_memory") else data
