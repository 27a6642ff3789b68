"""Tools around the core: data loading, checkpointing, hooks."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = ("checkpoint", "data", "hooks", "tensorboard")

__all__ = ["checkpoint", "data", "hooks", "tensorboard"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
