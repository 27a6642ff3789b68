"""The functions of the top level under the name that code for PyTorch's compiler uses."""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import tallow

    return getattr(tallow, name)
