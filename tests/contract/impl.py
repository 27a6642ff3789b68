"""The modules under test; the suite runs in alias mode, where ``torch`` is this package."""

from __future__ import annotations

import importlib
from types import ModuleType

import torch


def sub(path: str) -> ModuleType:
    return importlib.import_module(f"torch.{path}")


nn = sub("nn")
F = sub("nn.functional")

__all__ = ["F", "nn", "sub", "torch"]
