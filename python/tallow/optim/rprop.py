"""Resilient backpropagation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from ._rule import (
    PerParameterOptimizer,
    advance,
    check_lr,
    new_step_count,
    number,
)

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["Rprop"]


class Rprop(PerParameterOptimizer):
    """Move each element by a step of its own that only looks at the sign of the gradient.

    A step grows by ``etas[1]`` while the sign stays, shrinks by ``etas[0]`` when it flips; after
    a flip the element rests once.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: first step of every element, >= 0; a number or a one-element tensor.
        etas: factors for a flipped and a kept sign, ``0 < etas[0] < 1 < etas[1]``.
        step_sizes: smallest and largest step.
        capturable: accepted for compatibility; it concerns CUDA graphs.
        foreach: accepted for compatibility; it does not change the numbers.
        maximize: climb instead of descend.
        differentiable: record the step for autograd; parameters must then be non-leaves.

    Raises:
        ValueError: an option out of range.

    Source: Riedmiller and Braun, A direct adaptive method for faster backpropagation learning,
    ICNN 1993; without weight backtracking.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.Rprop([weight], lr=0.5)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [-0.5, -0.5]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        lr = number(group["lr"])
        return {
            "step": new_step_count(),
            "prev": tallow.zeros_like(param),
            "step_size": tallow.full_like(param, complex(lr, lr) if param.is_complex() else lr),
        }

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        advance(state["step"])
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]
        agreement = grad.mul(state["prev"])
        flipped = agreement < 0
        factor = tallow.ones_like(grad)
        factor.masked_fill_(agreement > 0, grow).masked_fill_(flipped, shrink)
        step_size = state["step_size"]
        step_size.mul_(factor).clamp_(smallest, largest)
        grad = grad.masked_fill(flipped, 0)
        param.addcmul_(grad.sign(), step_size, value=-1)
        state["prev"].copy_(grad)
