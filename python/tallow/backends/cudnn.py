"""Switches of cuDNN, which convolutions on CUDA devices use where it is installed.

Set the names of this module: ``tallow.backends.cudnn.allow_tf32 = False``.

- ``enabled``: whether cuDNN is used at all; without it the plugin's own kernels are.
- ``allow_tf32``: whether factors of type float32 may be rounded to 10 bits.
- ``deterministic``, ``benchmark``, ``benchmark_limit``: remembered, without effect. Algorithms
  whose results differ between runs are never chosen, and none is chosen by timing it.
"""

from __future__ import annotations

import contextlib
import sys
import types
from typing import TYPE_CHECKING, Any

from tallow._settings import tell_cuda

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["flags", "is_acceptable", "is_available", "version"]

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Tell whether cuDNN can be used."""
    return version() is not None


def version() -> int | None:
    """Return the version of cuDNN as 10000 * major + 100 * minor + patch, ``None`` without it."""
    from tallow import cuda

    answer = cuda.libraries()["cuDNN"]
    return answer if isinstance(answer, int) else None


def is_acceptable(tensor: Any) -> bool:
    """Tell whether cuDNN could work on a tensor: its device and type, and the switches."""
    floating = tensor.is_floating_point()
    return bool(tensor.is_cuda and floating and enabled and is_available())


@contextlib.contextmanager
def flags(**changes: Any) -> Iterator[None]:
    """Change switches inside a ``with`` block.

    Args:
        **changes: new values of ``enabled``, ``benchmark``, ``deterministic``, ``allow_tf32``.
    """
    module = sys.modules[__name__]
    before = {name: getattr(module, name) for name in changes}
    try:
        for name, value in changes.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


class _Switches(types.ModuleType):
    """This module, which passes on what is assigned to its switches."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "enabled":
            tell_cuda(cudnn=bool(value))
        elif name == "allow_tf32":
            tell_cuda(tf32_convolutions=bool(value))


sys.modules[__name__].__class__ = _Switches
