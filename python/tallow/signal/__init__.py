"""Signal processing: the windows of :mod:`tallow.signal.windows`."""

from __future__ import annotations

from tallow.signal import windows

__all__ = ["windows"]
