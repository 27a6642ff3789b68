"""``is_compile_supported``: what packages ask before they compile a function."""

from __future__ import annotations

from typing import Any

__all__ = ["is_compile_supported"]


def is_compile_supported(device_type: Any) -> bool:
    """Tell whether a compiled function works on a kind of device: yes, it runs as it is."""
    return True
