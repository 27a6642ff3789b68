"""Export to ONNX, which this package does not do."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = ["export", "is_in_onnx_export"]


def is_in_onnx_export() -> bool:
    """Tell whether a model is being exported: no."""
    return False


def export(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("onnx.export: not supported")


name_absent_ones(__name__)
