"""``is_traceable_wrapper_subclass``: what packages ask about classes of tensors."""

from __future__ import annotations

from typing import Any

__all__ = ["is_traceable_wrapper_subclass"]


def is_traceable_wrapper_subclass(t: Any) -> bool:
    """Tell whether a tensor wraps others for a tracer: none does."""
    return False
