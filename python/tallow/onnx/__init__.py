"""Export to ONNX, which this package does not do.

Packages describe their operators to the exporter when they are imported, so that is accepted.
"""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = ["export", "is_in_onnx_export", "register_custom_op_symbolic"]


def is_in_onnx_export() -> bool:
    """Tell whether a model is being exported: no."""
    return False


def export(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("onnx.export: not supported")


def register_custom_op_symbolic(symbolic_name: str, symbolic_fn: Any, opset_version: int) -> None:
    """Accept how an operator is to be exported; nothing is."""


name_absent_ones(__name__)
