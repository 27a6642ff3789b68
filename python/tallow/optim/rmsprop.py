"""RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from ._rule import (
    PerParameterOptimizer,
    advance,
    check_lr,
    check_not_negative,
    decayed,
    new_step_count,
    number,
)

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["RMSprop"]


class RMSprop(PerParameterOptimizer):
    """Divide each gradient by a running root mean square of past gradients.

    With ``v`` the running average of the squared gradient: ``p -= lr * g / (sqrt(v) + eps)``;
    ``centered`` subtracts the square of the running mean from ``v``, and ``momentum`` sums the
    quotients.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        alpha: decay rate of the averages, >= 0.
        eps: added to the denominator, >= 0.
        weight_decay: factor of the L2 penalty, >= 0.
        momentum: share of the running sum of steps that is kept, >= 0.
        centered: divide by an estimate of the standard deviation instead.
        capturable: accepted for compatibility; it concerns CUDA graphs.
        foreach: accepted for compatibility; it does not change the numbers.
        maximize: climb instead of descend.
        differentiable: record the step for autograd; parameters must then be non-leaves.

    Raises:
        ValueError: an option out of range.

    Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012;
    the centered form is Graves, arXiv:1308.0850, equation 40.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.RMSprop([weight], lr=0.125, alpha=0.75, eps=0.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [-0.25, -0.25]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon", eps)
        check_not_negative("momentum", momentum)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("alpha", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": new_step_count(), "square_avg": tallow.zeros_like(param)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = tallow.zeros_like(param)
        if group["centered"]:
            state["grad_avg"] = tallow.zeros_like(param)
        return state

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        advance(state["step"])
        grad = decayed(grad, param, group)
        lr, alpha, square = number(group["lr"]), group["alpha"], state["square_avg"]
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"].lerp_(grad, 1 - alpha)
            square = square.addcmul(mean, mean, value=-1)
        root = square.sqrt().add_(group["eps"])
        if group["momentum"] > 0:
            velocity = state["momentum_buffer"]
            velocity.mul_(group["momentum"]).addcdiv_(grad, root)
            param.add_(velocity, alpha=-lr)
        else:
            param.addcdiv_(grad, root, value=-lr)
