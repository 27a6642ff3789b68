"""Automatic mixed precision of the CPU, under the names before :mod:`tallow.amp`."""

from __future__ import annotations

import functools
from typing import Any

from tallow import amp

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):
    """:class:`tallow.amp.autocast` for the CPU."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cpu", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """:class:`tallow.amp.GradScaler` for the CPU."""

    # The same arguments and defaults, but for the device.
    __init__ = functools.partialmethod(amp.GradScaler.__init__, "cpu")
