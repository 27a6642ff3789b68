"""Autograd functions that only modules use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow.autograd.function import Function

if TYPE_CHECKING:
    from typing import Any

    from tallow._tensor import Tensor

__all__ = ["BackwardHookFunction"]


class BackwardHookFunction(Function):
    """Identity whose node marks where a module with full backward hooks begins or ends."""

    @staticmethod
    def forward(ctx: Any, *args: Tensor) -> tuple[Tensor, ...]:
        ctx.mark_non_differentiable(*(arg for arg in args if not arg.requires_grad))
        return args

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        return grads
