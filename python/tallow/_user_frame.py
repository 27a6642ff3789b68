"""Find the line of the user's program that led into the package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["is_ours", "outside_stacklevel"]

_PACKAGE = __name__.partition(".")[0]


def is_ours(frame: FrameType) -> bool:
    """Return whether the frame runs code of the package."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE


def outside_stacklevel() -> int:
    """Return the ``stacklevel`` with which a warning of the caller blames the user's code.

    Example:
        >>> import warnings
        >>> def warn_from_inside():
        ...     warnings.warn("careful", stacklevel=outside_stacklevel())
    """
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame):
        frame = frame.f_back
        level += 1
    return level
