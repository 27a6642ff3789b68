"""Tools around the core: data loading, checkpointing, hooks."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = ("_pytree", "checkpoint", "data", "dlpack", "hooks", "model_zoo", "tensorboard")

__all__ = ["checkpoint", "data", "hooks", "tensorboard"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    from tallow._absent import AbsentName

    raise AbsentName(__name__, name, lambda: __all__)
