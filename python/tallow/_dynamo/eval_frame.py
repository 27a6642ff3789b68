"""``is_dynamo_supported``: what packages ask before they capture a graph."""

from __future__ import annotations

__all__ = ["is_dynamo_supported"]


def is_dynamo_supported() -> bool:
    """Tell whether graphs can be captured: no, functions run as they are."""
    return False
