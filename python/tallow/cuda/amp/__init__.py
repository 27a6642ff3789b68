"""Mixed precision on CUDA, under its old path."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from tallow.amp import GradScaler as _GradScaler
from tallow.amp import autocast as _autocast
from tallow.amp import custom_bwd as _custom_bwd
from tallow.amp import custom_fwd as _custom_fwd

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use "
        f"`torch.amp.{name}('cuda', args...)` instead.",
        FutureWarning,
        stacklevel=3,
    )


def custom_fwd(fwd: Any = None, **kwargs: Any) -> Any:
    """:func:`tallow.amp.custom_fwd` for CUDA."""
    _deprecated("custom_fwd")
    return _custom_fwd(fwd, device_type="cuda", **kwargs)


def custom_bwd(bwd: Any) -> Any:
    """:func:`tallow.amp.custom_bwd` for CUDA."""
    _deprecated("custom_bwd")
    return _custom_bwd(bwd, device_type="cuda")


class autocast(_autocast):
    """:class:`tallow.amp.autocast` for CUDA."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        _deprecated("autocast")
        super().__init__("cuda", dtype, enabled, cache_enabled)


@functools.wraps(_GradScaler.__init__)
def _deprecated_init(self: Any, *args: Any, **kwargs: Any) -> None:
    _deprecated("GradScaler")
    _GradScaler.__init__(self, *args, **kwargs)


class GradScaler(_GradScaler):
    """:class:`tallow.amp.GradScaler` for CUDA."""

    # The same arguments and defaults, but for the device.
    __init__ = functools.partialmethod(_deprecated_init, "cuda")
