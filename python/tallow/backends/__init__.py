"""Switches of numerical libraries; each submodule answers for one that this build lacks or has."""

from __future__ import annotations

import importlib
from typing import Any

from tallow._absent import AbsentName

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"tallow.backends.{name}")
    raise AbsentName(__name__, name, lambda: __all__)
