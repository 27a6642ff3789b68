"""The places in a model where numbers would become integers and floating point again.

Nothing is quantised here: a model with them computes in floating point, as in PyTorch before its
conversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow._absent import name_absent_ones
from tallow.nn.modules.module import Module

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["DeQuantStub", "QuantStub"]


class QuantStub(Module):
    """Mark where numbers would become integers; return them as they are.

    Args:
        qconfig: how, kept in the attribute of that name if given.
    """

    def __init__(self, qconfig: Any = None) -> None:
        super().__init__()
        if qconfig:
            self.qconfig = qconfig

    def forward(self, x: Tensor) -> Tensor:
        """Return the input."""
        return x


class DeQuantStub(QuantStub):
    """Mark where integers would become floating point; return them as they are."""


name_absent_ones(__name__)
