"""Switches of numerical libraries; each submodule answers for one that this build lacks or has."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"tallow.backends.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
